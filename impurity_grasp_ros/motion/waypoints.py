"""Conversion of a primitive into waypoints, by geometry alone.

Grasp: open, approach, measure the force in free air, descend, close, lift, verify, carry to the drop bin, verify,
release. Push: close, approach, measure the force in free air, descend, push, retreat. Move: as a grasp, but carry over
the workspace, lower until the object meets something, release, retreat. The executor adds the path home.
The fingers move while the arm approaches. The tool keeps its angle while it carries an object: turning would load the
grip. The last part of a descent and the first part of a push have the contact speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.transform import Transform, tool_down


@dataclass(frozen=True)
class Fingers:
    """Move the fingers.

    Attributes:
        phase: Name of the phase.
        opening: Distance between the fingers in meters.
        must_reach: Whether it is a fault if the fingers stop before.
        on_the_way: Whether the following ``Transit`` does not wait for the fingers; it ends when both have arrived.
    """

    phase: str
    opening: float
    must_reach: bool = False
    on_the_way: bool = False


@dataclass(frozen=True, eq=False)
class Transit:
    """Move to a tool pose, straight in joint space.

    Attributes:
        phase: Name of the phase.
        T_base_tool: (4, 4) pose of the tool in ``base_link``.
    """

    phase: str
    T_base_tool: Transform


@dataclass(frozen=True, eq=False)
class Straight:
    """Move the tool straight, until a force limit is exceeded.

    If that happens, the remaining straight motions of the same phase are skipped.

    Attributes:
        phase: Name of the phase.
        displacement: (x, y, z) in meters in ``base_link``, relative to the current position.
        speed: Speed of the tool in m/s.
        force: Contact force in newtons at which the motion ends early.
    """

    phase: str
    displacement: tuple[float, float, float]
    speed: float
    force: float = math.inf


@dataclass(frozen=True)
class FreeAir:
    """Measure the baseline of the contact force: here the tool touches nothing.

    Attributes:
        phase: Name of the phase.
    """

    phase: str


@dataclass(frozen=True)
class Rise:
    """Move straight up to a height, unless the tool is already that high.

    Attributes:
        phase: Name of the phase.
        height: Height of the tool above the table in meters.
        speed: Speed of the tool in m/s.
    """

    phase: str
    height: float
    speed: float


@dataclass(frozen=True)
class Verify:
    """Continue only if an object is between the fingers.

    Attributes:
        phase: Name of the phase.
        lost: Outcome of the primitive if there is none.
    """

    phase: str
    lost: OutcomeStatus


Waypoint = Fingers | Transit | Straight | FreeAir | Rise | Verify


def waypoints(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    """Return the waypoints of a primitive.

    Args:
        primitive: The primitive, in ``base_link``.
        yaw: Angle of the closing axis in radians, one of the two of :func:`tool_yaws`.
        cell: Layout, heights and speeds.
    """
    match primitive.kind:
        case PrimitiveKind.GRASP:
            return _grasp(primitive, yaw, cell)
        case PrimitiveKind.MOVE:
            return _move(primitive, yaw, cell)
        case _:
            return _push(primitive, yaw, cell)


def tool_yaws(primitive: Primitive) -> tuple[float, float]:
    """Return both angles of the closing axis, in radians, that execute a primitive.

    They are half a turn apart, because the gripper is symmetric. The closing axis of a push is perpendicular to its
    direction, so that the stroke does not load the finger drive.
    """
    yaw = primitive.angle + math.pi / 2 if primitive.kind is PrimitiveKind.PUSH else primitive.angle
    return yaw, yaw + math.pi


def push_end(primitive: Primitive) -> tuple[float, float]:
    """Return the position (x, y), in meters in ``base_link``, at which the stroke of a push ends."""
    x, y, _ = primitive.position
    return x + primitive.length * math.cos(primitive.angle), y + primitive.length * math.sin(primitive.angle)


def _along(primitive: Primitive, distance: float) -> tuple[float, float, float]:
    """Displacement (x, y, z) in meters for a part of the stroke of a push."""
    return distance * math.cos(primitive.angle), distance * math.sin(primitive.angle), 0.0


def _above(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    """Waypoints to a pose above the primitive's position and down to it, the last part at the contact speed."""
    motion = cell.motion
    x, y, z = primitive.position
    way = motion.transit_height - z
    slow = min(motion.descend_end, way)
    return [
        Transit("approach", tool_down((x, y, motion.transit_height), yaw)),
        FreeAir("free_air"),
        Straight("descend", (0.0, 0.0, slow - way), motion.descend_speed, motion.descend_force),
        Straight("descend", (0.0, 0.0, -slow), motion.contact_speed, motion.descend_force),
    ]


def _picked_up(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    motion = cell.motion
    return [
        Fingers("open", primitive.opening, must_reach=True, on_the_way=True),
        *_above(primitive, yaw, cell),
        Fingers("close", 0.0),
        Rise("lift", motion.transit_height, motion.lift_speed),
        Verify("verify", OutcomeStatus.EMPTY),
    ]


def _grasp(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    motion, drop = cell.motion, cell.drop_bin
    return [
        *_picked_up(primitive, yaw, cell),
        Transit("carry", tool_down((drop.x, drop.y, motion.release_height), yaw)),
        Verify("verify", OutcomeStatus.DROPPED),
        Fingers("release", primitive.opening, must_reach=True),
    ]


def _move(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    """Waypoints of a move; the object hangs at most as far below the tool as the tool was above the table."""
    motion, z = cell.motion, primitive.position[2]
    slow = min(z + motion.descend_end, motion.transit_height)
    return [
        *_picked_up(primitive, yaw, cell),
        Transit("carry", tool_down((*primitive.place, motion.transit_height), yaw)),
        Verify("verify", OutcomeStatus.DROPPED),
        FreeAir("free_air"),
        Straight("lower", (0.0, 0.0, slow - motion.transit_height), motion.descend_speed, motion.descend_force),
        Straight("lower", (0.0, 0.0, cell.reach.z_min - slow), motion.contact_speed, motion.descend_force),
        Fingers("release", primitive.opening, must_reach=True),
        Rise("retreat", motion.transit_height, motion.lift_speed),
    ]


def _push(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    motion = cell.motion
    slow = min(motion.push_start, primitive.length)
    return [
        Fingers("close", 0.0, must_reach=True, on_the_way=True),
        *_above(primitive, yaw, cell),
        Straight("push", _along(primitive, slow), motion.contact_speed, motion.push_force),
        Straight("push", _along(primitive, primitive.length - slow), motion.push_speed, motion.push_force),
        Rise("retreat", motion.transit_height, motion.lift_speed),
    ]
