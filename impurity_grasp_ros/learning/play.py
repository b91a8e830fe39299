"""Base class of self-play: attempts in generated scenes, from which transitions are collected."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
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
"""Range [low, high) of the seeds of training scenes; all other seeds are reserved for evaluation."""


@dataclass(frozen=True)
class PlayConfig:
    """Scenes, length of play in one scene, and rewards."""

    scenes: tuple[str, ...] = parameter("scenes to draw from")
    shares: tuple[float, ...] = parameter("relative frequency of each scene", low=0.0, high=1e6)
    aim: str = parameter("objective: one target at a time, or any object", choices=("target", "anything"))
    attempts_per_scene: int = parameter("attempts after which a new scene is drawn", low=1, high=1000)
    failures_per_scene: int = parameter("consecutive failures of one primitive that end a scene", low=1, high=100)
    search_share: float = parameter("probability of choosing a hidden target, if there is one", low=0.0, high=1.0)
    push_reward: str = parameter("what a push is rewarded for", choices=("dispersion", "change"))
    search_reward: str = parameter("the same while the target is hidden", choices=("dispersion", "change", "reveal"))
    relabel_share: float = parameter("fraction of the pushes also judged for a second target", low=0.0, high=1.0)


@dataclass(frozen=True)
class PlayResult:
    """Result of one attempt.

    Attributes:
        kind: The primitive that was executed.
        success: Whether it earned the reward of its primitive.
        explored: Whether the action was chosen at random.
        transitions: The transitions that the attempt gave.
    """

    kind: PrimitiveKind
    success: bool
    explored: bool
    transitions: tuple[Transition, ...]


class Play(ABC):
    """Plays with one network. Not thread-safe."""

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
        """Play in an environment.

        Args:
            environment: The simulated cell to play in.
            network: The network that values the actions.
            version: Version of the network, stored in every transition.
            config: Scenes, length of play and rewards.
            decoding: Geometry of the primitives.
            costs: Costs of the actions.
            rng: Source of all random choices.
        """
        self._environment = environment
        self._scenery = Scenery(environment)
        self._network = network
        self._version = version
        self._config = config
        self._decoding = decoding
        self._costs = costs
        self._rng = rng

    def play(self, attempts: int, exploration: float) -> Iterator[PlayResult]:
        """Make a number of attempts, in as many scenes as it takes.

        Args:
            attempts: Number of attempts.
            exploration: Probability of a random action.

        Yields:
            The result of each attempt.
        """
        done = 0
        while done < attempts:
            reset_to_any(self._environment, self._config.scenes, self._config.shares, self._rng)
            for result in self._play_scene(min(attempts - done, self._config.attempts_per_scene), exploration):
                yield result
                done += 1

    @abstractmethod
    def _play_scene(self, attempts: int, exploration: float) -> Iterator[PlayResult]:
        """Make up to ``attempts`` attempts in the current scene of the environment."""

    def _situation(self, focus: Focus) -> Situation:
        grid, gripper = self._environment.cell.workspace.grid, self._environment.cell.gripper_model
        return situation_of(focus.crop, focus.mask, focus.on_target, grid, gripper, self._decoding, self._costs)


def reset_to_any(
    environment: Environment, scenes: Sequence[str], shares: Sequence[float], rng: np.random.Generator
) -> None:
    """Reset to a training scene; one that does not settle is replaced by another.

    Args:
        environment: The simulated cell.
        scenes: Names to draw from.
        shares: Relative frequency of each.
        rng: Source of name and seed.
    """
    frequencies = np.array(shares) / sum(shares)
    while True:
        name = str(rng.choice(scenes, p=frequencies))
        try:
            environment.reset(int(rng.integers(*TRAINING_SEEDS)), name)
        except SceneNotSettledError:
            continue
        return


def random_action(situation: Situation, rng: np.random.Generator) -> Action | None:
    """Draw a feasible action: first a primitive, then a rotation, then a pixel, each uniformly.

    Returns:
        The action, or None when none is feasible.
    """
    feasible = situation.feasible
    kinds = np.flatnonzero(feasible.any(axis=(1, 2, 3)))
    if len(kinds) == 0:
        return None
    kind = int(rng.choice(kinds))
    rotation = int(rng.choice(np.flatnonzero(feasible[kind].any(axis=(1, 2)))))
    row, column = rng.choice(np.argwhere(feasible[kind, rotation]))
    return Action(PrimitiveKind(kind), rotation, int(row), int(column))
