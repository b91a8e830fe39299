"""What a controller moves: the arm's mechanics and what it meets."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Measured(NamedTuple):
    """What the arm's sensors tell.

    joints, speeds: (6,) rad and rad/s. force: (3,) N at the tool, controller's base. commanded: (6,) rad, the command
    that ``joints`` belong to. behind: seconds of commands that came after it.
    """

    joints: NDArray[np.float64]
    speeds: NDArray[np.float64]
    force: NDArray[np.float64]
    commanded: NDArray[np.float64]
    behind: float = 0.0


class ArmPlant(Protocol):
    """The mechanics of an arm under position control."""

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measured:
        """Let ``duration`` seconds pass with joint angles (6,) commanded, and measure.

        Mechanics that need longer for it measure what an earlier command led to, and say so.
        """
        ...


class IdealArm:
    """``ArmPlant`` that does what it is told. ``force`` can be set: N at the tool, (3,)."""

    def __init__(self, joints: NDArray[np.float64]) -> None:
        self._joints = joints
        self.force = np.zeros(3)

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measured:
        """Let time pass."""
        speeds = (joints - self._joints) / duration
        self._joints = joints
        return Measured(joints, speeds, self.force, joints)
