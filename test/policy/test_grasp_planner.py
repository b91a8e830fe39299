"""Grasps close across the target where both fingers find room, and nowhere else."""

import math
from dataclasses import replace

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
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import GRIPPER_STROKE
from impurity_grasp_ros.datatypes import Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper_geometry import PALM_CLEARANCE, TIP_THICKNESS, TIP_WIDTH, tip_rise
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.actors import PolicyConfig
from impurity_grasp_ros.policy.grasp_planner import GraspCandidate, plan_grasps

ANALYTIC = packaged_parameters("policy_node", PolicyConfig).analytic
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
    return plan_grasps(heightmap, visible(target, heightmap), CONFIG)


def worthwhile(candidates: list[GraspCandidate]) -> list[Primitive]:
    """The grasps that are good enough to be tried at once; a pinch of a corner is not."""
    return [candidate.primitive for candidate in candidates if candidate.score >= ANALYTIC.min_score]


def across(candidates: list[GraspCandidate], angle: float) -> list[GraspCandidate]:
    """The candidate, if any, that closes across an angle."""
    return [item for item in candidates if turn_between(item.primitive.angle, angle + math.pi / 2, math.pi) < STEP / 2]


def tip_height(grasp: Primitive) -> float:
    """Metres above the table at which the tips end once they have met the target."""
    return grasp.position[2] + tip_rise(grasp.opening - 2 * CONFIG.finger_slack)


def finger_tips(grasp: Primitive) -> list[Mask]:
    """Cells under the opened finger tips, less half a cell all around."""
    thickness, width = TIP_THICKNESS - CELL_SIZE / 2, TIP_WIDTH - CELL_SIZE / 2
    reach = (grasp.opening + TIP_THICKNESS) / 2
    return [rectangle(ahead(grasp, side * reach), grasp.angle, thickness, width) for side in (-1, 1)]


def under_its_middle(grasp: Primitive, cells: Mask) -> bool:
    """Whether one of ``cells`` lies within a cell of the grasp's centre."""
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
    lowest = CONFIG.floor + tip_rise(best.opening - 2 * CONFIG.finger_slack)
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
    one = plan_grasps(heightmap, block.cells, CONFIG)[0]
    other = plan_grasps(turned, block.cells[::-1, ::-1], CONFIG)[0]
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


@pytest.mark.parametrize("gap", [0.0, 0.006, TIP_THICKNESS])
def test_a_gap_without_room_for_a_finger_keeps_it_out(gap: float) -> None:
    target = Block(length=0.084)  # longer than the fingers open
    assert grasps_of(target, *(target.beside(0.0, side * (target.width + gap)) for side in (-1, 1))) == []


def test_a_gap_that_a_finger_fits_in_is_used() -> None:
    target = Block(length=0.084)
    gap = TIP_THICKNESS + CONFIG.finger_slack + 2 * CELL_SIZE
    between = grasps_of(target, *(target.beside(0.0, side * (target.width + gap)) for side in (-1, 1)))
    assert [grasp.angle for grasp in worthwhile(between)] == pytest.approx([math.pi / 2])


def test_a_grasp_over_low_neighbours_is_worth_less_than_one_in_the_free() -> None:
    target = Block(height=0.06)
    curbs = [Block(length=0.1, height=0.02).beside(0.0, side * target.width) for side in (-1, 1)]
    free, crowded = (across(candidates, 0.0) for candidates in (grasps_of(target), grasps_of(target, *curbs)))
    assert crowded[0].primitive == replace(free[0].primitive, q_value=crowded[0].score)
    assert free[0].score - crowded[0].score == pytest.approx(CONFIG.crowd_cost, abs=0.05)


def test_beside_low_neighbours_the_tips_stay_above_them() -> None:
    target = Block(height=0.06)
    low = [Block(length=0.1, height=0.035).beside(0.0, side * target.width) for side in (-1, 1)]
    candidates = across(grasps_of(target, *low), 0.0)
    assert candidates
    for grasp in (candidate.primitive for candidate in candidates):
        assert tip_height(grasp) >= 0.035 + CONFIG.clearance - 1e-6
        assert tip_height(grasp) <= target.height - CONFIG.min_engagement + 1e-6


def test_palm_and_knuckles_stay_above_a_tower_beside() -> None:
    target, tower = Block(height=0.06), Block(width=0.02, height=0.11).beside(0.0, 0.055)
    free, raised = grasps_of(target), grasps_of(target, tower)
    assert across(free, 0.0)[0] == free[0]
    assert free[0].primitive.position[2] < tower.height - PALM_CLEARANCE
    assert all(grasp.primitive.position[2] >= tower.height - PALM_CLEARANCE - 1e-6 for grasp in across(raised, 0.0))
    assert turn_between(raised[0].primitive.angle, 0.0, math.pi) <= STEP + 1e-9


@pytest.mark.parametrize("angle", [0.0, 0.5, math.pi / 4])
def test_a_block_wider_than_the_gripper_opens_is_refused(angle: float) -> None:
    assert worthwhile(grasps_of(Block(length=0.1, width=0.1, angle=angle))) == []
    assert worthwhile(grasps_of(Block(length=GRIPPER_STROKE, width=GRIPPER_STROKE, angle=angle))) == []
    long = worthwhile(grasps_of(Block(length=0.1, width=0.05, angle=angle)))
    assert long
    assert all(turn_between(grasp.angle, angle + math.pi / 2, math.pi) < math.pi / 4 for grasp in long)


@given(lone_blocks, st.floats(0.0, 0.05))
@settings(max_examples=10)
def test_the_fingers_never_open_wider_than_they_can(block: Block, wider: float) -> None:
    target = replace(block, width=block.width + wider)
    assert all(item.primitive.opening <= GRIPPER_STROKE for item in grasps_of(target))


@pytest.mark.parametrize("width", [0.03, 0.06])
def test_a_block_too_flat_to_engage_is_refused(width: float) -> None:
    wanted = CONFIG.floor + CONFIG.min_engagement + tip_rise(width)  # the tips end higher the wider they are apart
    low, high = (Block(length=0.1, width=width, height=wanted + more) for more in (-0.001, 0.002))
    assert across(grasps_of(low), 0.0) == []
    assert across(grasps_of(high), 0.0)


def test_a_block_under_another_is_not_grasped_where_it_is_covered() -> None:
    target, cover = Block(length=0.06), Block(length=0.034, width=0.05, height=0.07)
    for candidate in grasps_of(target, cover):
        assert under_its_middle(candidate.primitive, visible(target, table(target, cover)))
    assert grasps_of(target) != []


def test_without_a_target_there_is_nothing_to_grasp() -> None:
    assert plan_grasps(table(Block()), np.zeros((GRID.rows, GRID.columns), np.bool_), CONFIG) == []


@given(st.sampled_from([0, 1]), st.floats(0.0, math.pi))
@settings(max_examples=10)
def test_only_what_the_mask_marks_is_grasped(chosen: int, angle: float) -> None:
    pair = Block(x=0.42, angle=angle), Block(x=0.58, angle=angle)
    candidates = plan_grasps(table(*pair), pair[chosen].cells, CONFIG)
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
    for grasp in worthwhile(plan_grasps(heightmap, cells, CONFIG))[:3]:
        assert highest(heightmap, finger_tips(grasp)) < grasp.position[2] + tip_rise(grasp.opening)
        assert under_its_middle(grasp, cells)
        assert grasp.q_value <= 1.0
