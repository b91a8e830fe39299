"""Play without a target: whatever is held or moved counts, and the whole workspace is seen at once."""

import math
from collections.abc import Sequence
from dataclasses import replace
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
)
from drawn_transitions import WORKSPACE

from impurity_grasp_ros.datatypes import Grid, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.learning import play as play_module
from impurity_grasp_ros.learning.agnosticplay import AgnosticPlay
from impurity_grasp_ros.learning.play import PlayResult
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.learning.transition import Transition

SHIPPED = load_training("vpg")
GRASPING, PUSHING = LevelNetwork(2.0, 0.5), LevelNetwork(0.25, 3.0)
PAIR = {3: Block(0.5, 0.0), 5: Block(0.6, 0.1)}


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
) -> tuple[list[PlayResult], DrawnCell]:
    """Attempts as the shipped training has them, by a network of version 7; and where they were made."""
    cell = DrawnCell(scenes, effect)
    rng = np.random.default_rng(seed)
    player = AgnosticPlay(cell, network, 7, SHIPPED.play, SHIPPED.decoding, SHIPPED.costs, rng)
    return list(player.play(attempts, exploration)), cell


def only(results: list[PlayResult]) -> tuple[PlayResult, Transition]:
    """The only attempt, and its only experience."""
    (attempt,) = results
    (transition,) = attempt.transitions
    return attempt, transition


def ending(status: OutcomeStatus, take: bool = False) -> Effect:
    """All primitives end like this; with ``take`` the nearest body comes into the bin."""

    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        if take:
            world.drop(world.nearest(primitive))
        return status

    return effect


@pytest.mark.parametrize(
    ("status", "take", "reward"),
    [
        (OutcomeStatus.HELD, True, 1.0),
        (OutcomeStatus.HELD, False, 0.0),
        (OutcomeStatus.DROPPED, True, 0.0),
        (OutcomeStatus.EMPTY, False, 0.0),
    ],
)
def test_whatever_is_held_and_brought_to_the_bin_earns_one(status: OutcomeStatus, take: bool, reward: float) -> None:
    attempt, transition = only(play([PAIR], ending(status, take))[0])
    assert (attempt.kind, attempt.success, attempt.explored) == (PrimitiveKind.GRASP, reward > 0.0, False)
    assert transition.reward == reward
    assert transition.next_value == 2.0
    assert transition.version == 7


@pytest.mark.parametrize(("shift", "reward"), [(0.0, 0.0), (0.004, 0.0), (0.1, 0.5)])
def test_a_push_earns_half_when_it_changes_the_scene(shift: float, reward: float) -> None:
    def effect(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        world.move(5, 0.6 - shift, 0.1)
        return OutcomeStatus.PUSHED

    attempt, transition = only(play([PAIR], effect, PUSHING)[0])
    assert (attempt.kind, attempt.success) == (PrimitiveKind.PUSH, reward > 0.0)
    assert transition.reward == reward
    assert transition.next_value == 3.0


@pytest.mark.parametrize(("network", "kind"), [(GRASPING, PrimitiveKind.GRASP), (PUSHING, PrimitiveKind.PUSH)])
def test_an_experience_shows_the_whole_workspace_before_and_after_and_where_the_action_was(
    network: LevelNetwork, kind: PrimitiveKind
) -> None:
    results, cell = play([PAIR], ending(OutcomeStatus.HELD, take=True), network)
    _, transition = only(results)
    (primitive,), (left,) = cell.steps, cell.world.bodies
    whole = Grid(WORKSPACE.x_min, WORKSPACE.y_min, 112, 112, 0.004)
    shown = []
    for snapshot in (transition.state, transition.following):
        assert snapshot is not None
        focus = snapshot.unpack()
        assert focus.on_target
        assert focus.mask.all()
        assert focus.crop.grid == whole
        shown.append({body for body, block in PAIR.items() if height_at(focus.crop.height, block) > 0.03})
    assert shown == [{3, 5}, {left}]
    action = transition.action
    assert action.kind is primitive.kind is kind
    assert action.rotation * math.pi / 8 == pytest.approx(primitive.angle)
    assert whole.to_meters(action.row, action.column) == pytest.approx(primitive.position[:2])


def height_at(height: np.ndarray[Any, Any], block: Block) -> float:
    """Height in meters that an overview shows at a block's center."""
    row, column = Grid(WORKSPACE.x_min, WORKSPACE.y_min, 112, 112, 0.004).to_cell(block.x, block.y)
    return float(height[round(row), round(column)])


def test_after_the_last_block_nothing_is_to_be_earned() -> None:
    attempt, transition = only(play([{3: Block(0.5, 0.0)}], ending(OutcomeStatus.HELD, take=True))[0])
    assert attempt.success
    assert transition.next_value == 0.0
    assert transition.following is not None
    assert not transition.following.unpack().crop.height.any()


def test_three_failures_in_a_row_end_a_scene_and_a_success_begins_the_count_anew() -> None:
    statuses = [OutcomeStatus.EMPTY] * 2 + [OutcomeStatus.HELD] + [OutcomeStatus.EMPTY] * 4
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
    first, second = results[0].transitions[0], results[1].transitions[0]
    assert first.following == second.state == first.state


def test_failures_of_grasps_and_pushes_are_counted_apart() -> None:
    results, cell = play([{3: Block(0.5, 0.0)}], attempts=8, exploration=1.0, seed=2)
    assert all(item.explored for item in results)
    assert {item.kind for item in results} == {PrimitiveKind.GRASP, PrimitiveKind.PUSH}
    expected, scene, failures = [], 1, {PrimitiveKind.GRASP: 0, PrimitiveKind.PUSH: 0}
    for item in results:
        expected.append(scene)
        failures[item.kind] += 1
        if failures[item.kind] == 3:
            scene, failures = scene + 1, {PrimitiveKind.GRASP: 0, PrimitiveKind.PUSH: 0}
    assert cell.scene_of_step == expected
    assert max(expected.count(number) for number in expected) > 3, "two of one and one of the other do not end a scene"


@pytest.mark.parametrize("exploration", [0.0, 1.0])
def test_a_scene_in_which_nothing_can_be_done_is_left(exploration: float) -> None:
    results, cell = play([{}, PAIR], exploration=exploration)
    assert cell.scene_of_step == [2]
    assert results[0].explored is (exploration == 1.0)


def test_the_higher_value_wins_as_the_shipped_training_has_no_costs() -> None:
    for network, kind in ((LevelNetwork(1.0, 0.9), PrimitiveKind.GRASP), (LevelNetwork(0.9, 1.0), PrimitiveKind.PUSH)):
        assert only(play([PAIR], network=network)[0])[0].kind is kind


def test_values_are_compared_after_costs_and_remembered_before_them() -> None:
    costly, rng = replace(SHIPPED.costs, push_cost=1.3), np.random.default_rng(0)
    player = AgnosticPlay(DrawnCell([PAIR]), LevelNetwork(2.0, 3.0), 7, SHIPPED.play, SHIPPED.decoding, costly, rng)
    attempt, transition = only(list(player.play(1, 0.0)))
    assert attempt.kind is PrimitiveKind.GRASP, "3.0 - 1.3 is less than 2"
    assert transition.next_value == 2.0
