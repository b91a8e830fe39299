"""Distances between the robot and its surroundings from the physics engine: shares no code with the collision model."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pybullet
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation import silenced

JOINT_OF_LINK = {
    "base": 0, "shoulder_link": 1, "upper_arm_link": 2, "forearm_link": 3, "wrist_1_link": 4, "wrist_2_link": 5,
    "wrist_3_link": 6, "robotiq_base": 6, "left_knuckle": 6, "left_finger_tip": 6, "right_knuckle": 6,
    "right_finger_tip": 6,
}  # fmt: skip
"""Number of the joint that moves each link."""

ARM = ("shoulder_pan_joint", "shoulder_lift_joint", "elbow_joint", "wrist_1_joint", "wrist_2_joint", "wrist_3_joint")
WALL = 0.004
"""Thickness in meters of the bin's walls in simulation."""


class EngineOracle:
    """Robot and cell in a separate physics engine."""

    def __init__(self, cell: CellConfig) -> None:
        with silenced():
            self.bullet = BulletClient(pybullet.DIRECT)
            self.robot = self.bullet.loadURDF(str(resource("urdf/ur5_robotiq_2f85.urdf")), useFixedBase=True)
        infos = [self.bullet.getJointInfo(self.robot, joint) for joint in range(self.bullet.getNumJoints(self.robot))]
        self.joints = {info[1].decode(): info[0] for info in infos}
        links = {info[12].decode(): info[0] for info in infos}
        self.parts = {name: (links[name], joint) for name, joint in JOINT_OF_LINK.items()}
        drop = cell.drop_bin
        boxes = [((0.0, 0.0, -0.5), (4.0, 4.0, 1.0))]
        boxes += [(box.center, box.size) for box in cell.obstacles.boxes]
        for sign in (-1, 1):
            x, y = drop.x + sign * (drop.size_x + WALL) / 2, drop.y + sign * (drop.size_y + WALL) / 2
            boxes.append(((x, drop.y, drop.wall_height / 2), (WALL, drop.size_y, drop.wall_height)))
            boxes.append(((drop.x, y, drop.wall_height / 2), (drop.size_x, WALL, drop.wall_height)))
        self.things = [self._add(center, size) for center, size in boxes]
        self.pairs = [
            (first, second)
            for (one, (first, a)), (_, (second, b)) in itertools.combinations(self.parts.items(), 2)
            if abs(a - b) >= 2 and (one, b) != ("base", 2)  # the shoulder housing is mounted on the base
        ]

    def close(self) -> None:
        self.bullet.disconnect()

    def _add(self, center: tuple[float, ...], size: tuple[float, ...]) -> int:
        shape = self.bullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=[edge / 2 for edge in size])
        body: int = self.bullet.createMultiBody(0.0, shape, basePosition=center)
        return body

    def distance(self, joints: NDArray[np.float64], *, travel: float = 0.0, limit: float = 0.05) -> float:
        """Smallest distance in meters between two shapes that must not touch.

        Args:
            joints: (6,) float64, joint angles in radians.
            travel: Angle of the finger joints in radians.
            limit: Largest distance in meters that is measured.

        Returns:
            The distance; infinite if it is larger than ``limit``.
        """
        for name, joint in self.joints.items():
            angle = joints[ARM.index(name)] if name in ARM else travel
            self.bullet.resetJointState(self.robot, joint, angle)
        closest = math.inf
        for thing in self.things:
            points = self.bullet.getClosestPoints(self.robot, thing, limit)
            closest = min([closest, *(point[8] for point in points if point[3] > self.parts["shoulder_link"][0])])
        for first, second in self.pairs:
            points = self.bullet.getClosestPoints(self.robot, self.robot, limit, first, second)
            closest = min([closest, *(point[8] for point in points)])
        return closest
