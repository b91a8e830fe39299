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
    """Size of the memory and how sharply it prefers surprising experiences."""

    capacity: int = parameter("transitions that are kept, the oldest are forgotten first", low=1, high=10**7)
    priority_exponent: float = parameter("0: uniform sampling, 1: probability as 1 / rank", low=0.0, high=2.0)
    correction_exponent: float = parameter("0: no correction of the sampling's bias, 1: full", low=0.0, high=1.0)


@dataclass(frozen=True, eq=False)
class Sample:
    """indices: (n,) places in the memory; weights: (n,) importance weights, the greatest is 1."""

    indices: NDArray[np.intp]
    transitions: list[Transition]
    weights: NDArray[np.float32]


class RankReplay:
    """A ring of transitions; the one with the greatest temporal difference error has rank 1.

    A new transition has an infinite error, so that each is seen soon.
    """

    def __init__(self, config: ReplayConfig) -> None:
        self._config = config
        self._transitions: list[Transition] = []
        self._errors = np.zeros(config.capacity)
        self._next = 0

    def __len__(self) -> int:
        return len(self._transitions)

    def add(self, transition: Transition) -> None:
        """Remember a transition, in place of the oldest one when the memory is full."""
        if len(self) < self._config.capacity:
            self._transitions.append(transition)
        else:
            self._transitions[self._next] = transition
        self._errors[self._next] = np.inf
        self._next = (self._next + 1) % self._config.capacity

    def probabilities(self) -> NDArray[np.float64]:
        """(len,) probability with which each transition is drawn."""
        rank = np.empty(len(self))
        rank[np.argsort(-self._errors[: len(self)], kind="stable")] = np.arange(1, len(self) + 1)
        weight = rank**-self._config.priority_exponent
        return weight / weight.sum()

    def sample(self, size: int, rng: np.random.Generator) -> Sample:
        """Draw with replacement by rank; raises ValueError when the memory is empty."""
        probabilities = self.probabilities()
        indices = rng.choice(len(self), size, p=probabilities)
        weights = (len(self) * probabilities[indices]) ** -self._config.correction_exponent
        chosen = [self._transitions[index] for index in indices]
        return Sample(indices, chosen, (weights / weights.max()).astype(np.float32))

    def replace(self, index: int, transition: Transition) -> None:
        """Put a better estimate of the same experience in its place."""
        self._transitions[index] = transition

    def update(self, indices: NDArray[np.intp], errors: NDArray[np.float64]) -> None:
        """Take down how wrong the values of drawn transitions were."""
        self._errors[indices] = np.abs(errors)

    def get_state(self) -> dict[str, Any]:
        """Everything that :meth:`set_state` needs to go on exactly here."""
        return {"transitions": list(self._transitions), "errors": self._errors.copy(), "next": self._next}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`get_state` was called."""
        self._transitions = list(state["transitions"])
        self._errors = state["errors"].copy()
        self._next = state["next"]
