"""The state of a UR controller, and what keeps the arm from moving."""

from __future__ import annotations

from dataclasses import dataclass

ROBOT_MODES = {
    -1: "NO_CONTROLLER", 0: "DISCONNECTED", 1: "CONFIRM_SAFETY", 2: "BOOTING", 3: "POWER_OFF", 4: "POWER_ON",
    5: "IDLE", 6: "BACKDRIVE", 7: "RUNNING", 8: "UPDATING_FIRMWARE",
}  # fmt: skip
SAFETY_MODES = {
    1: "NORMAL", 2: "REDUCED", 3: "PROTECTIVE_STOP", 4: "RECOVERY", 5: "SAFEGUARD_STOP", 6: "SYSTEM_EMERGENCY_STOP",
    7: "ROBOT_EMERGENCY_STOP", 8: "VIOLATION", 9: "FAULT",
}  # fmt: skip
RUNNING = 7
SAFE = (1, 2)
"""Safety modes in which the arm may move: normal and reduced."""

NOT_RUNNING = "the control program is not running"


def mode_obstacle(robot_mode: int, safety_mode: int) -> str:
    """Which of the two modes, keys of the tables above, does not allow motion; empty if both do."""
    if safety_mode not in SAFE:
        return f"the safety mode is {SAFETY_MODES.get(safety_mode, str(safety_mode))}"
    return "" if robot_mode == RUNNING else f"the robot mode is {ROBOT_MODES.get(robot_mode, str(robot_mode))}"


@dataclass(frozen=True)
class UrState:
    """One reading of the controller's state.

    Attributes:
        stamp: Time in seconds by the controller's clock.
        joints: Measured joint angles in rad.
        speeds: Measured joint speeds in rad/s.
        tool_pose: Position in meters and rotation vector in rad of the tool, in the controller's base frame.
        tool_force: Force in N and torque in Nm at the tool, in the controller's base frame.
        robot_mode: Key of ``ROBOT_MODES``.
        safety_mode: Key of ``SAFETY_MODES``.
        speed_fraction: 0 to 1: the speed slider or the controller's own speed scaling, whichever is smaller.
        digital_inputs: One bit each: 0 to 7 standard, 8 to 15 configurable, 16 and 17 of the tool.
        program_running: Whether the control program of this driver is running.
        held: Why a person has to ask for recovery before the arm may move, empty if it may.
        motions: Number of motions started over this connection.
        moving: Whether the last of them is in progress.
    """

    stamp: float
    joints: tuple[float, ...]
    speeds: tuple[float, ...]
    tool_pose: tuple[float, ...]
    tool_force: tuple[float, ...]
    robot_mode: int
    safety_mode: int
    speed_fraction: float
    digital_inputs: int
    program_running: bool
    held: str
    motions: int
    moving: bool

    @property
    def robot_mode_name(self) -> str:
        """The name of ``robot_mode``."""
        return ROBOT_MODES.get(self.robot_mode, str(self.robot_mode))

    @property
    def safety_mode_name(self) -> str:
        """The name of ``safety_mode``."""
        return SAFETY_MODES.get(self.safety_mode, str(self.safety_mode))

    @property
    def mode_obstacle(self) -> str:
        """Which of the two modes does not allow motion, empty if both do."""
        return mode_obstacle(self.robot_mode, self.safety_mode)

    @property
    def obstacle(self) -> str:
        """Why the arm must not or cannot move, empty if it can."""
        if self.mode_obstacle:
            return self.mode_obstacle
        if self.held:
            return f"{self.held}; it can move again after recovery is requested"
        return "" if self.program_running else NOT_RUNNING
