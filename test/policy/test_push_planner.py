"""Pushes start where the fingers find room, stay on the workspace, and meet what they are meant to move."""

import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_tables import GRID, MIDDLE, Block, Mask, ahead, clutter, highest, rectangle, table, turn_between, visible
from hypothesis import example, given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import PUSH_LENGTH, ROTATION_STEP
from impurity_grasp_ros.datatypes import Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper_geometry import TIP_THICKNESS, TIP_WIDTH
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.motion.waypoints import push_end
from impurity_grasp_ros.policy.actors import PolicyConfig
from impurity_grasp_ros.policy.push_planner import PushPlannerConfig, is_similar, plan_push

CONFIG = packaged_parameters("policy_node", PolicyConfig).analytic.push
CELL = load_cell()
CELL_SIZE = GRID.resolution
FINGERS = 2 * TIP_THICKNESS

angles = st.floats(-2 * math.pi, 2 * math.pi)
scenes = st.builds(clutter, st.integers(0, 10_000), st.integers(1, 14), st.sampled_from([0.05, 0.09]))


def push_at(heightmap: Heightmap, target: Block, recent: tuple[Primitive, ...] = ()) -> Primitive:
    """The best push for the visible cells of a block."""
    push = plan_push(heightmap, visible(target, heightmap), (target.x, target.y), recent, CONFIG)
    assert push is not None
    return push


def under_the_start(push: Primitive) -> Mask:
    """Cells under the closed fingers where they come down, less half a cell all around."""
    return rectangle(push.position[:2], push.angle, TIP_WIDTH - CELL_SIZE / 2, FINGERS - CELL_SIZE / 2)


def swept(push: Primitive) -> Mask:
    """Cells that the closed fingers pass over."""
    return rectangle(ahead(push, push.length / 2), push.angle, push.length + TIP_WIDTH, FINGERS)


def border_distance(x: float, y: float) -> float:
    """Metres from the nearest border of the workspace, negative outside of it."""
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
    push = plan_push(heightmap, mask, (target.x, target.y), (), CONFIG)
    assert push is not None
    check_primitive(push, CELL)
    assert (push.kind, push.length, push.opening) == (PrimitiveKind.PUSH, PUSH_LENGTH, 0.0)
    assert highest(heightmap, [under_the_start(push)]) < push.position[2]
    assert highest(heightmap, [swept(push)]) > push.position[2]


@given(st.integers(-60, 60), st.integers(-60, 60))
@settings(max_examples=8)
def test_the_fingers_do_not_come_down_on_the_edge_of_a_neighbour(down: int, right: int) -> None:
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


def test_a_target_between_two_blocks_is_swept_with_one_of_them_or_freed_of_it() -> None:
    target = Block()
    neighbors = [target.beside(0.0, side * target.width) for side in (-1, 1)]
    push = push_at(table(target, *neighbors), target)
    assert max((swept(push) & neighbor.cells).sum() for neighbor in neighbors) > 100
    assert push.q_value > push_at(table(target), target).q_value + 0.3


def test_a_target_is_pushed_towards_free_ground() -> None:
    target = Block(length=0.09, width=0.09)
    wall = Block(x=MIDDLE[0] + 0.1, length=0.04, width=0.25, height=0.05)
    push = push_at(table(target, wall), target)
    assert math.cos(push.angle) < 0.5
    assert (swept(push) & target.cells).any()


