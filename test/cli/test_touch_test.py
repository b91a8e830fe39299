"""``impurity-grasp touch-test`` hovers over what a pixel shows."""

from dataclasses import replace

import numpy as np
import pytest
from grippers import GRIPPER, KINEMATICS
from recording_arm import RecordingArm
from served_cell import free_host, served_cell

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.cell_parts import ObstaclesConfig
from impurity_grasp_ros.cli.touch_test import move_over, point_of, poses_over
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import CollisionError, ConfigError, OutOfWorkspaceError, RecoveryNeededError
from impurity_grasp_ros.hardware.ur_arm import UrArm
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.transform import tool_down

CALIBRATION, CELL = load_cell().calibration, load_cell()
INTRINSICS = CALIBRATION.intrinsics


def test_the_image_center_shows_what_is_below_the_camera() -> None:
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
        arm = UrArm(cell.host, packaged_parameters("motion_node", UrConfig, "arm"), GRIPPER.tool_length)
        try:
            arm.wait_until_ready(15.0)
            move_over(arm, *poses_over(point, 0.05, CELL), 1.0, CELL)
            np.testing.assert_allclose(arm.tool_pose()[:3, 3], point + np.array([0.0, 0.0, 0.05]), atol=1e-4)
        finally:
            arm.close()


def arm_at(x: float, y: float, z: float) -> RecordingArm:
    """An arm whose tool was left somewhere, in the posture of home."""
    joints = KINEMATICS.nearest(tool_down((x, y, z), 0.0), np.array(CELL.home))
    assert joints is not None
    return RecordingArm(joints)


def with_box(center: tuple[float, float, float], size: tuple[float, float, float]) -> CellConfig:
    shipped = CELL.obstacles
    boxes = ObstaclesConfig((*shipped.names, "shelf"), (*shipped.centers, *center), (*shipped.sizes, *size))
    return replace(CELL, obstacles=boxes)


POINT = np.array([0.45, -0.1, 0.03])


def test_from_a_low_pose_the_arm_rises_before_its_joints_move() -> None:
    arm = arm_at(0.36, -0.44, 0.03)
    move_over(arm, *poses_over(POINT, 0.05, CELL), 1.0, CELL)  # type: ignore[arg-type]
    assert arm.commands == ["linear", "joint", "linear"]
    risen = KINEMATICS.forward(arm.places[0])[:3, 3]
    np.testing.assert_allclose(risen, [0.36, -0.44, CELL.motion.transit_height], atol=1e-6)


def test_where_the_way_up_is_not_free_nothing_moves() -> None:
    arm = arm_at(0.5, 0.2, 0.02)
    cell = with_box((0.5, 0.29, 0.40), (0.2, 0.1, 0.04))
    with pytest.raises(RecoveryNeededError, match="would touch the shelf"):
        move_over(arm, *poses_over(POINT, 0.05, cell), 1.0, cell)  # type: ignore[arg-type]
    assert arm.commands == []


@pytest.mark.parametrize(
    ("center", "size", "words"),
    [
        ((0.42, -0.29, 0.30), (0.02, 0.02, 0.10), "motion to the point, the .* would touch the shelf"),
        ((0.36, -0.26, 0.05), (0.6, 0.03, 0.10), "motion down to the point, the .* would touch the shelf"),
    ],
    ids=["across", "down"],
)
def test_where_the_way_to_the_point_is_not_free_nothing_moves(
    center: tuple[float, float, float], size: tuple[float, float, float], words: str
) -> None:
    arm, cell = arm_at(0.36, -0.44, 0.2), with_box(center, size)
    with pytest.raises(CollisionError, match=words):
        move_over(arm, *poses_over(np.array([0.45, -0.24, 0.0]), 0.03, cell), 1.0, cell)  # type: ignore[arg-type]
    assert arm.commands == []
