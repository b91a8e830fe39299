"""Execution of primitives on a simulated or real arm and gripper, with deadlines, cancellation and typed outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Outcome, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import CollisionError, OutOfWorkspaceError, RecoveryNeededError, UnreachableError
from impurity_grasp_ros.motion.follower import Follower, reachable_joints
from impurity_grasp_ros.motion.holding import put_down
from impurity_grasp_ros.motion.kinematics import JOINT_LIMIT
from impurity_grasp_ros.motion.line_of_sight import LineOfSight, OutcomeReport
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.motion.waypoints import (
    FreeAir,
    Rise,
    Transit,
    Verify,
    Waypoint,
    push_end,
    tool_yaws,
    waypoints,
)
from impurity_grasp_ros.protocols import Arm, Clock, Gripper
from impurity_grasp_ros.transform import tool_down

__all__ = ["PrimitiveExecutor", "Supervision"]


COMPLETED = {
    PrimitiveKind.GRASP: OutcomeStatus.HELD,
    PrimitiveKind.PUSH: OutcomeStatus.PUSHED,
    PrimitiveKind.MOVE: OutcomeStatus.MOVED,
}
"""How primitives end that do all that they are for."""


class PrimitiveExecutor:
    """Executes one primitive at a time, from the current pose of the arm to home. Not thread-safe.

    Args:
        arm: The arm to move.
        gripper: The gripper on it.
        clock: Clock of both.
        cell: Layout, speeds and limits.

    Raises:
        ConfigError: The arm would touch something at home.
    """

    def __init__(self, arm: Arm, gripper: Gripper, clock: Clock, cell: CellConfig) -> None:
        self._arm = arm
        self._gripper = gripper
        self._clock = clock
        self._cell = cell
        self._paths = PathChecker(cell)
        self._sight = LineOfSight(cell)

    def execute(self, primitive: Primitive, supervision: Supervision | None = None) -> Outcome:
        """Execute a primitive and return home; after a grasp that held, the tool may be turned there.

        An object that a stopped primitive left in the fingers is put down first, or makes the primitive be refused,
        depending on ``held_on_cancel``.

        Args:
            primitive: What to execute, in ``base_link``.
            supervision: Cancellation and feedback; None for neither.

        Returns:
            How it ended. A target that cannot or must not be reached is also an outcome; then nothing has moved.

        Raises:
            CanceledError: ``supervision`` asked to stop; the arm stays where it stopped.
            MotionTimeoutError: A motion missed its deadline; the arm stays where it stopped.
            CollisionError: A path that could not be checked before is not free; the arm is stopped before it.
            RecoveryNeededError: The fingers hold an object that is to be kept, or there is no free path up from where
                the arm is; nothing has moved. Or the force in free air is too large; the arm is stopped.
            InvalidGoalError: The gripper cannot open that far; nothing has moved.
            DeviceFaultError: A device failed, or the fingers did not reach their opening; the arm is stopped.
        """
        supervision = supervision or Supervision()
        report = OutcomeReport(self._sight, self._arm, self._clock, supervision)
        try:
            plan = self._plan(primitive)
        except OutOfWorkspaceError as error:
            return Outcome(OutcomeStatus.OUT_OF_WORKSPACE, self._gripper.opening(), 0.0, str(error))
        except UnreachableError as error:
            return Outcome(OutcomeStatus.UNREACHABLE, self._gripper.opening(), 0.0, str(error))
        except CollisionError as error:
            return Outcome(OutcomeStatus.COLLISION, self._gripper.opening(), 0.0, str(error))
        with self._stopped_on_error():
            follower = self._follower(replace(supervision, canceled=report.canceled))
            self._refuse_what_is_kept(follower)
            self._put_down(follower)
            status, opening = self._run(primitive, plan, follower, report)
            self._return_home(follower, turned=status is OutcomeStatus.HELD)
        return report.outcome(status, opening)

    def check(self, primitive: Primitive) -> None:
        """Plan a primitive without moving.

        Args:
            primitive: What to plan, in ``base_link``.

        Raises:
            InvalidGoalError: The gripper cannot open that far.
            OutOfWorkspaceError: A tool pose is not allowed.
            UnreachableError: A tool pose has no inverse kinematics solution.
            CollisionError: The arm would touch something on its path.
            RecoveryNeededError: There is no free path up from where the arm is.
        """
        self._plan(primitive)

    def go_home(self, supervision: Supervision | None = None) -> None:
        """Put down what is held, rise straight up, then move to the home joints.

        Args:
            supervision: Cancellation and feedback; None for neither.

        Raises:
            CanceledError: ``supervision`` asked to stop; the arm stays where it stopped.
            MotionTimeoutError: A motion missed its deadline; the arm stays where it stopped.
            CollisionError: The path home is not free and nothing has moved, or the path to where a held object would be
                put down is not free.
            RecoveryNeededError: There is no free path up from where the arm is, or the force in free air is too large.
            DeviceFaultError: A device failed, or the fingers did not reach their opening; the arm is stopped.
        """
        self._paths.check_home(self._arm.joint_positions())
        with self._stopped_on_error():
            follower = self._follower(supervision or Supervision())
            self._put_down(follower)
            self._return_home(follower)

    def _follower(self, supervision: Supervision) -> Follower:
        follower = Follower(self._arm, self._gripper, self._clock, self._cell, self._paths, supervision)
        follower.await_fingers()  # a stopped primitive may have left them moving
        follower.adjust_payload()
        return follower

    def _refuse_what_is_kept(self, follower: Follower) -> None:
        if self._cell.motion.held_on_cancel == "keep" and follower.holds():
            raise RecoveryNeededError(
                f"expected empty fingers, they hold something {1e3 * self._gripper.opening():.0f} mm wide that is to "
                "be kept; home puts it down"
            )

    def _put_down(self, follower: Follower) -> None:
        if follower.holds():
            follower.follow(self._rise())
            plan = put_down(self._arm.tool_pose(), self._gripper.opening(), self._cell)
            self._paths.check_plan(self._arm.joint_positions(), plan, follower.hand_state())
            for waypoint in plan:
                follower.follow(waypoint)

    def _rise(self) -> Rise:
        return Rise("rise", self._cell.motion.transit_height, self._cell.motion.lift_speed)

    @contextmanager
    def _stopped_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._arm.stop()
            raise

    def _return_home(self, follower: Follower, turned: bool = False) -> None:
        """Rise, then move to the home joints.

        ``turned``: the tool need not turn to its angle at home, as long as the last joint can turn by half a turn in
        both directions from there.
        """
        follower.follow(self._rise())
        joints, turn = np.array(self._cell.home), self._arm.joint_positions()[-1]
        if turned and abs(turn) <= JOINT_LIMIT - math.pi:
            joints[-1] = turn
        follower.move_joints(joints, "home")

    def _plan(self, primitive: Primitive) -> list[Waypoint]:
        """Waypoints of the tool yaw that needs the smaller joint motion; raises if any of their poses is refused."""
        check_primitive(primitive, self._cell)
        plans = []
        for yaw in tool_yaws(primitive):
            plan = waypoints(primitive, yaw, self._cell)
            plans.append((self._largest_turn(plan, primitive, yaw), plan))
        plan = min(plans, key=lambda item: item[0])[1]
        self._paths.check_plan(self._arm.joint_positions(), plan)
        return plan

    def _largest_turn(self, plan: list[Waypoint], primitive: Primitive, yaw: float) -> float:
        """Largest distance in radians of any joint from home over all poses of a plan; raises if one is refused."""
        x, y, z = primitive.position
        poses = [item.T_base_tool for item in plan if isinstance(item, Transit)]
        poses.append(tool_down((x, y, z), yaw))
        if primitive.kind is PrimitiveKind.PUSH:
            poses.append(tool_down((*push_end(primitive), z), yaw))
            poses.append(tool_down((*push_end(primitive), self._cell.motion.transit_height), yaw))
        joints = [reachable_joints(self._arm, pose, self._cell) for pose in poses]
        return max(float(np.abs(solution - self._cell.home).max()) for solution in joints)

    def _run(
        self, primitive: Primitive, plan: list[Waypoint], follower: Follower, report: OutcomeReport
    ) -> tuple[OutcomeStatus, float]:
        """Follow a plan; returns the status and the finger opening in meters at the last check of a grasp."""
        follower.follow(self._rise())
        follower.follow(FreeAir("free_air"))  # refuse a load at the tool before any other motion
        status = COMPLETED[primitive.kind]
        opening = self._gripper.opening()
        for waypoint in plan:
            if status is OutcomeStatus.HELD and waypoint.phase == "release":  # over the bin
                report.settle(status, opening)
            completed = follower.follow(waypoint)
            if isinstance(waypoint, Verify):
                opening = self._gripper.opening()
                if not completed:
                    status = waypoint.lost
                    break
            if waypoint.phase == "push" and not completed:
                status = OutcomeStatus.BLOCKED
        if status is not OutcomeStatus.HELD:
            report.settle(status, opening)
        return status, opening
