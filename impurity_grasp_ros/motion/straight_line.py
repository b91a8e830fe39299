"""Joint trajectories on which the tool moves along a straight line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.errors import UnreachableError
from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.motion.trajectory import Profile, Trajectory
from impurity_grasp_ros.transform import Transform

KNOT_SPACING = 0.01
"""Distance in meters between exact points of the line; joints are interpolated in between."""


def straight_trajectory(
    kinematics: Kinematics, start: NDArray[np.float64], T_base_tool: Transform, speed: float, acceleration: float
) -> Trajectory:
    """Return a trajectory on which the tool moves along a straight line.

    Args:
        kinematics: Kinematics of the arm with its tool.
        start: (6,) float64, joint angles in radians at the start.
        T_base_tool: (4, 4) final pose of the tool; its orientation applies from the start.
        speed: m/s of the tool.
        acceleration: m/s2 of the tool.

    Raises:
        UnreachableError: A pose on the line has no joint solution.
    """
    position = kinematics.forward(start)[:3, 3]
    distance = float(np.linalg.norm(T_base_tool[:3, 3] - position))
    pieces = max(1, round(distance / KNOT_SPACING))
    knots = [start]
    for fraction in np.arange(1, pieces + 1) / pieces:
        pose = T_base_tool.copy()
        pose[:3, 3] = (1 - fraction) * position + fraction * T_base_tool[:3, 3]
        solution = kinematics.nearest(pose, knots[-1])
        if solution is None:
            raise UnreachableError(f"expected a reachable straight line, no solution at {np.round(pose[:3, 3], 3)}")
        knots.append(solution)
    return Trajectory(Profile(distance, speed, acceleration), np.array(knots))
