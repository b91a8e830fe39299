"""Cell files for tests: the shipped cell with some values changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from impurity_grasp_ros.resources import resource


def changed(file: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The values of a shipped file with some replaced; nested ones are named like ``drop_bin__x``."""
    values: dict[str, Any] = yaml.safe_load(resource(file).read_text(encoding="utf-8"))
    for name, value in changes.items():
        *group, leaf = name.split("__")
        (values[group[0]] if group else values)[leaf] = value
    return values


def write_cell(folder: Path, camera: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Write a cell file and its camera calibration, and return the former. camera: changes of the calibration."""
    calibration = changed("config/camera_calibration.yaml", camera or {})
    (folder / "camera.yaml").write_text(yaml.safe_dump(calibration), encoding="utf-8")
    cell = changed("config/cell.yaml", {"camera_calibration": "camera.yaml", **changes})
    (folder / "cell.yaml").write_text(yaml.safe_dump(cell), encoding="utf-8")
    return folder / "cell.yaml"
