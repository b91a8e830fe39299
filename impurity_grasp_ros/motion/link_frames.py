"""Where the links of the robot description are relative to one another."""

from __future__ import annotations

import numpy as np
import pinocchio
from numpy.typing import NDArray

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.transform import FramePose


class LinkFrames:
    """The tree of links. Not thread-safe.

    Args:
        gripper: Selects the robot description.
        prefix: What the names of the links' frames begin with.
    """

    def __init__(self, gripper: GripperModel, prefix: str = "") -> None:
        self._model = pinocchio.buildModelFromUrdf(str(resource(gripper.urdf)))
        self._data = self._model.createData()
        bodies = [index for index, frame in enumerate(self._model.frames) if frame.type == pinocchio.FrameType.BODY]
        self._links = [(self._carrier(index), index) for index in bodies[1:]]
        self._names = [prefix + frame.name for frame in self._model.frames]
        self._is_arm = np.array([name in JOINT_NAMES for name in self._model.names[1:]])

    def _carrier(self, index: int) -> int:
        """The number of the link that carries a link."""
        frame = self._model.frames[self._model.frames[index].parentFrame]
        return int(frame.parentFrame)

    def at(self, joints: NDArray[np.float64], travel: float) -> list[FramePose]:
        """Return the pose of each link but the first one, parents first.

        Args:
            joints: (6,) float64, joint angles of the arm in radians.
            travel: Angle in radians by which the knuckles have closed; the other joints of the gripper mimic it.
        """
        angles = np.where(self._is_arm, 0.0, travel)
        angles[self._is_arm] = joints
        pinocchio.framesForwardKinematics(self._model, self._data, angles)
        placed = self._data.oMf
        return [
            FramePose(self._names[parent], self._names[link], placed[parent].actInv(placed[link]).homogeneous)
            for parent, link in self._links
        ]
