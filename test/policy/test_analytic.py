"""The analytic actor grasps what it can, frees what it cannot, repeats no failure and gives up with a named error."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from drawn_tables import (
    GRID,
    MIDDLE,
    Block,
    attempts,
    clutter,
    on_heap,
    on_target,
    rectangle,
    table,
    turn_between,
    visible,
)
from grippers import GRIPPER
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shipped_policy import ANALYTIC, ranges

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Grid,
    Heightmap,
    OutcomeStatus,
    Primitive,
    PrimitiveKind,
)
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.motion.waypoints import push_end
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig, target_mask
from impurity_grasp_ros.policy.grasp_planner import plan_grasps
from impurity_grasp_ros.policy.history import failed_grasps, is_similar

CONFIG = ANALYTIC
ACTOR = AnalyticActor(GRIPPER, CONFIG)
CELL = load_cell()
FAILURES = [OutcomeStatus.EMPTY, OutcomeStatus.DROPPED, OutcomeStatus.UNREACHABLE, OutcomeStatus.OUT_OF_WORKSPACE]
REFUSALS = FAILURES[2:]

CORNER = GRID.to_meters(3, 3)


def decide(*blocks: Block, history: Sequence[Attempt] = (), actor: AnalyticActor = ACTOR) -> Primitive:
    """The primitive that the actor chooses when the first of these blocks is the target."""
    heightmap = table(*blocks)
    return actor.select(heightmap, on_target(heightmap, visible(blocks[0], heightmap)), history)


def walled_in(target: Block) -> list[Block]:
    """A block and its eight neighbors, flush: no finger fits in between."""
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    return [target, *(target.beside(i * target.length, j * target.width) for i, j in steps)]


def test_a_free_target_is_grasped_even_when_ordinary_blocks_are_easier() -> None:
    target, easier = Block(x=0.4, width=0.045), Block(x=0.6, width=0.03, height=0.06)
    grasp = decide(target, easier)
    assert grasp.kind is PrimitiveKind.GRASP
    assert math.dist(grasp.position[:2], (target.x, target.y)) < 0.01


@pytest.mark.parametrize(
    "blocks", [walled_in(Block()), [Block(length=0.1, width=0.1)]], ids=["no room for fingers", "too wide"]
)
def test_a_target_that_no_grasp_fits_is_pushed(blocks: list[Block]) -> None:
    push = decide(*blocks)
    assert push.kind is PrimitiveKind.PUSH
    middle = push.position[0] + 0.05 * math.cos(push.angle), push.position[1] + 0.05 * math.sin(push.angle)
    assert any((rectangle(middle, push.angle, 0.1, 0.024) & block.cells).any() for block in blocks)


def test_a_candidate_is_pushed_although_its_blocks_could_be_grasped() -> None:
    heightmap = table(Block(), Block(height=0.07, length=0.03, width=0.03))
    push = ACTOR.select(heightmap, on_heap(heightmap, MIDDLE), ())
    assert push.kind is PrimitiveKind.PUSH
    assert math.dist(push.position[:2], MIDDLE) < 0.1


@given(st.integers(0, 10_000), st.integers(1, 12), st.booleans(), st.sampled_from(FAILURES))
@settings(max_examples=6)
def test_no_grasp_that_failed_is_tried_again_before_a_success(
    seed: int, count: int, lone: bool, failure: OutcomeStatus
) -> None:
    blocks = clutter(seed, count)
    shown = table(*(blocks[-1:] if lone else blocks))
    attention = on_target(shown, visible(blocks[-1], shown))
    history: list[Attempt] = []
    for _ in range(5):
        primitive = ACTOR.select(shown, attention, history)
        check_primitive(primitive, CELL)
        assert not any(is_similar(primitive, other) for other in failed_grasps(history))
        history += attempts([primitive], failure)


def test_a_second_grasp_differs_from_a_failed_first_one() -> None:
    first = decide(Block())
    second = decide(Block(), history=attempts([first], OutcomeStatus.EMPTY))
    assert (first.kind, second.kind) == (PrimitiveKind.GRASP, PrimitiveKind.GRASP)
    assert turn_between(first.angle, second.angle, math.pi) > 0.29


def test_a_success_clears_the_failures_before_it() -> None:
    first = decide(Block())
    history = attempts([first], OutcomeStatus.EMPTY) + attempts(
        [Primitive.grasp((0.3, 0.1, 0.0), 0)], OutcomeStatus.HELD
    )
    assert decide(Block(), history=history) == first
    assert failed_grasps(history) == []


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("state", [AttentionState.TARGET, AttentionState.CANDIDATE])
def test_a_push_that_was_refused_is_not_repeated(refusal: OutcomeStatus, state: AttentionState) -> None:
    pile = [*walled_in(Block()), Block(length=0.09, width=0.04, height=0.09)]
    heightmap = table(*pile)
    attention = on_heap(heightmap, MIDDLE)
    if state is AttentionState.TARGET:
        attention = on_target(heightmap, visible(pile[1], heightmap))
    forgetful = AnalyticActor(GRIPPER, replace(CONFIG, memory=0, max_pushes=20))
    history: list[Attempt] = []
    for _ in range(4):
        push = forgetful.select(heightmap, attention, history)
        assert push.kind is PrimitiveKind.PUSH
        assert not any(is_similar(push, item.primitive) for item in history)
        history += attempts([push], refusal)


def test_only_the_latest_pushes_are_remembered() -> None:
    first = decide(*walled_in(Block()))
    elsewhere = [Primitive.push((0.3, 0.2, 0.01), 0.0)] * CONFIG.memory
    patient = AnalyticActor(GRIPPER, replace(CONFIG, max_pushes=20, push=replace(CONFIG.push, repeat_cost=10.0)))
    repeated = attempts([first, *elsewhere[1:]], OutcomeStatus.PUSHED)
    assert not is_similar(decide(*walled_in(Block()), history=repeated, actor=patient), first)
    forgotten = attempts([first, *elsewhere], OutcomeStatus.PUSHED)
    assert decide(*walled_in(Block()), history=forgotten, actor=patient) == first


def test_a_poor_grasp_is_put_off_until_pushes_have_not_helped() -> None:
    choosy = AnalyticActor(GRIPPER, replace(CONFIG, min_score=1.0))
    push = decide(Block(), actor=choosy)
    assert push.kind is PrimitiveKind.PUSH
    pushes = attempts([push] * CONFIG.max_pushes, OutcomeStatus.PUSHED)
    assert decide(Block(), history=pushes[1:], actor=choosy).kind is PrimitiveKind.PUSH
    assert decide(Block(), history=pushes, actor=choosy).kind is PrimitiveKind.GRASP
    interrupted = [*pushes[1:], *attempts([Primitive.grasp((0.3, 0.1, 0.0), 0.0)], OutcomeStatus.EMPTY)]
    assert decide(Block(), history=interrupted, actor=choosy).kind is PrimitiveKind.PUSH


def test_where_no_push_is_possible_a_poor_grasp_is_better_than_none() -> None:
    immobile = replace(CONFIG, min_score=1.0, push=replace(CONFIG.push, start_distances=()))
    assert decide(Block(), actor=AnalyticActor(GRIPPER, immobile)).kind is PrimitiveKind.GRASP


def test_a_push_may_end_near_the_border_where_no_other_is_possible() -> None:
    config = replace(CONFIG, push=replace(CONFIG.push, end_border=0.15))
    target = Block(x=0.6, y=0.1, length=0.1, width=0.1)
    assert decide(target, actor=AnalyticActor(GRIPPER, config)).kind is PrimitiveKind.PUSH
    near = replace(target, x=GRID.x_min + 0.05, y=MIDDLE[1])
    wide = replace(CONFIG, push=replace(CONFIG.push, start_distances=(0.1,), end_border=0.15))
    push = decide(near, actor=AnalyticActor(GRIPPER, wide))
    x, y = push_end(push)
    assert push.kind is PrimitiveKind.PUSH
    corners = [[(x + dx, y + dy) for dx in (-border, border) for dy in (-border, border)] for border in (0.02, 0.15)]
    assert all(GRID.contains(*corner) for corner in corners[0])
    assert not all(GRID.contains(*corner) for corner in corners[1])


def test_nothing_possible_is_a_named_error() -> None:
    heightmap = table(Block(*CORNER, length=0.1, width=0.1))
    with pytest.raises(NoPrimitiveError, match=r"expected a push around .* found none"):
        ACTOR.select(heightmap, on_heap(heightmap, CORNER), ())
    no_pushes = AnalyticActor(GRIPPER, replace(CONFIG, push=replace(CONFIG.push, start_distances=())))
    with pytest.raises(NoPrimitiveError):
        decide(*walled_in(Block()), actor=no_pushes)


def test_equal_arguments_give_equal_primitives_and_nothing_is_kept_or_changed() -> None:
    blocks = clutter(11, 9)
    heightmap = table(*blocks)
    attention = on_target(heightmap, visible(blocks[-1], heightmap))
    height, mask = heightmap.height.copy(), attention.mask.copy()
    actor = AnalyticActor(GRIPPER, CONFIG)
    first = actor.select(heightmap, attention, [])
    actor.select(heightmap, attention, attempts([first] * 3, OutcomeStatus.EMPTY))
    assert (
        actor.select(heightmap, attention, [])
        == AnalyticActor(GRIPPER, CONFIG).select(heightmap, attention, [])
        == first
    )
    np.testing.assert_array_equal(heightmap.height, height)
    np.testing.assert_array_equal(attention.mask, mask)


@given(st.floats(GRID.x_min + 0.012, 0.71), st.floats(GRID.y_min + 0.012, 0.21), st.floats(0.0, math.pi))
@settings(max_examples=15)
def test_anywhere_on_the_workspace_there_is_something_to_do_that_stays_on_it(x: float, y: float, angle: float) -> None:
    primitive = decide(Block(x, y, angle=angle))
    check_primitive(primitive, CELL)


@given(st.floats(GRID.x_min + 0.012, 0.71), st.floats(GRID.y_min + 0.012, 0.21), st.floats(0.0, math.pi))
@example(0.3, -0.2, 0.3)
@example(0.7, 0.2, 1.0)
@settings(max_examples=25)
def test_the_mask_of_a_crop_is_laid_back_onto_the_cells_it_came_from(x: float, y: float, angle: float) -> None:
    block = Block(x, y, angle=angle)
    heightmap = table(block)
    attention: Attention = on_target(heightmap, block.cells)
    np.testing.assert_array_equal(target_mask(heightmap, attention), block.cells)


def test_the_shipped_configuration_is_this() -> None:
    assert (CONFIG.min_score, CONFIG.max_pushes, CONFIG.memory) == (0.35, 4, 3)
    limits = ranges(AnalyticConfig)
    assert limits["min_score"] == (-5.0, 1.0)
    assert limits["max_pushes"] == (1, 20)
    assert limits["memory"] == (0, 20)
    assert limits["grasp.angles"] == (4, 64)
    assert limits["push.end_border"] == (0.0, 0.15)


def test_a_grasp_that_is_just_good_enough_is_tried_and_a_worse_one_is_not() -> None:
    heightmap = table(Block())
    best = plan_grasps(heightmap, Block().cells, GRIPPER, CONFIG.grasp)[0]
    good_enough, choosy = (replace(CONFIG, min_score=best.score + more) for more in (0.0, 1e-6))
    assert decide(Block(), actor=AnalyticActor(GRIPPER, good_enough)) == best.primitive
    assert decide(Block(), actor=AnalyticActor(GRIPPER, choosy)).kind is PrimitiveKind.PUSH


def test_after_four_pushes_in_a_row_any_grasp_is_tried() -> None:
    choosy = AnalyticActor(GRIPPER, replace(CONFIG, min_score=1.0))
    push = Primitive.push((0.3, 0.2, 0.01), 0.0)
    for count, kind in ((3, PrimitiveKind.PUSH), (4, PrimitiveKind.GRASP), (5, PrimitiveKind.GRASP)):
        assert decide(Block(), history=attempts([push] * count, OutcomeStatus.PUSHED), actor=choosy).kind is kind
    grasp = attempts([Primitive.grasp((0.3, 0.2, 0.01), 0.0)], OutcomeStatus.EMPTY)
    after = [*grasp, *attempts([push] * 4, OutcomeStatus.PUSHED)]
    assert decide(Block(), history=after, actor=choosy).kind is PrimitiveKind.GRASP, "the grasp was before these four"


@pytest.mark.parametrize("status", OutcomeStatus)
def test_a_push_is_barred_for_good_only_where_the_robot_refused_it(status: OutcomeStatus) -> None:
    """Grasps in between do not count, and of pushes that were made the latest three are all that costs."""
    heightmap = table(*walled_in(Block()))
    attention = on_heap(heightmap, MIDDLE)
    first = ACTOR.select(heightmap, attention, ())
    elsewhere = [Primitive.push((0.3, 0.2, 0.01), 0.0)] * 3
    history = attempts([first], status) + attempts(elsewhere, OutcomeStatus.PUSHED)
    refused = status in (OutcomeStatus.UNREACHABLE, OutcomeStatus.OUT_OF_WORKSPACE, OutcomeStatus.COLLISION)
    again = ACTOR.select(heightmap, attention, history)
    assert is_similar(again, first) != refused


def test_the_latest_three_pushes_cost_however_many_grasps_came_between_them() -> None:
    config = replace(CONFIG, push=replace(CONFIG.push, repeat_cost=10.0))
    heightmap = table(*walled_in(Block()))
    attention, actor = on_heap(heightmap, MIDDLE), AnalyticActor(GRIPPER, config)
    first = actor.select(heightmap, attention, ())
    grasps = attempts([Primitive.grasp((0.3, 0.2, 0.01), 0.0)] * 5, OutcomeStatus.EMPTY)
    others = attempts([Primitive.push((0.3, 0.2, 0.01), 0.0)] * 2, OutcomeStatus.PUSHED)
    history = [*attempts([first], OutcomeStatus.PUSHED), *grasps, *others]
    assert not is_similar(actor.select(heightmap, attention, history), first)
    assert actor.select(heightmap, attention, history[1:]) == first
    forgetful = AnalyticActor(GRIPPER, replace(config, memory=0))
    assert forgetful.select(heightmap, attention, history) == first


def test_a_candidates_mask_is_not_taken_for_a_target() -> None:
    heightmap = table(*walled_in(Block()))
    attention = on_heap(heightmap, MIDDLE)
    assert ACTOR.select(heightmap, attention, ()) == ACTOR.push(heightmap, None, MIDDLE, ())
    everything = np.ones(heightmap.height.shape, np.bool_)
    assert ACTOR.push(heightmap, everything, MIDDLE, ()).q_value != ACTOR.push(heightmap, None, MIDDLE, ()).q_value


def test_only_a_push_with_its_full_distance_from_the_border_is_chosen_where_there_is_one() -> None:
    push = ACTOR.push(table(Block(0.6, 0.15)), None, (0.6, 0.15), ())
    x, y = push_end(push)
    assert 0.331 <= x <= 0.669
    assert -0.169 <= y <= 0.169


@pytest.mark.parametrize(("row", "column"), [(10, 60), (-30, 190), (100, -5), (-80, -90), (0, 112), (38, 0), (37, 111)])
def test_the_part_of_a_mask_that_lies_on_the_heightmap_is_laid_onto_it(row: int, column: int) -> None:
    shape = (150, 224)
    blank = Heightmap(
        np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32), np.ones(shape, np.bool_), Grid(0.1, 0.2, *shape)
    )
    mask = np.random.default_rng(3).random((112, 112)) < 0.5
    crop = blank.window(row, column, 112)
    attention = Attention(AttentionState.TARGET, (0.3, 0.3), crop, mask, 0.9, (), blank.height)
    wide = np.zeros((150 + 224, 224 + 224), np.bool_)
    wide[112 + row : 224 + row, 112 + column : 224 + column] = mask
    laid = target_mask(blank, attention)
    assert laid.dtype == np.bool_
    np.testing.assert_array_equal(laid, wide[112:262, 112:336])
