"""``impurity-grasp touch-test``: does the arm go to the point that the camera shows?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from impurity_grasp_ros.calibration import CameraCalibration
from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cli.robot_arm import await_rest, named_cell, ready_arm, rise
from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import ConfigError, UnreachableError
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.safety import check_pose
from impurity_grasp_ros.protocols import Arm
from impurity_grasp_ros.transform import Transform, apply, tool_down

HOVER_SPEED = 0.05
"""Speed of the final descent in m/s."""


def touch_test(
    robot_ip: Annotated[str, typer.Option(help="Address of the robot; motion_node must not be running.")],
    pixel: Annotated[
        Optional[tuple[int, int]], typer.Option(help="Column and row; default: click on the image in rqt_image_view.")
    ] = None,
    height: Annotated[float, typer.Option(min=0.02, max=0.2, help="Meters above the point.")] = 0.05,
    speed: Annotated[float, typer.Option(min=0.05, max=1.0, help="Speed of the fastest joint in rad/s.")] = 0.3,
    cell_file: Annotated[Optional[Path], typer.Option(help="The cell file; default: the shipped one.")] = None,
) -> None:
    """Hover over the point that a pixel shows. The distance by which the tool misses it is the calibration error."""
    from impurity_grasp_ros.nodes.camera_tap import CameraTap  # needs ROS 2, other commands do not

    cell, console = named_cell(cell_file), Console()
    with CameraTap() as camera:
        _, intrinsics = camera.capture()
        if pixel is None:
            console.print("click on a point in the color image")
            pixel = camera.wait_for_click()
        point = point_of(pixel, camera.depth_at(*pixel), intrinsics, cell.calibration)
    console.print(f"column {pixel[0]}, row {pixel[1]}: {np.round(point, 4)} m in base_link")
    above, hover = poses_over(point, height, cell)
    with ready_arm(robot_ip, cell) as arm:
        move_over(arm, above, hover, speed, cell)
        console.print(f"hovering {height:g} m above it, at {np.round(arm.tool_pose()[:3, 3], 4)} m")


def point_of(
    pixel: tuple[int, int], depth: float, intrinsics: CameraIntrinsics, calibration: CameraCalibration
) -> NDArray[np.float64]:
    """The point on the surface that a pixel shows.

    Args:
        pixel: Column and row.
        depth: Meters along the optical axis.
        intrinsics: The camera's intrinsics.
        calibration: The camera's pose.

    Returns:
        (3,) meters in ``base_link``.

    Raises:
        ConfigError: The pixel is outside the image.
    """
    column, row = pixel
    if not (0 <= column < intrinsics.width_px and 0 <= row < intrinsics.height_px):
        size = f"{intrinsics.width_px} x {intrinsics.height_px}"
        raise ConfigError(f"expected a pixel of the image of {size}, received column {column}, row {row}")
    ray = np.array([(column - intrinsics.cx_px) / intrinsics.fx_px, (row - intrinsics.cy_px) / intrinsics.fy_px, 1.0])
    return np.asarray(apply(calibration.T_base_camera, ray * depth))


def poses_over(point: NDArray[np.float64], height: float, cell: CellConfig) -> tuple[Transform, Transform]:
    """Plan the tool poses over a point.

    Args:
        point: (3,) meters in ``base_link``.
        height: Height above the point at which the tool hovers, in meters.
        cell: The cell in which the arm stands.

    Returns:
        ``T_base_tool`` at the transit height or higher, and ``T_base_tool`` while hovering.

    Raises:
        OutOfWorkspaceError: One of the poses is outside the workspace.
    """
    x, y, z = (float(value) for value in point)
    hover = tool_down((x, y, z + height), 0.0)
    above = tool_down((x, y, max(z + height, cell.motion.transit_height)), 0.0)
    for pose in (above, hover):
        check_pose(pose, cell)
    return above, hover


def move_over(arm: Arm, above: Transform, hover: Transform, speed: float, cell: CellConfig) -> None:
    """Rise from where the arm is, move over the point, then straight down; the whole way is checked before it moves.

    Args:
        arm: The arm, at rest.
        above: ``T_base_tool`` over the point, at the transit height or higher.
        hover: ``T_base_tool`` at the end of the descent.
        speed: Speed of the fastest joint in rad/s.
        cell: The cell in which the arm stands.

    Raises:
        UnreachableError: The poses are out of reach; nothing has moved.
        CollisionError: The arm would touch something on its way; nothing has moved.
        RecoveryNeededError: There is no free way up from where the arm is; nothing has moved.
        DeviceFaultError: A motion ended short of its target.
    """
    joints = arm.inverse_kinematics(above)
    if joints is None or arm.inverse_kinematics(hover) is None:
        raise UnreachableError(f"expected a point within reach, received {np.round(hover[:3, 3], 3)}")
    paths = PathChecker(cell)
    paths.check_joint_path(paths.check_rise(arm.joint_positions()), joints, "to the point")
    paths.check_straight(joints, hover, "down to the point")
    rise(arm, cell)
    arm.start_joint_motion(joints, speed, 1.0)
    await_rest(arm, cell.motion.poll_interval)
    arm.start_linear_motion(hover, HOVER_SPEED, 0.5)
    await_rest(arm, cell.motion.poll_interval)
