"""Where the parts of the robot are at given joint angles, as boxes."""

from __future__ import annotations

import numpy as np
import pinocchio

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.collision import HELD, robot_shapes
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import PlacedBox


class RobotBody:
    """The robot's parts. Not thread-safe.

    Args:
        gripper: Selects the robot description.
    """

    def __init__(self, gripper: GripperModel) -> None:
        robot = robot_shapes(gripper)
        self._model, self._shapes = robot.model, robot.shapes
        self._data, self._placed = self._model.createData(), self._shapes.createData()

    def boxes(self, joints: JointPositions) -> tuple[PlacedBox, ...]:
        """Return a box around each part; one box contains the fingers at every opening.

        Args:
            joints: (6,) float64, joint angles in radians.
        """
        pinocchio.updateGeometryPlacements(self._model, self._data, self._shapes, self._placed, joints)
        found = []
        for shape, placement in zip(self._shapes.geometryObjects, self._placed.oMg, strict=True):
            if shape.name == HELD:
                continue
            shape.geometry.computeLocalAABB()
            low, high = (
                np.array(corner) for corner in (shape.geometry.aabb_local.min_, shape.geometry.aabb_local.max_)
            )
            found.append(PlacedBox(np.array(placement.homogeneous), low, high))
        return tuple(found)
