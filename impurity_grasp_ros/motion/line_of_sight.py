"""When the camera sees the whole workspace, with no part of the robot in front of it."""

from __future__ import annotations

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Outcome, OutcomeStatus
from impurity_grasp_ros.motion.body import RobotBody
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.protocols import Arm, Clock, JointPositions
from impurity_grasp_ros.transform import apply

MARGIN = 0.05
"""Meters by which the view is larger than the workspace at the height of the table: objects at the border rise above
it, and the arm moves while an image is taken."""


class LineOfSight:
    """The camera's view of the workspace: a pyramid whose apex is the camera. Not thread-safe.

    Args:
        cell: Workspace, calibration and gripper.
    """

    def __init__(self, cell: CellConfig) -> None:
        self._body = RobotBody(cell.gripper_model)
        self._camera = cell.calibration.T_base_camera[:3, 3]
        grid = cell.workspace.grid
        half = np.array([grid.columns, grid.rows]) * grid.resolution / 2 + MARGIN
        around = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half + grid.middle
        edges = np.column_stack([around, np.zeros(4)]) - self._camera
        normals = np.cross(edges, np.roll(edges, -1, axis=0))
        inward = np.sign(normals @ edges.mean(axis=0))
        self._normals = normals * inward[:, None]

    def is_free(self, joints: JointPositions) -> bool:
        """Return whether no part of the robot hides anything of the workspace.

        Args:
            joints: (6,) float64, joint angles in radians.
        """
        for box in self._body.boxes(joints):
            ranges = (np.array(pair) for pair in zip(box.low, box.high, strict=True))
            corners = apply(box.T_base_box, np.stack(np.meshgrid(*ranges), axis=-1).reshape(-1, 3))
            inside = (corners - self._camera) @ self._normals.T > 0.0
            if inside.any(axis=0).all():  # no side of the pyramid separates them
                return False
        return True


class OutcomeReport:
    """Reports how a primitive ends as soon as that is settled and the workspace is in full view.

    Args:
        sight: The camera's view.
        arm: The arm that may be in front of it.
        clock: Its clock; the primitive begins now.
        supervision: Receives the report.
    """

    def __init__(self, sight: LineOfSight, arm: Arm, clock: Clock, supervision: Supervision) -> None:
        self._sight = sight
        self._arm = arm
        self._clock = clock
        self._supervision = supervision
        self._start = clock.now()
        self._settled: Outcome | None = None

    def outcome(self, status: OutcomeStatus, opening: float) -> Outcome:
        """Return the outcome if the primitive ended now."""
        return Outcome(status, opening, self._clock.now() - self._start)

    def settle(self, status: OutcomeStatus, opening: float) -> None:
        """Set how the primitive ends unless there is a fault."""
        self._settled = self.outcome(status, opening)
        self._report()

    def canceled(self) -> bool:
        """As :attr:`.Supervision.canceled`; called at every poll of a motion, it reports in time."""
        self._report()
        return self._supervision.canceled()

    def _report(self) -> None:
        report = self._supervision.on_clear
        if report is not None and self._settled is not None and self._sight.is_free(self._arm.joint_positions()):
            report(self._settled)
            self._settled = None
