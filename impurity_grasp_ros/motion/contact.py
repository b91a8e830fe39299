"""Contact force at the tool as a change since free air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.cell_parts import MotionConfig
from impurity_grasp_ros.errors import RecoveryNeededError
from impurity_grasp_ros.protocols import Arm, Clock


class ContactForce:
    """Compares the force vector at the tool with a baseline that was taken in free air.

    The sensor is never zeroed: a load that stands there already would count as none, and controllers below version 5
    have no such function.
    """

    def __init__(self, arm: Arm, clock: Clock, motion: MotionConfig) -> None:
        self._arm = arm
        self._clock = clock
        self._motion = motion
        self._baseline: NDArray[np.float64] = np.zeros(3)

    def take_baseline(self) -> None:
        """Average the force of the resting arm, its tool in free air.

        Raises:
            RecoveryNeededError: the force is larger than free air can explain: something touches the tool, hangs on
                it, or the payload is not what the controller was told.
        """
        readings = []
        for _ in range(self._motion.free_air_readings):
            self._clock.sleep(self._motion.poll_interval)
            readings.append(self._arm.tool_force())
        self._baseline = np.mean(readings, axis=0)
        force, limit = float(np.linalg.norm(self._baseline)), self._motion.free_air_force
        if not force <= limit:  # not a number is no free air, either
            raise RecoveryNeededError(
                f"expected at most {limit:g} N at the tool in free air, received {force:.1f} N: something touches it "
                "or hangs on it; take it away, or correct the payload, and try again"
            )

    def change(self) -> float:
        """Magnitude in newtons of the force vector's change since the baseline."""
        return float(np.linalg.norm(self._arm.tool_force() - self._baseline))
