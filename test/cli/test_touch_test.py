"""``impurity-grasp touch-test`` hovers over what a pixel shows."""

import numpy as np
import pytest
from served_cell import free_host, served_cell

from impurity_grasp_ros.calibration import load_calibration
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.cli.touch_test import move_over, point_of, poses_over
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ConfigError, OutOfWorkspaceError
from impurity_grasp_ros.hardware.ur_arm import UrArm
from impurity_grasp_ros.hardware.ur_config import UrConfig

CALIBRATION, CELL = load_calibration(), load_cell()
INTRINSICS = CALIBRATION.intrinsics


def test_the_image_centre_shows_what_is_below_the_camera() -> None:
    depth = float(CALIBRATION.T_base_camera[2, 3]) - 0.03
    point = point_of((round(INTRINSICS.cx_px), round(INTRINSICS.cy_px)), depth, INTRINSICS, CALIBRATION)
    np.testing.assert_allclose(point, [*CALIBRATION.translation[:2], 0.03], atol=1e-3)


@pytest.mark.parametrize("pixel", [(-1, 5), (640, 5), (5, 480)])
def test_a_pixel_off_the_image_is_refused(pixel: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="column"):
        point_of(pixel, 0.7, INTRINSICS, CALIBRATION)


def test_a_point_off_the_cell_is_refused_before_anything_moves() -> None:
    with pytest.raises(OutOfWorkspaceError):
        poses_over(np.array([1.5, 0.0, 0.0]), 0.05, CELL)


def test_the_arm_hovers_over_the_point() -> None:
    pytest.importorskip("rtde_control")
    point = np.array([0.45, -0.1, 0.03])
    with served_cell(free_host()) as cell:
        arm = UrArm(cell.host, packaged_parameters("motion_node", UrConfig, "arm"))
        try:
            arm.wait_until_ready(15.0)
            move_over(arm, *poses_over(point, 0.05, CELL), 1.0, CELL)
            np.testing.assert_allclose(arm.tool_pose()[:3, 3], point + np.array([0.0, 0.0, 0.05]), atol=1e-4)
        finally:
            arm.close()
