"""Access to the arm for commands that move it directly; ``motion_node`` must not be running."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from impurity_grasp_ros.cell import CELL_FILE, CellConfig, load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.hardware.ur_arm import UrArm
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.protocols import Arm

READY_TIME = 20.0
"""Seconds to wait for the robot to be ready."""

RISE_SPEED, RISE_ACCELERATION = 0.05, 0.5
"""Speed in m/s and acceleration in m/s2 of the way up from where the arm was left."""


def named_cell(file: Path | None) -> CellConfig:
    """Load the cell that the command line names.

    Args:
        file: The cell file, relative to the working directory; None: the shipped one.

    Returns:
        The cell.

    Raises:
        ConfigError: The file is missing or invalid.
    """
    return load_cell(str(file.absolute()) if file else CELL_FILE)


@contextmanager
def ready_arm(robot_ip: str, cell: CellConfig) -> Iterator[UrArm]:
    """Connect to an arm, as a context manager; in the end the arm is stopped and disconnected.

    Args:
        robot_ip: Address of the robot.
        cell: The cell, for the gripper on the arm.

    Yields:
        The arm, ready to move.

    Raises:
        DeviceFaultError: The arm was not ready in time.
    """
    config = packaged_parameters("motion_node", UrConfig, "arm")
    arm = UrArm(robot_ip, config, cell.gripper_model.tool_length)
    try:
        arm.wait_until_ready(READY_TIME)
        yield arm
    finally:
        arm.stop()
        arm.close()


def await_rest(arm: Arm, poll_interval: float) -> None:
    """Wait for the current motion to end.

    Args:
        arm: The arm.
        poll_interval: Seconds between checks.

    Raises:
        DeviceFaultError: The motion ended short of its target.
    """
    while arm.is_moving():
        time.sleep(poll_interval)


def rise(arm: Arm, cell: CellConfig) -> None:
    """Move straight up to the transit height if the tool is below it. The caller must have checked the way.

    Args:
        arm: The arm, at rest.
        cell: The cell in which it stands.

    Raises:
        DeviceFaultError: The motion ended short of its target.
    """
    T_base_tool = arm.tool_pose()
    if T_base_tool[2, 3] >= cell.motion.transit_height:
        return
    T_base_tool[2, 3] = cell.motion.transit_height
    arm.start_linear_motion(T_base_tool, RISE_SPEED, RISE_ACCELERATION)
    await_rest(arm, cell.motion.poll_interval)
