"""Checks of primitives and poses before anything moves."""

import math

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Primitive, PrimitiveKind
from impurity_grasp_ros.errors import InvalidGoalError, OutOfWorkspaceError
from impurity_grasp_ros.motion.waypoints import push_end
from impurity_grasp_ros.transform import Transform

FLOAT32_ERROR = 1e-6
"""Meters by which an opening may exceed the stroke, because messages carry it as float32."""


def check_primitive(primitive: Primitive, cell: CellConfig) -> None:
    """Check the values of a primitive.

    Args:
        primitive: The primitive, in ``base_link``.
        cell: The cell, whose workspace, heights and gripper limit it.

    Raises:
        InvalidGoalError: The gripper cannot open that far.
        OutOfWorkspaceError: A value is not finite, or the primitive starts or ends outside the workspace or the heights
            from ``reach.z_min`` to ``transit_height``.
    """
    numbers = (*primitive.position, primitive.angle, primitive.length, primitive.opening, *primitive.place)
    if not all(math.isfinite(number) for number in numbers):
        raise OutOfWorkspaceError(f"expected finite numbers, received {numbers}")
    stroke = cell.gripper_model.stroke
    if not 0.0 <= primitive.opening <= stroke + FLOAT32_ERROR:
        raise InvalidGoalError(f"expected an opening of 0 to {stroke} m, received {primitive.opening:g} m")
    ends = [primitive.position[:2]]
    if primitive.kind is PrimitiveKind.PUSH:
        ends.append(push_end(primitive))
    if primitive.kind is PrimitiveKind.MOVE:
        ends.append(primitive.place)
    for x, y in ends:
        if not cell.workspace.grid.contains(x, y):
            raise OutOfWorkspaceError(f"expected a position on the workspace, received ({x:.3f}, {y:.3f})")
    if not cell.reach.z_min <= primitive.position[2] <= cell.motion.transit_height:
        low, high = cell.reach.z_min, cell.motion.transit_height
        raise OutOfWorkspaceError(f"expected a height in [{low}, {high}] m, received {primitive.position[2]:.4f}")


def check_pose(T_base_tool: Transform, cell: CellConfig) -> None:
    """Check that a tool position is in the reach box.

    Args:
        T_base_tool: (4, 4) pose of the tool in ``base_link``.
        cell: The cell, which defines the reach box.

    Raises:
        OutOfWorkspaceError: The position is outside the box.
    """
    x, y, z = T_base_tool[:3, 3]
    if not cell.reach.contains(x, y, z):
        raise OutOfWorkspaceError(f"expected a tool position within {cell.reach}, received ({x:.3f}, {y:.3f}, {z:.3f})")
