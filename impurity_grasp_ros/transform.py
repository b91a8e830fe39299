"""Rigid transforms as 4x4 arrays, and distances in the plane.

``T_a_b`` maps coordinates in frame ``b`` to frame ``a``: ``p_a = T_a_b @ p_b``. The base frame is ``base_link``
(REP-103: z up, meters) with the table top at z = 0. The origin of the tool frame is between the closed fingertips; its
z axis points out of the gripper, its x axis along the closing axis.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Transform = NDArray[np.float64]
"""Homogeneous transform, shape (4, 4), dtype float64."""


def from_rotation_translation(rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> Transform:
    """Return the transform with a (3, 3) rotation matrix and a (3,) translation in meters."""
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = translation
    return transform


def inverse(transform: Transform) -> Transform:
    """Return the inverse of a rigid transform."""
    rotation = transform[:3, :3].T
    return from_rotation_translation(rotation, -rotation @ transform[:3, 3])


def apply(transform: Transform, points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Apply a transform to points of shape (..., 3), keeping their dtype."""
    rotation = transform[:3, :3].astype(points.dtype, copy=False)
    return points @ rotation.T + transform[:3, 3].astype(points.dtype, copy=False)


def angle_between(first: float, second: float, period: float) -> float:
    """Return the angle between two directions that are the same again after ``period``; all in radians."""
    return abs((first - second + period / 2) % period - period / 2)


def rotation_z(angle_rad: float) -> NDArray[np.float64]:
    """Return the (3, 3) matrix of a rotation about z by ``angle_rad``, counterclockwise positive."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def tool_down(position: NDArray[np.float64] | tuple[float, float, float], yaw_rad: float) -> Transform:
    """Return ``T_base_tool`` of a tool that points straight down.

    Args:
        position: (x, y, z) in meters in the base frame.
        yaw_rad: Angle in radians from the base's x axis to the closing axis.
    """
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    rotation = np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])
    return from_rotation_translation(rotation, np.asarray(position, dtype=np.float64))


def from_quaternion(translation: tuple[float, ...], quaternion_xyzw: tuple[float, ...]) -> Transform:
    """Return the transform with a translation (x, y, z) in meters and a quaternion (x, y, z, w), here normalized."""
    rotation = Rotation.from_quat(quaternion_xyzw).as_matrix()
    return from_rotation_translation(rotation, np.asarray(translation, dtype=np.float64))


def from_rotation_vector(values: Sequence[float]) -> Transform:
    """Return the transform of a UR pose: x, y, z in meters and a rotation vector in radians."""
    return from_rotation_translation(Rotation.from_rotvec(values[3:6]).as_matrix(), np.array(values[:3]))


def to_rotation_vector(transform: Transform) -> list[float]:
    """Return a transform as a UR pose: x, y, z in meters and a rotation vector in radians of at most half a turn."""
    turn = Rotation.from_matrix(transform[:3, :3]).as_rotvec()
    return [*transform[:3, 3].tolist(), *turn.tolist()]


@dataclass(frozen=True, eq=False)
class PlacedBox:
    """A box anywhere in space.

    Attributes:
        T_base_box: (4, 4) float64, pose of the box's frame in ``base_link``.
        low: (3,) float64, its lowest corner in that frame, in meters.
        high: (3,) float64, the opposite corner.
    """

    T_base_box: Transform
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def distance_to_stroke(
    place: NDArray[np.float64], start: tuple[float, float], angle: float, length: float
) -> NDArray[np.float64]:
    """Return the distances of places from a straight stroke.

    Args:
        place: (..., 2) float64, x and y in meters.
        start: (x, y) in meters at which the stroke begins.
        angle: Its direction, radians from the x axis.
        length: Its length, meters.

    Returns:
        (...) float64, meters.
    """
    ahead, along = place - np.array(start), np.array([math.cos(angle), math.sin(angle)])
    reach = np.clip(ahead @ along, 0.0, length)
    return np.asarray(np.linalg.norm(ahead - reach[..., None] * along, axis=-1))


@dataclass(frozen=True)
class FramePose:
    """The pose of a frame in another one.

    Attributes:
        parent: Name of the other frame.
        child: Name of the frame.
        T_parent_child: (4, 4) float64.
    """

    parent: str
    child: str
    T_parent_child: Transform