def test_a_heap_is_stripped_below_its_peak_and_not_pushed_at_its_foot() -> None:
    floor = [Block(MIDDLE[0] + i * 0.04, j * 0.04, 0.04, 0.04, 0.03) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    upper = Block(length=0.04, width=0.04, height=0.065)
    push = plan_push(table(*floor, upper), None, MIDDLE, (), CONFIG)
    assert push is not None
    assert 0.03 < push.position[2] < upper.height - CONFIG.layer
    assert (swept(push) & upper.cells).sum() > 100
    deep = plan_push(table(*floor, upper), None, MIDDLE, (), replace(CONFIG, layer=0.05))
    assert deep is not None
    assert deep.position[2] == CONFIG.table_height


def test_a_start_on_top_of_objects_costs_and_so_does_a_stroke_that_meets_nothing() -> None:
    config = replace(CONFIG, ahead_cost=0.0)
    slab = Block(length=0.5, width=0.5, height=0.02)
    worth = []
    for target, *others in ((Block(height=0.06),), (Block(height=0.06), slab), (Block(height=0.021), slab)):
        push = plan_push(table(target, *others), target.cells, MIDDLE, (), config)
        assert push is not None
        worth.append(push.q_value)
    assert worth[0] - worth[1] == pytest.approx(CONFIG.surface_cost)
    assert worth[2] == pytest.approx(-CONFIG.surface_cost - CONFIG.idle_cost)


@pytest.mark.parametrize(
    "config", [CONFIG, replace(CONFIG, start_border=0.03, end_border=0.07)], ids=["shipped", "wide"]
)
@pytest.mark.parametrize(("x", "y"), [(0.34, 0.0), (0.66, -0.15), (0.5, 0.16)])
def test_both_ends_keep_their_distance_from_the_border(config: PushPlannerConfig, x: float, y: float) -> None:
    push = plan_push(table(Block(x, y)), Block(x, y).cells, (x, y), (), config)
    assert push is not None
    check_primitive(push, CELL)
    assert border_distance(*push.position[:2]) >= config.start_border - 1e-9
    assert border_distance(*push_end(push)) >= config.end_border - 1e-9


def test_where_no_push_stays_on_the_workspace_there_is_none() -> None:
    corner = GRID.to_metres(3, 3)
    assert plan_push(table(Block(*corner)), None, corner, (), CONFIG) is None
    assert plan_push(table(Block()), None, MIDDLE, (), replace(CONFIG, end_border=0.3)) is None


def test_a_view_without_objects_does_not_divide_by_zero() -> None:
    push = plan_push(table(), None, MIDDLE, (), CONFIG)
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


def test_a_push_that_was_refused_is_not_chosen_at_any_price() -> None:
    blocks = clutter(5, 8)
    heightmap, mask = table(*blocks), None
    config = replace(CONFIG, repeat_cost=0.0)
    refused: list[Primitive] = []
    for _ in range(4):
        push = plan_push(heightmap, mask, MIDDLE, (), config, refused)
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
    one = plan_push(heightmap, mask, GRID.to_metres(float(rows.mean()), float(columns.mean())), (), CONFIG)
    mask = np.rot90(mask, -turns).copy()
    rows, columns = np.nonzero(mask)
    other = plan_push(turned, mask, GRID.to_metres(float(rows.mean()), float(columns.mean())), (), CONFIG)
    assert one is not None
    assert other is not None
    assert other.q_value == pytest.approx(one.q_value, abs=0.15)


@given(angles, st.integers(-3, 3), st.floats(0.0, 0.0149), st.floats(-0.29, 0.29))
def test_primitives_are_similar_by_place_and_angle_and_a_grasp_is_so_under_half_a_turn(
    angle: float, turns: int, away: float, turn: float
) -> None:
    near = (MIDDLE[0] + away, MIDDLE[1], 0.05)
    for kind, period in ((Primitive.grasp, math.pi), (Primitive.push, 2 * math.pi)):
        first = kind((*MIDDLE, 0.01), angle)
        assert is_similar(first, kind(near, angle + turn + turns * period))
        assert not is_similar(first, kind(near, angle + period / 2))
        assert not is_similar(first, kind((MIDDLE[0] + 0.016, MIDDLE[1], 0.01), angle))
        assert not is_similar(first, kind(near, angle + ROTATION_STEP))
    assert not is_similar(Primitive.grasp((*MIDDLE, 0.01), angle), Primitive.push((*MIDDLE, 0.01), angle))
    assert turn_between(angle, angle + math.pi, 2 * math.pi) == pytest.approx(math.pi)
