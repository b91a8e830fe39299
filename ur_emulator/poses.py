"""Poses as the controller writes them: three metres and a rotation vector in radians, in its own base frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.transform import Transform, from_rotation_translation, to_rotation_vector


class Pose(list[float]):
    """x, y, z, rx, ry, rz. A list, as scripts read and write its elements."""


def to_pose(transform: Transform) -> Pose:
    """The pose of a transform."""
    return Pose(to_rotation_vector(transform))


def between(T_start: Transform, T_end: Transform, fraction: float) -> Transform:
    """The transform on the straight way, turning evenly about one axis."""
    turn = Rotation.from_matrix(T_end[:3, :3] @ T_start[:3, :3].T).as_rotvec()
    rotation = Rotation.from_rotvec(fraction * turn).as_matrix() @ T_start[:3, :3]
    return from_rotation_translation(rotation, (1 - fraction) * T_start[:3, 3] + fraction * T_end[:3, 3])


def difference(T_start: Transform, T_end: Transform) -> NDArray[np.float64]:
    """What leads from one transform to the other, (6,): metres and a rotation vector in radians, both in the base."""
    turn = Rotation.from_matrix(T_end[:3, :3] @ T_start[:3, :3].T).as_rotvec()
    return np.concatenate([T_end[:3, 3] - T_start[:3, 3], turn])
