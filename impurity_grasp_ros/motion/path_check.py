"""Collision check of whole paths before the arm moves.

Between two checked poses no point of the arm moves by more than :data:`STEP`, and at each of them the distance to
everything is at least :data:`CLEARANCE` plus half a step. In between, the distance is therefore at least the clearance.
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
"""Minimum distance in meters between the robot and everything else on a planned path."""

STEP = 0.02
"""Largest displacement in meters of any point of the arm between two checked poses of a planned path."""

RISE_CLEARANCE, RISE_STEP = 0.002, 0.006
"""Clearance and step in meters for the first rise: the arm may have been left close to something."""

STRAIGHT_STEP = 0.04
"""Largest straight tool travel in meters between two solutions of the inverse kinematics."""

LARGEST_TURN = 0.6
"""Largest joint motion in radians per straight step; beyond it the arm is too close to a singularity."""

BY_HAND = "move the arm by hand (freedrive on the pendant), then go on"
"""Instruction at the end of messages."""


class PathChecker:
    """Refuses paths on which the arm would touch something. Not thread-safe.

    Args:
        cell: Layout of the cell, and the gripper.

    Raises:
        ConfigError: The arm would touch something at home.
    """

    def __init__(self, cell: CellConfig) -> None:
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
            start: (6,) float64, joint angles in radians at the start.
            goal: (6,) float64, joint angles in radians at the end.
            what: Name of the motion for the message.
            hand_state: State of the fingers on the path.

        Raises:
            CollisionError: Two shapes would come closer than :data:`CLEARANCE`.
        """
        if touch := self._first_touch(start, goal, CLEARANCE, STEP, hand_state):
            raise CollisionError(f"expected a free path of motion {what}, {touch}")

    def check_straight(self, start: JointPositions, T_base_tool: Transform, what: str) -> JointPositions:
        """Check a straight tool motion with empty fingers that may touch the table.

        Args:
            start: (6,) float64, joint angles in radians at the start.
            T_base_tool: (4, 4) pose of the tool in ``base_link`` at the end.
            what: Name of the motion for the message.

        Returns:
            (6,) float64, joint angles in radians at the end.

        Raises:
            CollisionError: Anything else would be touched, or the motion is not possible in one posture.
        """
        joints = start
        for goal in self._straight(start, T_base_tool):
            if goal is None:
                raise CollisionError(f"expected motion {what} to be straight, the arm cannot stretch or fold that far")
            self.check_joint_path(joints, goal, what, HandState.WORKING)
            joints = goal
        return joints

    def check_rise(self, start: JointPositions) -> JointPositions:
        """Check the straight path up to the transit height.

        Args:
            start: (6,) float64, current joint angles in radians.

        Returns:
            (6,) float64, joint angles in radians after the rise; ``start`` if the tool is already high enough.

        Raises:
            RecoveryNeededError: The path is not free or not possible, so a person has to move the arm.
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
        """Check the rise and the path home.

        Args:
            start: (6,) float64, current joint angles in radians.

        Raises:
            CollisionError: The path home is not free.
            RecoveryNeededError: There is no free path up.
        """
        self._check_way_home(self.check_rise(start))

    def check_plan(
        self, start: JointPositions, plan: Sequence[Waypoint], hand_state: HandState = HandState.FREE
    ) -> None:
        """Check the rise, all motions of a plan, and the path home.

        Args:
            start: (6,) float64, current joint angles in radians.
            plan: Waypoints of a primitive, or those that put down a held object.
            hand_state: State of the fingers at the beginning; from the plan's first ``Rise`` on they are assumed to
                hold an object.

        Raises:
            CollisionError: A path is not free; that of another primitive may be.
            RecoveryNeededError: There is no free path up, or neither the plan nor the path home is free from there.
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
        """Raise RecoveryNeededError if the path home is not free either: then another primitive would not help."""
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
        """Joint angles along a straight tool motion in one posture; the last is None where that is not possible."""
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
        """Describe the first contact on a path that is straight in joint space; empty if the path is free."""
        way = goal - start
        pieces = int(np.ceil(np.abs(way) @ self._model.reach / step))
        margin = clearance + (step / 2 if pieces else 0.0)
        for piece in range(pieces + 1):
            joints = start + way * (piece / max(pieces, 1))
            if touch := self._model.touching(joints, margin, hand_state):
                place = np.round(self._kinematics.forward(joints)[:3, 3], 3)
                return f"the {touch[0]} would touch the {touch[1]} with the tool at {place} m"
        return ""
