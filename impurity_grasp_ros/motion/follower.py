"""Execution of single waypoints, with deadlines, cancellation, force limits and checks of the fingers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.errors import CanceledError, DeviceFaultError, MotionTimeoutError, UnreachableError
from impurity_grasp_ros.motion.collision import HandState
from impurity_grasp_ros.motion.contact_force import ContactForce
from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.safety import check_pose
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.motion.tool_speed import limited_joint_speed
from impurity_grasp_ros.motion.waypoints import Fingers, FreeAir, Rise, Straight, Transit, Verify, Waypoint
from impurity_grasp_ros.protocols import Arm, Clock, Gripper, JointPositions
from impurity_grasp_ros.transform import Transform

SLOWEST = 0.1
"""Lowest speed fraction that extends a deadline: no motion may take more than ten times its deadline."""


def reachable_joints(arm: Arm, T_base_tool: Transform, cell: CellConfig) -> JointPositions:
    """Return the joint angles for a tool pose.

    Args:
        arm: The arm, whose current joint angles select the solution.
        T_base_tool: (4, 4) pose of the tool in ``base_link``.
        cell: The cell, whose reach box limits the pose.

    Returns:
        (6,) float64, joint angles in radians.

    Raises:
        OutOfWorkspaceError: The position is outside the reach box.
        UnreachableError: There is no inverse kinematics solution.
    """
    check_pose(T_base_tool, cell)
    joints = arm.inverse_kinematics(T_base_tool)
    if joints is None:
        raise UnreachableError(f"expected a reachable tool position, received {np.round(T_base_tool[:3, 3], 3)}")
    return joints


class Follower:
    """One run of an arm and a gripper along waypoints, supervised by one caller.

    All methods that move or wait raise CanceledError, MotionTimeoutError and DeviceFaultError, and leave it to the
    caller to stop the arm.

    Args:
        arm: The arm to move.
        gripper: The gripper on it.
        clock: Clock of both.
        cell: Layout, speeds and limits.
        paths: Collision check of joint motions.
        supervision: Cancellation and feedback.
    """

    def __init__(
        self, arm: Arm, gripper: Gripper, clock: Clock, cell: CellConfig, paths: PathChecker, supervision: Supervision
    ) -> None:
        self._arm = arm
        self._gripper = gripper
        self._clock = clock
        self._cell = cell
        self._kinematics = Kinematics(cell.gripper_model.tool_length)
        self._paths = paths
        self._supervision = supervision
        self._contact = ContactForce(arm, clock, cell.motion)
        self._payload: float | None = None
        self._phase = ""
        self._ended_phase = ""
        self._unfinished: Fingers | None = None

    def follow(self, waypoint: Waypoint) -> bool:
        """Execute one waypoint.

        Args:
            waypoint: What to do.

        Returns:
            False if a force limit ended it early, or if it is a ``Verify`` and the fingers hold nothing.

        Raises:
            CollisionError: The path of a ``Transit`` is not free; it has not begun.
            OutOfWorkspaceError: The pose of a ``Transit`` is not allowed.
            UnreachableError: The pose of a ``Transit`` has no inverse kinematics solution.
            RecoveryNeededError: The force in free air is too large.
        """
        if isinstance(waypoint, FreeAir | Verify):  # these only measure and are not reported as phases
            self._check_canceled()
        else:
            self._begin_phase(waypoint.phase)
        match waypoint:
            case Fingers():
                self._move_fingers(waypoint)
            case Transit():
                self.move_joints(reachable_joints(self._arm, waypoint.T_base_tool, self._cell))
                self._finish_fingers()
            case FreeAir():
                self._contact.take_baseline()
            case Rise():
                self._rise(waypoint)
            case Straight():
                return self._travel(waypoint)
            case Verify():
                self.await_fingers()  # fingers that have lost the object close further
                self.adjust_payload()
                return self._gripper.opening() >= self._cell.motion.held_opening
        return True

    def holds(self) -> bool:
        """Whether the resting fingers have closed on an object that is still between them."""
        return self._gripper.is_holding() and self._gripper.opening() >= self._cell.motion.held_opening

    def hand_state(self) -> HandState:
        """Return the state of the fingers for the collision check."""
        return HandState.CARRYING if self.holds() else HandState.FREE

    def await_fingers(self) -> None:
        """Wait until the fingers have stopped moving."""
        self._wait(self._gripper.is_moving, self._cell.gripper_model.finger_time)

    def adjust_payload(self) -> None:
        """Tell the arm the mass that it carries now, if that has changed."""
        payload = self._cell.motion.held_mass if self.holds() else 0.0
        if payload != self._payload:
            self._arm.set_payload(payload)
            self._payload = payload

    def move_joints(self, joints: JointPositions, phase: str = "") -> None:
        """Move straight in joint space, as fast as the limits of joints and tool allow.

        Args:
            joints: (6,) float64, joint angles in radians at the end.
            phase: Name of the phase that begins with this motion; empty if it belongs to the current one.

        Raises:
            CollisionError: The path from the measured joint angles is not free; the motion has not begun.
        """
        self._begin_phase(phase or self._phase)
        motion, start = self._cell.motion, self._arm.joint_positions()
        self._paths.check_joint_path(start, joints, self._phase, self.hand_state())
        speeds = np.array([motion.joint_speed] * 3 + [motion.wrist_speed] * 3)
        limit = limited_joint_speed(self._kinematics, start, joints, speeds, motion.max_tool_speed)
        speed = motion.speed_scale * limit
        nominal = float(np.abs(joints - start).max()) / speed + speed / motion.joint_acceleration
        self._arm.start_joint_motion(joints, speed, motion.joint_acceleration)
        self._wait(self._arm.is_moving, nominal)

    def _begin_phase(self, phase: str) -> None:
        """Report a new phase; raises CanceledError if the caller has asked to stop, even if nothing would move."""
        self._check_canceled()
        if phase != self._phase:
            self._phase = phase
            self._supervision.on_phase(phase)
            self._check_canceled()

    def _check_canceled(self) -> None:
        if self._supervision.canceled():
            raise CanceledError("expected to finish the motion, was asked to stop")

    def _move_fingers(self, waypoint: Fingers) -> None:
        self._gripper.start_motion(waypoint.opening)
        self._unfinished = waypoint
        if not waypoint.on_the_way:
            self._finish_fingers()

    def _finish_fingers(self) -> None:
        """Wait for the latest motion of the fingers and check its result, unless that was done before."""
        waypoint, self._unfinished = self._unfinished, None
        if waypoint is None:
            return
        self.await_fingers()
        reached, tolerance = self._gripper.opening(), self._cell.motion.opening_tolerance
        if waypoint.must_reach and not abs(reached - waypoint.opening) <= tolerance:
            raise DeviceFaultError(
                f"expected fingers open to {1e3 * waypoint.opening:.1f} mm, reached {1e3 * reached:.1f} mm: "
                "they are jammed, or grip something; free them"
            )
        self.adjust_payload()

    def _rise(self, waypoint: Rise) -> None:
        target = self._arm.tool_pose()
        if target[2, 3] < waypoint.height:
            target[2, 3] = waypoint.height
            self._move_straight(target, waypoint.speed)

    def _travel(self, waypoint: Straight) -> bool:
        if waypoint.phase == self._ended_phase or not np.any(waypoint.displacement):
            return True
        target = self._arm.tool_pose()
        target[:3, 3] += waypoint.displacement
        completed = self._move_straight(target, waypoint.speed, waypoint.force)
        if not completed:
            self._ended_phase = waypoint.phase
        return completed

    def _move_straight(self, target: Transform, speed: float, force: float = np.inf) -> bool:
        motion = self._cell.motion
        speed *= motion.speed_scale
        distance = float(np.linalg.norm(target[:3, 3] - self._arm.tool_pose()[:3, 3]))
        nominal = distance / speed + speed / motion.linear_acceleration
        self._arm.start_linear_motion(target, speed, motion.linear_acceleration)
        return self._wait(self._arm.is_moving, nominal, force)

    def _wait(self, moving: Callable[[], bool], nominal: float, force: float = np.inf) -> bool:
        """Poll a motion until it ends; False if the contact force exceeded ``force`` (N) and the arm was stopped."""
        motion = self._cell.motion
        left = nominal * motion.deadline_factor + motion.deadline_margin
        before = self._clock.now()
        while moving():
            self._check_canceled()
            fraction = self._arm.speed_fraction()
            left -= (self._clock.now() - before) * max(fraction, SLOWEST)
            before = self._clock.now()
            if left < 0.0:
                asked = f"within its deadline ({nominal:.2f} s nominal, speed slider at {fraction:.0%})"
                raise MotionTimeoutError(f"expected the motion to end {asked}")
            self._clock.sleep(motion.poll_interval)
            if np.isfinite(force) and not self._contact.change() <= force:
                self._arm.stop()
                return False
        return True
