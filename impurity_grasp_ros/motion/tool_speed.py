"""How fast the tool moves while the joints do."""

from __future__ import annotations

import math

import numpy as np

from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.protocols import JointPositions

SAMPLE_SPACING = 0.1
"""Radians of the leading axis between two looks at the path; the tool's speed changes by less than 1 % in between."""

SAMPLING_MARGIN = 0.99
"""What is left of a speed limit because of that."""


def largest_tool_rate(kinematics: Kinematics, start: JointPositions, end: JointPositions) -> float:
    """How far the tool moves per radian of the leading axis where a path straight in joint space is fastest.

    Args:
        kinematics: of the arm with its tool.
        start: joint angles (6,) in radians.
        end: joint angles (6,) in radians.

    Returns:
        m/rad of the tool center point; 0 for no motion.
    """
    way = end - start
    distance = float(np.abs(way).max())
    if distance == 0.0:
        return 0.0
    direction = way / distance
    samples = np.linspace(0.0, 1.0, max(2, math.ceil(distance / SAMPLE_SPACING) + 1))
    return max(float(np.linalg.norm(kinematics.jacobian(start + part * way) @ direction)) for part in samples)


def limited_joint_speed(
    kinematics: Kinematics, start: JointPositions, end: JointPositions, joint_speed: float, tool_speed: float
) -> float:
    """The joint speed at which the tool keeps below a limit on a path straight in joint space.

    Args:
        kinematics: of the arm with its tool.
        start: joint angles (6,) in radians.
        end: joint angles (6,) in radians.
        joint_speed: rad/s of the leading axis that is not exceeded.
        tool_speed: m/s of the tool center point that is not exceeded.

    Returns:
        rad/s of the leading axis.
    """
    rate = largest_tool_rate(kinematics, start, end)
    return min(joint_speed, SAMPLING_MARGIN * tool_speed / rate) if rate > 0.0 else joint_speed
