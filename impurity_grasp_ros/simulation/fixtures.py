"""What stands still in the simulated cell: the table and the drop bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.cell_parts import DropBinConfig
from impurity_grasp_ros.simulation.world import World

TABLE_RGBA = (0.93, 0.92, 0.90, 1.0)
BIN_RGBA = (0.35, 0.42, 0.45, 1.0)

WALL = 0.004
"""Thickness of the bin's walls in meters, and height of its floor above the table."""

FLOOR = 0.05
"""Thickness of the bin's floor in meters: what falls moves up to 8 mm in a time step, and must not get below it."""


def add_table(world: World) -> int:
    """Add the table, whose top is at z = 0, and return its body."""
    return world.add_static_box((1.6, 1.6, 0.1), (0.3, 0.0, -0.05), TABLE_RGBA)


def add_bin(world: World, drop_bin: DropBinConfig) -> None:
    """Add the drop bin: floor and four walls of an open box."""
    x, y, size_x, size_y, height = drop_bin.x, drop_bin.y, drop_bin.size_x, drop_bin.size_y, drop_bin.wall_height
    world.add_static_box((size_x, size_y, FLOOR), (x, y, WALL - FLOOR / 2), BIN_RGBA)
    for sign in (-1, 1):
        world.add_static_box(
            (WALL, size_y + 2 * WALL, height), (x + sign * (size_x + WALL) / 2, y, height / 2), BIN_RGBA
        )
        world.add_static_box((size_x, WALL, height), (x, y + sign * (size_y + WALL) / 2, height / 2), BIN_RGBA)


def lies_in_bin(position: NDArray[np.float64], drop_bin: DropBinConfig) -> bool:
    """Whether a body at a position (3,), in meters in the base frame, lies in the drop bin."""
    x, y, z = position
    return drop_bin.contains(x, y) and bool(z > -WALL)
