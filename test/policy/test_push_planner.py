"""Pushes start where the fingers find room, stay on the workspace, and meet what they are meant to move."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn_tables import GRID, MIDDLE, Block, Mask, ahead, clutter, highest, rectangle, table, visible
from grippers import GRIPPER
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shipped_policy import ANALYTIC, ranges

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.motion.waypoints import push_end
from impurity_grasp_ros.policy.history import is_similar
from impurity_grasp_ros.policy.push_planner import PushPlannerConfig, plan_push

CONFIG = ANALYTIC.push
CELL = load_cell()
CELL_SIZE = GRID.resolution
FINGERS = 2 * GRIPPER.tip_thickness

angles = st.floats(-2 * math.pi, 2 * math.pi)
scenes = st.builds(clutter, st.integers(0, 10_000), st.integers(1, 14), st.sampled_from([0.05, 0.09]))


def push_at(heightmap: Heightmap, target: Block, recent: tuple[Primitive, ...] = ()) -> Primitive:
    """The best push for the visible cells of a block."""
    push = plan_push(heightmap, visible(target, heightmap), (target.x, target.y), recent, GRIPPER, CONFIG)
    assert push is not None
    return push


def under_the_start(push: Primitive) -> Mask:
    """Cells under the closed fingers where they come down, less half a cell all around."""
    return rectangle(push.position[:2], push.angle, GRIPPER.tip_width - CELL_SIZE / 2, FINGERS - CELL_SIZE / 2)


def swept(push: Primitive) -> Mask:
    """Cells that the closed fingers pass over."""
    return rectangle(ahead(push, push.length / 2), push.angle, push.length + GRIPPER.tip_width, FINGERS)


def border_distance(x: float, y: float) -> float:
    """Meters from the nearest border of the workspace, negative outside of it."""
    x_max, y_max = GRID.x_min + GRID.columns * CELL_SIZE, GRID.y_min + GRID.rows * CELL_SIZE
    return min(x - GRID.x_min, x_max - x, y - GRID.y_min, y_max - y)


@given(scenes, st.booleans())
@example(clutter(0, 5, 0.05), True)
@example(clutter(8, 3, 0.05), False)
@example(clutter(23, 6, 0.05), True)
@settings(max_examples=10)
def test_fingers_come_down_on_nothing_and_sweep_something(blocks: list[Block], searching: bool) -> None:
    heightmap, target = table(*blocks), blocks[-1]
    mask = None if searching else visible(target, heightmap)
    push = plan_push(heightmap, mask, (target.x, target.y), (), GRIPPER, CONFIG)
    assert push is not None
    check_primitive(push, CELL)
    assert (push.kind, push.length, push.opening) == (PrimitiveKind.PUSH, PUSH_LENGTH, 0.0)
    assert highest(heightmap, [under_the_start(push)]) < push.position[2]
    assert highest(heightmap, [swept(push)]) > push.position[2]


@given(st.integers(-60, 60), st.integers(-60, 60))
@settings(max_examples=8)
def test_the_fingers_do_not_come_down_on_the_edge_of_a_neighbor(down: int, right: int) -> None:
    """A wall a little beside each start: one start after the other becomes impossible on the bare table."""
    wall = Block(MIDDLE[0] + right * 1e-3, MIDDLE[1] + down * 1e-3, 0.2, 0.004, 0.06, angle=0.3)
    heightmap = table(Block(), wall)
    push = push_at(heightmap, Block())
    assert highest(heightmap, [under_the_start(push)]) < push.position[2]


@given(st.floats(0.0, math.pi), st.floats(0.086, 0.1))
@settings(max_examples=5)
def test_a_lone_target_is_pushed_over_bare_table_against_it(angle: float, size: float) -> None:
    target = Block(length=size, width=size, angle=angle)
    push = push_at(table(target), target)
    assert (swept(push) & target.cells).sum() > 200
    outside = replace(target, length=0.06, width=0.06)
    assert not (under_the_start(push) & outside.cells).any()


def test_between_two_blocks_a_push_sweeps_at_least_one_of_them() -> None:
    target = Block()
    neighbors = [target.beside(0.0, side * target.width) for side in (-1, 1)]
    push = push_at(table(target, *neighbors), target)
    assert max((swept(push) & neighbor.cells).sum() for neighbor in neighbors) > 100
    assert push.q_value > push_at(table(target), target).q_value + 0.3


def test_a_target_is_pushed_toward_free_ground() -> None:
    target = Block(length=0.09, width=0.09)
    wall = Block(x=MIDDLE[0] + 0.1, length=0.04, width=0.25, height=0.05)
    push = push_at(table(target, wall), target)
    assert math.cos(push.angle) < 0.5
    assert (swept(push) & target.cells).any()


def test_a_heap_is_pushed_through_its_upper_layer_and_not_at_its_bottom() -> None:
    floor = [Block(MIDDLE[0] + i * 0.04, j * 0.04, 0.04, 0.04, 0.03) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    upper = Block(length=0.04, width=0.04, height=0.065)
    push = plan_push(table(*floor, upper), None, MIDDLE, (), GRIPPER, CONFIG)
    assert push is not None
    assert 0.03 < push.position[2] < upper.height - CONFIG.layer
    assert (swept(push) & upper.cells).sum() > 100
    deep = plan_push(table(*floor, upper), None, MIDDLE, (), GRIPPER, replace(CONFIG, layer=0.05))
    assert deep is not None
    assert deep.position[2] == CONFIG.table_height


def test_a_start_on_top_of_objects_costs_and_so_does_a_stroke_that_meets_nothing() -> None:
    config = replace(CONFIG, ahead_cost=0.0)
    slab = Block(length=0.5, width=0.5, height=0.02)
    worth = []
    for target, *others in ((Block(height=0.06),), (Block(height=0.06), slab), (Block(height=0.021), slab)):
        push = plan_push(table(target, *others), target.cells, MIDDLE, (), GRIPPER, config)
        assert push is not None
        worth.append(push.q_value)
    assert worth[0] - worth[1] == pytest.approx(CONFIG.surface_cost)
    assert worth[2] == pytest.approx(-CONFIG.surface_cost - CONFIG.idle_cost)


@pytest.mark.parametrize(
    "config", [CONFIG, replace(CONFIG, start_border=0.03, end_border=0.07)], ids=["shipped", "wide"]
)
@pytest.mark.parametrize(("x", "y"), [(0.34, 0.0), (0.66, -0.15), (0.5, 0.16)])
def test_both_ends_keep_their_distance_from_the_border(config: PushPlannerConfig, x: float, y: float) -> None:
    push = plan_push(table(Block(x, y)), Block(x, y).cells, (x, y), (), GRIPPER, config)
    assert push is not None
    check_primitive(push, CELL)
    assert border_distance(*push.position[:2]) >= config.start_border - 1e-9
    assert border_distance(*push_end(push)) >= config.end_border - 1e-9


def test_where_no_push_stays_on_the_workspace_there_is_none() -> None:
    corner = GRID.to_meters(3, 3)
    assert plan_push(table(Block(*corner)), None, corner, (), GRIPPER, CONFIG) is None
    assert plan_push(table(Block()), None, MIDDLE, (), GRIPPER, replace(CONFIG, end_border=0.3)) is None


def test_a_view_without_objects_does_not_divide_by_zero() -> None:
    push = plan_push(table(), None, MIDDLE, (), GRIPPER, CONFIG)
    assert push is not None
    assert np.isfinite(push.q_value)


def test_a_push_that_was_just_made_is_worth_less_the_more_often_it_was_made() -> None:
    blocks = clutter(5, 8)
    heightmap = table(*blocks)
    best = push_at(heightmap, blocks[-1])
    again = push_at(heightmap, blocks[-1], (best,) * 20)
    assert not is_similar(best, again)
    assert again.q_value <= best.q_value
    unmoved = push_at(heightmap, blocks[-1], (Primitive.grasp(best.position, best.angle),) * 20)
    assert unmoved == best


def test_a_push_that_was_refused_is_never_chosen_again() -> None:
    blocks = clutter(5, 8)
    heightmap, mask = table(*blocks), None
    config = replace(CONFIG, repeat_cost=0.0)
    refused: list[Primitive] = []
    for _ in range(4):
        push = plan_push(heightmap, mask, MIDDLE, (), GRIPPER, config, refused)
        assert push is not None
        assert not any(is_similar(push, other) for other in refused)
        refused.append(push)


def test_equal_scenes_get_equal_pushes() -> None:
    blocks = clutter(7, 9)
    assert push_at(table(*blocks), blocks[-1]) == push_at(table(*blocks), blocks[-1])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_scene_turned_by_quarters_gets_a_push_worth_as_much(turns: int) -> None:
    blocks = clutter(3, 7)
    heightmap = table(*blocks)
    turned = Heightmap(heightmap.color, np.rot90(heightmap.height, -turns).copy(), heightmap.valid, GRID)
    mask = visible(blocks[-1], heightmap)
    rows, columns = np.nonzero(mask)
    one = plan_push(heightmap, mask, GRID.to_meters(float(rows.mean()), float(columns.mean())), (), GRIPPER, CONFIG)
    mask = np.rot90(mask, -turns).copy()
    rows, columns = np.nonzero(mask)
    other = plan_push(turned, mask, GRID.to_meters(float(rows.mean()), float(columns.mean())), (), GRIPPER, CONFIG)
    assert one is not None
    assert other is not None
    assert other.q_value == pytest.approx(one.q_value, abs=0.15)


Box = tuple[slice, slice, float]

EVERYWHERE = slice(0, 224)


def scene(*boxes: Box) -> Heightmap:
    """A heightmap with boxes of given rows, columns and height in meters."""
    height = np.zeros((224, 224), np.float32)
    for rows, columns, top in boxes:
        height[rows, columns] = top
    return Heightmap(np.zeros((224, 224, 3), np.uint8), height, np.ones((224, 224), np.bool_), GRID)


def rightward(
    *boxes: Box,
    target: Box | None = None,
    searching: bool = False,
    distance: float = 0.06,
    offset: float = 0.0,
    center: tuple[float, float] = MIDDLE,
    recent: tuple[Primitive, ...] = (),
    step: int = 0,
) -> Primitive | None:
    """The push along x, or another direction, around the workspace's middle: all others are refused.

    Seen without a turn, the middle lies between cells 111 and 112, and the start 60 mm before it is row 112, column 82.
    """
    heightmap = scene(*boxes, *(() if target is None else (target,)))
    mask = None if searching else np.zeros((224, 224), np.bool_)
    if mask is not None and target is not None:
        mask[target[:2]] = True
    turns = [turn * math.pi / 8 for turn in range(16) if turn != step]
    starts = [
        (
            center[0] - distance * math.cos(turn) - offset * math.sin(turn),
            center[1] - distance * math.sin(turn) + offset * math.cos(turn),
        )
        for turn in turns
    ]
    others = [Primitive.push((x, y, 0.0), turn) for (x, y), turn in zip(starts, turns, strict=True)]
    config = replace(CONFIG, start_distances=(distance,), start_offsets=(offset,))
    return plan_push(heightmap, mask, center, recent, GRIPPER, config, others)


def worth(push: Primitive | None) -> float:
    assert push is not None
    return push.q_value


def test_the_shipped_configuration_is_this() -> None:
    assert asdict(CONFIG) == {
        "table_height": 0.01,
        "surface_clearance": 0.006,
        "start_distances": (0.03, 0.045, 0.06, 0.08),
        "start_offsets": (-0.03, -0.015, 0.0, 0.015, 0.03),
        "start_border": 0.02,
        "end_border": 0.055,
        "focus": 0.025,
        "neighbor_value": 1.3,
        "target_value": 0.4,
        "ahead_cost": 0.5,
        "surface_cost": 0.4,
        "idle_cost": 2.0,
        "layer": 0.012,
        "layer_value": 0.8,
        "repeat_cost": 0.5,
    }


def test_every_parameter_has_its_range() -> None:
    assert ranges(PushPlannerConfig) == {
        "table_height": (0.005, 0.03),
        "surface_clearance": (0.0, 0.03),
        "start_distances": (0.0, 0.12),
        "start_offsets": (-0.08, 0.08),
        "start_border": (0.0, 0.1),
        "end_border": (0.0, 0.15),
        "focus": (0.005, 0.1),
        "neighbor_value": (0.0, 10.0),
        "target_value": (-10.0, 10.0),
        "ahead_cost": (0.0, 10.0),
        "surface_cost": (0.0, 10.0),
        "idle_cost": (0.0, 10.0),
        "layer": (0.0, 0.05),
        "layer_value": (0.0, 10.0),
        "repeat_cost": (0.0, 10.0),
    }


@pytest.mark.parametrize("step", range(16))
def test_a_push_is_tried_in_each_of_16_directions_from_before_the_target_and_beside_it(step: int) -> None:
    angle = step * math.pi / 8
    push = rightward(distance=0.06, offset=0.016, step=step)
    assert push is not None
    assert push.angle == pytest.approx(angle)
    along, aside = -0.059, 0.017  # the pixels nearest to 60 and 16 mm, half a cell farther on
    x = 0.5 + along * math.cos(angle) - aside * math.sin(angle)
    y = along * math.sin(angle) + aside * math.cos(angle)
    assert push.position == pytest.approx((x, y, 0.01), abs=1e-6)
    assert (push.length, push.opening) == (0.1, 0.0)


def test_all_starts_of_the_configuration_are_tried_for_each_direction() -> None:
    refused: list[Primitive] = []
    lone = replace(CONFIG, start_distances=(0.02, 0.06), start_offsets=(-0.03, 0.03))
    heightmap = scene()
    while (push := plan_push(heightmap, None, MIDDLE, (), GRIPPER, lone, refused)) is not None:
        refused.append(push)
    assert len(refused) == 4 * 16


def test_sweeping_half_a_blocks_worth_of_the_target_or_more_is_worth_0_4() -> None:
    """The stroke sweeps rows 106 to 118, columns 76 to 137; a block's worth is 200 cells."""
    assert worth(rightward(target=(slice(108, 113), slice(108, 116), 0.04))) == pytest.approx(0.4 * 40 / 100)
    assert worth(rightward(target=(slice(107, 117), slice(108, 118), 0.04))) == pytest.approx(0.4)
    assert worth(rightward(target=(slice(107, 117), slice(108, 128), 0.04))) == pytest.approx(0.4)
    assert worth(rightward()) == 0.0


