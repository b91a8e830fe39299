"""Self-play with a target: any block of a generated scene may be the target, and the simulator judges the outcome.

The paper trains on the output of the attention module. Here the target's mask comes from the renderer, so that every
visible block can serve as a target, even an ordinary one (hindsight). A hidden block is searched for where the
attention module would: around the cluster that may hide it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import VALUED_KINDS, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.learning.play import Play, PlayResult, random_action
from impurity_grasp_ros.learning.reward import GRASP_REWARD, PUSH_REWARD, change_reward, push_reward
from impurity_grasp_ros.learning.scenery import SceneView
from impurity_grasp_ros.learning.transition import ExecutedAction, Snapshot, Transition
from impurity_grasp_ros.policy.agent import Action, Situation, best_action, greedy_value, masked_values


class SelfPlay(Play):
    """Plays for one target after another, until none is left that the attention module would find."""

    _latest: tuple[SceneView, int, Situation, NDArray[np.float32]] | None = None
    """The latest result of :meth:`_options`: view, target, feasible actions and their values."""

    def _play_scene(self, attempts: int, exploration: float) -> Iterator[PlayResult]:
        view, failures = self._scenery.look(), dict.fromkeys(VALUED_KINDS, 0)
        target: int | None = None
        for _ in range(attempts):
            if target is None or view.focus(target) is None:
                target = view.pick_target(self._rng, self._config.search_share)
            if target is None:
                return
            situation, values = self._options(view, target)
            explore = self._rng.random() < exploration
            action = random_action(situation, self._rng) if explore else best_action(values - situation.costs)
            if action is None:
                return
            primitive = situation.primitive(action)
            status = self._environment.step(primitive).status
            before, view = view, self._scenery.look()
            following = target if target in view.positions else view.pick_target(self._rng, self._config.search_share)
            success, transitions = self._judge(before, view, target, following, primitive, action, status)
            target = following
            yield PlayResult(action.kind, success, explore, transitions)
            failures[action.kind] = 0 if success else failures[action.kind] + 1
            if failures[action.kind] >= self._config.failures_per_scene:
                return

    def _judge(
        self,
        before: SceneView,
        after: SceneView,
        target: int,
        following: int | None,
        primitive: Primitive,
        action: Action,
        status: OutcomeStatus,
    ) -> tuple[bool, tuple[Transition, ...]]:
        """Whether the attempt succeeded for the target, and its transitions; ``following`` is the next target.

        A grasp of a wrong object would have been a success with that object as the target (hindsight). A push may also
        be judged for a second object near its stroke.
        """
        if action.kind is PrimitiveKind.GRASP:
            taken = after.taken if status is OutcomeStatus.HELD else None
            rewards = {target: GRASP_REWARD if taken == target else 0.0}
            if taken is not None:
                rewards[taken] = GRASP_REWARD
        else:
            judged = [target]
            swept = before.near_stroke(primitive, PUSH_LENGTH) - {target}
            if swept and self._rng.random() < self._config.relabel_share:
                judged.append(int(self._rng.choice(sorted(swept))))
            rewards = {body: self._push_reward(before, after, body) for body in judged}
        found = []
        for body in sorted(rewards, key=target.__eq__):  # the target last: its values are needed next
            reward = rewards[body]
            then = body if body in after.positions else following if reward > 0.0 else None  # lost: terminal
            found.append(self._transition(before, after, body, then, primitive, action, reward))
        return rewards[target] > 0.0, tuple(item for item in found if item is not None)

    def _push_reward(self, before: SceneView, after: SceneView, body: int) -> float:
        rule = self._config.push_reward if before.is_visible(body) else self._config.search_reward
        if rule == "change":
            return change_reward(before.heightmap.height, after.heightmap.height)
        if rule == "reveal":
            return PUSH_REWARD if after.is_visible(body) else 0.0
        return push_reward(before.dispersion(body), after.dispersion(body))

    def _transition(
        self,
        before: SceneView,
        after: SceneView,
        target: int,
        following: int | None,
        primitive: Primitive,
        action: Action,
        reward: float,
    ) -> Transition | None:
        """The transition of an attempt for a target; None when the action lies outside the crop around the target."""
        focus = before.focus(target)
        if focus is None:
            return None
        row, column = focus.crop.grid.to_cell(*primitive.position[:2])
        if not (0 <= row <= focus.crop.grid.rows - 1 and 0 <= column <= focus.crop.grid.columns - 1):
            return None
        then = None if following is None else after.focus(following)
        next_value = 0.0 if then is None or following is None else self._value(after, following)
        return Transition(
            Snapshot.of(focus),
            ExecutedAction(action.kind, action.rotation, row, column),
            reward,
            None if then is None else Snapshot.of(then),
            next_value,
            self._version,
        )

    def _value(self, view: SceneView, target: int) -> float:
        """Value of the greedy action for a target that has a focus."""
        situation, values = self._options(view, target)
        return greedy_value(values, situation)

    def _options(self, view: SceneView, target: int) -> tuple[Situation, NDArray[np.float32]]:
        """Feasible actions for a target that has a focus, and the network's values (-inf if infeasible)."""
        if self._latest is None or self._latest[:2] != (view, target):
            focus = view.focus(target)
            assert focus is not None
            situation = self._situation(focus)
            self._latest = view, target, situation, masked_values(self._network, situation)
        return self._latest[2:]
