"""The mechanics that a controller drives: the arm, and the forces on it."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

START_JOINTS = (0.0, -math.pi / 2, math.pi / 2, -math.pi / 2, -math.pi / 2, 0.0)
"""Default joint angles in rad at the start: upper arm up, forearm horizontal, tool down."""


class Measurement(NamedTuple):
    """Readings of the arm's sensors.

    Attributes:
        joints: Joint angles, (6,) rad.
        speeds: Joint speeds, (6,) rad/s.
        force: Force at the tool, (3,) N in the controller's base frame.
        commanded: The commanded joint angles, (6,) rad, that led to ``joints``.
        behind: Seconds of commands that were sent after ``commanded`` and have not been carried out yet.
    """

    joints: NDArray[np.float64]
    speeds: NDArray[np.float64]
    force: NDArray[np.float64]
    commanded: NDArray[np.float64]
    behind: float = 0.0


class ArmPlant(Protocol):
    """The mechanics of a position-controlled arm."""

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measurement:
        """Advance time with joint angles commanded, and measure.

        Args:
            joints: Commanded joint angles, (6,) rad.
            duration: Seconds to advance.

        Returns:
            What the sensors read. Mechanics that are late return the result of an earlier command and say so in
            ``commanded`` and ``behind``.
        """
        ...


class IdealArm:
    """``ArmPlant`` that reaches every command at once.

    Attributes:
        force: Force at the tool, (3,) N in the controller's base frame; may be set.

    Args:
        joints: Initial joint angles, (6,) rad.
    """

    def __init__(self, joints: NDArray[np.float64]) -> None:
        self._joints = joints
        self.force = np.zeros(3)

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measurement:
        """See :meth:`ArmPlant.follow`."""
        speeds = (joints - self._joints) / duration
        self._joints = joints
        return Measurement(joints, speeds, self.force, joints)