@pytest.mark.parametrize(
    ("row", "column", "swept_"),
    [(106, 110, 1), (105, 110, 0), (118, 110, 1), (119, 110, 0), (112, 137, 1), (112, 138, 0), (118, 137, 1)],
)
def test_a_push_sweeps_its_stroke_and_half_a_finger_at_the_width_of_the_closed_fingers(
    row: int, column: int, swept_: int
) -> None:
    """10 cm are 50 cells from column 82, half a finger of 22 mm are 6; the fingers of 24 mm reach 6 rows either way."""
    cell = slice(row, row + 1), slice(column, column + 1), 0.04
    ahead_ = 0.5 / 200 * (column >= 138)
    assert worth(rightward(target=cell)) == pytest.approx(0.4 / 100 * swept_ - ahead_)


@pytest.mark.parametrize(("top", "swept_"), [(0.0139, 0), (0.0141, 1)])
def test_what_is_swept_stands_4_mm_above_the_tool(top: float, swept_: int) -> None:
    target = slice(107, 117), slice(108, 118), top
    assert worth(rightward(target=target)) == pytest.approx(0.4 * swept_)


def test_neighbors_close_to_the_target_are_worth_1_3_for_each_200_cells() -> None:
    assert worth(rightward((slice(108, 116), slice(108, 116), 0.04))) == pytest.approx(1.3 * 64 / 200)
    with_target = rightward((slice(108, 116), slice(108, 116), 0.04), target=(slice(108, 116), slice(108, 112), 0.04))
    assert worth(with_target) == pytest.approx(1.3 * 32 / 200 + 0.4 * 32 / 100)


