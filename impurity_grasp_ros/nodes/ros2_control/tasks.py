"""What the emulated controllers execute: trajectories of the arm, and motions of the fingers."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from trajectory_msgs.msg import JointTrajectory

from impurity_grasp_ros.nodes.stamps import to_seconds


class Task:
    """What a controller executes for one goal.

    Attributes:
        ended: Set at the end.
        error: Why it ended early; empty if it did not.
        canceled: Whether the client has canceled it.
    """

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.error = ""
        self.canceled = False

    def end(self, error: str = "") -> None:
        """End it, for a reason."""
        self.error = error
        self.ended.set()


class FollowTask(Task):
    """A trajectory that is followed.

    Args:
        start: (6,) joint angles in radians at which it begins.
        order: Column of each joint in the trajectory.
        trajectory: The goal's trajectory.
    """

    def __init__(self, start: NDArray[np.float64], order: Sequence[int], trajectory: JointTrajectory) -> None:
        super().__init__()
        times = [0.0, *(to_seconds(point.time_from_start) for point in trajectory.points)]
        joints = np.array([point.positions for point in trajectory.points])[:, order]
        speeds = np.array([point.velocities for point in trajectory.points])[:, order]
        self._duration, self._elapsed = times[-1], 0.0
        self._spline = CubicHermiteSpline(times, [start, *joints], [np.zeros(6), *speeds])

    def advance(self, duration: float) -> NDArray[np.float64] | None:
        """Return the joint angles (6,) after some more seconds; None after the end."""
        self._elapsed += duration
        if self._elapsed >= self._duration + duration:
            return None
        return np.asarray(self._spline(min(self._elapsed, self._duration)))


class FingerTask(Task):
    """A motion of the fingers to an opening in meters."""

    def __init__(self, opening: float) -> None:
        super().__init__()
        self.opening = opening
        self.has_begun = False
