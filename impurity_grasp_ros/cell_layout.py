"""Consistency checks of a cell, beyond the range of each of its values."""

from __future__ import annotations

import math

import numpy as np

from impurity_grasp_ros.cell_parts import CellParts
from impurity_grasp_ros.constants import HEIGHTMAP_SIZE_PX
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.motion.kinematics import JOINT_LIMIT, Kinematics

CARRIED_DEPTH = 0.05
"""Largest extent in meters of a held object below the finger tips: blocks are grasped at half their height."""

BIN_WALL = 0.01
"""Largest thickness in meters of the walls of a drop bin."""

Rectangle = tuple[float, float, float, float]
"""x_min, x_max, y_min and y_max in meters in ``base_link``."""


def check_layout(cell: CellParts) -> None:
    """Check that the parts of a cell are consistent.

    Args:
        cell: A cell, each of whose values is within its own range.

    Raises:
        ConfigError: Limits of the reach box are swapped; workspace, bin or home are outside the box; bin and workspace
            overlap; a held object could hit the walls of the bin at the transit or release height or at home; home or
            an obstacle is in the workspace; or the obstacles are malformed.
    """
    _check_order(cell)
    _check_places(cell)
    _check_heights(cell)
    _check_home(cell)
    _check_obstacles(cell)


def outer_bin(cell: CellParts) -> Rectangle:
    """Return the rectangle that the drop bin covers on the table, including its walls."""
    drop = cell.drop_bin
    half_x, half_y = drop.size_x / 2 + BIN_WALL, drop.size_y / 2 + BIN_WALL
    return drop.x - half_x, drop.x + half_x, drop.y - half_y, drop.y + half_y


def workspace_square(cell: CellParts) -> Rectangle:
    """Return the rectangle that the heightmap covers on the table."""
    x, y, size = cell.workspace.x_min, cell.workspace.y_min, HEIGHTMAP_SIZE_PX * cell.workspace.resolution
    return x, x + size, y, y + size


def _expect(holds: bool, expected: str, received: str) -> None:
    if not holds:
        raise ConfigError(f"cell: expected {expected}, received {received}")


def _overlap(first: Rectangle, second: Rectangle) -> bool:
    return first[0] < second[1] and second[0] < first[1] and first[2] < second[3] and second[2] < first[3]


def _text(rectangle: Rectangle) -> str:
    x_min, x_max, y_min, y_max = rectangle
    return f"x {x_min:.3f} to {x_max:.3f} m, y {y_min:.3f} to {y_max:.3f} m"


def _check_order(cell: CellParts) -> None:
    reach = cell.reach
    for axis in "xyz":
        low, high = getattr(reach, f"{axis}_min"), getattr(reach, f"{axis}_max")
        _expect(low < high, f"reach.{axis}_min below reach.{axis}_max", f"{low:g} and {high:g} m")


def _check_places(cell: CellParts) -> None:
    reach = cell.reach
    for name, ground in (("workspace", workspace_square(cell)), ("drop_bin", outer_bin(cell))):
        inside = reach.x_min <= ground[0] and ground[1] <= reach.x_max
        inside &= reach.y_min <= ground[2] and ground[3] <= reach.y_max
        box = _text((reach.x_min, reach.x_max, reach.y_min, reach.y_max))
        _expect(inside, f"{name} within reach ({box})", _text(ground))
    square, bin_ground = workspace_square(cell), outer_bin(cell)
    apart = not _overlap(square, bin_ground)
    _expect(apart, f"drop_bin outside of the workspace ({_text(square)})", f"a bin with walls at {_text(bin_ground)}")


def _check_heights(cell: CellParts) -> None:
    lowest = cell.drop_bin.wall_height + CARRIED_DEPTH
    for name in ("release_height", "transit_height"):
        height: float = getattr(cell.motion, name)
        clear = f"at least {lowest:g} m: drop_bin.wall_height and {CARRIED_DEPTH:g} m that hang below the fingers"
        _expect(height >= lowest, f"motion.{name} of {clear}", f"{height:g} m")
        top = cell.reach.z_max
        _expect(height <= top, f"motion.{name} of at most reach.z_max, {top:g} m", f"{height:g} m")


def _check_home(cell: CellParts) -> None:
    home = np.array(cell.home)
    _expect(bool((np.abs(home) <= JOINT_LIMIT).all()), f"home within {JOINT_LIMIT:.4f} rad", f"{cell.home}")
    gripper = cell.gripper_model
    x, y, z = (float(value) for value in Kinematics(gripper.tool_length).forward(home)[:3, 3])
    where = f"a tool at ({x:.3f}, {y:.3f}, {z:.3f}) m"
    _expect(cell.reach.contains(x, y, z), f"home with the tool within {cell.reach}", where)
    lowest = cell.drop_bin.wall_height + CARRIED_DEPTH
    _expect(z >= lowest, f"home with the tool at least {lowest:g} m above the table", where)
    x_min, x_max, y_min, y_max = workspace_square(cell)
    view = x_min - gripper.radius, x_max + gripper.radius, y_min - gripper.radius, y_max + gripper.radius
    seen = _overlap(view, (x, x, y, y))
    _expect(not seen, f"home with the gripper beside the workspace, outside of {_text(view)}", where)


def _check_obstacles(cell: CellParts) -> None:
    names, count = cell.obstacles.names, len(cell.obstacles.names)
    _expect(all(names) and len(set(names)) == count, "obstacles.names that differ and are not empty", f"{names}")
    for field in ("centers", "sizes"):
        values: tuple[float, ...] = getattr(cell.obstacles, field)
        _expect(all(map(math.isfinite, values)), f"obstacles.{field} that are finite", f"{values}")
        _expect(len(values) == 3 * count, f"obstacles.{field} with x, y, z for each of {names}", f"{values}")
    _expect(all(size > 0.0 for size in cell.obstacles.sizes), "obstacles.sizes above 0 m", f"{cell.obstacles.sizes}")
    for box in cell.obstacles.boxes:
        (x, y, z), (size_x, size_y, size_z) = box.center, box.size
        ground = x - size_x / 2, x + size_x / 2, y - size_y / 2, y + size_y / 2
        free = not _overlap(ground, workspace_square(cell)) or z - size_z / 2 >= cell.motion.transit_height
        _expect(free, f"obstacle {box.name} beside the workspace or above motion.transit_height", _text(ground))
