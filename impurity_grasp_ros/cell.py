"""The robot cell: layout, camera calibration, speeds and limits, read from ``config/cell.yaml``."""

from dataclasses import dataclass
from pathlib import Path

from impurity_grasp_ros.calibration import CameraCalibration, load_calibration
from impurity_grasp_ros.cell_layout import check_layout
from impurity_grasp_ros.cell_parts import CellParts
from impurity_grasp_ros.config import from_mapping, read_yaml
from impurity_grasp_ros.resources import resource

CELL_FILE = "config/cell.yaml"
"""The shipped cell."""


@dataclass(frozen=True)
class CellConfig(CellParts):
    """A cell whose parts are consistent. Simulation and real robot use the same one.

    Raises:
        ConfigError: The parts are not consistent, see :func:`check_layout`.
    """

    def __post_init__(self) -> None:
        check_layout(self)

    @property
    def calibration(self) -> CameraCalibration:
        """The camera calibration, read from its file; raises ConfigError if that is not valid."""
        return load_calibration(self.camera_calibration)


def load_cell(file: str = CELL_FILE) -> CellConfig:
    """Load a cell.

    Args:
        file: Path of a YAML file, absolute or relative to the package.

    Returns:
        The cell; the paths of its camera calibration and of a gripper that is not shipped are absolute.

    Raises:
        ConfigError: The file cannot be read, is not valid, or its parts are not consistent.
    """
    values, folder = dict(read_yaml(file)), Path(resource(file)).absolute().parent
    for key in ("camera_calibration", "gripper"):
        if isinstance(name := values.get(key), str) and name.endswith((".yaml", ".yml")):
            values[key] = str(folder / name)
    return from_mapping(CellConfig, values, f"{file}: ")
