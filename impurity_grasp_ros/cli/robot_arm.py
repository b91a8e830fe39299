"""The arm, for commands that move it themselves; motion_node must not run meanwhile."""

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
"""Seconds that a robot gets to let itself be moved."""


RISE_SPEED, RISE_ACCELERATION = 0.05, 0.5
"""m/s and m/s2 of the way up from wherever the arm was left."""


def named_cell(file: Path | None) -> CellConfig:
    """The cell of a file as the command line names it, or the shipped one; raises ConfigError."""
    return load_cell(str(file.absolute()) if file else CELL_FILE)


@contextmanager
def ready_arm(robot_ip: str, cell: CellConfig) -> Iterator[UrArm]:
    """An arm that can move, stopped and disconnected in the end; raises DeviceFaultError when it does not get ready."""
    config = packaged_parameters("motion_node", UrConfig, "arm")
    arm = UrArm(robot_ip, config, cell.gripper_model.tool_length)
    try:
        arm.wait_until_ready(READY_TIME)
        yield arm
    finally:
        arm.stop()
        arm.close()


def await_rest(arm: Arm, poll_interval: float) -> None:
    """Wait for the motion under way to end; raises DeviceFaultError when it ends short of its target."""
    while arm.is_moving():
        time.sleep(poll_interval)


def rise(arm: Arm, cell: CellConfig) -> None:
    """Go straight up to the transit height if the tool is below it; the way is the caller's to check.

    Args:
        arm: The arm, at rest.
        cell: The cell it stands in.

    Raises:
        DeviceFaultError: The motion ended short of its target.
    """
    T_base_tool = arm.tool_pose()
    if T_base_tool[2, 3] >= cell.motion.transit_height:
        return
    T_base_tool[2, 3] = cell.motion.transit_height
    arm.start_linear_motion(T_base_tool, RISE_SPEED, RISE_ACCELERATION)
    await_rest(arm, cell.motion.poll_interval)
