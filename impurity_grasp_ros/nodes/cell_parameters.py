"""Settings of the cell that can be changed while a node runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rclpy.node import Node

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cell_parts import MotionConfig, ObstaclesConfig
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.nodes.parameters import NodeParameters


@dataclass(frozen=True)
class CellSettings:
    """Parameters ``cell.*``. All other values come from the cell file, which all nodes share.

    Attributes:
        motion: Speeds, forces and deadlines.
        obstacles: Fixed obstacles.
    """

    motion: MotionConfig
    obstacles: ObstaclesConfig


class CellParameters(NodeParameters[CellSettings]):
    """The cell of a file, with the current parameters in place of its settings.

    Args:
        node: The node that moves the arm.
        cell: The cell as described by the file.

    Raises:
        ConfigError: The parameters with which the node was started are not consistent with the cell.
    """

    def __init__(self, node: Node, cell: CellConfig) -> None:
        self._file = cell
        shipped = CellSettings(cell.motion, cell.obstacles)
        super().__init__(node, node.get_name(), CellSettings, prefix="cell.", defaults=shipped)

    @property
    def cell(self) -> CellConfig:
        """The cell with the current settings."""
        return self._with(self.value)

    def _build(self, flat: dict[str, Any]) -> CellSettings:
        settings = super()._build(flat)
        self._with(settings)
        return settings

    def _with(self, settings: CellSettings) -> CellConfig:
        """The cell with the given settings; raises ConfigError if they are not consistent with it."""
        height, watched = settings.motion.transit_height, self._file.motion.transit_height
        if height < watched:
            raise ConfigError(
                f"cell.motion.transit_height: expected at least the cell file's {watched:g} m, up to which the camera "
                f"looks for obstacles, received {height:g} m"
            )
        return replace(self._file, motion=settings.motion, obstacles=settings.obstacles)
