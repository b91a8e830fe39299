"""The state of the arm and the gripper as ``diagnostic_msgs``."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from impurity_grasp_ros.protocols import Device


def diagnose(devices: Mapping[str, Device], host: str) -> tuple[DiagnosticArray, str]:
    """Summarize the state of devices.

    Args:
        devices: The devices, by name.
        host: Address of the controller to which they are connected.

    Returns:
        A message without a stamp, and a description of what keeps the robot from moving, empty if nothing does.
    """
    problems = {name: device.problem() for name, device in devices.items()}
    status = [
        DiagnosticStatus(
            level=DiagnosticStatus.ERROR if problem else DiagnosticStatus.OK,
            name=f"impurity_grasp: {name}",
            message=problem or "ready",
            hardware_id=host,
            values=[KeyValue(key=key, value=value) for key, value in devices[name].values().items()],
        )
        for name, problem in problems.items()
    ]
    return DiagnosticArray(status=status), "; ".join(filter(None, problems.values()))
