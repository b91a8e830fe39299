"""Self-supervised play: in a generated scene any block may be the target, and the simulator says what came of it.

The paper trains on the attention module's output; here the target's mask comes from the renderer, so that every
visible block serves as a target, also one of the ordinary ones (hindsight). A hidden block is searched for as the
attention module would: around the cluster that could hide it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.learning.reward import GRASP_REWARD, PUSH_REWARD, change_reward, push_reward
from impurity_grasp_ros.learning.scenery import Look, Scenery
from impurity_grasp_ros.learning.transition import Deed, Focus, Snapshot, Transition
from impurity_grasp_ros.policy.agent import Action, Situation, best_action, masked_values, situation_of
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.simulation.environment import Environment

TRAINING_SEEDS = (1_000_000, 2**31)
"""Scenes of other seeds are left to evaluation."""


@dataclass(frozen=True)
class PlayConfig:
    """What is played, and how long with one scene."""

    scenes: tuple[str, ...] = parameter("scenes to draw from")
    shares: tuple[float, ...] = parameter("how often each is drawn, in any unit", low=0.0, high=1e6)
    attempts_per_scene: int = parameter("attempts after which another scene is drawn", low=1, high=1000)
    failures_per_scene: int = parameter("failures in a row of one primitive that end a scene", low=1, high=100)
    search_share: float = parameter("part of the targets that are hidden, where some are", low=0.0, high=1.0)
    push_reward: str = parameter("what a push is rewarded for", choices=("dispersion", "change"))
    search_reward: str = parameter("the same, while the target is hidden", choices=("dispersion", "change", "reveal"))
    relabel_share: float = parameter("part of the pushes that are judged for a second target", low=0.0, high=1.0)


@dataclass(frozen=True)
class Attempted:
    """One attempt: the experiences it gave, and whether it earned its primitive's reward."""

    kind: PrimitiveKind
    success: bool
    explored: bool
    transitions: tuple[Transition, ...]


class SelfPlay:
    """Plays with one network, whose ``version`` the experiences carry. Not thread-safe."""

    def __init__(
        self,
        environment: Environment,
        network: nn.Module,
        version: int,
        config: PlayConfig,
        decoding: DecodingConfig,
        rng: np.random.Generator,
    ) -> None:
        self._environment = environment
        self._scenery = Scenery(environment)
        self._network = network
        self._version = version
        self._config = config
        self._decoding = decoding
        self._rng = rng
        self._latest: tuple[Look | None, int, NDArray[np.float32]] = (None, -1, np.empty(0, np.float32))

    def play(self, attempts: int, exploration: float) -> Iterator[Attempted]:
        """That many attempts, over as many scenes as it takes; ``exploration`` is the share of random actions."""
        done = 0
        while done < attempts:
            self._new_scene()
            for attempted in self._play_scene(min(attempts - done, self._config.attempts_per_scene), exploration):
                yield attempted
                done += 1

    def _new_scene(self) -> None:
        shares = np.array(self._config.shares) / sum(self._config.shares)
        while True:
            name = str(self._rng.choice(self._config.scenes, p=shares))
            try:
                self._environment.reset(int(self._rng.integers(*TRAINING_SEEDS)), name)
            except SceneNotSettledError:
                continue
            return

    def _play_scene(self, attempts: int, exploration: float) -> Iterator[Attempted]:
        look, failures = self._scenery.look(), dict.fromkeys(PrimitiveKind, 0)
        target: int | None = None
        for _ in range(attempts):
            if target is None or look.focus(target) is None:
                target = look.pick_target(self._rng, self._config.search_share)
            if target is None or (focus := look.focus(target)) is None:
                return
            situation = self._situation(focus)
            explore = self._rng.random() < exploration
            action = random_action(situation, self._rng) if explore else best_action(self._values(look, target))
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

    def _situation(self, focus: Focus) -> Situation:
        workspace = self._environment.cell.workspace.grid
        return situation_of(focus.crop, focus.mask, focus.on_target, workspace, self._decoding)

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
        next_value = 0.0 if then is None or following is None else float(self._values(after, following).max())
        return Transition(
            Snapshot.of(focus),
            Deed(action.kind, action.rotation, row, column),
            reward,
            None if then is None else Snapshot.of(then),
            max(next_value, 0.0),  # minus infinity when nothing can be done
            self._version,
        )

    def _values(self, look: Look, target: int) -> NDArray[np.float32]:
        """Values of all actions for a visible target; those asked for last are remembered."""
        if self._latest[:2] != (look, target):
            focus = look.focus(target)
            assert focus is not None
            self._latest = look, target, masked_values(self._network, self._situation(focus))
        return self._latest[2]


def random_action(situation: Situation, rng: np.random.Generator) -> Action | None:
    """A feasible action: first a primitive, then a rotation, then a pixel, each with equal chances."""
    feasible = situation.feasible
    kinds = np.flatnonzero(feasible.any(axis=(1, 2, 3)))
    if len(kinds) == 0:
        return None
    kind = int(rng.choice(kinds))
    rotation = int(rng.choice(np.flatnonzero(feasible[kind].any(axis=(1, 2)))))
    row, column = rng.choice(np.argwhere(feasible[kind, rotation]))
    return Action(PrimitiveKind(kind), rotation, int(row), int(column))
