"""Ground-truth queries about a scene, for its generation and for evaluation only."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from contextlib import closing
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.simulation.camera import SimulatedCamera, project
from impurity_grasp_ros.simulation.gripper import SimulatedGripper
from impurity_grasp_ros.simulation.objects import Block
from impurity_grasp_ros.simulation.robot import Robot
from impurity_grasp_ros.simulation.ur5 import SimulatedArm
from impurity_grasp_ros.simulation.world import World
from impurity_grasp_ros.transform import tool_down

PROBE_ANGLES = np.arange(16) * math.pi / 16
PROBE_SHIFTS = (-0.008, 0.0, 0.008)
"""Offsets of the probe grasps from the block's center across the closing axis, meters."""

PROBE_SLACK = 0.006
"""Additional opening of the fingers beyond the width of the block, meters."""


def corners(world: World, body: int, block: Block) -> NDArray[np.float64]:
    """Corners (n, 3) of a block at its present pose, meters in the base frame."""
    position, orientation = world.pose(body)
    return Rotation.from_quat(orientation).apply(block.shape.corners) + position


def visible_fractions(
    world: World, camera: SimulatedCamera, blocks: Mapping[int, Block], seen: Mapping[int, int]
) -> dict[int, float]:
    """Visible fraction of the image area of each block; about 1 if nothing hides it.

    Args:
        world: The world that contains the blocks.
        camera: The camera.
        blocks: The blocks by body.
        seen: Number of visible pixels of each body, see :meth:`.SimulatedCamera.visible_pixels`.
    """
    outlines = {body: ConvexHull(project(corners(world, body, block), camera)) for body, block in blocks.items()}
    return {
        body: seen.get(body, 0) / float(hull.volume) for body, hull in outlines.items()
    }  # ``volume`` of a hull in the plane is its area


class GraspProbe:
    """Finds grasps in which the open fingers fit around a block without touching any other body."""

    def __init__(self, world: World, robot: Robot, arm: SimulatedArm, gripper: SimulatedGripper) -> None:
        self._world = world
        self._robot = robot
        self._kinematics = Kinematics(robot.gripper.tool_length)
        self._arm = arm
        self._gripper = gripper

    def fits(self, body: int, block: Block, engagement: float) -> bool:
        """Whether the fingers fit around a block at any of 16 angles and 3 offsets.

        The arm and the gripper are moved back to where they were.

        Args:
            body: Body of the block.
            block: The block.
            engagement: Depth below the block's top that the fingertips have to reach, meters.
        """
        with closing(self._free_grasps(body, block, engagement)) as grasps:
            return next(grasps, None) is not None

    def grasps(self, body: int, block: Block, engagement: float) -> list[Primitive]:
        """All grasps tried by :meth:`fits` in which the fingers fit, smallest opening first. Arguments as there."""
        return sorted(self._free_grasps(body, block, engagement), key=lambda grasp: grasp.opening)

    def _free_grasps(self, body: int, block: Block, engagement: float) -> Generator[Primitive, None, None]:
        joints, opening = self._arm.joint_positions(), self._gripper.opening()
        points = corners(self._world, body, block)
        try:
            for angle, shift in product(PROBE_ANGLES, PROBE_SHIFTS):
                if (grasp := self._free(points, angle, shift, engagement, body)) is not None:
                    yield grasp
        finally:
            self._arm.jump_to(joints)
            self._gripper.jump_to(opening)

    def _free(
        self, points: NDArray[np.float64], angle: float, shift: float, engagement: float, body: int
    ) -> Primitive | None:
        closing = np.array([math.cos(angle), math.sin(angle)])
        across = np.array([-closing[1], closing[0]])
        low, high = np.min(points[:, :2] @ closing), np.max(points[:, :2] @ closing)
        opening = float(high - low) + PROBE_SLACK
        if opening > self._robot.gripper.stroke:
            return None
        x, y = across * (np.mean(points[:, :2] @ across) + shift) + closing * (low + high) / 2
        position = (
            float(x),
            float(y),
            max(float(points[:, 2].max()) - engagement - self._robot.gripper.tip_rise(opening), 0.001),
        )
        joints = self._kinematics.nearest(tool_down(position, angle), self._arm.joint_positions())
        if joints is None:
            return None
        self._gripper.jump_to(opening)
        self._arm.jump_to(joints)
        self._world.bullet.performCollisionDetection()
        if self._robot.touched_bodies() - {body}:
            return None
        return Primitive.grasp(position, float(angle), opening=opening)