@pytest.mark.parametrize(("row", "column"), [(112, 121), (112, 125), (112, 135), (107, 100), (106, 130)])
def test_neighbors_count_less_the_farther_they_are_from_the_middle(row: int, column: int) -> None:
    """In full up to 18 mm from it, then falling off with 25 mm."""
    distance = math.hypot(row - 111.5, column - 111.5) * 0.002
    weight = math.exp(-((max(distance - 0.018, 0.0) / 0.025) ** 2))
    assert worth(rightward((slice(row, row + 1), slice(column, column + 1), 0.04))) == pytest.approx(1.3 * weight / 200)


@pytest.mark.parametrize(
    ("rows", "columns", "cells"),
    [
        (slice(102, 123), slice(138, 162), 21 * 24),
        (EVERYWHERE, slice(138, 224), 21 * 24),
        (slice(102, 103), slice(138, 162), 24),
        (slice(101, 102), slice(138, 162), 0),
        (slice(122, 123), slice(138, 162), 24),
        (slice(123, 124), slice(138, 162), 0),
        (EVERYWHERE, slice(161, 162), 21),
        (EVERYWHERE, slice(162, 163), 0),
    ],
)
def test_what_stands_in_the_48_mm_beyond_the_stroke_costs_half_a_point_for_each_200_cells(
    rows: slice, columns: slice, cells: int
) -> None:
    assert worth(rightward((rows, columns, 0.0041))) == pytest.approx(-0.5 * cells / 200)
    assert worth(rightward((rows, columns, 0.0039))) == 0.0


