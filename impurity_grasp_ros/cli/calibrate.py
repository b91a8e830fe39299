"""``impurity-grasp calibrate``: find the camera's pose with a chessboard in the gripper."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Optional

import cv2
import numpy as np
import typer
import yaml
from rich.console import Console
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.calibration import MAX_ERROR_PX
from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cli.robot_arm import await_rest, named_cell, ready_arm, rise
from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import CalibrationError, ConfigError, OutOfWorkspaceError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.motion.collision import HandState
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.safety import check_pose
from impurity_grasp_ros.perception.hand_eye import BoardView, Chessboard, HandEye, find_corners, solve
from impurity_grasp_ros.protocols import Arm, JointPositions
from impurity_grasp_ros.transform import Transform, from_rotation_translation, tool_down

PAIRS, CAMERA_FILE = "pairs.jsonl", "camera.json"
HEIGHTS = (0.22, 0.30)
"""Heights of the tool above the table, in meters."""

TILT = math.radians(18.0)
MARGIN = 0.10
"""Distance in meters from the grid to the border of the workspace."""

SETTLE_TIME = 0.5
"""Seconds to wait at each stop before the image is taken."""


def calibrate(
    robot_ip: Annotated[str, typer.Option(help="Address of the robot; motion_node must not be running.")] = "",
    pairs: Annotated[Optional[Path], typer.Option(help="Folder of an earlier recording to solve again.")] = None,
    record: Annotated[Path, typer.Option(help="Folder for images and poses.")] = Path("runs/calibration"),
    rows: Annotated[int, typer.Option(help="Inner corners of the board from top to bottom.")] = 5,
    columns: Annotated[int, typer.Option(help="Inner corners across; one of the two is odd, the other even.")] = 8,
    square: Annotated[float, typer.Option(help="Edge of a square in meters.")] = 0.02,
    speed: Annotated[float, typer.Option(min=0.05, max=1.0, help="Speed of the fastest joint in rad/s.")] = 0.4,
    max_error: Annotated[
        float, typer.Option(min=0.1, max=MAX_ERROR_PX, help="Largest accepted error in pixels.")
    ] = 1.0,
    cell_file: Annotated[Optional[Path], typer.Option(help="The cell file; default: the shipped one.")] = None,
    output: Annotated[
        Optional[Path], typer.Option(help="The file to write; default: the calibration file of the cell.")
    ] = None,
    frame_id: Annotated[str, typer.Option(help="Optical frame of the camera.")] = "camera_color_optical_frame",
) -> None:
    """Find the camera's pose and write it to a file, with its error. If the error is too large, nothing is written.

    The gripper holds a chessboard that faces the camera. The arm carries it through a grid of tilted poses.
    """
    board, console, cell = Chessboard(rows, columns, square), Console(), named_cell(cell_file)
    if pairs is None:
        if not robot_ip:
            raise ConfigError("expected --robot-ip to record, or --pairs to solve a recording again")
        record_pairs(robot_ip, record, speed, cell, console)
        pairs = record
    views, intrinsics = read_pairs(pairs, board)
    solution = solve(views, board, intrinsics)
    console.print(f"{len(views)} views, error {solution.error_px:.2f} px, camera at {solution.T_base_camera[:3, 3]}")
    if solution.error_px > max_error:
        raise CalibrationError(f"expected an error of at most {max_error:g} px, found {solution.error_px:.2f} px")
    written = output or Path(cell.camera_calibration)
    write_atomically(written, to_yaml(solution, intrinsics, frame_id).encode())
    console.print(f"written: {written}")


def record_pairs(robot_ip: str, folder: Path, speed: float, cell: CellConfig, console: Console) -> None:
    """Carry the board through the grid and record an image and the measured tool pose at each stop.

    Args:
        robot_ip: Address of the robot.
        folder: Where the recording is written.
        speed: Speed of the fastest joint in rad/s.
        cell: The cell in which the arm stands.
        console: Where progress is printed.

    Raises:
        DeviceFaultError: The arm was not ready in time, or a motion ended short of its target.
        CollisionError: The arm would touch something between two stops; nothing has moved.
        RecoveryNeededError: There is no free way up from where the arm is; nothing has moved.
        SensorStaleError: The camera delivered no image in time.
    """
    from impurity_grasp_ros.nodes.camera_tap import CameraTap  # needs ROS 2, solving a recording does not

    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    with ready_arm(robot_ip, cell) as arm, CameraTap() as camera:
        stops = checked_stops(arm, cell)
        rise(arm, cell)
        for number, joints in stops:
            arm.start_joint_motion(joints, speed, 1.0)
            await_rest(arm, cell.motion.poll_interval)
            time.sleep(SETTLE_TIME)
            color, intrinsics = camera.capture()
            name, T_base_tool = f"{number:03d}.png", arm.tool_pose()
            cv2.imwrite(str(folder / name), cv2.cvtColor(color, cv2.COLOR_RGB2BGR))
            lines.append(json.dumps({"image": name, "T_base_tool": T_base_tool.tolist()}))
            console.print(f"{name}: tool at {np.round(T_base_tool[:3, 3], 3)}")
        write_atomically(folder / CAMERA_FILE, json.dumps(asdict(intrinsics)).encode())
    write_atomically(folder / PAIRS, ("\n".join(lines) + "\n").encode())


def checked_stops(arm: Arm, cell: CellConfig) -> list[tuple[int, JointPositions]]:
    """Plan the stops of the arm and check the way: up from where it is, then from stop to stop.

    Args:
        arm: The arm, at rest.
        cell: The cell in which it stands.

    Returns:
        The number and the joint angles, (6,) in radians, of each stop within reach, in order.

    Raises:
        CollisionError: The arm would touch something between two stops.
        RecoveryNeededError: There is no free way up from where the arm is.
    """
    paths, stops = PathChecker(cell), []
    place = paths.check_rise(arm.joint_positions())
    for number, pose in enumerate(grid(cell)):
        joints = arm.inverse_kinematics(pose)
        if joints is None:
            continue
        paths.check_joint_path(place, joints, f"to view {number}", HandState.CARRYING)
        stops.append((number, joints))
        place = joints
    return stops


def grid(cell: CellConfig) -> Iterator[Transform]:
    """Yield tool poses ``T_base_tool`` above the workspace, at two heights and each with another tilt.

    Args:
        cell: The cell; poses that its safety limits forbid are left out.
    """
    field, turn = cell.workspace.grid, 0
    x_max = field.x_min + field.columns * field.resolution - MARGIN
    y_max = field.y_min + field.rows * field.resolution - MARGIN
    places = product(HEIGHTS, np.linspace(field.x_min + MARGIN, x_max, 3), np.linspace(field.y_min + MARGIN, y_max, 3))
    for z, x, y in places:
        turn += 1
        axis = np.array([math.cos(2.4 * turn), math.sin(2.4 * turn), 0.3 * math.cos(turn)])
        tilt = Rotation.from_rotvec(TILT * axis).as_matrix()
        upright = tool_down((float(x), float(y), z), 0.0)
        pose = from_rotation_translation(tilt @ upright[:3, :3], upright[:3, 3])
        try:
            check_pose(pose, cell)
        except OutOfWorkspaceError:
            continue
        yield pose


def read_pairs(folder: Path, board: Chessboard) -> tuple[list[BoardView], CameraIntrinsics]:
    """Read a recording.

    Args:
        folder: Folder of the recording.
        board: The board to find in the images.

    Returns:
        The views in which the board was found, and the camera's intrinsics.

    Raises:
        CalibrationError: There is no recording in the folder, or a file of it cannot be read.
    """
    try:
        intrinsics = CameraIntrinsics(**json.loads((folder / CAMERA_FILE).read_text(encoding="utf-8")))
        lines: list[dict[str, Any]] = [
            json.loads(line) for line in (folder / PAIRS).read_text(encoding="utf-8").splitlines()
        ]
        poses = [(folder / line["image"], np.array(line["T_base_tool"], np.float64).reshape(4, 4)) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CalibrationError(f"{folder}: expected {PAIRS} and {CAMERA_FILE} of a recording: {error!r}") from error
    views = []
    for path, T_base_tool in poses:
        image = cv2.imread(str(path))
        if image is None:
            raise CalibrationError(f"expected an image in {path}")
        corners = find_corners(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), board)
        if corners is not None:
            views.append(BoardView(T_base_tool, corners))
    return views, intrinsics


def to_yaml(solution: HandEye, intrinsics: CameraIntrinsics, frame_id: str) -> str:
    """Format a calibration file.

    Args:
        solution: The camera's pose and its error.
        intrinsics: The camera's intrinsics.
        frame_id: Name of the camera's optical frame.

    Returns:
        The text of the file.
    """
    values = {
        "frame_id": frame_id,
        **asdict(intrinsics),
        "translation": [round(value, 6) for value in solution.T_base_camera[:3, 3].tolist()],
        "quaternion_xyzw": Rotation.from_matrix(solution.T_base_camera[:3, :3]).as_quat().tolist(),
        "reprojection_error_px": round(solution.error_px, 4),
    }
    head = "# Pose of the color camera's optical frame in base_link, measured by impurity-grasp calibrate.\n\n"
    return head + yaml.safe_dump(values, sort_keys=False, default_flow_style=None)
