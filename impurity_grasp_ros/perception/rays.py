"""Viewing rays of a camera's pixels, computed once per camera, pose and grid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame


def rays(frame: RgbdFrame, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the viewing rays of a frame's pixels.

    A pixel at depth d shows the point (column, row, z) = ``slope[:, pixel] * d + origin``. Column and row are in cells
    from the outer corner of the grid, z is in meters in the base frame.

    Args:
        frame: A frame; only its intrinsics and pose are used.
        grid: The grid that columns and rows refer to.

    Returns:
        ``slope``, (3, H * W) float32, per meter of depth, and ``origin``, (3,) float32.
    """
    return _rays(frame.intrinsics, frame.T_base_camera.astype(np.float64).tobytes(), grid)


@lru_cache(maxsize=4)
def _rays(intrinsics: CameraIntrinsics, pose: bytes, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    x = (np.arange(intrinsics.width_px) - intrinsics.cx_px) / intrinsics.fx_px
    y = (np.arange(intrinsics.height_px) - intrinsics.cy_px) / intrinsics.fy_px
    rays_camera = np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))]).reshape(3, -1)
    per_meter = np.array([1.0 / grid.resolution, 1.0 / grid.resolution, 1.0])
    slope = (T_base_camera[:3, :3] @ rays_camera) * per_meter[:, None]
    origin = (T_base_camera[:3, 3] - [grid.x_min, grid.y_min, 0.0]) * per_meter
    return slope.astype(np.float32), origin.astype(np.float32)
