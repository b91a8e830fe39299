"""The state of arm and gripper as ``diagnostic_msgs``."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.robotiq import RobotiqGripper
from impurity_grasp_ros.hardware.ur_arm import UrArm


def diagnose(arm: UrArm, gripper: RobotiqGripper, host: str) -> tuple[DiagnosticArray, str]:
    """A message without a stamp, and what keeps the robot from moving, empty when nothing does."""
    problems = {"arm": arm.problem(), "gripper": gripper.problem()}
    values = {"arm": _arm_values(arm), "gripper": _gripper_values(gripper)}
    status = [
        DiagnosticStatus(
            level=DiagnosticStatus.ERROR if problem else DiagnosticStatus.OK,
            name=f"impurity_grasp: {device}",
            message=problem or "ready",
            hardware_id=host,
            values=[KeyValue(key=key, value=value) for key, value in values[device].items()],
        )
        for device, problem in problems.items()
    ]
    return DiagnosticArray(status=status), "; ".join(filter(None, problems.values()))


def _arm_values(arm: UrArm) -> dict[str, str]:
    values = {"link_age_s": f"{arm.link_age():.3f}", "link_priority": arm.link_priority()}
    try:
        state = arm.state()
    except DeviceFaultError:
        return values
    return {
        **values,
        "robot_mode": state.robot_mode_name,
        "safety_mode": state.safety_mode_name,
        "program_running": str(state.program_running).lower(),
        "speed_fraction": f"{state.speed_fraction:.2f}",
    }


def _gripper_values(gripper: RobotiqGripper) -> dict[str, str]:
    opening = gripper.last_opening()
    return {"opening_m": "unknown" if opening is None else f"{opening:.4f}", "fault": str(gripper.fault())}
