"""Runs primitives on an arm and a gripper, simulated or real, with deadline, cancel and a typed outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Outcome, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import CanceledError, MotionTimeoutError, OutOfWorkspaceError, UnreachableError
from impurity_grasp_ros.motion.safety import check_pose, check_primitive
from impurity_grasp_ros.motion.waypoints import (
    Fingers,
    Rise,
    Straight,
    Transit,
    Verify,
    Waypoint,
    push_end,
    tool_yaws,
    waypoints,
)
from impurity_grasp_ros.protocols import Arm, Clock, Gripper, JointPositions
from impurity_grasp_ros.transform import Transform, tool_down

SLOWEST = 0.1
"""Speed fraction below which a motion's deadline is stretched no further."""

FINGER_TIME = 1.0
"""Seconds that a full finger stroke nominally takes (2F-85 at a fifth of its speed range)."""


@dataclass
class Supervision:
    """What the caller sees and controls of a running primitive. Both functions are called often and must be quick."""

    canceled: Callable[[], bool] = lambda: False
    on_phase: Callable[[str], None] = lambda phase: None


class PrimitiveExecutor:
    """Executes one primitive at a time, from wherever the arm is to home."""

    def __init__(self, arm: Arm, gripper: Gripper, clock: Clock, cell: CellConfig) -> None:
        self._arm = arm
        self._gripper = gripper
        self._clock = clock
        self._cell = cell

    def execute(self, primitive: Primitive, supervision: Supervision | None = None) -> Outcome:
        """Execute a primitive and return home.

        Targets that cannot or must not be reached come back as an outcome, with nothing moved. Raises
        CanceledError and MotionTimeoutError, the arm stopped where it was, and DeviceFaultError from the devices.
        """
        supervision = supervision or Supervision()
        start = self._clock.now()
        try:
            plan = self._plan(primitive)
        except OutOfWorkspaceError as error:
            return Outcome(OutcomeStatus.OUT_OF_WORKSPACE, self._gripper.opening(), 0.0, str(error))
        except UnreachableError as error:
            return Outcome(OutcomeStatus.UNREACHABLE, self._gripper.opening(), 0.0, str(error))
        with self._stopped_on_error():
            status, opening = self._run(primitive, plan, supervision)
            self._return_home(supervision)
        return Outcome(status, opening, self._clock.now() - start)

    def check(self, primitive: Primitive) -> None:
        """Plan a primitive without moving; raises OutOfWorkspaceError and UnreachableError."""
        self._plan(primitive)

    def go_home(self, supervision: Supervision | None = None) -> None:
        """Rise straight up, then move to the home joints; raises as :meth:`execute` does."""
        with self._stopped_on_error():
            self._return_home(supervision or Supervision())

    @contextmanager
    def _stopped_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._arm.stop()
            raise

    def _return_home(self, supervision: Supervision) -> None:
        motion = self._cell.motion
        self._follow(Rise("rise", motion.transit_height, motion.lift_speed), supervision)
        supervision.on_phase("home")
        self._move_joints(np.array(self._cell.home), supervision)

    def _plan(self, primitive: Primitive) -> list[Waypoint]:
        """Waypoints with the tool turned the shorter way; raises when any of their poses is refused."""
        check_primitive(primitive, self._cell)
        plans = []
        for yaw in tool_yaws(primitive):
            plan = waypoints(primitive, yaw, self._cell)
            plans.append((self._largest_turn(plan, primitive, yaw), plan))
        return min(plans, key=lambda item: item[0])[1]

    def _largest_turn(self, plan: list[Waypoint], primitive: Primitive, yaw: float) -> float:
        """Radians that the farthest joint is away from home on a plan whose poses are all checked."""
        x, y, z = primitive.position
        poses = [item.T_base_tool for item in plan if isinstance(item, Transit)]
        poses.append(tool_down((x, y, z), yaw))
        if primitive.kind is PrimitiveKind.PUSH:
            poses.append(tool_down((*push_end(primitive), z), yaw))
            poses.append(tool_down((*push_end(primitive), self._cell.motion.transit_height), yaw))
        return max(float(np.abs(self._joints(pose) - self._cell.home).max()) for pose in poses)

    def _joints(self, T_base_tool: Transform) -> JointPositions:
        check_pose(T_base_tool, self._cell)
        joints = self._arm.inverse_kinematics(T_base_tool)
        if joints is None:
            raise UnreachableError(f"expected a reachable tool position, received {np.round(T_base_tool[:3, 3], 3)}")
        return joints

    def _run(self, primitive: Primitive, plan: list[Waypoint], supervision: Supervision) -> tuple[OutcomeStatus, float]:
        """Follow a plan; returns how it ended and the finger opening when that was judged."""
        motion = self._cell.motion
        self._follow(Rise("rise", motion.transit_height, motion.lift_speed), supervision)
        status = OutcomeStatus.HELD if primitive.kind is PrimitiveKind.GRASP else OutcomeStatus.PUSHED
        opening = self._gripper.opening()
        for waypoint in plan:
            if isinstance(waypoint, Verify):
                self._wait(self._gripper.is_moving, FINGER_TIME, supervision)  # fingers that lost their hold close on
                opening = self._gripper.opening()
                if opening < motion.held_opening:
                    return waypoint.lost, opening
                continue
            completed = self._follow(waypoint, supervision)
            if waypoint.phase == "push" and not completed:
                status = OutcomeStatus.BLOCKED
        return status, opening

    def _follow(self, waypoint: Waypoint, supervision: Supervision) -> bool:
        """Carry out one waypoint; False when a force limit ended it early."""
        supervision.on_phase(waypoint.phase)
        if isinstance(waypoint, Fingers):
            self._gripper.start_motion(waypoint.opening)
            return self._wait(self._gripper.is_moving, FINGER_TIME, supervision)
        if isinstance(waypoint, Transit):
            return self._move_joints(self._joints(waypoint.T_base_tool), supervision)
        target = self._arm.tool_pose()
        if isinstance(waypoint, Rise):
            if target[2, 3] >= waypoint.height:
                return True
            target[2, 3] = waypoint.height
            return self._move_straight(target, waypoint.speed, supervision)
        if isinstance(waypoint, Straight):
            target[:3, 3] += waypoint.displacement
            return self._move_straight(target, waypoint.speed, supervision, waypoint.force)
        raise TypeError(f"expected a motion, received {waypoint!r}")

    def _move_joints(self, joints: JointPositions, supervision: Supervision) -> bool:
        motion = self._cell.motion
        distance = float(np.abs(joints - self._arm.joint_positions()).max())
        nominal = distance / motion.joint_speed + motion.joint_speed / motion.joint_acceleration
        self._arm.start_joint_motion(joints, motion.joint_speed, motion.joint_acceleration)
        return self._wait(self._arm.is_moving, nominal, supervision)

    def _move_straight(self, target: Transform, speed: float, supervision: Supervision, force: float = np.inf) -> bool:
        acceleration = self._cell.motion.linear_acceleration
        distance = float(np.linalg.norm(target[:3, 3] - self._arm.tool_pose()[:3, 3]))
        nominal = distance / speed + speed / acceleration
        self._arm.start_linear_motion(target, speed, acceleration)
        return self._wait(self._arm.is_moving, nominal, supervision, force)

    def _wait(
        self, moving: Callable[[], bool], nominal: float, supervision: Supervision, force: float = np.inf
    ) -> bool:
        """Poll a started motion to its end; False when the tool force reached ``force`` and the arm was stopped."""
        motion = self._cell.motion
        left = nominal * motion.deadline_factor + motion.deadline_margin
        before = self._clock.now()
        while moving():
            if supervision.canceled():
                raise CanceledError("expected to finish the motion, was asked to stop")
            fraction = self._arm.speed_fraction()
            left -= (self._clock.now() - before) * max(fraction, SLOWEST)
            before = self._clock.now()
            if left < 0.0:
                asked = f"within its deadline ({nominal:.2f} s nominal, speed slider at {fraction:.0%})"
                raise MotionTimeoutError(f"expected the motion to end {asked}")
            self._clock.sleep(motion.poll_interval)
            if np.isfinite(force) and self._arm.tool_force() > force:
                self._arm.stop()
                return False
        return True
