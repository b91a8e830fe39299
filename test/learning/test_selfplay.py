"""Self-play: which target is played for, what it earns, and what is remembered of wrong, swept and lost bodies."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from drawn_cells import (
    Block,
    DrawnCell,
    DrawnWorld,
    Effect,
    LevelNetwork,
    Scene,
    nothing_happens,
    remembered_situation_of,
    shows,
)

from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.learning import play as play_module
from impurity_grasp_ros.learning.play import PlayResult
from impurity_grasp_ros.learning.selfplay import SelfPlay
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.learning.transition import Snapshot, Transition

SHIPPED = load_training("default")
GRASPING, PUSHING = LevelNetwork(2.0, 0.5), LevelNetwork(0.25, 3.0)
TARGET, OTHER = Block(0.5, 0.0), Block(0.56, 0.05)
PAIR = {3: TARGET, 5: OTHER}
SEARCHED = {3: Block(0.5, 0.0, 0.03, 0.03, 0.03), 5: Block(0.5, 0.0, 0.10, 0.10, 0.045, bottom=0.035)}
"""A small block under a slab that hides it."""


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same few scenes are decided about again and again; equal decisions are computed once."""
    monkeypatch.setattr(play_module, "situation_of", remembered_situation_of)


def play(
    scenes: Sequence[Scene | None],
    effect: Effect = nothing_happens,
    network: LevelNetwork = GRASPING,
    attempts: int = 1,
    exploration: float = 0.0,
    seed: int = 0,
    **changes: Any,
) -> tuple[list[PlayResult], DrawnCell]:
    """Attempts with the shipped play but for ``changes``, by a network of version 7; and where they were made."""
    cell = DrawnCell(scenes, effect)
    config = replace(SHIPPED.play, **changes)
    player = SelfPlay(cell, network, 7, config, SHIPPED.decoding, SHIPPED.costs, np.random.default_rng(seed))
    return list(player.play(attempts, exploration)), cell


def is_of(snapshot: Snapshot | None, block: Block) -> bool:
    """Whether a snapshot is one of this block as the target."""
    assert snapshot is not None
    focus = snapshot.unpack()
    return focus.on_target and shows(focus.mask, focus.crop.grid, block)


def is_search(snapshot: Snapshot | None) -> bool:
    """Whether a snapshot is one of a heap that may hide the target."""
    assert snapshot is not None
    return not snapshot.on_target and bool(snapshot.unpack().mask.all())


def ending(status: OutcomeStatus, take: bool = False) -> Effect:
    """All primitives end like this; with ``take`` the nearest body comes into the bin."""

    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        if take:
            world.drop(world.nearest(primitive))
        return status

    return effect


TAKEN = ending(OutcomeStatus.HELD, take=True)


def only(results: list[PlayResult]) -> tuple[PlayResult, Transition]:
    """The only attempt, and its only experience."""
    (attempt,) = results
    (transition,) = attempt.transitions
    return attempt, transition


def test_a_target_that_was_taken_earns_one_and_the_next_target_follows() -> None:
    results, cell = play([PAIR], TAKEN)
    attempt, transition = only(results)
    taken, left = (3, 5) if 5 in cell.world.blocks else (5, 3)
    assert cell.world.bodies == (left,)
    assert (attempt.kind, attempt.success, attempt.explored) == (PrimitiveKind.GRASP, True, False)
    assert transition.reward == 1.0
    assert is_of(transition.state, PAIR[taken])
    assert is_of(transition.following, PAIR[left])
    assert transition.next_value == 2.0
    assert transition.version == 7


def test_an_action_tells_primitive_rotation_and_place_in_the_crop() -> None:
    for network, kind in ((GRASPING, PrimitiveKind.GRASP), (PUSHING, PrimitiveKind.PUSH)):
        results, cell = play([{3: TARGET}], network=network)
        _, transition = only(results)
        (primitive,) = cell.steps
        action = transition.action
        assert action.kind is primitive.kind is kind
        assert action.rotation * math.pi / 8 == pytest.approx(primitive.angle)
        assert transition.state.grid.to_meters(action.row, action.column) == pytest.approx(primitive.position[:2])


def test_after_the_last_target_nothing_follows() -> None:
    _, transition = only(play([{3: TARGET}], TAKEN)[0])
    assert (transition.reward, transition.following, transition.next_value) == (1.0, None, 0.0)


@pytest.mark.parametrize("status", [OutcomeStatus.DROPPED, OutcomeStatus.EMPTY])
def test_a_target_that_the_robot_did_not_hold_earns_nothing_and_has_no_future(status: OutcomeStatus) -> None:
    attempt, transition = only(play([PAIR], ending(status, take=True))[0])
    assert not attempt.success
    assert (transition.reward, transition.following, transition.next_value) == (0.0, None, 0.0)


