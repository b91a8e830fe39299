"""Waypoints that put down an object that a stopped primitive has left in the fingers."""

from __future__ import annotations

import math

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.motion.waypoints import Fingers, FreeAir, Rise, Straight, Transit, Waypoint
from impurity_grasp_ros.transform import Transform, tool_down

PHASE = "put_down"
"""Name of the phase, as reported to the caller."""

RELEASE_SLACK = 0.02
"""Meters by which the fingers open beyond the object: enough to release it, too little to push neighbors aside."""


def put_down(T_base_tool: Transform, opening: float, cell: CellConfig) -> list[Waypoint]:
    """Return waypoints that release the held object where it cannot fall far.

    Over the workspace the object is lowered slowly until it meets something. Anywhere else it was on its way to the
    drop bin and is taken there, because what lies below is unknown.

    Args:
        T_base_tool: (4, 4) pose of the tool in ``base_link``, at the transit height or above.
        opening: Measured distance between the fingers in meters.
        cell: Layout, heights and speeds.

    Returns:
        Waypoints that start at that pose, all of phase ``put_down``.
    """
    motion, drop = cell.motion, cell.drop_bin
    x, y, z = (float(value) for value in T_base_tool[:3, 3])
    yaw = math.atan2(T_base_tool[1, 0], T_base_tool[0, 0])
    release = Fingers(PHASE, min(opening + RELEASE_SLACK, cell.gripper_model.stroke), must_reach=True)
    if not cell.workspace.grid.contains(x, y):
        return [Transit(PHASE, tool_down((drop.x, drop.y, motion.release_height), yaw)), release]
    down = (0.0, 0.0, cell.reach.z_min - z)
    return [
        Transit(PHASE, tool_down((x, y, z), yaw)),  # the tool may be tilted if a joint motion was stopped
        FreeAir(PHASE),
        Straight(PHASE, down, motion.contact_speed, motion.descend_force),
        release,
        Rise(PHASE, motion.transit_height, motion.lift_speed),
    ]
