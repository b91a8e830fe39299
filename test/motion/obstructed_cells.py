"""Cells with one more box in the way."""

from __future__ import annotations

from dataclasses import replace

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cell_parts import ObstaclesConfig


def with_box(cell: CellConfig, name: str, center: tuple[float, ...], size: tuple[float, ...]) -> CellConfig:
    """A cell with an obstacle added to those that it has; center and size in meters."""
    shipped = cell.obstacles
    more = ObstaclesConfig((*shipped.names, name), (*shipped.centers, *center), (*shipped.sizes, *size))
    return replace(cell, obstacles=more)
