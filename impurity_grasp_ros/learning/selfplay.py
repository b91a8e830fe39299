"""Self-supervised play: in a generated scene any block may be the target, and the simulator says what came of it.

The paper trains on the attention module's output; here the target's mask comes from the renderer, so that every
visible block serves as a target, also one of the ordinary ones (hindsight). A hidden block is searched for as the
attention module would: around the cluster that could hide it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.learning.play import Attempted, Play, random_action
from impurity_grasp_ros.learning.reward import GRASP_REWARD, PUSH_REWARD, change_reward, push_reward
from impurity_grasp_ros.learning.scenery import Look
from impurity_grasp_ros.learning.transition import Deed, Snapshot, Transition
from impurity_grasp_ros.policy.agent import Action, Situation, best_action, greedy_value, masked_values


class SelfPlay(Play):
    """One target after the other, until none can be attended to."""

    _latest: tuple[Look, int, Situation, NDArray[np.float32]] | None = None
    """What was asked for last: what can be done in a look about a target, and the values of it."""

    def _play_scene(self, attempts: int, exploration: float) -> Iterator[Attempted]:
        look, failures = self._scenery.look(), dict.fromkeys(PrimitiveKind, 0)
        target: int | None = None
        for _ in range(attempts):
            if target is None or look.focus(target) is None:
                target = look.pick_target(self._rng, self._config.search_share)
            if target is None:
                return
            situation, values = self._options(look, target)
            explore = self._rng.random() < exploration
            action = random_action(situation, self._rng) if explore else best_action(values - situation.costs)
            if action is None:
                return
            primitive = situation.primitive(action)
            status = self._environment.step(primitive).status
            before, look = look, self._scenery.look()
            following = target if target in look.positions else look.pick_target(self._rng, self._config.search_share)
            success, transitions = self._judge(before, look, target, following, primitive, action, status)
            target = following
            yield Attempted(action.kind, success, explore, transitions)
            failures[action.kind] = 0 if success else failures[action.kind] + 1
            if failures[action.kind] >= self._config.failures_per_scene:
                return

    def _judge(
        self,
        before: Look,
        after: Look,
        target: int,
        following: int | None,
        primitive: Primitive,
        action: Action,
        status: OutcomeStatus,
    ) -> tuple[bool, tuple[Transition, ...]]:
        """Whether it was a success for the target, and what is to be remembered; ``following``: the target from now on.

        A grasp of a wrong object would have been right with that one as target (hindsight), and a push may be judged
        for another object that it has swept.
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
        for body in sorted(rewards, key=target.__eq__):  # the target last: its values are asked for next
            reward = rewards[body]
            then = body if body in after.positions else following if reward > 0.0 else None  # lost: nothing to come
            found.append(self._transition(before, after, body, then, primitive, action, reward))
        return rewards[target] > 0.0, tuple(item for item in found if item is not None)

    def _push_reward(self, before: Look, after: Look, body: int) -> float:
        rule = self._config.push_reward if before.is_visible(body) else self._config.search_reward
        if rule == "change":
            return change_reward(before.heightmap.height, after.heightmap.height)
        if rule == "reveal":
            return PUSH_REWARD if after.is_visible(body) else 0.0
        return push_reward(before.dispersion(body), after.dispersion(body))

    def _transition(
        self,
        before: Look,
        after: Look,
        target: int,
        following: int | None,
        primitive: Primitive,
        action: Action,
        reward: float,
    ) -> Transition | None:
        """The experience of a deed for a target; None when it lies outside of the crop around that target."""
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
            Deed(action.kind, action.rotation, row, column),
            reward,
            None if then is None else Snapshot.of(then),
            next_value,
            self._version,
        )

    def _value(self, look: Look, target: int) -> float:
        """The value of what would be done about a target that can be attended to."""
        situation, values = self._options(look, target)
        return greedy_value(values, situation)

    def _options(self, look: Look, target: int) -> tuple[Situation, NDArray[np.float32]]:
        """What can be done about a target that can be attended to, and the values of it."""
        if self._latest is None or self._latest[:2] != (look, target):
            focus = look.focus(target)
            assert focus is not None
            situation = self._situation(focus)
            self._latest = look, target, situation, masked_values(self._network, situation)
        return self._latest[2:]
