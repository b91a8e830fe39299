"""A calibration must describe a realistic camera that sees the table."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.calibration import CameraCalibration, load_calibration
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import ConfigError

SHIPPED = load_cell().calibration


def written(folder: Path, **changes: Any) -> str:
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(SHIPPED).items()}
    file = folder / "camera.yaml"
    file.write_text(yaml.safe_dump(values | changes), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quaternion_xyzw": [0.0, 0.0, 0.0, 0.0]}, "quaternion_xyzw: expected a norm of 1, received 0"),
        ({"quaternion_xyzw": [0.7, -0.7, 0.3, 0.1]}, "quaternion_xyzw: expected a norm of 1, received 1"),
        ({"quaternion_xyzw": [0.0, 0.0, 0.0, 1.0]}, "expected a camera that looks down.*180 deg off"),
        ({"quaternion_xyzw": [0.5, -0.5, 0.5, -0.5]}, "expected a camera that looks down.*90 deg off"),
        ({"translation": [0.5, 0.0, -0.72]}, "translation: expected a camera at least 0.1 m above the table.*-0.72 m"),
        ({"reprojection_error_px": 99.0}, r"reprojection_error_px: expected a value in \[0.0, 3.0\], received 99.0"),
        ({"fx_px": 20.0, "fy_px": 20.0}, "fx_px: expected a field of view of 15 to 140 deg, received 173 deg"),
        ({"fx_px": 9000.0, "fy_px": 9000.0}, "fx_px: expected a field of view of 15 to 140 deg, received 4.07 deg"),
        ({"fy_px": 400.0}, "fx_px, fy_px: expected a ratio of at most 1.25, received 1.54"),
        ({"cx_px": 0.0}, "cx_px: expected it within 20% of width_px 640 from the center.*received 0 px"),
        ({"cy_px": 470.0}, "cy_px: expected it within 20% of height_px 480 from the center"),
        ({"fx_px": math.nan}, "fx_px: expected a value in"),
    ],
)
def test_an_impossible_calibration_is_refused_with_the_file_and_the_key(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"camera.yaml: .*{message}"):
        load_calibration(written(tmp_path, **changes))


@given(tilt=st.floats(0.0, 74.0), around=st.floats(0.0, 360.0), spin=st.floats(0.0, 360.0), height=st.floats(0.1, 3.0))
def test_a_camera_that_looks_down_on_the_table_is_accepted(
    tilt: float, around: float, spin: float, height: float
) -> None:
    turned = Rotation.from_euler("ZYZ", [around, 180.0 - tilt, spin], degrees=True)
    values = asdict(SHIPPED) | {
        "quaternion_xyzw": tuple(round(float(value), 6) for value in turned.as_quat()),
        "translation": (0.5, 0.0, height),
    }
    assert CameraCalibration(**values).T_base_camera[2, 2] == pytest.approx(-math.cos(math.radians(tilt)), abs=1e-4)
