"""Prioritized experience replay, rank-based and stochastic (Schaul et al., 2016; paper, section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.learning.transition import Transition


@dataclass(frozen=True)
class ReplayConfig:
    """Size of the memory and how strongly it prefers transitions with a large error."""

    capacity: int = parameter("maximum number of transitions; the oldest are overwritten first", low=1, high=10**7)
    priority_exponent: float = parameter("0: uniform sampling, 1: probability as 1 / rank", low=0.0, high=2.0)
    correction_exponent: float = parameter("0: no correction of the sampling bias, 1: full", low=0.0, high=1.0)


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample of transitions.

    Attributes:
        indices: (n,) places in the memory.
        transitions: The n sampled transitions.
        weights: (n,) float32 importance weights; the largest is 1.
    """

    indices: NDArray[np.intp]
    transitions: list[Transition]
    weights: NDArray[np.float32]


class RankReplay:
    """A ring buffer of transitions; the one with the largest temporal-difference error has rank 1.

    A new transition has an infinite error, so that it is sampled soon.
    """

    def __init__(self, config: ReplayConfig) -> None:
        self._config = config
        self._transitions: list[Transition] = []
        self._errors = np.zeros(config.capacity)
        self._next = 0

    def __len__(self) -> int:
        return len(self._transitions)

    def add(self, transition: Transition) -> None:
        """Store a transition; it replaces the oldest one when the memory is full."""
        if len(self) < self._config.capacity:
            self._transitions.append(transition)
        else:
            self._transitions[self._next] = transition
        self._errors[self._next] = np.inf
        self._next = (self._next + 1) % self._config.capacity

    def probabilities(self) -> NDArray[np.float64]:
        """Probability (n,) of sampling each of the n transitions."""
        rank = np.empty(len(self))
        rank[np.argsort(-self._errors[: len(self)], kind="stable")] = np.arange(1, len(self) + 1)
        weight = rank**-self._config.priority_exponent
        return weight / weight.sum()

    def sample(self, size: int, rng: np.random.Generator) -> Sample:
        """Sample by rank, with replacement.

        Args:
            size: Number of transitions to sample.
            rng: Source of randomness.

        Raises:
            ValueError: The memory is empty.
        """
        probabilities = self.probabilities()
        indices = rng.choice(len(self), size, p=probabilities)
        weights = (len(self) * probabilities[indices]) ** -self._config.correction_exponent
        chosen = [self._transitions[index] for index in indices]
        return Sample(indices, chosen, (weights / weights.max()).astype(np.float32))

    def replace(self, index: int, transition: Transition) -> None:
        """Replace a transition, such as by one with a newer next value; its priority stays."""
        self._transitions[index] = transition

    def update(self, indices: NDArray[np.intp], errors: NDArray[np.float64]) -> None:
        """Update the priorities of sampled transitions.

        Args:
            indices: (n,) places in the memory.
            errors: (n,) temporal-difference errors; their signs are ignored.
        """
        self._errors[indices] = np.abs(errors)

    def get_state(self) -> dict[str, Any]:
        """Everything that :meth:`set_state` needs to continue from exactly this point."""
        return {"transitions": list(self._transitions), "errors": self._errors.copy(), "next": self._next}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the state that :meth:`get_state` returned."""
        self._transitions = list(state["transitions"])
        self._errors = state["errors"].copy()
        self._next = state["next"]