def test_a_grasp_that_held_without_bringing_anything_to_the_bin_earns_nothing() -> None:
    attempt, transition = only(play([{3: TARGET}], ending(OutcomeStatus.HELD))[0])
    assert not attempt.success
    assert transition.reward == 0.0
    assert is_of(transition.following, TARGET)
    assert transition.next_value == 2.0


def takes_the_wrong_one(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
    """The body that is not grasped comes into the bin."""
    (wrong,) = set(world.bodies) - {world.nearest(primitive)}
    world.drop(wrong)
    return OutcomeStatus.HELD


def test_a_wrong_body_is_no_success_but_remembered_as_one_with_itself_as_the_target() -> None:
    results, cell = play([PAIR], takes_the_wrong_one)
    (attempt,) = results
    assert not attempt.success
    target = cell.world.bodies[0]
    hindsight, missed = attempt.transitions
    assert (hindsight.reward, missed.reward) == (1.0, 0.0)
    assert is_of(hindsight.state, PAIR[8 - target])
    assert is_of(missed.state, PAIR[target])
    for transition in (hindsight, missed):
        assert is_of(transition.following, PAIR[target]), "the target stays the target"
        assert transition.next_value == 2.0
    places = [item.state.grid.to_meters(item.action.row, item.action.column) for item in (hindsight, missed)]
    assert places[0] == pytest.approx(places[1])
    assert places[0] == pytest.approx(cell.steps[0].position[:2])


@pytest.mark.parametrize(
    ("rows", "columns", "remembered"),
    [(56, -55, True), (-54, 55, True), (57, 0, False), (-56, 0, False), (0, 57, False), (0, -56, False)],
)
def test_an_action_outside_of_the_crop_around_a_wrong_body_is_not_remembered_for_it(
    rows: int, columns: int, remembered: bool
) -> None:
    grasped, place = Block(0.501, 0.001, 0.05, 0.034), (0.501, -0.013)
    wrong = Block(place[0] - 0.001 + 0.002 * columns, place[1] - 0.001 + 0.002 * rows)

    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        assert primitive.position[:2] == pytest.approx(place), "the center of a cell"
        world.drop(5)
        del world.blocks[3]
        return OutcomeStatus.HELD

    results, _ = play([{3: grasped, 5: wrong}], effect, seed=seed_that_begins_with(3))
    transitions = results[0].transitions
    assert is_of(transitions[-1].state, grasped)
    assert len(transitions) == 1 + remembered
    if remembered:
        action = transitions[0].action
        assert is_of(transitions[0].state, wrong)
        assert transitions[0].state.grid.to_meters(action.row, action.column) == pytest.approx(place)


@cache
def seed_that_begins_with(body: int) -> int:
    """A seed with which the first target of two, 3 and 5, is this one."""
    for seed in range(20):
        _, cell = play([PAIR], seed=seed)
        if cell.world.nearest(cell.steps[0]) == body:
            return seed
    raise AssertionError(f"20 seeds without body {body}")


def test_a_wrong_body_that_could_not_be_attended_to_is_not_remembered() -> None:
    unseen = Block(0.64, 0.12, bottom=-1.0)  # under the table: in play, but neither seen nor in a heap
    attempt, transition = only(play([{3: TARGET, 5: unseen}], takes_the_wrong_one)[0])
    assert not attempt.success
    assert transition.reward == 0.0
    assert is_of(transition.state, TARGET)


def moving(body: int, x: float, y: float, status: OutcomeStatus = OutcomeStatus.PUSHED) -> Effect:
    """Every primitive moves a body there."""

    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        world.move(body, x, y)
        return status

    return effect


NEIGHBOR = Block(0.5, 0.05)
CLOSE = {3: TARGET, 5: NEIGHBOR}
"""Two blocks whose centers are 50 mm apart."""


@pytest.mark.parametrize(("distance", "reward"), [(0.06, 0.5), (0.0503, 0.0)])
def test_a_push_earns_half_when_it_sets_the_target_apart(distance: float, reward: float) -> None:
    results, cell = play([CLOSE], moving(5, 0.5, distance), PUSHING, relabel_share=0.0)
    attempt, transition = only(results)
    assert cell.steps[0].kind is attempt.kind is PrimitiveKind.PUSH
    assert transition.reward == reward
    assert attempt.success is (reward > 0.0)
    target = 3 if is_of(transition.state, TARGET) else 5
    assert is_of(transition.following, cell.world.blocks[target]), "the target stays the target"
    assert transition.next_value == 3.0


def test_a_lost_body_has_no_future_and_another_becomes_the_target() -> None:
    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        if len(world.bodies) == 2:
            del world.blocks[world.nearest(primitive)]
        return OutcomeStatus.PUSHED

    results, cell = play([PAIR], effect, attempts=2, relabel_share=0.0)
    first, second = (item.transitions[0] for item in results)
    (left,) = cell.world.bodies
    assert is_of(first.state, PAIR[8 - left])
    assert (first.reward, first.following, first.next_value) == (0.0, None, 0.0)
    assert is_of(second.state, PAIR[left])
    assert is_of(second.following, PAIR[left])


def test_after_a_push_that_was_rewarded_and_cost_the_target_the_next_target_follows() -> None:
    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        world.move(world.nearest(primitive), 0.9, 0.0)
        return OutcomeStatus.PUSHED

    results, cell = play([PAIR], effect, PUSHING, push_reward="change", relabel_share=0.0)
    attempt, transition = only(results)
    (left,) = set(PAIR) - {body for body, block in cell.world.blocks.items() if block.x > 0.8}
    assert attempt.success
    assert transition.reward == 0.5
    assert is_of(transition.following, PAIR[left])
    assert transition.next_value == 3.0


def test_without_the_dispersion_degree_a_push_is_rewarded_for_any_change() -> None:
    no_t = load_training("no_t").play.push_reward
    for effect, reward in ((moving(5, 0.5, 0.045), 0.0), (moving(5, 0.6, 0.045), 0.5), (nothing_happens, 0.0)):
        results, _ = play([CLOSE], effect, PUSHING, push_reward=no_t, relabel_share=0.0)
        assert only(results)[1].reward == reward, "shifted by 5 mm, 100 mm, not at all"


def test_a_swept_body_is_judged_too_and_the_target_comes_last() -> None:
    results, _ = play([CLOSE], network=PUSHING, attempts=2, seed=seed_that_begins_with(5), relabel_share=1.0)
    assert [len(item.transitions) for item in results] == [2, 2]
    for item in results:
        swept, target = item.transitions
        assert is_of(swept.state, TARGET)
        assert is_of(target.state, NEIGHBOR), "a target is played for until it is gone"
        assert (swept.following, target.following) == (swept.state, target.state), "nothing has moved"
        assert (swept.reward, target.reward) == (0.0, 0.0)
        assert (swept.next_value, target.next_value) == (3.0, 3.0)


def test_each_body_is_judged_by_its_own_dispersion_and_the_attempt_by_that_of_its_target() -> None:
    far = Block(0.56, 0.08)  # 67 mm from the neighbor and 100 mm from the target: more than the fingers open
    found = {}
    for seed in range(6):
        results, _ = play([CLOSE | {6: far}], moving(6, 0.66, 0.08), PUSHING, seed=seed, relabel_share=1.0)
        (attempt,) = results
        assert attempt.success is (attempt.transitions[-1].reward == 0.5)
        for transition in attempt.transitions:
            (body,) = (body for body, block in (CLOSE | {6: far}).items() if is_of(transition.state, block))
            found[body] = transition.reward
    assert found == {3: 0.0, 5: 0.5, 6: 0.5}


def test_half_of_the_pushes_are_judged_for_a_second_body_and_none_without_a_share() -> None:
    counts = [len(play([CLOSE], network=PUSHING, seed=seed)[0][0].transitions) for seed in range(8)]
    assert 2 <= counts.count(2) <= 6
    assert set(counts) == {1, 2}
    (attempt,) = play([CLOSE], network=PUSHING, relabel_share=0.0)[0]
    assert len(attempt.transitions) == 1


def uncovers(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
    """The slab goes away from what it hides."""
    world.move(5, 0.62, 0.0)
    return OutcomeStatus.PUSHED


def opens_a_gap(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
    """Heights change, and the hidden block stays hidden."""
    world.blocks[5] = replace(world.blocks[5], x=0.51, height=0.06)
    return OutcomeStatus.PUSHED


@pytest.mark.parametrize(
    ("rule", "effect", "reward"),
    [
        ("reveal", uncovers, 0.5),
        ("reveal", opens_a_gap, 0.0),
        ("dispersion", uncovers, 0.5),
        ("dispersion", nothing_happens, 0.0),
        ("change", opens_a_gap, 0.5),
        ("change", nothing_happens, 0.0),
    ],
)
def test_while_the_target_is_hidden_a_push_is_rewarded_by_a_rule_of_its_own(
    rule: str, effect: Effect, reward: float
) -> None:
    results, _ = play([SEARCHED], effect, search_share=1.0, search_reward=rule, relabel_share=0.0)
    attempt, transition = only(results)
    assert attempt.kind is PrimitiveKind.PUSH, "what nobody sees cannot be grasped"
    assert is_search(transition.state)
    assert transition.reward == reward
    if effect is uncovers:
        assert is_of(transition.following, SEARCHED[3])
        assert transition.next_value == 2.0
    else:
        assert is_search(transition.following)
        assert transition.next_value == 0.5


def test_a_visible_target_is_not_rewarded_for_being_visible() -> None:
    results, _ = play([CLOSE], network=PUSHING, relabel_share=0.0, search_reward="reveal")
    assert only(results)[1].reward == 0.0


@pytest.mark.parametrize(("share", "hidden"), [(1.0, True), (0.0, False)])
def test_hidden_targets_are_picked_as_the_search_share_says_at_first_and_after_a_success(
    share: float, hidden: bool
) -> None:
    (attempt,) = play([SEARCHED], search_share=share, relabel_share=0.0)[0]
    assert is_search(attempt.transitions[0].state) is hidden

    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        world.blocks |= SEARCHED | {6: TARGET}
        world.drop(6)
        return OutcomeStatus.HELD

    _, transition = only(play([{6: TARGET}], effect, search_share=share)[0])
    assert transition.reward == 1.0
    assert is_search(transition.following) is hidden


def test_three_failures_in_a_row_end_a_scene() -> None:
    results, cell = play([PAIR], ending(OutcomeStatus.EMPTY), attempts=4)
    assert not any(item.success for item in results)
    assert cell.scene_of_step == [1, 1, 1, 2]


def test_a_success_begins_the_count_of_failures_anew() -> None:
    statuses = [OutcomeStatus.EMPTY, OutcomeStatus.EMPTY, OutcomeStatus.HELD] + [OutcomeStatus.EMPTY] * 4
    done: list[Primitive] = []

    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        done.append(primitive)
        status = statuses[len(done) - 1]
        if status is OutcomeStatus.HELD:
            world.drop(world.nearest(primitive))
        return status

    results, cell = play([PAIR], effect, attempts=7)
    assert [item.success for item in results] == [False, False, True, False, False, False, False]
    assert cell.scene_of_step == [1, 1, 1, 1, 1, 1, 2]


def test_failures_of_grasps_and_pushes_are_counted_apart() -> None:
    results, cell = play([{3: TARGET}], attempts=8, exploration=1.0, seed=2)
    assert all(item.explored for item in results)
    assert {item.kind for item in results} == {PrimitiveKind.GRASP, PrimitiveKind.PUSH}
    expected, scene, failures = [], 1, {PrimitiveKind.GRASP: 0, PrimitiveKind.PUSH: 0}
    for item in results:
        expected.append(scene)
        failures[item.kind] += 1
        if failures[item.kind] == 3:
            scene, failures = scene + 1, {PrimitiveKind.GRASP: 0, PrimitiveKind.PUSH: 0}
    assert cell.scene_of_step == expected
    longest = max(expected.count(number) for number in expected)
    assert longest > 3, "two of one and one of the other do not end a scene"


@pytest.mark.parametrize("exploration", [0.0, 1.0])
def test_scenes_without_a_target_or_an_action_are_left(exploration: float) -> None:
    flat = Block(0.5, 0.0, height=0.004)  # seen, but too low for fingers and pushes
    results, cell = play([{}, {3: flat}, PAIR], exploration=exploration)
    assert len(cell.resets) == 3
    assert cell.scene_of_step == [3]
    assert results[0].explored is (exploration == 1.0)


def test_a_target_that_cannot_be_attended_to_any_more_is_left_for_another() -> None:
    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        body = world.nearest(primitive)
        world.blocks[body] = replace(world.blocks[body], bottom=-1.0)
        return OutcomeStatus.EMPTY

    far = Block(0.64, 0.12)
    results, cell = play([{3: TARGET, 5: far}], effect, attempts=2, seed=seed_that_begins_with(3))
    first, second = (item.transitions[0] for item in results)
    assert cell.scene_of_step == [1, 1]
    assert (first.following, first.next_value) == (None, 0.0)
    assert is_of(first.state, TARGET)
    assert is_of(second.state, far)


def test_equal_seeds_give_equal_experiences() -> None:
    first, second = (play([PAIR], attempts=2, exploration=0.5, seed=11)[0] for _ in range(2))
    assert first == second


def test_values_are_compared_after_costs_and_remembered_before_them() -> None:
    attempt, transition = only(play([{3: TARGET}], network=LevelNetwork(2.0, 3.0))[0])
    assert attempt.kind is PrimitiveKind.GRASP, "a push costs 1.3"
    assert transition.next_value == 2.0
    attempt, transition = only(play([{3: TARGET}], network=LevelNetwork(2.0, 3.4), relabel_share=0.0)[0])
    assert attempt.kind is PrimitiveKind.PUSH
    assert transition.next_value == pytest.approx(3.4)