@pytest.mark.parametrize(("column", "cells"), [(175, 21), (176, 0)])
def test_the_nearest_start_also_counts_what_is_beyond_its_stroke(column: int, cells: int) -> None:
    """30 mm before the middle are column 96: the stroke and half a finger reach 56 cells on, the look ahead 24 more."""
    ahead_ = EVERYWHERE, slice(column, column + 1), 0.01
    assert worth(rightward(ahead_, distance=0.03)) == pytest.approx(-0.5 * cells / 200)


@pytest.mark.parametrize(("top", "z"), [(0.0039, 0.010), (0.0041, 0.0101), (0.03, 0.036)])
def test_the_tool_is_6_mm_above_what_is_under_the_start(top: float, z: float) -> None:
    push = rightward((slice(108, 116), slice(78, 86), top), target=(slice(107, 117), slice(108, 118), 0.06))
    assert push is not None
    assert push.position[2] == pytest.approx(z, abs=1e-6)
    assert push.q_value == pytest.approx(0.4 - 0.4 * (z != 0.010)), "a start on top of something costs 0.4"


@pytest.mark.parametrize(
    ("row", "column", "under"),
    [
        *((105, 82, True), (104, 82, False), (119, 82, True), (120, 82, False)),
        *((112, 76, True), (112, 75, False), (112, 88, True), (112, 89, False)),
    ],
)
def test_under_the_start_is_what_the_closed_fingers_cover_and_a_cell_more(row: int, column: int, under: bool) -> None:
    target = slice(107, 117), slice(108, 118), 0.06
    push = rightward((slice(row, row + 1), slice(column, column + 1), 0.02), target=target)
    assert push is not None
    assert push.position[2] == pytest.approx(0.026 if under else 0.010, abs=1e-6)


