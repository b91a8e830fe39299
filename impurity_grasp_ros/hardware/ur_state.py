"""What a UR controller tells of itself, and what stands in the way of a motion."""

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


@dataclass(frozen=True)
class UrState:
    """One reading. Angles in rad, speeds in rad/s, pose and force in metres, rotation vector and N, controller's base.

    stamp: seconds by the controller's clock. speed_fraction: 0 to 1, of the slider or of what the controller makes of
    it, whichever is less. program_running: our control program. held: since something stopped the arm, a person has to
    ask for recovery. moving: a motion of ours is under way.
    """

    stamp: float
    joints: tuple[float, ...]
    speeds: tuple[float, ...]
    tool_pose: tuple[float, ...]
    tool_force: tuple[float, ...]
    robot_mode: int
    safety_mode: int
    speed_fraction: float
    program_running: bool
    held: str
    motions: int
    moving: bool

    @property
    def robot_mode_name(self) -> str:
        """``robot_mode`` in words."""
        return ROBOT_MODES.get(self.robot_mode, str(self.robot_mode))

    @property
    def safety_mode_name(self) -> str:
        """``safety_mode`` in words."""
        return SAFETY_MODES.get(self.safety_mode, str(self.safety_mode))

    @property
    def mode_obstacle(self) -> str:
        """Which of the robot's modes does not allow motion, empty when both do."""
        if self.safety_mode not in SAFE:
            return f"the safety system is in {self.safety_mode_name}"
        return "" if self.robot_mode == RUNNING else f"the robot is in mode {self.robot_mode_name}"

    @property
    def obstacle(self) -> str:
        """Why the arm must not or cannot move, empty when it can."""
        if self.mode_obstacle:
            return self.mode_obstacle
        if self.held:
            return f"{self.held}; it moves again after recovery is asked for"
        return "" if self.program_running else "the control program does not run"
