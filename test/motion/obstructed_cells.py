"""Cells with an additional obstacle."""

from __future__ import annotations

from dataclasses import replace

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cell_parts import ObstaclesConfig


def with_box(cell: CellConfig, name: str, center: tuple[float, ...], size: tuple[float, ...]) -> CellConfig:
    """Return a copy of a cell with an additional obstacle; center and size (x, y, z) in meters."""
    shipped = cell.obstacles
    more = ObstaclesConfig((*shipped.names, name), (*shipped.centers, *center), (*shipped.sizes, *size))
    return replace(cell, obstacles=more)
