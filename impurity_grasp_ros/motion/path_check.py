"""Paths of the arm are checked over their whole length before they are traveled.

Between two checked poses no point of the arm travels further than :data:`STEP`, and at each of them everything keeps
half a step more than :data:`CLEARANCE`, so nothing in between comes closer than that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.errors import CollisionError, ConfigError, RecoveryNeededError
from impurity_grasp_ros.motion.collision import CollisionModel, HandState
from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.motion.waypoints import Rise, Straight, Transit, Waypoint
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import Transform

CLEARANCE = 0.01
"""Meters that arm and gripper keep from everything on a planned path."""

STEP = 0.02
"""Meters that no point of the arm exceeds between two checked poses of a planned path."""

RISE_CLEARANCE, RISE_STEP = 0.002, 0.006
"""The same for the way up out of wherever the arm was left: it may have been left close to something."""

STRAIGHT_STEP = 0.04
"""Meters of straight tool travel between two solutions of the inverse kinematics."""

LARGEST_TURN = 0.6
"""Radians per straight step beyond which the arm is too close to a singular pose for a straight motion."""

BY_HAND = "move the arm by hand (freedrive on the pendant), then go on"


class PathChecker:
    """Refuses paths on which the arm would touch something. Not safe to use from two threads at a time."""

    def __init__(self, cell: CellConfig) -> None:
        """Prepare the shapes of a cell; raises ConfigError when the arm would touch something at home."""
        self._cell = cell
        self._model = CollisionModel(cell)
        self._kinematics = Kinematics(cell.gripper_model.tool_length)
        self._home = np.array(cell.home)
        if touch := self._model.touching(self._home, CLEARANCE, HandState.FREE):
            raise ConfigError(
                f"cell: expected home joints at which nothing touches, the {touch[0]} touches the {touch[1]}"
            )

    def check_joint_path(
        self, start: JointPositions, goal: JointPositions, what: str, hand_state: HandState = HandState.FREE
    ) -> None:
        """Check a motion that is straight in joint space.

        Args:
            start: Six angles in radians.
            goal: The same where it ends.
            what: The motion's name, for the message.
            hand_state: What may touch what on the way.

        Raises:
            CollisionError: Something comes closer than :data:`CLEARANCE`.
        """
        if touch := self._first_touch(start, goal, CLEARANCE, STEP, hand_state):
            raise CollisionError(f"expected a free path of motion {what}, {touch}")

    def check_straight(self, start: JointPositions, T_base_tool: Transform, what: str) -> JointPositions:
        """Check a straight tool motion with empty fingers that may touch the table.

        Args:
            start: Six angles in radians.
            T_base_tool: Pose of the tool at the end.
            what: The motion's name, for the message.

        Returns:
            The joint angles at its end.

        Raises:
            CollisionError: Something else is touched, or the motion cannot be carried out in one posture.
        """
        joints = start
        for goal in self._straight(start, T_base_tool):
            if goal is None:
                raise CollisionError(f"expected motion {what} to be straight, the arm cannot stretch or fold that far")
            self.check_joint_path(joints, goal, what, HandState.WORKING)
            joints = goal
        return joints

    def check_rise(self, start: JointPositions) -> JointPositions:
        """Check the way straight up to the transit height from wherever the arm was left.

        Args:
            start: Six angles in radians.

        Returns:
            The joint angles once the arm has risen; the same as ``start`` when it stands high enough.

        Raises:
            RecoveryNeededError: Only a person can move the arm out of there.
        """
        T_base_tool = self._kinematics.forward(start)
        self._rise_piece(start, start)
        if T_base_tool[2, 3] >= self._cell.motion.transit_height:
            return start
        T_base_tool[2, 3] = self._cell.motion.transit_height
        joints = start
        for goal in self._straight(start, T_base_tool):
            if goal is None:
                reason = "the arm cannot go straight up from this posture"
                raise RecoveryNeededError(f"expected a free way up, {reason}; {BY_HAND}")
            self._rise_piece(joints, goal)
            joints = goal
        return joints

    def check_home(self, start: JointPositions) -> None:
        """Check rising and going home.

        Args:
            start: Where the arm is, six angles in radians.

        Raises:
            CollisionError: Something would be touched on the way home.
            RecoveryNeededError: There is no free way up.
        """
        self._check_way_home(self.check_rise(start))

    def check_plan(
        self, start: JointPositions, plan: Sequence[Waypoint], hand_state: HandState = HandState.FREE
    ) -> None:
        """Check rising, all motions of a plan and the way home.

        Args:
            start: Where the arm is, six angles in radians.
            plan: Waypoints of a primitive, or of what comes before it.
            hand_state: What may touch what in the beginning; after it has risen the arm is taken to carry something.

        Raises:
            CollisionError: The arm would touch something on the way; another primitive may be free.
            RecoveryNeededError: There is no free way up, or none from there to the plan's first place nor home.
        """
        risen = self.check_rise(start)
        try:
            self._check_plan(risen, plan, hand_state)
        except CollisionError as error:
            self._check_leaves(risen, error)
            raise

    def _check_plan(self, start: JointPositions, plan: Sequence[Waypoint], hand_state: HandState) -> None:
        joints = start
        for waypoint in plan:
            T_base_tool = self._kinematics.forward(joints)
            if isinstance(waypoint, Transit):
                joints = self._check_transit(joints, waypoint, hand_state)
            elif isinstance(waypoint, Straight):
                T_base_tool[:3, 3] += waypoint.displacement
                joints = self.check_straight(joints, T_base_tool, waypoint.phase)
            elif isinstance(waypoint, Rise):
                T_base_tool[2, 3] = max(waypoint.height, T_base_tool[2, 3])
                joints, hand_state = self.check_straight(joints, T_base_tool, waypoint.phase), HandState.CARRYING
        self.check_home(joints)

    def _check_leaves(self, start: JointPositions, reason: CollisionError) -> None:
        """Where not even the way home is free, no other primitive helps: a person has to move the arm."""
        try:
            self._check_way_home(start)
        except CollisionError as error:
            raise RecoveryNeededError(f"{reason}; nor is the way home free: {error}") from error

    def _check_transit(self, start: JointPositions, waypoint: Transit, hand_state: HandState) -> JointPositions:
        goal = self._kinematics.nearest(waypoint.T_base_tool, start)
        if goal is None:
            where = np.round(waypoint.T_base_tool[:3, 3], 3)
            raise CollisionError(
                f"expected a way to {waypoint.phase} at {where} within the joint limits, there is none"
            )
        self.check_joint_path(start, goal, waypoint.phase, hand_state)
        return goal

    def _check_way_home(self, start: JointPositions) -> None:
        if touch := self._first_touch(start, self._home, CLEARANCE, STEP, HandState.FREE):
            raise CollisionError(f"expected a free path of motion home, {touch}; {BY_HAND}")

    def _rise_piece(self, start: JointPositions, goal: JointPositions) -> None:
        if touch := self._first_touch(start, goal, RISE_CLEARANCE, RISE_STEP, HandState.WORKING):
            raise RecoveryNeededError(f"expected a free way up, {touch}; {BY_HAND}")

    def _straight(self, start: JointPositions, T_base_tool: Transform) -> Sequence[JointPositions | None]:
        """Joint angles along a straight tool motion, in the posture of its start; the last is None if that ends."""
        here = self._kinematics.forward(start)
        way = T_base_tool[:3, 3] - here[:3, 3]
        pieces = max(int(np.ceil(np.linalg.norm(way) / STRAIGHT_STEP)), 1)
        found: list[JointPositions | None] = []
        joints = start
        for piece in range(1, pieces + 1):
            pose = here.copy()
            pose[:3, 3] += way * piece / pieces
            goal = self._kinematics.nearest(pose, joints)
            if goal is None or np.abs(goal - joints).max() > LARGEST_TURN:
                return [*found, None]
            found.append(goal)
            joints = goal
        return found

    def _first_touch(
        self, start: JointPositions, goal: JointPositions, clearance: float, step: float, hand_state: HandState
    ) -> str:
        """What is touched first on a path that is straight in joint space; empty when it is free."""
        way = goal - start
        pieces = int(np.ceil(np.abs(way) @ self._model.reach / step))
        margin = clearance + (step / 2 if pieces else 0.0)
        for piece in range(pieces + 1):
            joints = start + way * (piece / max(pieces, 1))
            if touch := self._model.touching(joints, margin, hand_state):
                place = np.round(self._kinematics.forward(joints)[:3, 3], 3)
                return f"the {touch[0]} would touch the {touch[1]} with the tool at {place} m"
        return ""
