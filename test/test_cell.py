"""A cell is checked as a whole and refused with the parts that do not fit together."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from cell_files import changed, write_cell
from grippers import KINEMATICS
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.cell import CELL_FILE, CellConfig, load_cell
from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.transform import tool_down


def cell_with(**changes: Any) -> CellConfig:
    """The shipped cell with some values replaced; nested ones are named like ``drop_bin__x``."""
    return from_mapping(CellConfig, changed(CELL_FILE, changes))


def joints_at(cell: CellConfig, x: float, y: float, z: float) -> list[float]:
    """Home joints that bring the tool somewhere, in the posture of the shipped ones."""
    joints = KINEMATICS.nearest(tool_down((x, y, z), 0.0), cell.home)  # type: ignore[arg-type]
    assert joints is not None
    return joints.tolist()


def test_the_camera_is_calibrated_by_the_file_beside_the_cell(tmp_path: Path) -> None:
    cell = load_cell(str(write_cell(tmp_path, camera={"translation": [0.51, 0.02, 0.73]})))
    assert cell.calibration.translation == (0.51, 0.02, 0.73)
    assert cell.camera_calibration == str(tmp_path / "camera.yaml")


def test_the_shipped_cell_is_accepted() -> None:
    assert cell_with().obstacles.names == ("camera", "camera's beam", "camera's post")


UNDER_THE_TABLE = [-1.07826, -1.09, 1.75, -2.23, -1.57080, -2.64906]


@pytest.mark.parametrize(
    ("changes", "expected", "received"),
    [
        ({"reach__x_min": 0.8, "reach__x_max": 0.15}, r"reach\.x_min below reach\.x_max", "0.8 and 0.15"),
        ({"reach__y_min": 0.3, "reach__y_max": -0.62}, r"reach\.y_min below reach\.y_max", "0.3 and -0.62"),
        ({"workspace__x_min": 0.5}, "workspace within reach", "x 0.500 to 0.948"),
        ({"workspace__y_min": -1.5}, "workspace within reach", "y -1.500"),
        ({"drop_bin__x": 0.75}, "drop_bin within reach", "x 0.620 to 0.880"),
        ({"drop_bin__y": -0.60}, "drop_bin within reach", "y -0.710"),
        ({"drop_bin__x": 0.45, "drop_bin__y": 0.0}, "outside of the workspace", "walls at x 0.320"),
        ({"drop_bin__y": -0.32}, "outside of the workspace", "to -0.210"),
        ({"motion__release_height": 0.10}, r"release_height of at least 0\.11 m", "0.1 m"),
        ({"drop_bin__wall_height": 0.15, "motion__transit_height": 0.19}, "at least 0.2 m", "0.19 m"),
        ({"reach__z_max": 0.19}, r"release_height of at most reach\.z_max", "0.2 m"),
        ({"home": UNDER_THE_TABLE}, "home with the tool within", r", -0\.0\d+\) m"),
        ({"home": [0.0, -0.5, 0.1, -1.17, -1.5708, 0.0]}, "home with the tool within", "a tool at"),
        ({"home": [6.29, -1.39101, 1.55036, -1.73015, -1.5708, -2.64906]}, "home within 6.2832 rad", "6.29"),
        ({"obstacles__names": ["a", "a", "b"]}, "names that differ", "'a', 'a'"),
        ({"obstacles__names": ["a", "", "b"]}, "not empty", "''"),
        ({"obstacles__centers": [0.5, 0.0]}, "centers with x, y, z for each", "(0.5, 0.0)"),
        ({"obstacles__sizes": [0.1] * 8 + [0.0]}, "sizes above 0 m", "0.0"),
        ({"obstacles__sizes": [0.1] * 8 + [math.nan]}, "a value in", "nan"),
        ({"obstacles__centers": [0.5, 0.0, 0.1, 0.7, 0.0, 0.8, 0.96, 0.0, 0.41]}, "obstacle camera beside", "0.440"),
    ],
)  # fmt: skip
def test_a_cell_whose_parts_do_not_fit_is_refused_with_the_reason(
    changes: dict[str, Any], expected: str, received: str
) -> None:
    with pytest.raises(ConfigError, match=rf"expected .*{expected}.*received .*{received}"):
        cell_with(**changes)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((0.36, -0.44, 0.09), "at least 0.11 m above the table"),
        ((0.5, 0.0, 0.3), "home with the gripper beside the workspace"),
        ((0.36, -0.29, 0.3), "home with the gripper beside the workspace"),
    ],
    ids=["in the bin", "in the view", "at its border"],
)
def test_home_is_high_enough_and_out_of_the_view(
    cell: CellConfig, place: tuple[float, float, float], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        cell_with(home=joints_at(cell, *place))


def test_cells_of_another_size_make_another_workspace() -> None:
    cell = cell_with(workspace__resolution=0.0015, workspace__x_min=0.332, workspace__y_min=-0.168)
    assert (cell.workspace.grid.rows, cell.workspace.grid.columns, cell.workspace.grid.resolution) == (224, 224, 0.0015)
    assert cell.workspace.grid.middle == pytest.approx((0.5, 0.0))
    assert cell_with(drop_bin__y=-0.30, workspace__resolution=0.0015, workspace__y_min=-0.168)
    with pytest.raises(ConfigError, match=r"expected workspace within reach .*received x 0\.276 to 0\.948"):
        cell_with(workspace__resolution=0.003)


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_bin_is_accepted_exactly_where_the_arm_reaches_beside_the_workspace(x: float, y: float) -> None:
    shipped = cell_with()
    reach, square = shipped.reach, shipped.workspace
    half_x, half_y = 0.12 + 0.01, 0.10 + 0.01  # half of the inside width, plus a wall
    inside = reach.x_min <= x - half_x and x + half_x <= reach.x_max
    inside &= reach.y_min <= y - half_y and y + half_y <= reach.y_max
    beside = x + half_x <= square.x_min or x - half_x >= square.x_min + 0.448
    beside |= y + half_y <= square.y_min or y - half_y >= square.y_min + 0.448
    if inside and beside:
        assert cell_with(drop_bin__x=x, drop_bin__y=y).drop_bin.x == x
        return
    with pytest.raises(ConfigError, match="expected drop_bin"):
        cell_with(drop_bin__x=x, drop_bin__y=y)
