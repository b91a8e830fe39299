"""The real arm: a UR5 over ur_rtde."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.errors import DeviceFaultError, ImpurityGraspError
from impurity_grasp_ros.hardware.dashboard import Dashboard
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_link import UrLink
from impurity_grasp_ros.hardware.ur_state import UrState
from impurity_grasp_ros.motion.kinematics import T_BASE_CONTROLLER
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import Transform, from_rotation_vector, inverse, to_rotation_vector

ARRIVED = 0.02
"""Radians, or metres, within which a motion has reached its target."""


class UrArm:
    """``Arm`` protocol on a UR controller. Every method raises DeviceFaultError when the arm cannot be relied on."""

    def __init__(self, host: str, config: UrConfig, tool_length: float) -> None:
        self._host = host
        self._config = config
        self._tool_length = tool_length
        self._link = UrLink(host, config, tool_length)
        self._generation = self._motion = -1
        self._target: tuple[str, NDArray[np.float64]] | None = None

    def state(self) -> UrState:
        """The controller's own account, also while the arm cannot move."""
        return self._link.state()

    def problem(self) -> str:
        """Why the arm cannot move, empty when it can."""
        return self._link.problem()

    def values(self) -> dict[str, str]:
        """Age and priority of the link, and the controller's modes once it is known."""
        link = {"link_age_s": f"{self._link.age():.3f}", "link_priority": self._link.priority}
        try:
            state = self.state()
        except DeviceFaultError:
            return link
        return {
            **link,
            "robot_mode": state.robot_mode_name,
            "safety_mode": state.safety_mode_name,
            "program_running": str(state.program_running).lower(),
            "speed_fraction": f"{state.speed_fraction:.2f}",
        }

    def joint_positions(self) -> JointPositions:
        """Measured joint angles."""
        return np.array(self._link.state().joints)

    def tool_pose(self) -> Transform:
        """Measured ``T_base_tool``."""
        return _tool_pose(self._link.state())

    def tool_force(self) -> NDArray[np.float64]:
        """Force (3,) in newtons at the tool, in ``base_link``, as the controller reckons it from its payload."""
        return np.asarray(T_BASE_CONTROLLER[:3, :3] @ np.array(self._link.state().tool_force[:3]))

    def set_payload(self, held_mass: float) -> None:
        """Add ``held_mass`` kilograms between the finger tips to the payload, 0 for the gripper alone."""
        own, total = self._config.payload, self._config.payload + held_mass
        tips = np.array([0.0, 0.0, self._tool_length])
        center = (own * np.array(self._config.payload_center) + held_mass * tips) / max(total, 1e-6)
        self._link.call("set_payload", total, center.tolist())

    def speed_fraction(self) -> float:
        """How fast motions run: the speed slider, or less while the controller slows them down."""
        return self._link.state().speed_fraction

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        """The controller's own solution, which knows the arm's calibration."""
        near = list(self._link.state().joints)
        joints = self._link.call("inverse_kinematics", _controller_pose(T_base_tool), near)
        return None if joints is None else np.array(joints)

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in joint space; rad/s and rad/s2 of the leading axis."""
        target = np.asarray(joints, dtype=np.float64)
        self._begin("joints", target, speed, acceleration)
        self._motion = self._link.call("start_joint_motion", target.tolist(), speed, acceleration)

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in Cartesian space; m/s and m/s2."""
        self._begin("position", T_base_tool[:3, 3].copy(), speed, acceleration)
        self._motion = self._link.call("start_linear_motion", _controller_pose(T_base_tool), speed, acceleration)

    def is_moving(self) -> bool:
        """Whether the motion started last is under way; raises DeviceFaultError when it ended short of its target."""
        if self._target is None:
            return False
        state = self._link.state()
        if self._generation != self._link.generation:
            raise DeviceFaultError("expected one connection throughout the motion, it was lost; nothing is resent")
        if obstacle := state.mode_obstacle or state.held:
            raise DeviceFaultError(f"expected the motion to go on: {obstacle}")
        if not state.program_running:
            return True  # for a moment: why it was stopped may be known after the fact, and ends the connection
        if state.moving or state.motions < self._motion:
            return True
        kind, target = self._target
        reached = np.array(state.joints) if kind == "joints" else _tool_pose(state)[:3, 3]
        if max(map(abs, state.speeds)) > 0.01:
            return True
        error = float(np.abs(reached - target).max())
        if error > ARRIVED:
            raise DeviceFaultError(f"expected the motion to reach its target, it ended {error:.3f} off ({kind})")
        self._target = None
        return False

    def stop(self) -> None:
        """Halt at once. Without a connection the controller's watchdog does it."""
        self._target = None
        try:
            self._link.call("stop")
        except DeviceFaultError:
            return  # the link is replaced, and its silence stops the arm

    def wait_until_ready(self, timeout: float) -> None:
        """Wait for an arm that can move; raises DeviceFaultError with what is in its way."""
        self._link.wait_until_ready(timeout)

    def recover(self, must_stop: Callable[[], bool] = lambda: False, timeout: float = 20.0) -> None:
        """Make the arm ready again after a stop, on a person's request; nothing that was under way is resumed.

        An arm that is ready is left alone. A recovery that fails leaves no permission behind.

        Args:
            must_stop: Asked again and again; says when to give up.
            timeout: Seconds for the connection to be ready in the end.

        Raises:
            DeviceFaultError: With what is still in the way.
            CanceledError: ``must_stop`` said so.
        """
        if not self._link.problem():
            return
        self._target = None
        with Dashboard(self._host, must_stop=must_stop) as dashboard:
            if not dashboard.is_in_remote_control():
                raise DeviceFaultError("expected remote control, the robot is in local control: switch on the pendant")
            dashboard.ask("stop")  # a paused program would resume its motion when it is played
            dashboard.make_ready()
        try:
            self._link.release()
            self._link.wait_until_ready(timeout, must_stop)
        except ImpurityGraspError as error:
            self._link.hold(f"recovery failed: {error}")
            raise

    def close(self) -> None:
        """Stop the arm and end the connection."""
        self._link.close()

    def _begin(self, kind: str, target: NDArray[np.float64], speed: float, acceleration: float) -> None:
        if not (np.isfinite(target).all() and speed > 0 and acceleration > 0):
            raise DeviceFaultError(
                f"expected a finite target and positive speeds, received {target}, {speed}, {acceleration}"
            )
        if problem := self._link.problem():
            raise DeviceFaultError(f"expected an arm that can move: {problem}")
        self._generation = self._link.generation
        self._target = (kind, target)


def _tool_pose(state: UrState) -> Transform:
    return T_BASE_CONTROLLER @ from_rotation_vector(state.tool_pose)


def _controller_pose(T_base_tool: Transform) -> list[float]:
    return to_rotation_vector(inverse(T_BASE_CONTROLLER) @ T_base_tool)
