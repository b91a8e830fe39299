"""Proportions and how sure one may be of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Proportion:
    """``hits`` out of ``trials``; nothing is known without a trial."""

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """The observed proportion, NaN without a trial."""
        return self.hits / self.trials if self.trials else math.nan

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % score interval (Wilson 1927), all of 0..1 without a trial; it takes trials as independent."""
        if not self.trials:
            return 0.0, 1.0
        share, n = min(self.value, 1.0), self.trials
        middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
        half = Z_95 / (1 + Z_95**2 / n) * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
        return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))
