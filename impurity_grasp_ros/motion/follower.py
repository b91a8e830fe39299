"""Carries out waypoints one by one, with deadline, cancel, force limit and a look at the fingers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.errors import CanceledError, DeviceFaultError, MotionTimeoutError, UnreachableError
from impurity_grasp_ros.motion.collision import HandState
from impurity_grasp_ros.motion.contact import ContactForce
from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.safety import check_pose
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.motion.tool_speed import limited_joint_speed
from impurity_grasp_ros.motion.waypoints import Fingers, FreeAir, Rise, Straight, Transit, Verify, Waypoint
from impurity_grasp_ros.protocols import Arm, Clock, Gripper, JointPositions
from impurity_grasp_ros.transform import Transform

SLOWEST = 0.1
"""Speed fraction below which a motion's deadline is stretched no further."""


def reachable_joints(arm: Arm, T_base_tool: Transform, cell: CellConfig) -> JointPositions:
    """Joint angles of a tool pose; raises OutOfWorkspaceError and UnreachableError."""
    check_pose(T_base_tool, cell)
    joints = arm.inverse_kinematics(T_base_tool)
    if joints is None:
        raise UnreachableError(f"expected a reachable tool position, received {np.round(T_base_tool[:3, 3], 3)}")
    return joints


class Follower:
    """One run of an arm and a gripper along waypoints, under the supervision of one caller.

    Every method raises CanceledError, MotionTimeoutError and DeviceFaultError; whoever catches them stops the arm.
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

    def follow(self, waypoint: Waypoint) -> bool:
        """Carry out one waypoint.

        Returns:
            False when a force limit ended it early, or the fingers hold nothing that is to be verified.

        Raises:
            RecoveryNeededError: there is a load at the tool in what should be free air.
        """
        if isinstance(waypoint, FreeAir | Verify):  # these take a look: no phase of their own
            self._check_canceled()
        else:
            self._begin_phase(waypoint.phase)
        match waypoint:
            case Fingers():
                self._move_fingers(waypoint)
            case Transit():
                self.move_joints(reachable_joints(self._arm, waypoint.T_base_tool, self._cell))
            case FreeAir():
                self._contact.take_baseline()
            case Rise():
                self._rise(waypoint)
            case Straight():
                return self._travel(waypoint)
            case Verify():
                self.await_fingers()  # fingers that lost their hold close on
                self.adjust_payload()
                return self._gripper.opening() >= self._cell.motion.held_opening
        return True

    def holds(self) -> bool:
        """Whether the resting fingers were closed on something that is still there."""
        return self._gripper.is_holding() and self._gripper.opening() >= self._cell.motion.held_opening

    def hand_state(self) -> HandState:
        """What may touch what on a path from here."""
        return HandState.CARRYING if self.holds() else HandState.FREE

    def await_fingers(self) -> None:
        """Wait for fingers that were sent somewhere."""
        self._wait(self._gripper.is_moving, self._cell.gripper_model.finger_time)

    def adjust_payload(self) -> None:
        """Tell the arm what it carries now."""
        payload = self._cell.motion.held_mass if self.holds() else 0.0
        if payload != self._payload:
            self._arm.set_payload(payload)
            self._payload = payload

    def move_joints(self, joints: JointPositions, phase: str = "") -> None:
        """Move straight in joint space, as fast as joints and tool may; ``phase``: which begins with it.

        Raises:
            CollisionError: the path from where the arm really is touches something; it has not begun.
        """
        self._begin_phase(phase or self._phase)
        motion, start = self._cell.motion, self._arm.joint_positions()
        self._paths.check_joint_path(start, joints, self._phase, self.hand_state())
        limit = limited_joint_speed(self._kinematics, start, joints, motion.joint_speed, motion.max_tool_speed)
        speed = motion.speed_scale * limit
        nominal = float(np.abs(joints - start).max()) / speed + speed / motion.joint_acceleration
        self._arm.start_joint_motion(joints, speed, motion.joint_acceleration)
        self._wait(self._arm.is_moving, nominal)

    def _begin_phase(self, phase: str) -> None:
        """Report a phase; it does not begin once the caller has asked to stop, even if nothing would move in it."""
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
        """Poll a started motion to its end; False when the contact force reached ``force`` and the arm was stopped."""
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
