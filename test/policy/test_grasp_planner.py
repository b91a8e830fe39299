"""Grasps close across the target where both fingers find room, and nowhere else."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn_tables import (
    GRID,
    MIDDLE,
    Block,
    Mask,
    ahead,
    clutter,
    highest,
    rectangle,
    table,
    turn_between,
    visible,
)
from grippers import GRIPPER
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shipped_policy import ANALYTIC, ranges

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.grasp_planner import GraspCandidate, GraspPlannerConfig, plan_grasps, trace_outline

CONFIG = ANALYTIC.grasp
STEP = math.pi / CONFIG.angles
CELL_SIZE = GRID.resolution

lone_blocks = st.builds(
    Block,
    x=st.floats(0.45, 0.55),
    y=st.floats(-0.05, 0.05),
    length=st.floats(0.075, 0.084),
    width=st.floats(0.028, 0.034),
    height=st.floats(0.025, 0.06),
    angle=st.floats(0.0, math.pi),
)


def grasps_of(target: Block, *others: Block) -> list[GraspCandidate]:
    heightmap = table(target, *others)
    return plan_grasps(heightmap, visible(target, heightmap), GRIPPER, CONFIG)


def worthwhile(candidates: list[GraspCandidate]) -> list[Primitive]:
    """The grasps that are good enough to be tried at once; a pinch of a corner is not."""
    return [candidate.primitive for candidate in candidates if candidate.score >= ANALYTIC.min_score]


def across(candidates: list[GraspCandidate], angle: float) -> list[GraspCandidate]:
    """The candidate, if any, that closes across an angle."""
    return [item for item in candidates if turn_between(item.primitive.angle, angle + math.pi / 2, math.pi) < STEP / 2]


def tip_height(grasp: Primitive) -> float:
    """Meters above the table at which the tips end once they have met the target."""
    return grasp.position[2] + GRIPPER.tip_rise(grasp.opening - 2 * CONFIG.finger_slack)


def finger_tips(grasp: Primitive) -> list[Mask]:
    """Cells under the opened finger tips, less half a cell all around."""
    thickness, width = GRIPPER.tip_thickness - CELL_SIZE / 2, GRIPPER.tip_width - CELL_SIZE / 2
    reach = (grasp.opening + GRIPPER.tip_thickness) / 2
    return [rectangle(ahead(grasp, side * reach), grasp.angle, thickness, width) for side in (-1, 1)]


def under_its_middle(grasp: Primitive, cells: Mask) -> bool:
    """Whether one of ``cells`` lies within a cell of the grasp's center."""
    return bool((rectangle(grasp.position[:2], 0.0, 3 * CELL_SIZE, 3 * CELL_SIZE) & cells).any())


@given(lone_blocks)
@settings(max_examples=20)
def test_a_lone_block_is_grasped_at_its_middle_across_its_narrow_side(block: Block) -> None:
    best = grasps_of(block)[0].primitive
    assert best.kind is PrimitiveKind.GRASP
    assert turn_between(best.angle, block.angle + math.pi / 2, math.pi) < math.radians(20)
    assert math.dist(best.position[:2], (block.x, block.y)) < 0.01
    assert best.opening == pytest.approx(block.width + 2 * CONFIG.finger_slack, abs=0.014)
    assert best.opening >= block.width + CONFIG.finger_slack


@given(lone_blocks)
@settings(max_examples=15)
def test_the_tips_reach_down_to_the_wanted_depth_unless_the_floor_is_nearer(block: Block) -> None:
    best = grasps_of(block)[0].primitive
    assert best.position[2] >= CONFIG.floor
    lowest = CONFIG.floor + GRIPPER.tip_rise(best.opening - 2 * CONFIG.finger_slack)
    assert tip_height(best) == pytest.approx(max(block.height - CONFIG.depth, lowest), abs=1e-6)


def test_a_free_block_offers_a_grasp_in_every_direction_best_first() -> None:
    candidates = grasps_of(Block(length=0.04, width=0.04))
    scores = [candidate.score for candidate in candidates]
    assert sorted(round(candidate.primitive.angle / STEP) for candidate in candidates) == list(range(CONFIG.angles))
    assert scores == sorted(scores, reverse=True)
    assert [candidate.primitive.q_value for candidate in candidates] == scores


