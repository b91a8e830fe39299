"""Rigid transforms as 4x4 arrays.

``T_a_b`` maps coordinates of frame ``b`` to frame ``a``: ``p_a = T_a_b @ p_b``. The base frame is ``base_link``
(REP-103: z up, metres) with the table top at z = 0. The tool frame sits between the closed finger tips, z pointing
out of the gripper, x along the closing axis.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Transform = NDArray[np.float64]
"""Homogeneous transform, shape (4, 4), dtype float64."""


def from_rotation_translation(rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> Transform:
    """Assemble a transform from a (3, 3) rotation and a (3,) translation in metres."""
    transform = np.eye(4)
    transform[:3, :3] = rotation
    transform[:3, 3] = translation
    return transform


def inverse(transform: Transform) -> Transform:
    """Invert a rigid transform without a general matrix inversion."""
    rotation = transform[:3, :3].T
    return from_rotation_translation(rotation, -rotation @ transform[:3, 3])


def apply(transform: Transform, points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Map points of shape (..., 3) through ``transform``, keeping their dtype."""
    rotation = transform[:3, :3].astype(points.dtype, copy=False)
    return points @ rotation.T + transform[:3, 3].astype(points.dtype, copy=False)


def rotation_z(angle_rad: float) -> NDArray[np.float64]:
    """Rotation matrix about z, counter-clockwise positive."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def tool_down(position: NDArray[np.float64] | tuple[float, float, float], yaw_rad: float) -> Transform:
    """``T_base_tool`` of a tool pointing straight down, its closing axis at ``yaw_rad`` from the base's x axis."""
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    rotation = np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])
    return from_rotation_translation(rotation, np.asarray(position, dtype=np.float64))


def from_quaternion(translation: tuple[float, ...], quaternion_xyzw: tuple[float, ...]) -> Transform:
    """Transform of a translation in metres and a unit quaternion (x, y, z, w)."""
    x, y, z, w = np.asarray(quaternion_xyzw, dtype=np.float64) / np.linalg.norm(quaternion_xyzw)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    return from_rotation_translation(rotation, np.asarray(translation, dtype=np.float64))


def from_rotation_vector(values: Sequence[float]) -> Transform:
    """Transform of three metres and a rotation vector in radians, as robot controllers write poses."""
    return from_rotation_translation(Rotation.from_rotvec(values[3:6]).as_matrix(), np.array(values[:3]))


def to_rotation_vector(transform: Transform) -> list[float]:
    """Three metres and a rotation vector in radians, of at most half a turn."""
    turn = Rotation.from_matrix(transform[:3, :3]).as_rotvec()
    return [*transform[:3, 3].tolist(), *turn.tolist()]
