"""Poses as UR controllers write them: position in meters and rotation vector in radians, in the controller's base."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.transform import Transform, from_rotation_translation, to_rotation_vector


class Pose(list[float]):
    """x, y, z, rx, ry, rz. A list, because scripts read and write its elements."""


def to_pose(transform: Transform) -> Pose:
    """Convert a transform to a pose."""
    return Pose(to_rotation_vector(transform))


def between(T_start: Transform, T_end: Transform, fraction: float) -> Transform:
    """Interpolate linearly between two transforms, with rotation about one fixed axis.

    Args:
        T_start: Result for ``fraction`` 0.
        T_end: Result for ``fraction`` 1.
        fraction: Share of the way, 0 to 1.
    """
    turn = Rotation.from_matrix(T_end[:3, :3] @ T_start[:3, :3].T).as_rotvec()
    rotation = Rotation.from_rotvec(fraction * turn).as_matrix() @ T_start[:3, :3]
    return from_rotation_translation(rotation, (1 - fraction) * T_start[:3, 3] + fraction * T_end[:3, 3])


def difference(T_start: Transform, T_end: Transform) -> NDArray[np.float64]:
    """Translation in meters and rotation vector in radians from one transform to another, (6,) in the base frame."""
    turn = Rotation.from_matrix(T_end[:3, :3] @ T_start[:3, :3].T).as_rotvec()
    return np.concatenate([T_end[:3, 3] - T_start[:3, 3], turn])
