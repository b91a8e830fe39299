"""Where the pixels of a camera look: computed once for a camera, its pose and a grid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame


def rays(frame: RgbdFrame, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where a pixel at depth d lands: ``slope[:, pixel] * d + origin`` = (column, row, z).

    Column and row are in cells from the corner of the grid, z is in metres. slope: (3, H * W) float32; origin: (3,).
    """
    return _rays(frame.intrinsics, frame.T_base_camera.astype(np.float64).tobytes(), grid)


@lru_cache(maxsize=4)
def _rays(intrinsics: CameraIntrinsics, pose: bytes, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    x = (np.arange(intrinsics.width_px) - intrinsics.cx_px) / intrinsics.fx_px
    y = (np.arange(intrinsics.height_px) - intrinsics.cy_px) / intrinsics.fy_px
    rays_camera = np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))]).reshape(3, -1)
    per_metre = np.array([1.0 / grid.resolution, 1.0 / grid.resolution, 1.0])
    slope = (T_base_camera[:3, :3] @ rays_camera) * per_metre[:, None]
    origin = (T_base_camera[:3, 3] - [grid.x_min, grid.y_min, 0.0]) * per_metre
    return slope.astype(np.float32), origin.astype(np.float32)
