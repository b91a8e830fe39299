"""The six axes as commanded: where they are told to be, cycle by cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BRAKING = 10.0
"""rad/s2 with which axes that nobody commands come to rest."""

SAFETY_BRAKING = 60.0
"""rad/s2 of a stop for safety."""


class Axes:
    """Commanded joint angles ``q`` and speeds ``qd``, (6,) rad and rad/s; ``before``: the angles a cycle ago."""

    def __init__(self, joints: NDArray[np.float64], cycle: float) -> None:
        self.q: NDArray[np.float64] = np.array(joints, dtype=np.float64)
        self.qd: NDArray[np.float64] = np.zeros(6)
        self.before = self.q
        self._cycle = cycle
        self._next: NDArray[np.float64] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether no axis moves."""
        return not self.qd.any()

    def command(self, joints: NDArray[np.float64]) -> None:
        """Where to be at the end of this cycle."""
        self._next = joints

    def slow_down(self, deceleration: float) -> None:
        """Lose that many rad/s2 of the leading axis's speed in this cycle, the others in proportion."""
        self._next = self._slowed(deceleration)

    def _slowed(self, deceleration: float) -> NDArray[np.float64]:
        fastest = float(np.abs(self.qd).max())
        left = max(0.0, 1.0 - deceleration * self._cycle / fastest) if fastest > 0.0 else 0.0
        return self.q + self.qd * left * self._cycle

    def hold(self, joints: NDArray[np.float64]) -> None:
        """Stay where the arm was found to be."""
        self.q = self.before = np.array(joints)
        self.qd, self._next = np.zeros(6), None

    def cycle(self, braking: float) -> None:
        """Close a control cycle; axes that were not commanded brake."""
        self.before = self.q
        if self._next is None and self.at_rest:
            return
        reached = self._slowed(braking) if self._next is None else self._next
        moved = (reached - self.q) / self._cycle
        self.q, self.qd, self._next = reached, np.where(np.abs(moved) < 1e-9, 0.0, moved), None