@pytest.mark.parametrize(("cells", "idle"), [(29, True), (30, False)])
def test_a_stroke_from_on_top_of_objects_that_sweeps_less_than_30_cells_costs_2_more(cells: int, idle: bool) -> None:
    under = slice(108, 116), slice(78, 86), 0.02
    target = slice(107, 108), slice(95, 95 + cells), 0.04
    assert worth(rightward(under, target=target)) == pytest.approx(0.4 * cells / 100 - 0.4 - 2.0 * idle)


def test_a_stroke_over_bare_table_that_sweeps_nothing_costs_nothing() -> None:
    assert worth(rightward(target=(slice(107, 108), slice(95, 100), 0.04))) == pytest.approx(0.4 * 5 / 100)


@pytest.mark.parametrize(
    ("peak", "strips"), [(0.0221, True), (0.0219, False), (0.05, True)]
)  # the tool is at 10 mm, and a layer 12 mm
def test_a_stroke_through_the_upper_layer_is_worth_0_8_and_one_above_it_costs_2(peak: float, strips: bool) -> None:
    heap = slice(92, 94), slice(92, 94), peak  # beside the stroke
    height = 2 * 0.8 * min(0.01 / peak, 0.6)
    expected = (0.8 if strips else -2.0) + height
    assert worth(rightward(heap, searching=True)) == pytest.approx(expected, abs=1e-5)


