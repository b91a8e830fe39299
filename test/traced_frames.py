"""Ray-cast camera images of boxes on a table, whose ground truth is exact up to rounding."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.transform import Transform, from_rotation_translation

CAMERA = CameraIntrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
TABLE_COLOR = (200, 190, 180)


@dataclass(frozen=True)
class Box:
    """An upright box: x and y ranges and height in meters, base frame."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: float
    color: tuple[int, int, int]

    def entry(self, origin: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Multiples (N,) of ``directions`` (N, 3) at which rays from ``origin`` (3,) or (N, 3) enter; inf if none."""
        low, high = np.array([self.x[0], self.y[0], 0.0]), np.array([self.x[1], self.y[1], self.height])
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (low - origin) / directions, (high - origin) / directions
        enter, leave = np.minimum(one, other).max(axis=1), np.maximum(one, other).min(axis=1)
        return np.where((enter <= leave) & (leave > 0.0), enter, np.inf)


def camera_pose(target: tuple[float, float], distance: float, tilt: float, azimuth: float, roll: float) -> Transform:
    """``T_base_camera`` of a camera that looks at a point on the table, ``tilt`` rad from the vertical."""
    z = np.array([math.sin(tilt) * math.cos(azimuth), math.sin(tilt) * math.sin(azimuth), -math.cos(tilt)])
    side = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    x = math.cos(roll) * side + math.sin(roll) * np.cross(z, side)
    rotation = np.column_stack([x, np.cross(z, x), z])
    return from_rotation_translation(rotation, np.array([*target, 0.0]) - distance * z)


def trace(boxes: list[Box], T_base_camera: Transform, intrinsics: CameraIntrinsics = CAMERA) -> RgbdFrame:
    """The frame of a camera that sees boxes on an infinite table."""
    columns, rows = np.meshgrid(np.arange(intrinsics.width_px), np.arange(intrinsics.height_px))
    rays = np.stack(
        [
            (columns.ravel() - intrinsics.cx_px) / intrinsics.fx_px,
            (rows.ravel() - intrinsics.cy_px) / intrinsics.fy_px,
            np.ones(columns.size),
        ],
        axis=1,
    )
    directions, origin = rays @ T_base_camera[:3, :3].T, T_base_camera[:3, 3]
    depth = -origin[2] / directions[:, 2]
    color = np.tile(np.array(TABLE_COLOR, np.uint8), (columns.size, 1))
    for box in boxes:
        nearer = (entry := box.entry(origin, directions)) < depth
        depth[nearer] = entry[nearer]
        color[nearer] = box.color
    shape = columns.shape
    return RgbdFrame(color.reshape(*shape, 3), depth.reshape(shape).astype(np.float32), intrinsics, T_base_camera, 7.25)


def in_sight(points: NDArray[np.float64], boxes: list[Box], T_base_camera: Transform) -> NDArray[np.bool_]:
    """Which of the points (N, 3) are not hidden from the camera by a box: (N,)."""
    to_camera = T_base_camera[:3, 3] - points
    lifted = points + 1e-6 * to_camera
    hidden = [np.isfinite(box.entry(lifted, to_camera)) for box in boxes]
    return ~np.any(hidden, axis=0) if hidden else np.ones(len(points), np.bool_)
