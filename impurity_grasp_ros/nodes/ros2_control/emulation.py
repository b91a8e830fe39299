"""Emulation of what ``ur_robot_driver`` and ``ros2_robotiq_gripper`` offer: controllers, state topics, modes."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory, GripperCommand
from geometry_msgs.msg import Vector3, WrenchStamped
from numpy.typing import NDArray
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64
from std_srvs.srv import Trigger
from ur_dashboard_msgs.msg import RobotMode, SafetyMode

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.hardware.ur_state import SAFE
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES, T_BASE_CONTROLLER, Kinematics
from impurity_grasp_ros.nodes.ros2_control.config import Ros2ControlConfig
from impurity_grasp_ros.nodes.ros2_control.tasks import FingerTask, FollowTask, Task
from impurity_grasp_ros.nodes.runtime import LATCHED
from impurity_grasp_ros.nodes.stamps import to_seconds
from ur_emulator.arm import FULL_PACE, NO_PACE
from ur_emulator.axes import BRAKING, Axes
from ur_emulator.gripper import FingerPlant
from ur_emulator.plant import ArmPlant

CYCLE = 0.008
"""Seconds of a control cycle."""

LATEST = 0.1
"""Seconds by which cycles may be late; what is more is dropped."""

FINGER_SPEED = 0.1
"""Speed of the fingers in m/s."""

REACHED = 0.002
"""Meters from the commanded opening within which it counts as reached."""


class EmulatedControllers:
    """The controllers of a UR5 with a Robotiq gripper. One thread calls :meth:`cycle`, all others only ask.

    Args:
        node: The node that offers actions and publishes states; several threads have to spin it.
        arm: Mechanics of the arm.
        fingers: Mechanics of the fingers.
        joints: Initial joint angles, (6,) in radians.
        gripper: The gripper.
        config: Names of actions, topics and joints.

    Attributes:
        safety_mode: Mode that is reported; in any but the normal and the reduced one the arm stops.
        program_running: Whether the driver has control; without it the arm stops.
        speed: Fraction of the commanded speed.
        is_silent: Whether no states are published.
    """

    def __init__(
        self,
        node: Node,
        arm: ArmPlant,
        fingers: FingerPlant,
        joints: NDArray[np.float64],
        gripper: GripperModel,
        config: Ros2ControlConfig,
    ) -> None:
        self.safety_mode, self.program_running, self.speed = SafetyMode.NORMAL, True, 1.0
        self.is_silent = False
        self._node, self._arm, self._fingers, self._gripper, self._config = node, arm, fingers, gripper, config
        self._kinematics = Kinematics(gripper.tool_length)
        self._lock = threading.Lock()
        self._axes = Axes(joints, CYCLE)
        self._opening = fingers.opening()  # only the thread of the control loop asks the mechanics
        self._follow: FollowTask | None = None
        self._finger: FingerTask | None = None
        self._pace = 1.0  # lower while the mechanics are behind
        self._publish_modes: tuple[Any, ...] = ()
        self._names = [config.joint_prefix + name for name in JOINT_NAMES]
        self._joints = node.create_publisher(JointState, config.joint_states, 10)
        self._wrench = node.create_publisher(WrenchStamped, config.wrench, 10)
        self._speed = node.create_publisher(Float64, config.speed_scaling, 10)
        self._safety = node.create_publisher(SafetyMode, config.safety_mode, LATCHED)
        self._mode = node.create_publisher(RobotMode, config.robot_mode, LATCHED)
        self._running = node.create_publisher(Bool, config.program_running, LATCHED)
        node.create_service(Trigger, config.resend_program, self._on_resend)
        group = ReentrantCallbackGroup()
        self._servers = [
            ActionServer(
                node,
                kind,
                name,
                execute,
                goal_callback=accepts,
                cancel_callback=self._on_cancel,
                callback_group=group,
            )
            for kind, name, accepts, execute in (
                (FollowJointTrajectory, config.trajectory_action, self._accepts, self._execute),
                (GripperCommand, config.gripper_action, lambda _goal: GoalResponse.ACCEPT, self._grip),
            )
        ]
        self._tasks: dict[bytes, Task] = {}

    # --- the control loop --------------------------------------------------------------------------------------------

    @property
    def in_motion(self) -> bool:
        """Whether a trajectory is being followed, or the arm has not come to rest yet."""
        return self._follow is not None or not self._axes.at_rest

    def run(self, stop: threading.Event) -> None:
        """Carry out control cycles in real time until told to stop."""
        due = time.monotonic()
        while not stop.is_set():
            time.sleep(max(due - time.monotonic(), 0.0))
            self.cycle()
            due = max(due + CYCLE, time.monotonic() - LATEST)

    def cycle(self) -> None:
        """Advance time by one control cycle and publish what is measured."""
        with self._lock:
            may_move = self.safety_mode in SAFE and self.program_running
            if self._follow is not None:
                self._advance(self._follow, may_move)
            self._axes.cycle(BRAKING)
        measured = self._arm.follow(self._axes.q, CYCLE)
        self._pace = float(np.clip((NO_PACE - measured.behind) / (NO_PACE - FULL_PACE), 0.0, 1.0))
        self._fingers.advance(CYCLE)
        self._opening = self._fingers.opening()
        with self._lock:
            self._move_fingers()
        if not self.is_silent:
            self._publish(measured.joints, measured.speeds, measured.force)

    def _advance(self, task: FollowTask, may_move: bool) -> None:
        if task.canceled or not may_move:
            task.end("" if task.canceled else "the robot has stopped")
        elif (joints := task.advance(CYCLE * self.speed * self._pace)) is None:
            task.end()
        else:
            self._axes.command(joints)
        if task.ended.is_set():
            self._follow = None

    def _move_fingers(self) -> None:
        task = self._finger
        if task is None:
            return
        if not task.has_begun:
            task.has_begun = True
            self._fingers.start(task.opening, FINGER_SPEED)
        elif task.canceled or not self._fingers.is_moving():
            task.end()
            self._finger = None

    def _publish(self, joints: NDArray[np.float64], speeds: NDArray[np.float64], force: NDArray[np.float64]) -> None:
        stamp = self._node.get_clock().now().to_msg()
        travel = self._gripper.knuckle_travel(self._opening)
        rows = zip(self._names, joints.tolist(), speeds.tolist(), strict=True)
        names, positions, velocities = zip(*sorted([*rows, (self._config.finger_joint, travel, 0.0)]), strict=True)
        state = JointState(name=names, position=positions, velocity=velocities)  # sorted as the broadcaster sorts them
        state.header.stamp = stamp
        self._joints.publish(state)
        rotation = self._kinematics.forward(joints)[:3, :3]
        x, y, z = (rotation.T @ T_BASE_CONTROLLER[:3, :3] @ force).tolist()
        wrench = WrenchStamped()
        wrench.header.stamp, wrench.wrench.force = stamp, Vector3(x=x, y=y, z=z)
        self._wrench.publish(wrench)
        self._speed.publish(Float64(data=100.0 * self.speed))
        modes = (self.safety_mode, self.program_running)
        if modes != self._publish_modes:
            self._publish_modes = modes
            self._safety.publish(SafetyMode(mode=self.safety_mode))
            self._mode.publish(RobotMode(mode=RobotMode.RUNNING))
            self._running.publish(Bool(data=self.program_running))

    # --- actions -----------------------------------------------------------------------------------------------------

    def _accepts(self, goal: FollowJointTrajectory.Goal) -> GoalResponse:
        times = [to_seconds(point.time_from_start) for point in goal.trajectory.points]
        fits = sorted(goal.trajectory.joint_names) == sorted(self._names) and bool(times)
        rises = all(first < second for first, second in zip([0.0, *times], times, strict=False))
        may_move = self.safety_mode in SAFE and self.program_running
        return GoalResponse.ACCEPT if fits and rises and may_move else GoalResponse.REJECT

    def _on_cancel(self, handle: Any) -> CancelResponse:
        if (task := self._tasks.get(bytes(handle.goal_id.uuid))) is not None:
            task.canceled = True
        return CancelResponse.ACCEPT

    def _run(self, handle: Any, task: Task) -> None:
        """Wait for the end of a goal and set its status."""
        number = bytes(handle.goal_id.uuid)
        self._tasks[number] = task
        while not task.ended.wait(0.05) and self._node.context.ok():
            task.canceled |= handle.is_cancel_requested  # the request may have come before the task was known
        del self._tasks[number]
        if handle.is_cancel_requested:
            handle.canceled()
        elif task.error:
            handle.abort()
        else:
            handle.succeed()

    def _execute(self, handle: Any) -> FollowJointTrajectory.Result:
        trajectory = handle.request.trajectory
        order = [trajectory.joint_names.index(name) for name in self._names]
        with self._lock:
            if self._follow is not None:
                self._follow.end("another goal has arrived")
            task = self._follow = FollowTask(self._axes.q, order, trajectory)
        self._run(handle, task)
        code = FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED if task.error else 0
        return FollowJointTrajectory.Result(error_code=code, error_string=task.error)

    def _grip(self, handle: Any) -> GripperCommand.Result:
        opening = min(max(self._gripper.pad_opening(handle.request.command.position), 0.0), self._gripper.stroke)
        with self._lock:
            if self._finger is not None:
                self._finger.end("another goal has arrived")
            task = self._finger = FingerTask(opening)
        self._run(handle, task)
        reached = abs(self._opening - opening) <= REACHED
        position = self._gripper.knuckle_travel(self._opening)
        return GripperCommand.Result(position=position, stalled=not reached, reached_goal=reached)

    def _on_resend(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.program_running = response.success = self.safety_mode in SAFE
        return response