def test_a_stroke_is_worth_more_the_higher_it_goes_up_to_six_tenths_of_the_peak() -> None:
    peak, layer = (slice(92, 94), slice(92, 94), 0.05), 0.8
    for top, share in ((0.01, 0.016 / 0.05), (0.02, 0.026 / 0.05), (0.03, 0.6)):
        push = rightward(peak, (slice(112, 113), slice(80, 84), top), searching=True)
        assert worth(push) == pytest.approx(layer + 1.6 * share, abs=1e-5)


def test_around_a_heap_neighbors_and_what_is_ahead_count_as_well() -> None:
    """The peak of 50 mm lies beside the stroke, 64 cells in its way, 21 cells beyond it."""
    boxes = (slice(92, 94), slice(92, 94), 0.05), (slice(108, 116), slice(108, 116), 0.04)
    behind = slice(102, 123), slice(138, 139), 0.01
    expected = 1.3 * 64 / 200 - 0.5 * 21 / 200 + 0.8 + 1.6 * 0.2
    assert worth(rightward(*boxes, behind, searching=True)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("row", "column", "seen"),
    [(92, 92, True), (91, 100, False), (131, 131, True), (132, 130, False), (131, 91, False), (92, 132, False)],
)
def test_the_peak_is_the_highest_within_4_cm(row: int, column: int, seen: bool) -> None:
    low = slice(129, 131), slice(96, 98), 0.03
    peak = 0.05 if seen else 0.03
    cell = slice(row, row + 1), slice(column, column + 1), 0.05
    push = rightward(low, cell, searching=True, center=(0.5004, 0.0004))  # in the cell of row and column 112
    assert worth(push) == pytest.approx(0.8 + 1.6 * 0.01 / peak, abs=1e-5)


def test_over_an_empty_table_height_counts_in_full_and_nothing_is_stripped() -> None:
    assert worth(rightward(searching=True)) == pytest.approx(-2.0 + 1.6 * 0.6)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_each_similar_recent_push_costs_half_a_point(times: int) -> None:
    push = rightward()
    assert push is not None
    turned = replace(push, angle=math.pi)
    assert worth(rightward(recent=(push,) * times)) == pytest.approx(-0.5 * times)
    assert worth(rightward(recent=(turned,) * times)) == 0.0


@pytest.mark.parametrize(
    ("x", "y", "possible"),
    [
        (0.2955, 0.0, True),
        (0.2945, 0.0, False),  # a start at 295.5 mm, 19.5 from the border
        (0.5675, 0.0, True),
        (0.5685, 0.0, False),  # an end at 669.5 mm, 54.5 from the border
        (0.5, 0.1675, True),
        (0.5, 0.1685, False),
        (0.5, -0.1695, True),
        (0.5, -0.1705, False),
    ],
)
def test_a_stroke_starts_20_mm_and_ends_55_mm_from_the_border(x: float, y: float, possible: bool) -> None:
    """It starts half a cell, a millimeter, from the center to the right and up."""
    push = rightward(center=(x, y), distance=0.0, searching=True)
    assert (push is not None) == possible
    assert push is None or push.position[:2] == pytest.approx((x + 0.001, y + 0.001))


def test_of_equal_pushes_the_first_is_taken() -> None:
    push = plan_push(scene(), None, MIDDLE, (), GRIPPER, CONFIG)
    assert push is not None
    assert push.angle == 0.0
    assert push.position[:2] == pytest.approx((0.5 - 0.03, -0.03), abs=0.0011)  # to the nearest pixel
