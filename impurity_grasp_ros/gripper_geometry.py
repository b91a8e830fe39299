"""Geometry of the Robotiq 2F-85 in its pinching mode, as ``urdf/robotiq_2f85.xacro`` builds it.

The pads swing inward on an arc: at an opening the finger tips end ``tip_rise(opening)`` metres above the tool centre
point, which is where they meet when closed.
"""

import math

from impurity_grasp_ros.constants import GRIPPER_STROKE

CRANK = 0.0573
"""Length of a finger's crank in metres."""

OPEN_ANGLE = 0.71
"""Crank from the gripper's axis when fully open, radians."""

CLOSED_TRAVEL = 0.8
"""Knuckle travel from fully open to fully closed, radians."""

TIP_THICKNESS = 0.012
"""A finger tip's extent along the closing axis in metres."""

TIP_WIDTH = 0.022
"""A finger tip's extent across the closing axis in metres."""

TIP_LENGTH = 0.0508
"""From a finger tip's joint to its end in metres."""

PALM_CLEARANCE = 0.060
"""Metres above the tool centre point below which the palm never reaches."""


def knuckle_travel(opening: float) -> float:
    """Knuckle travel in radians at which the pads are ``opening`` metres apart."""
    opening = min(max(opening, 0.0), GRIPPER_STROKE)
    return OPEN_ANGLE - math.asin(math.sin(OPEN_ANGLE - CLOSED_TRAVEL) + opening / (2.0 * CRANK))


def pad_opening(travel: float) -> float:
    """Distance between the pads in metres at a knuckle travel in radians."""
    return 2.0 * CRANK * (math.sin(OPEN_ANGLE - travel) - math.sin(OPEN_ANGLE - CLOSED_TRAVEL))


def tip_rise(opening: float) -> float:
    """Metres by which the finger tips end above the tool centre point at an opening in metres."""
    crank_angle = OPEN_ANGLE - knuckle_travel(opening)
    return CRANK * (math.cos(OPEN_ANGLE - CLOSED_TRAVEL) - math.cos(crank_angle))
