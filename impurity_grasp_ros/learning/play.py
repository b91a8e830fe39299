"""Play in generated scenes, whatever it is played for: experience comes in attempts, scene after scene."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import nn

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.learning.scenery import Scenery
from impurity_grasp_ros.learning.transition import Focus, Transition
from impurity_grasp_ros.policy.agent import Action, Situation, situation_of
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.simulation.environment import Environment

TRAINING_SEEDS = (1_000_000, 2**31)
"""Scenes of other seeds are left to evaluation."""


@dataclass(frozen=True)
class PlayConfig:
    """What is played, and how long with one scene."""

    scenes: tuple[str, ...] = parameter("scenes to draw from")
    shares: tuple[float, ...] = parameter("how often each is drawn, in any unit", low=0.0, high=1e6)
    aim: str = parameter("what is played for: a target at a time, or whatever comes", choices=("target", "anything"))
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


class Play(ABC):
    """Plays with one network, whose ``version`` the experiences carry. Not thread-safe."""

    def __init__(
        self,
        environment: Environment,
        network: nn.Module,
        version: int,
        config: PlayConfig,
        decoding: DecodingConfig,
        costs: CostConfig,
        rng: np.random.Generator,
    ) -> None:
        self._environment = environment
        self._scenery = Scenery(environment)
        self._network = network
        self._version = version
        self._config = config
        self._decoding = decoding
        self._costs = costs
        self._rng = rng

    def play(self, attempts: int, exploration: float) -> Iterator[Attempted]:
        """That many attempts, over as many scenes as it takes; ``exploration`` is the share of random actions."""
        done = 0
        while done < attempts:
            self._new_scene()
            for attempted in self._play_scene(min(attempts - done, self._config.attempts_per_scene), exploration):
                yield attempted
                done += 1

    @abstractmethod
    def _play_scene(self, attempts: int, exploration: float) -> Iterator[Attempted]:
        """Up to that many attempts in the scene that the environment holds."""

    def _new_scene(self) -> None:
        shares = np.array(self._config.shares) / sum(self._config.shares)
        while True:
            name = str(self._rng.choice(self._config.scenes, p=shares))
            try:
                self._environment.reset(int(self._rng.integers(*TRAINING_SEEDS)), name)
            except SceneNotSettledError:
                continue
            return

    def _situation(self, focus: Focus) -> Situation:
        workspace = self._environment.cell.workspace.grid
        return situation_of(focus.crop, focus.mask, focus.on_target, workspace, self._decoding, self._costs)


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
