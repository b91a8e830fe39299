"""Commanded angles and speeds of the six joints, one control cycle at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BRAKING = 10.0
"""Deceleration of joints that no motion commands, in rad/s2."""

SAFETY_BRAKING = 60.0
"""Deceleration of a safety stop, in rad/s2."""


class Axes:
    """Commanded state of the joints.

    Attributes:
        q: Commanded joint angles, (6,) float64, rad.
        qd: Commanded joint speeds, (6,) float64, rad/s.
        previous_q: ``q`` of the previous control cycle.

    Args:
        joints: Initial joint angles, (6,) rad.
        cycle: Length of a control cycle in seconds.
    """

    def __init__(self, joints: NDArray[np.float64], cycle: float) -> None:
        self.q: NDArray[np.float64] = np.array(joints, dtype=np.float64)
        self.qd: NDArray[np.float64] = np.zeros(6)
        self.previous_q = self.q
        self._cycle = cycle
        self._next: NDArray[np.float64] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether all commanded speeds are zero."""
        return not self.qd.any()

    def command(self, joints: NDArray[np.float64]) -> None:
        """Set the joint angles, (6,) rad, to be reached at the end of this control cycle."""
        self._next = joints

    def slow_down(self, deceleration: float) -> None:
        """Decelerate in this control cycle.

        Args:
            deceleration: Of the fastest joint, in rad/s2; the others slow down in proportion.
        """
        self._next = self._slowed(deceleration)

    def _slowed(self, deceleration: float) -> NDArray[np.float64]:
        fastest = float(np.abs(self.qd).max())
        remaining = max(0.0, 1.0 - deceleration * self._cycle / fastest) if fastest > 0.0 else 0.0
        return self.q + self.qd * remaining * self._cycle

    def hold(self, joints: NDArray[np.float64]) -> None:
        """Stop at once at measured joint angles, (6,) rad."""
        self.q = self.previous_q = np.array(joints)
        self.qd, self._next = np.zeros(6), None

    def cycle(self, braking: float) -> None:
        """Finish a control cycle.

        Args:
            braking: Deceleration in rad/s2 of joints that were not commanded in this cycle.
        """
        self.previous_q = self.q
        if self._next is None and self.at_rest:
            return
        reached = self._slowed(braking) if self._next is None else self._next
        speeds = (reached - self.q) / self._cycle
        self.q, self.qd, self._next = reached, np.where(np.abs(speeds) < 1e-9, 0.0, speeds), None
