"""Self-play without a target, as in target-agnostic push-grasping (Zeng et al., 2018): every held object counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import VALUED_KINDS, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.learning.play import Play, PlayResult, random_action
from impurity_grasp_ros.learning.reward import GRASP_REWARD, change_reward
from impurity_grasp_ros.learning.scenery import SceneView
from impurity_grasp_ros.learning.transition import ExecutedAction, Focus, Snapshot, Transition
from impurity_grasp_ros.policy.agent import Action, Situation, best_action, greedy_value, masked_values
from impurity_grasp_ros.policy.overview import overview_of

EVERYTHING = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
"""Mask (112, 112) that marks every cell as part of the target."""


class AgnosticPlay(Play):
    """Plays one scene after another; every observation shows the whole workspace."""

    def _play_scene(self, attempts: int, exploration: float) -> Iterator[PlayResult]:
        view, failures = self._scenery.look(), dict.fromkeys(VALUED_KINDS, 0)
        focus, situation, values = self._options(view)
        for _ in range(attempts):
            explore = self._rng.random() < exploration
            action = random_action(situation, self._rng) if explore else best_action(values - situation.costs)
            if action is None:
                return
            primitive = situation.primitive(action)
            status = self._environment.step(primitive).status
            before, focus_before, view = view, focus, self._scenery.look()
            focus, situation, values = self._options(view)
            reward = _reward(before, view, action, status)
            executed = _executed(focus_before, primitive, action)
            next_value = greedy_value(values, situation)
            transition = Transition(
                Snapshot.of(focus_before), executed, reward, Snapshot.of(focus), next_value, self._version
            )
            yield PlayResult(action.kind, reward > 0.0, explore, (transition,))
            failures[action.kind] = 0 if reward > 0.0 else failures[action.kind] + 1
            if failures[action.kind] >= self._config.failures_per_scene:
                return

    def _options(self, view: SceneView) -> tuple[Focus, Situation, NDArray[np.float32]]:
        """Observation of the whole workspace, feasible actions, and the network's values (-inf if infeasible)."""
        focus = Focus(overview_of(view.heightmap), EVERYTHING, on_target=True)
        situation = self._situation(focus)
        return focus, situation, masked_values(self._network, situation)


def _reward(before: SceneView, after: SceneView, action: Action, status: OutcomeStatus) -> float:
    if action.kind is PrimitiveKind.PUSH:
        return change_reward(before.heightmap.height, after.heightmap.height)
    return GRASP_REWARD if status is OutcomeStatus.HELD and after.taken is not None else 0.0


def _executed(focus: Focus, primitive: Primitive, action: Action) -> ExecutedAction:
    row, column = focus.crop.grid.to_cell(*primitive.position[:2])
    return ExecutedAction(action.kind, action.rotation, row, column)
