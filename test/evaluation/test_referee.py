"""The referee counts what is in the bin, what is lost and what can be seen, by body."""

from __future__ import annotations

import pytest
from teleport import teleport

from impurity_grasp_ros.evaluation.referee import Referee
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.probe import visible_fractions

pytestmark = pytest.mark.sim

BIN = 0.36, -0.44
BESIDE = 0.60, -0.45
"""A place outside of the workspace and of the bin."""


@pytest.fixture
def scene(environment: Environment) -> Environment:
    """Two targets and other blocks, all in the workspace."""
    environment.reset(1000, "random")
    assert len(environment.scene.targets) == 2
    return environment


def others(environment: Environment) -> list[int]:
    return [body for body, block in environment.scene.blocks.items() if not block.target]


def test_before_anything_is_moved_nothing_is_delivered_or_lost(scene: Environment) -> None:
    referee = Referee(scene)
    assert referee.collect() == (0, 0)
    assert referee.targets_left == list(scene.scene.targets)
    assert referee.targets_lost == 0


def test_targets_and_others_are_counted_apart_and_once(scene: Environment) -> None:
    referee, (first, second) = Referee(scene), scene.scene.targets
    teleport(scene, first, *BIN)
    assert referee.collect() == (1, 0)
    assert referee.collect() == (0, 0)
    assert referee.targets_left == [second]
    for body in others(scene)[:2]:
        teleport(scene, body, *BIN)
    assert referee.collect() == (0, 2)
    teleport(scene, second, *BIN)
    teleport(scene, others(scene)[2], *BIN)
    assert referee.collect() == (1, 1)
    assert referee.targets_left == []


def test_what_was_delivered_stays_so(scene: Environment) -> None:
    referee, (first, second) = Referee(scene), scene.scene.targets
    teleport(scene, first, *BIN)
    referee.collect()
    teleport(scene, first, *BESIDE)
    assert referee.collect() == (0, 0)
    assert referee.targets_left == [second]
    assert referee.targets_lost == 0


def test_a_target_counts_as_delivered_only_once_it_was_collected(scene: Environment) -> None:
    referee, (first, second) = Referee(scene), scene.scene.targets
    teleport(scene, first, *BIN)
    assert referee.targets_left == [first, second]
    assert referee.targets_lost == 1


@pytest.mark.parametrize(
    ("x", "y", "lost"), [(0.277, 0.0, 0), (0.275, 0.0, 1), (0.723, 0.223, 0), (0.725, 0.0, 1), (0.5, 0.225, 1)]
)
def test_a_target_is_lost_outside_of_the_workspace(scene: Environment, x: float, y: float, lost: int) -> None:
    teleport(scene, scene.scene.targets[1], x, y)
    assert Referee(scene).targets_lost == lost


def test_all_lost_targets_are_counted_and_no_other_blocks(scene: Environment) -> None:
    for body in (*scene.scene.targets, others(scene)[0]):
        teleport(scene, body, *BESIDE)
    assert Referee(scene).targets_lost == 2


def test_a_target_that_nothing_hides_is_seen_whole(scene: Environment) -> None:
    for body in others(scene):
        teleport(scene, body, *BESIDE)
    assert Referee(scene).visible(scene.camera.visible_pixels()) == pytest.approx(1.0, abs=0.06)


def test_what_is_seen_of_the_best_visible_target_left_counts(scene: Environment) -> None:
    referee, (first, second) = Referee(scene), scene.scene.targets
    targets = {body: scene.scene.blocks[body] for body in (first, second)}
    alone = visible_fractions(scene.world, scene.camera, targets, {first: 100, second: 100})
    assert 0.0 < alone[first] < 1.0
    assert referee.visible({}) == 0.0
    assert referee.visible({others(scene)[0]: 5000}) == 0.0
    assert referee.visible({first: 100}) == pytest.approx(alone[first])
    assert referee.visible({first: 50, second: 200}) == pytest.approx(2 * alone[second])
    assert referee.visible({first: 300, second: 10}) == pytest.approx(3 * alone[first])
    teleport(scene, first, *BIN)
    referee.collect()
    assert referee.visible({first: 300, second: 10}) == pytest.approx(alone[second] / 10)
    teleport(scene, second, *BIN)
    referee.collect()
    assert referee.visible({first: 300, second: 10}) is None
