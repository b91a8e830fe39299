"""The cell: layout, camera calibration, and speeds and limits of motion, read from ``config/cell.yaml``."""

from dataclasses import dataclass
from pathlib import Path

from impurity_grasp_ros.calibration import CameraCalibration, load_calibration
from impurity_grasp_ros.cell_layout import check_layout
from impurity_grasp_ros.cell_parts import CellParts
from impurity_grasp_ros.config import from_mapping, read_yaml
from impurity_grasp_ros.resources import resource

CELL_FILE = "config/cell.yaml"


@dataclass(frozen=True)
class CellConfig(CellParts):
    """Everything that simulation and robot must agree on. Raises ConfigError where its parts do not fit together."""

    def __post_init__(self) -> None:
        check_layout(self)

    @property
    def calibration(self) -> CameraCalibration:
        """The camera, read from its file; raises ConfigError."""
        return load_calibration(self.camera_calibration)


def load_cell(file: str = CELL_FILE) -> CellConfig:
    """The cell that a YAML file describes.

    Args:
        file: Path, relative to the package or absolute.

    Returns:
        The cell; the paths of its camera calibration and of a gripper that is not shipped are absolute.

    Raises:
        ConfigError: The file describes no cell, or one whose parts do not fit together.
    """
    values, folder = dict(read_yaml(file)), Path(resource(file)).absolute().parent
    for key in ("camera_calibration", "gripper"):
        if isinstance(name := values.get(key), str) and name.endswith((".yaml", ".yml")):
            values[key] = str(folder / name)
    return from_mapping(CellConfig, values, f"{file}: ")
