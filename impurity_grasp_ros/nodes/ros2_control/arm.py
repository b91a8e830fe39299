"""Driver of an arm behind a joint trajectory controller of ``ros2_control``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from builtin_interfaces.msg import Duration
from control_msgs.action import FollowJointTrajectory
from numpy.typing import NDArray
from rclpy.callback_groups import ReentrantCallbackGroup
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from impurity_grasp_ros.errors import DeviceFaultError, ImpurityGraspError
from impurity_grasp_ros.hardware.readiness import await_ready
from impurity_grasp_ros.hardware.ur_state import NOT_RUNNING
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES, Kinematics
from impurity_grasp_ros.motion.straight_line import straight_trajectory
from impurity_grasp_ros.motion.trajectory import Profile, Trajectory
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.ros2_control.config import Ros2ControlConfig
from impurity_grasp_ros.nodes.ros2_control.goal import SentGoal
from impurity_grasp_ros.nodes.ros2_control.state import ControlState
from impurity_grasp_ros.nodes.stamps import to_duration
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import Transform

ARRIVED = 0.02
"""Radians within which a motion counts as having reached its target."""

AT_REST = 0.01
"""Speed in rad/s below which a joint counts as at rest."""

SETTLING_TIME = 1.0
"""Seconds after the end of a trajectory within which the arm must be at rest at its target."""

RECOVERY_TIME = 10.0
"""Seconds within which the driver must have control after it was asked to take it."""


class TrajectoryArm:
    """The ``ArmDriver`` protocol for action ``FollowJointTrajectory``.

    Each motion is one goal. What keeps the arm from moving ends the running goal and holds the arm until recovery is
    requested. The kinematics are those of a nominal UR5. The payload is not set: others have to.

    Args:
        node: The node that communicates.
        config: Names and limits of the controllers.
        tool_length: Distance in meters from the flange to the tool center point.
        state: The arm's state.

    Raises:
        DeviceFaultError: In every method of the ``Arm`` protocol except ``stop``, while the state is unknown.
    """

    def __init__(self, node: ManagedNode, config: Ros2ControlConfig, tool_length: float, state: ControlState) -> None:
        self._config = config
        self._state = state
        self._kinematics = Kinematics(tool_length)
        group = ReentrantCallbackGroup()
        self._client = ActionClient(node, FollowJointTrajectory, config.trajectory_action, callback_group=group)
        node.own(self._client.destroy)
        service = config.resend_program
        self._resend = node.create_client(Trigger, service, callback_group=group) if service else None
        self._lock = threading.Lock()
        self._goal: SentGoal | None = None
        self._target: JointPositions | None = None
        self._ended = 0.0  # when the end of the goal was noticed
        self._held = ""

    # --- the Arm protocol --------------------------------------------------------------------------------------------

    def joint_positions(self) -> JointPositions:
        """The measured joint angles, (6,) in radians."""
        return self._state.arm().joints

    def tool_pose(self) -> Transform:
        """The measured ``T_base_tool``."""
        return self._kinematics.forward(self.joint_positions())

    def tool_force(self) -> NDArray[np.float64]:
        """The force at the tool, (3,) in newtons in ``base_link``."""
        return np.asarray(self.tool_pose()[:3, :3] @ self._state.force())

    def set_payload(self, held_mass: float) -> None:
        """Do nothing: there is no standard interface for it. A held object counts as a force at the tool."""

    def speed_fraction(self) -> float:
        """The speed of motions as a fraction, 0 to 1."""
        return self._state.speed_fraction

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        """The joint angles closest to the present ones, (6,) in radians, that reach a pose; None if there are none."""
        return self._kinematics.nearest(T_base_tool, self.joint_positions())

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in joint space; see the protocol.

        Raises:
            DeviceFaultError: A number is invalid, the arm cannot move, or the controller refuses.
        """
        target = np.asarray(joints, dtype=np.float64)
        self._check(target, speed, acceleration)
        start = self.joint_positions()
        profile = Profile(float(np.abs(target - start).max()), speed, acceleration)
        self._follow(Trajectory(profile, np.array([start, target])))

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in Cartesian space; see the protocol.

        Raises:
            DeviceFaultError: A number is invalid, the arm cannot move, or the controller refuses.
            UnreachableError: A pose on the line has no joint solution.
        """
        self._check(T_base_tool, speed, acceleration)
        self._follow(straight_trajectory(self._kinematics, self.joint_positions(), T_base_tool, speed, acceleration))

    def is_moving(self) -> bool:
        """Whether the last motion is still in progress.

        Raises:
            DeviceFaultError: The motion ended short of its target, or something has interrupted it.
        """
        with self._lock:
            goal, target = self._goal, self._target
        if goal is None or target is None:
            return False
        if obstacle := self._held or self._state.obstacle():
            self._hold(obstacle)
            raise DeviceFaultError(f"expected the motion to continue: {obstacle}")
        if (outcome := goal.outcome()) is None:
            return True
        succeeded, result = outcome
        if not succeeded:
            self._forget()
            raise DeviceFaultError(
                f"expected the controller to finish the motion: {result.error_string or 'it did not'}"
            )
        return self._is_settling(target)

    def _is_settling(self, target: JointPositions) -> bool:
        """Whether the arm is still on its way although the trajectory has ended."""
        now, state = time.monotonic(), self._state.arm()
        self._ended = self._ended or now
        error = float(np.abs(state.joints - target).max())
        rests = float(np.abs(state.speeds).max()) <= AT_REST
        if not (rests and error <= ARRIVED):
            if now - self._ended < SETTLING_TIME:
                return True
            self._forget()
            raise DeviceFaultError(f"expected the motion to reach its target, it ended {error:.3f} rad off")
        self._forget()
        return False

    def stop(self) -> None:
        """Cancel the motion at once: the controller then holds the arm where it is."""
        goal = self._forget()
        if goal is not None:
            goal.stop()

    # --- the Device protocol -----------------------------------------------------------------------------------------

    def problem(self) -> str:
        """Why the arm cannot move, empty if it can."""
        if obstacle := self._state.obstacle():
            return obstacle
        if not self._client.server_is_ready():
            return f"there is no action {self._config.trajectory_action}"
        return f"{self._held}; it can move again after recovery is requested" if self._held else ""

    def values(self) -> dict[str, str]:
        """Age of the joint states, and speed."""
        return {"link_age_s": f"{self._state.age:.3f}", "speed_fraction": f"{self.speed_fraction():.2f}"}

    def recover(self, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Let the arm move again after an interruption; have the driver take control if it has lost it.

        A stop of the controller has to be cleared with its own means before.

        Raises:
            DeviceFaultError: The arm is still not ready; the message says why.
            CanceledError: ``must_stop`` returned true.
        """
        self.stop()
        if self._state.obstacle() == NOT_RUNNING and self._resend is not None:
            self._resend.call_async(Trigger.Request())
        try:
            self._held = ""
            await_ready("the arm", self.problem, RECOVERY_TIME, must_stop)
        except ImpurityGraspError as error:
            self._held = f"recovery failed: {error}"
            raise

    def close(self) -> None:
        """Stop the arm."""
        self.stop()

    # --- internal ----------------------------------------------------------------------------------------------------

    def _check(self, target: NDArray[np.float64], speed: float, acceleration: float) -> None:
        if not (np.isfinite(target).all() and speed > 0 and acceleration > 0):
            raise DeviceFaultError(
                f"expected a finite target and positive speeds, received {target}, {speed}, {acceleration}"
            )
        if problem := self.problem():
            raise DeviceFaultError(f"expected an arm that can move: {problem}")

    def _follow(self, trajectory: Trajectory) -> None:
        message = to_message(
            trajectory, [self._config.joint_prefix + name for name in JOINT_NAMES], self._config.period
        )
        with self._lock:
            self._ended = 0.0
            self._target = trajectory.knots[-1]
            goal = FollowJointTrajectory.Goal(trajectory=message)
            self._goal = sent = SentGoal(self._client, goal, self._config.trajectory_action)
        try:
            sent.await_acceptance(self._config.answer_timeout)
        except DeviceFaultError:
            self._forget()
            raise

    def _forget(self) -> SentGoal | None:
        with self._lock:
            goal, self._goal, self._target = self._goal, None, None
        return goal

    def _hold(self, reason: str) -> None:
        """End the motion, which must not resume by itself."""
        self._held = self._held or reason
        self.stop()


def to_message(trajectory: Trajectory, names: list[str], period: float) -> JointTrajectory:
    """A trajectory as a message.

    Args:
        trajectory: The trajectory.
        names: Names of the six joints.
        period: Seconds between its points; the last one may follow sooner.

    Returns:
        The message; the controller interpolates from where the arm is to the first point.
    """
    end = max(trajectory.duration, period)
    times = [*np.arange(period, end - 0.5 * period, period).tolist(), end]
    points = []
    for moment in times:
        joints, speeds = trajectory.at(moment)
        start: Duration = to_duration(moment)
        points.append(
            JointTrajectoryPoint(positions=joints.tolist(), velocities=speeds.tolist(), time_from_start=start)
        )
    return JointTrajectory(joint_names=names, points=points)