@given(lone_blocks)
@settings(max_examples=15)
def test_a_scene_turned_by_half_a_turn_has_the_same_grasp_on_the_other_side(block: Block) -> None:
    neighbor = block.beside(0.02, 0.09)
    heightmap = table(block, neighbor)
    turned = Heightmap(heightmap.color, heightmap.height[::-1, ::-1].copy(), heightmap.valid, GRID)
    one = plan_grasps(heightmap, block.cells, GRIPPER, CONFIG)[0]
    other = plan_grasps(turned, block.cells[::-1, ::-1], GRIPPER, CONFIG)[0]
    assert other.score == pytest.approx(one.score, abs=0.05)
    assert turn_between(one.primitive.angle, other.primitive.angle, math.pi) < 2 * STEP + 1e-9
    assert math.dist(one.primitive.position[:2], (block.x, block.y)) < 0.012
    assert math.dist(other.primitive.position[:2], (2 * MIDDLE[0] - block.x, 2 * MIDDLE[1] - block.y)) < 0.012


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 4, math.pi / 2, 2.5])
def test_no_finger_goes_between_blocks_that_stand_flush(angle: float) -> None:
    target = Block(angle=angle)
    one_side = worthwhile(grasps_of(target, target.beside(0.0, target.width)))
    assert turn_between(one_side[0].angle, angle, math.pi) < STEP
    assert all(turn_between(grasp.angle, angle, math.pi) < math.radians(50) for grasp in one_side)
    ring = [target.beside(i * target.length, j * target.width) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    assert grasps_of(target, *ring) == []


@pytest.mark.parametrize("gap", [0.0, 0.006, GRIPPER.tip_thickness])
def test_a_gap_without_room_for_a_finger_keeps_it_out(gap: float) -> None:
    target = Block(length=0.084)  # longer than the fingers open
    assert grasps_of(target, *(target.beside(0.0, side * (target.width + gap)) for side in (-1, 1))) == []


def test_a_gap_that_a_finger_fits_in_is_used() -> None:
    target = Block(length=0.084)
    gap = GRIPPER.tip_thickness + CONFIG.finger_slack + 2 * CELL_SIZE
    between = grasps_of(target, *(target.beside(0.0, side * (target.width + gap)) for side in (-1, 1)))
    assert [grasp.angle for grasp in worthwhile(between)] == pytest.approx([math.pi / 2])


def test_a_grasp_over_low_neighbors_is_worth_less_than_one_over_free_ground() -> None:
    target = Block(height=0.06)
    curbs = [Block(length=0.1, height=0.02).beside(0.0, side * target.width) for side in (-1, 1)]
    free, crowded = (across(candidates, 0.0) for candidates in (grasps_of(target), grasps_of(target, *curbs)))
    assert crowded[0].primitive == replace(free[0].primitive, q_value=crowded[0].score)
    assert free[0].score - crowded[0].score == pytest.approx(CONFIG.crowd_cost, abs=0.05)


def test_beside_low_neighbors_the_tips_stay_above_them() -> None:
    target = Block(height=0.06)
    low = [Block(length=0.1, height=0.035).beside(0.0, side * target.width) for side in (-1, 1)]
    candidates = across(grasps_of(target, *low), 0.0)
    assert candidates
    for grasp in (candidate.primitive for candidate in candidates):
        assert tip_height(grasp) >= 0.035 + CONFIG.clearance - 1e-6
        assert tip_height(grasp) <= target.height - CONFIG.min_engagement + 1e-6


def test_palm_and_knuckles_stay_above_a_tower_next_to_the_target() -> None:
    target, tower = Block(height=0.06), Block(width=0.02, height=0.11).beside(0.0, 0.055)
    free, raised = grasps_of(target), grasps_of(target, tower)
    assert across(free, 0.0)[0] == free[0]
    assert free[0].primitive.position[2] < tower.height - GRIPPER.palm_clearance
    assert all(
        grasp.primitive.position[2] >= tower.height - GRIPPER.palm_clearance - 1e-6 for grasp in across(raised, 0.0)
    )
    assert turn_between(raised[0].primitive.angle, 0.0, math.pi) <= STEP + 1e-9


@pytest.mark.parametrize("angle", [0.0, 0.5, math.pi / 4])
def test_a_block_wider_than_the_gripper_opens_is_refused(angle: float) -> None:
    assert worthwhile(grasps_of(Block(length=0.1, width=0.1, angle=angle))) == []
    assert worthwhile(grasps_of(Block(length=0.085, width=0.085, angle=angle))) == []
    long = worthwhile(grasps_of(Block(length=0.1, width=0.05, angle=angle)))
    assert long
    assert all(turn_between(grasp.angle, angle + math.pi / 2, math.pi) < math.pi / 4 for grasp in long)


@given(lone_blocks, st.floats(0.0, 0.05))
@settings(max_examples=10)
def test_the_fingers_never_open_wider_than_they_can(block: Block, wider: float) -> None:
    target = replace(block, width=block.width + wider)
    assert all(item.primitive.opening <= 0.085 for item in grasps_of(target))


@pytest.mark.parametrize("width", [0.03, 0.06])
def test_a_block_too_flat_to_engage_is_refused(width: float) -> None:
    wanted = (
        CONFIG.floor + CONFIG.min_engagement + GRIPPER.tip_rise(width)
    )  # the tips end higher the wider they are apart
    low, high = (Block(length=0.1, width=width, height=wanted + more) for more in (-0.001, 0.002))
    assert across(grasps_of(low), 0.0) == []
    assert across(grasps_of(high), 0.0)


def test_a_block_under_another_is_not_grasped_where_it_is_covered() -> None:
    target, cover = Block(length=0.06), Block(length=0.034, width=0.05, height=0.07)
    for candidate in grasps_of(target, cover):
        assert under_its_middle(candidate.primitive, visible(target, table(target, cover)))
    assert grasps_of(target) != []


def test_without_a_target_there_is_nothing_to_grasp() -> None:
    assert plan_grasps(table(Block()), np.zeros((GRID.rows, GRID.columns), np.bool_), GRIPPER, CONFIG) == []


@given(st.sampled_from([0, 1]), st.floats(0.0, math.pi))
@settings(max_examples=10)
def test_only_what_the_mask_marks_is_grasped(chosen: int, angle: float) -> None:
    pair = Block(x=0.42, angle=angle), Block(x=0.58, angle=angle)
    candidates = plan_grasps(table(*pair), pair[chosen].cells, GRIPPER, CONFIG)
    assert candidates
    for candidate in candidates:
        assert under_its_middle(candidate.primitive, pair[chosen].cells)


@pytest.mark.parametrize("x", [GRID.x_min + 0.01, MIDDLE[0], 0.712])
@pytest.mark.parametrize("y", [GRID.y_min + 0.01, 0.212])
@pytest.mark.parametrize("angle", [0.0, 0.4, 0.8])
def test_a_target_that_the_border_cuts_is_grasped_on_the_workspace(
    x: float, y: float, angle: float, cell: CellConfig
) -> None:
    target = Block(x, y, angle=angle)
    candidates = grasps_of(target)
    assert candidates
    for candidate in candidates:
        check_primitive(candidate.primitive, cell)
        assert under_its_middle(candidate.primitive, target.cells)


@given(st.integers(0, 10_000), st.integers(1, 14))
@settings(max_examples=10)
def test_in_clutter_fingers_come_down_on_nothing_and_close_on_the_target(seed: int, count: int) -> None:
    blocks = clutter(seed, count)
    heightmap = table(*blocks)
    cells = visible(blocks[-1], heightmap)  # the last one lies on top
    for grasp in worthwhile(plan_grasps(heightmap, cells, GRIPPER, CONFIG))[:3]:
        assert highest(heightmap, finger_tips(grasp)) < grasp.position[2] + GRIPPER.tip_rise(grasp.opening)
        assert under_its_middle(grasp, cells)
        assert grasp.q_value <= 1.0


Box = tuple[slice, slice, float]

COUNTED = (slice(100, 116), slice(100, 124), 0.06)
"""A target of 16 rows by 24 columns and 60 mm height: seen without a turn it covers whole pixels."""

RISE = 0.002957
"""Meters that finger tips 48 mm apart end above the tool."""

WORTH = 1.0 - 12.0 * 0.001 - 3.0 * 0.048
"""Of its grasp along x: half a row, 1 mm off the middle, and over 48 mm."""


def scene(*boxes: Box, target: Box = COUNTED) -> tuple[Heightmap, Mask]:
    """A heightmap with boxes of given rows, columns and height, the target on top, and the target's cells."""
    height = np.zeros((224, 224), np.float32)
    for rows, columns, top in (*boxes, target):
        height[rows, columns] = top
    mask = np.zeros((224, 224), np.bool_)
    mask[target[:2]] = True
    return Heightmap(np.zeros((224, 224, 3), np.uint8), height, np.ones((224, 224), np.bool_), GRID), mask


def along_x(*boxes: Box, target: Box = COUNTED) -> GraspCandidate | None:
    """The grasp, if any, that closes along x."""
    return facing(0.0, plan_grasps(*scene(*boxes, target=target), GRIPPER, CONFIG))


def facing(angle: float, candidates: list[GraspCandidate]) -> GraspCandidate | None:
    found = [item for item in candidates if turn_between(item.primitive.angle, angle, math.pi) < 1e-9]
    return found[0] if found else None


def worth(candidate: GraspCandidate | None) -> float:
    assert candidate is not None
    return candidate.score


def test_the_shipped_configuration_is_this() -> None:
    assert asdict(CONFIG) == {
        "angles": 16,
        "depth": 0.03,
        "min_engagement": 0.012,
        "finger_slack": 0.006,
        "clearance": 0.002,
        "floor": 0.002,
        "off_center_cost": 12.0,
        "width_cost": 3.0,
        "slope_cost": 0.3,
        "coverage_cost": 1.0,
        "crowd_cost": 0.5,
    }


def test_every_parameter_has_its_range() -> None:
    assert ranges(GraspPlannerConfig) == {
        "angles": (4, 64),
        "depth": (0.01, 0.05),
        "min_engagement": (0.002, 0.03),
        "finger_slack": (0.002, 0.02),
        "clearance": (0.0, 0.02),
        "floor": (0.001, 0.02),
        "off_center_cost": (0.0, 100.0),
        "width_cost": (0.0, 100.0),
        "slope_cost": (0.0, 10.0),
        "coverage_cost": (0.0, 10.0),
        "crowd_cost": (0.0, 10.0),
    }


def test_a_free_target_is_grasped_30_mm_deep_at_its_middle_6_mm_beside_either_side() -> None:
    candidates = plan_grasps(*scene(), GRIPPER, CONFIG)
    along, across_ = facing(0.0, candidates), facing(math.pi / 2, candidates)
    assert along is not None
    assert across_ is not None
    # rows 100 to 115: row 107 is the upper one of the two in the middle, at y = -0.224 + 107.5 * 0.002
    assert along.primitive.position == pytest.approx((0.5, -0.009, 0.03 - RISE), abs=1e-6)
    assert along.primitive.opening == pytest.approx(0.048 + 0.012)
    assert along.score == pytest.approx(WORTH, abs=1e-5)
    assert along.primitive.q_value == along.score
    assert across_.primitive.position[:2] == pytest.approx((0.501, -0.008), abs=1e-6)
    assert across_.primitive.position[2] == pytest.approx(0.03 - 0.000805, abs=1e-6)
    assert across_.primitive.opening == pytest.approx(0.032 + 0.012)
    assert across_.score == pytest.approx(1.0 - 12.0 * 0.001 - 3.0 * 0.032, abs=1e-5)
    assert candidates[0] == across_


def test_a_low_target_is_grasped_2_mm_above_the_table() -> None:
    low = along_x(target=(*COUNTED[:2], 0.025))
    assert low is not None
    assert low.primitive.position[2] == pytest.approx(0.002, abs=1e-9)
    assert low.score == pytest.approx(WORTH - 1.0 + (0.023 - RISE) / 0.03, abs=2e-5), "for lack of depth"


@pytest.mark.parametrize(("top", "possible"), [(0.0167, False), (0.0172, True)])
def test_the_tips_must_reach_12_mm_below_the_edge(top: float, possible: bool) -> None:
    assert (along_x(target=(*COUNTED[:2], top)) is not None) == possible


@pytest.mark.parametrize(("columns", "opening"), [(36, 0.084), (37, 0.085), (39, 0.085), (40, None)])
def test_the_fingers_need_6_mm_more_than_the_target_is_wide_and_open_to_85_mm(
    columns: int, opening: float | None
) -> None:
    grasp = along_x(target=(slice(100, 116), slice(100, 100 + columns), 0.06))
    assert (None if grasp is None else pytest.approx(grasp.primitive.opening)) == opening


EVERY_ROW = slice(0, 224)


@pytest.mark.parametrize(("cells", "meets"), [(1, True), (10, True), (11, False)])
@pytest.mark.parametrize("side", [-1, 1])
def test_tips_stay_2_mm_above_what_lies_within_10_cells_of_the_side(cells: int, meets: bool, side: int) -> None:
    """Tips of 12 mm come down 6 mm away and swing in: 18 mm are 9 cells, and one for rounding."""
    column = 123 + cells if side > 0 else 100 - cells
    grasp = along_x((EVERY_ROW, slice(column, column + 1), 0.04))
    assert grasp is not None
    assert grasp.primitive.position[2] == pytest.approx((0.042 if meets else 0.03) - RISE, abs=1e-6)
    lost = (1.0 - 0.018 / 0.03) * meets + 0.5 / 9 * (cells <= 9)  # less depth, and a ninth of the room
    assert grasp.score == pytest.approx(WORTH - lost, abs=1e-5)


@pytest.mark.parametrize(("rows", "possible"), [((101, 113), False), ((100, 114), True)])
def test_tips_stay_above_what_lies_within_their_width(rows: tuple[int, int], possible: bool) -> None:
    """Of 22 mm, 5 cells and a half on either side, and a bit for rounding: 6 cells from row 107, or 7."""
    grasp = along_x(*((slice(row, row + 1), slice(128, 129), 0.06) for row in rows))
    assert (grasp is not None) == possible
    assert grasp is None or grasp.primitive.position[1] == pytest.approx(-0.009, abs=1e-6)


@pytest.mark.parametrize(("top", "possible"), [(0.0455, True), (0.0465, False)])
def test_what_is_beside_forbids_a_grasp_that_could_no_longer_engage(top: float, possible: bool) -> None:
    assert (along_x((EVERY_ROW, slice(126, 140), top)) is not None) == possible  # the tips end 2 mm above


@pytest.mark.parametrize(
    ("columns", "top", "share"),
    [
        (slice(124, 140), 0.02, 1.0),
        (slice(128, 140), 0.02, 5 / 9),
        (slice(132, 140), 0.02, 1 / 9),
        (slice(133, 140), 0.02, 0.0),
        (slice(91, 100), 0.02, 1.0),
        (slice(84, 96), 0.02, 5 / 9),
        (slice(124, 140), 0.0095, 0.0),
        (slice(124, 140), 0.0105, 1.0),
    ],
)
def test_what_stands_above_10_mm_within_18_mm_of_the_target_makes_a_grasp_worth_less(
    columns: slice, top: float, share: float
) -> None:
    assert worth(along_x((EVERY_ROW, columns, top))) == pytest.approx(WORTH - 0.5 * share, abs=1e-5)


def test_the_more_crowded_side_counts() -> None:
    left, right = (EVERY_ROW, slice(84, 96), 0.02), (EVERY_ROW, slice(132, 140), 0.02)
    assert worth(along_x(left, right)) == pytest.approx(WORTH - 0.5 * 5 / 9, abs=1e-5)


def test_the_occupied_fraction_is_also_measured_across_the_fingers_width() -> None:
    rows = slice(104, 111)  # 7 of the 11 rows 102 to 112 around row 107, and 6 of those around row 108
    assert worth(along_x((rows, slice(124, 140), 0.02))) < WORTH - 0.2
    everywhere = worth(along_x((slice(101, 115), slice(124, 140), 0.02)))
    assert everywhere == pytest.approx(WORTH - 0.5, abs=1e-5)


@pytest.mark.parametrize(("column", "lifts"), [(142, True), (143, False), (82, True), (81, False)])
def test_the_palm_stays_above_what_lies_within_60_mm_along_the_closing_axis(column: int, lifts: bool) -> None:
    """It never reaches lower than 60 mm above the tool; the middle between columns 111 and 112 counts as 112."""
    grasp = along_x((EVERY_ROW, slice(column, column + 1), 0.095))
    assert grasp is not None
    assert grasp.primitive.position[2] == pytest.approx(0.035 if lifts else 0.03 - RISE, abs=1e-6)


@pytest.mark.parametrize(("rows", "lifts"), [((88, 127), True), ((87, 128), False)])
def test_the_palm_stays_above_what_lies_within_37_5_mm_across_the_closing_axis(
    rows: tuple[int, int], lifts: bool
) -> None:
    """Rows 107 and 108 are in the middle: the first bars are 19 rows from one of them, the others 20."""
    grasp = along_x(*((slice(row, row + 1), slice(90, 134), 0.095) for row in rows))
    assert grasp is not None
    assert grasp.primitive.position[2] == pytest.approx(0.035 if lifts else 0.03 - RISE, abs=1e-6)


@pytest.mark.parametrize(("top", "possible"), [(0.06, True), (0.061, False)])
def test_a_target_is_not_grasped_where_something_higher_covers_it(top: float, possible: bool) -> None:
    heightmap, mask = scene()
    heightmap.height[100:116, 108:116] = top
    mask[:, 108:116] = False
    assert (facing(0.0, plan_grasps(heightmap, mask, GRIPPER, CONFIG)) is not None) == possible


def test_a_few_high_cells_do_not_make_a_grasp_shallow() -> None:
    heightmap, mask = scene()
    heightmap.height[100, 100:124] = 0.07  # a sixteenth of the target
    assert facing(0.0, plan_grasps(heightmap, mask, GRIPPER, CONFIG)).primitive.position[2] == pytest.approx(
        0.03 - RISE, abs=1e-6
    )
    heightmap.height[101, 100:124] = 0.07
    assert facing(0.0, plan_grasps(heightmap, mask, GRIPPER, CONFIG)).primitive.position[2] == pytest.approx(
        0.04 - RISE, abs=1e-6
    )


def test_pads_that_are_not_filled_cost_the_missing_fraction_of_their_width() -> None:
    thin = along_x(target=(slice(100, 106), COUNTED[1], 0.06))  # 6 of 11 rows
    assert worth(thin) == pytest.approx(WORTH - 5 / 11, abs=1e-5)


def test_a_target_longer_than_the_view_is_grasped_across_it() -> None:
    """A view shows 192 mm."""
    candidates = plan_grasps(*scene(target=(slice(100, 116), slice(20, 180), 0.06)), GRIPPER, CONFIG)
    assert facing(0.0, candidates) is None
    across_ = facing(math.pi / 2, candidates)
    assert across_ is not None
    assert across_.primitive.opening == pytest.approx(0.032 + 0.012)


def test_a_target_whose_parts_are_too_far_from_its_middle_is_not_grasped() -> None:
    heightmap, mask = scene(target=(slice(10, 12), slice(10, 12), 0.06))
    mask[200:202, 200:202] = True
    heightmap.height[mask] = 0.06
    assert plan_grasps(heightmap, mask, GRIPPER, CONFIG) == []


def box_mask(rows: slice, columns: slice) -> tuple[Mask, NDArray[np.float32]]:
    """The mask of a box in a view of 20 by 20 pixels and its heights, 50 mm."""
    mask = np.zeros((20, 20), np.bool_)
    mask[rows, columns] = True
    return mask, np.where(mask, np.float32(0.05), np.float32(0.0))


def test_the_outline_of_a_box_is_straight_and_fills_the_pads_but_at_its_ends() -> None:
    outline = trace_outline(*box_mask(slice(5, 15), slice(4, 12)), 5.0)
    assert outline.rows.tolist() == list(range(5, 15))
    assert outline.left.tolist() == [4] * 10
    assert outline.right.tolist() == [11] * 10
    assert outline.slope.tolist() == [0.0] * 10
    np.testing.assert_allclose(outline.coverage, [0.6, 0.8, 1, 1, 1, 1, 1, 1, 0.8, 0.6])
    np.testing.assert_allclose(outline.edge_height, 0.05, atol=1e-8)


def test_the_height_of_an_edge_is_that_of_the_lower_side_two_cells_inside() -> None:
    mask, height = box_mask(slice(5, 15), slice(4, 12))
    height[:, [4, 5, 10, 11]] = 0.001
    height[:, 6], height[:, 9] = 0.04, 0.03
    np.testing.assert_allclose(trace_outline(mask, height, 5.0).edge_height, 0.03, atol=1e-8)
    np.testing.assert_allclose(trace_outline(mask[:, ::-1], height[:, ::-1], 5.0).edge_height, 0.03, atol=1e-8)


@pytest.mark.parametrize(("columns", "edge"), [(5, 0.03), (4, 0.02), (3, 0.02), (2, 0.01), (1, 0.01)])
def test_a_narrow_targets_edge_is_no_farther_inside_than_its_middle(columns: int, edge: float) -> None:
    mask, height = box_mask(slice(5, 15), slice(4, 4 + columns))
    for inside in range(columns):
        height[:, 4 + inside] = 0.01 * (1 + min(inside, columns - 1 - inside))
    np.testing.assert_allclose(trace_outline(mask, height, 5.0).edge_height, edge, atol=1e-8)


def test_the_height_of_an_edge_is_the_mean_along_a_fingers_width() -> None:
    mask, height = box_mask(slice(5, 15), slice(4, 12))
    height[9, 4:12] = 0.0
    expected = [0.05, 0.05, 0.04, 0.04, 0.04, 0.04, 0.04, 0.05, 0.05, 0.05]
    np.testing.assert_allclose(trace_outline(mask, height, 5.0).edge_height, expected, atol=1e-8)
    height[9, 4:12], height[5, 4:12] = 0.05, 0.0  # beyond its end the last row counts again
    expected = [0.02, 0.03, 0.04, *[0.05] * 7]
    np.testing.assert_allclose(trace_outline(mask, height, 5.0).edge_height, expected, atol=1e-8)


@pytest.mark.parametrize(("finger_px", "reach"), [(1.0, 1), (3.4, 1), (4.6, 2), (5.4, 2), (6.6, 3)])
def test_pads_reach_the_outermost_cell_within_their_width(finger_px: float, reach: int) -> None:
    mask, height = box_mask(slice(2, 18), slice(8, 12))
    mask[10, 5:15] = True
    outline = trace_outline(mask, height, finger_px)
    near = np.abs(outline.rows - 10) <= reach
    np.testing.assert_array_equal(outline.left, np.where(near, 5, 8))
    np.testing.assert_array_equal(outline.right, np.where(near, 14, 11))


def test_the_slope_is_that_of_the_steeper_side_in_columns_a_row() -> None:
    mask = np.zeros((20, 20), np.bool_)
    for row in range(5, 11):
        mask[row, 2 * (row - 5) : 12 + (row - 5)] = True  # 2 columns a row on the left, 1 on the right
    height = np.full((20, 20), 0.05, np.float32)
    for turned, heights in ((mask, height), (mask[:, ::-1], height), (mask[::-1], height)):
        np.testing.assert_allclose(trace_outline(turned, heights, 5.0).slope, 2.0)


def test_the_slope_is_taken_over_half_a_fingers_width() -> None:
    mask, height = box_mask(slice(2, 18), slice(4, 12))
    mask[10:, 4] = False  # a step of one column
    slope = trace_outline(mask, height, 9.0).slope  # two rows up and two down
    np.testing.assert_allclose(slope, [0.25 if 8 <= row <= 11 else 0.0 for row in range(2, 18)])
    np.testing.assert_allclose(trace_outline(mask, height, 5.0).slope, [0.5 * (row in (9, 10)) for row in range(2, 18)])
    ends, height = box_mask(slice(2, 18), slice(4, 12))
    ends[2, 4] = False
    slope = trace_outline(ends, height, 9.0).slope  # at the end there are but two rows
    np.testing.assert_allclose(slope[:4], [0.5, 1 / 3, 0.25, 0.0])


def test_a_slanted_side_costs_0_3_for_each_column_per_row() -> None:
    heightmap, mask = scene()
    for row in range(100, 116):
        mask[row, 100 : 100 + (row - 100) // 2] = False  # half a column a row; the outermost lower cells stay out
    heightmap.height[COUNTED[:2]] = np.where(mask[COUNTED[:2]], 0.06, 0.0)
    grasp = facing(0.0, plan_grasps(heightmap, mask, GRIPPER, CONFIG))
    assert grasp is not None
    straight = along_x()
    assert straight is not None
    assert straight.score - grasp.score == pytest.approx(0.3 * 0.5, abs=0.06)
