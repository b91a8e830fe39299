"""A primitive as a list of waypoints: pure geometry, nothing moves here.

Grasp: open, approach, feel free air, descend, close, lift, verify, carry to the drop bin, verify, release.
Push: close, approach, feel free air, descend, linear stroke, retreat. The executor adds the way home.
Descents end and strokes begin at the contact speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.transform import Transform, tool_down


@dataclass(frozen=True)
class Fingers:
    """Move the fingers to an opening in meters; ``must_reach``: nothing may keep them from it."""

    phase: str
    opening: float
    must_reach: bool = False


@dataclass(frozen=True, eq=False)
class Transit:
    """Free joint motion to a tool pose."""

    phase: str
    T_base_tool: Transform


@dataclass(frozen=True, eq=False)
class Straight:
    """Straight tool motion by ``displacement`` (m, base frame) from wherever the tool is; ends early at ``force`` N.

    Once it has, what is left of its phase is left out.
    """

    phase: str
    displacement: tuple[float, float, float]
    speed: float
    force: float = math.inf


@dataclass(frozen=True)
class FreeAir:
    """Take the force at the tool, which touches nothing here, for none."""

    phase: str


@dataclass(frozen=True)
class Rise:
    """Straight up to a tool height in meters."""

    phase: str
    height: float
    speed: float


@dataclass(frozen=True)
class Verify:
    """Go on only while something is between the fingers; ``lost`` is the outcome otherwise."""

    phase: str
    lost: OutcomeStatus


Waypoint = Fingers | Transit | Straight | FreeAir | Rise | Verify


def waypoints(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    """The waypoints of a primitive; ``yaw`` in radians is one of its two :func:`tool_yaws`."""
    if primitive.kind is PrimitiveKind.GRASP:
        return _grasp(primitive, yaw, cell)
    return _push(primitive, yaw, cell)


def tool_yaws(primitive: Primitive) -> tuple[float, float]:
    """Both angles of the closing axis that execute the primitive: the gripper is symmetric under half a turn.

    A push has the closing axis across its direction of travel, so that the stroke does not load the finger drive.
    """
    yaw = primitive.angle if primitive.kind is PrimitiveKind.GRASP else primitive.angle + math.pi / 2
    return yaw, yaw + math.pi


def push_end(primitive: Primitive) -> tuple[float, float]:
    """Where the stroke of a push ends, (x, y) in meters."""
    x, y, _ = primitive.position
    return x + primitive.length * math.cos(primitive.angle), y + primitive.length * math.sin(primitive.angle)


def _along(primitive: Primitive, distance: float) -> tuple[float, float, float]:
    """Displacement of a part of a push's stroke, meters."""
    return distance * math.cos(primitive.angle), distance * math.sin(primitive.angle), 0.0


def _above(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    """Approach over the primitive's position, then descend to it, the last centimeters at the contact speed."""
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


def _grasp(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    motion, drop = cell.motion, cell.drop_bin
    return [
        Fingers("open", primitive.opening, must_reach=True),
        *_above(primitive, yaw, cell),
        Fingers("close", 0.0),
        Rise("lift", motion.transit_height, motion.lift_speed),
        Verify("verify", OutcomeStatus.EMPTY),
        Transit("carry", tool_down((drop.x, drop.y, motion.release_height), yaw)),
        Verify("verify", OutcomeStatus.DROPPED),
        Fingers("release", primitive.opening, must_reach=True),
    ]


def _push(primitive: Primitive, yaw: float, cell: CellConfig) -> list[Waypoint]:
    motion = cell.motion
    slow = min(motion.push_start, primitive.length)
    return [
        Fingers("close", 0.0, must_reach=True),
        *_above(primitive, yaw, cell),
        Straight("push", _along(primitive, slow), motion.contact_speed, motion.push_force),
        Straight("push", _along(primitive, primitive.length - slow), motion.push_speed, motion.push_force),
        Rise("retreat", motion.transit_height, motion.lift_speed),
    ]
