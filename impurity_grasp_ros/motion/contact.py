"""Contact force at the tool, measured as a change from the force in free air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.cell_parts import MotionConfig
from impurity_grasp_ros.errors import RecoveryNeededError
from impurity_grasp_ros.protocols import Arm, Clock


class ContactForce:
    """Compares the force vector at the tool with a baseline measured in free air.

    The sensor is never zeroed, because zeroing would hide a load that is already present, and controllers before
    version 5 do not support it. Until a baseline is taken, it is zero.

    Args:
        arm: The arm whose tool force is read.
        clock: Clock of the arm.
        motion: Limits and number of readings.
    """

    def __init__(self, arm: Arm, clock: Clock, motion: MotionConfig) -> None:
        self._arm = arm
        self._clock = clock
        self._motion = motion
        self._baseline: NDArray[np.float64] = np.zeros(3)

    def take_baseline(self) -> None:
        """Measure the baseline: the mean force of the resting arm with its tool in free air.

        Raises:
            RecoveryNeededError: The force is larger than ``free_air_force``: something touches the tool or hangs on it,
                or the payload differs from the one that the controller was told.
        """
        readings = []
        for _ in range(self._motion.free_air_readings):
            self._clock.sleep(self._motion.poll_interval)
            readings.append(self._arm.tool_force())
        self._baseline = np.mean(readings, axis=0)
        force, limit = float(np.linalg.norm(self._baseline)), self._motion.free_air_force
        if not force <= limit:  # also refuses NaN
            raise RecoveryNeededError(
                f"expected at most {limit:g} N at the tool in free air, received {force:.1f} N: something touches it "
                "or hangs on it; take it away, or correct the payload, and try again"
            )

    def change(self) -> float:
        """Return the magnitude in newtons of the difference between the force vector and the baseline."""
        return float(np.linalg.norm(self._arm.tool_force() - self._baseline))
