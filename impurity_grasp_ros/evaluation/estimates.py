"""Estimates of proportions and ratios over episodes, with 95 % intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

CONFIDENCE = 0.95
RESAMPLES = 2000
"""Of the bootstrap."""


class Estimate(Protocol):
    """A figure between 0 and about 1 with its 95 % interval."""

    @property
    def value(self) -> float:
        """The observed figure; NaN if nothing was observed."""
        ...

    @property
    def counts(self) -> str:
        """The counts behind the figure, in words."""
        ...

    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the 95 % interval; 0 and 1 if there are too few observations."""
        ...


@dataclass(frozen=True)
class Proportion:
    """``hits`` out of ``trials`` independent trials."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """The observed proportion; NaN without trials."""
        return self.hits / self.trials if self.trials else math.nan

    @property
    def counts(self) -> str:
        """Hits and trials, such as ``3 of 4``."""
        return f"{self.hits} of {self.trials}"

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval (Wilson 1927); 0 and 1 without trials."""
        if not self.trials:
            return 0.0, 1.0
        known = binomtest(self.hits, self.trials).proportion_ci(CONFIDENCE, method="wilson")
        return float(known.low), float(known.high)


@dataclass(frozen=True)
class Ratio:
    """A sum over episodes divided by another sum over the same episodes.

    Such as targets per action, which is not a proportion: the actions of an episode depend on one another, and one
    action may bring two targets.

    Attributes:
        parts: Numerator and denominator of each episode.
    """

    parts: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The ratio of the sums; NaN if the denominator is 0."""
        return float(_ratio(*self._columns())) if sum(bottom for _, bottom in self.parts) else math.nan

    @property
    def counts(self) -> str:
        """Both sums, such as ``3 per 4``."""
        top, bottom = (sum(column) for column in zip(*self.parts, strict=True)) if self.parts else (0, 0)
        return f"{top:g} per {bottom:.6g}"

    def interval(self) -> tuple[float, float]:
        """95 % percentile bootstrap over episodes; 0 and 1 if fewer than two of them have a nonzero denominator."""
        if sum(bottom > 0 for _, bottom in self.parts) < 2:
            return 0.0, 1.0
        known = bootstrap(
            self._columns(),
            _ratio,
            paired=True,
            confidence_level=CONFIDENCE,
            n_resamples=RESAMPLES,
            method="percentile",
            random_state=np.random.default_rng(0),
        ).confidence_interval
        return float(known.low), float(known.high)

    def _columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        kept = np.array([part for part in self.parts if part[1]], np.float64).reshape(-1, 2)
        return kept[:, 0], kept[:, 1]


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64], axis: int = -1) -> Any:
    return top.sum(axis=axis) / bottom.sum(axis=axis)
