"""Putting single blocks on the table, and looking at the truth behind a scene."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import Block, Solid, spawn
from impurity_grasp_ros.simulation.scenes import Scene
from impurity_grasp_ros.simulation.world import World

RED = (0.8, 0.1, 0.1)


def put(environment: Environment, shape: Solid, x: float, y: float, yaw: float = 0.0, *, target: bool = True) -> int:
    """Add an upright block to the scene, standing on the table at (x, y) meters; returns its body."""
    block = Block(shape, RED, target)
    orientation = Rotation.from_euler("z", yaw).as_quat()
    body = spawn(environment.world, block, np.array([x, y, -shape.corners[:, 2].min()]), orientation)
    environment.scene = Scene("test", 0, {**environment.scene.blocks, body: block})
    return body


def poses(environment: Environment) -> NDArray[np.float64]:
    """Position and quaternion (n, 7) of all blocks."""
    bodies = environment.world.bodies
    return np.array([np.concatenate(environment.world.pose(body)) for body in bodies]).reshape(-1, 7)


def block_corners(environment: Environment, body: int) -> NDArray[np.float64]:
    """Corners (n, 3) of a block in meters, base frame."""
    shape = environment.scene.blocks[body].shape
    T_base_block = environment.world.bullet.getBasePositionAndOrientation(body)
    corners = [(x, y, z) for x, y in shape.outline for z in (-shape.height / 2, shape.height / 2)]
    return Rotation.from_quat(T_base_block[1]).apply(corners) + T_base_block[0]


def footprint(environment: Environment, body: int) -> NDArray[np.float64]:
    """Outline (n, 2) of a block as seen from above, counter-clockwise, in meters."""
    corners = block_corners(environment, body)[:, :2]
    return corners[ConvexHull(corners).vertices]


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether two convex polygons (n, 2) share some area: no line along an edge of either separates them."""
    for polygon in (first, second):
        edges = np.roll(polygon, -1, axis=0) - polygon
        normals = np.column_stack([-edges[:, 1], edges[:, 0]])
        a, b = first @ normals.T, second @ normals.T
        if ((a.max(axis=0) <= b.min(axis=0)) | (b.max(axis=0) <= a.min(axis=0))).any():
            return False
    return True


def rectangle(center: NDArray[np.float64], length: float, width: float, angle: float) -> NDArray[np.float64]:
    """Corners (4, 2) of a rectangle with its length along ``angle``."""
    along = np.array([math.cos(angle), math.sin(angle)]) * length / 2
    across = np.array([-math.sin(angle), math.cos(angle)]) * width / 2
    return np.array([center + i * along + j * across for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def deepest_penetration(world: World) -> float:
    """Meters by which the bodies in contact overlap at worst."""
    world.bullet.performCollisionDetection()
    distances = [contact[8] for body in world.bodies for contact in world.bullet.getContactPoints(bodyA=body)]
    return max(0.0, -min(distances, default=0.0))


def fastest(world: World) -> float:
    """Speed in m/s of the fastest block."""
    return max((math.hypot(*world.bullet.getBaseVelocity(body)[0]) for body in world.bodies), default=0.0)
