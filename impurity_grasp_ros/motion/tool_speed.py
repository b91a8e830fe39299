"""Speed of the tool during joint motions."""

from __future__ import annotations

import math

import numpy as np

from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.protocols import JointPositions

SAMPLE_SPACING = 0.1
"""Radians of the leading axis between two samples of a path; the tool speed changes by less than 1 % in between."""

SAMPLING_MARGIN = 0.99
"""Factor of the tool speed limit that allows for that change."""


def largest_tool_rate(kinematics: Kinematics, start: JointPositions, end: JointPositions) -> float:
    """Return the largest tool travel per radian of the leading axis on a path that is straight in joint space.

    Args:
        kinematics: Kinematics of the arm with its tool.
        start: (6,) float64, joint angles in radians at the start.
        end: (6,) float64, joint angles in radians at the end.

    Returns:
        Travel of the tool center point in m/rad; 0 if the path has no length.
    """
    way = end - start
    distance = float(np.abs(way).max())
    if distance == 0.0:
        return 0.0
    direction = way / distance
    samples = np.linspace(0.0, 1.0, max(2, math.ceil(distance / SAMPLE_SPACING) + 1))
    return max(float(np.linalg.norm(kinematics.jacobian(start + part * way) @ direction)) for part in samples)


def limited_joint_speed(
    kinematics: Kinematics, start: JointPositions, end: JointPositions, joint_speeds: JointPositions, tool_speed: float
) -> float:
    """Return the highest speed of the leading axis within all limits on a path that is straight in joint space.

    Args:
        kinematics: Kinematics of the arm with its tool.
        start: (6,) float64, joint angles in radians at the start.
        end: (6,) float64, joint angles in radians at the end.
        joint_speeds: (6,) float64, limits of the joints in rad/s.
        tool_speed: Limit of the tool center point in m/s.

    Returns:
        Speed of the leading axis in rad/s.
    """
    way = np.abs(end - start)
    moved = way > 0.0
    if not moved.any():
        return float(joint_speeds.min())
    joint_speed = float((joint_speeds[moved] / way[moved]).min() * way.max())
    rate = largest_tool_rate(kinematics, start, end)
    return min(joint_speed, SAMPLING_MARGIN * tool_speed / rate) if rate > 0.0 else joint_speed
