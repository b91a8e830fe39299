"""Viewing rays of a camera's pixels, and the part of the image in which a scene appears.

Both are computed once per camera, pose and grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame

_MARGIN_PX = 4
"""Pixels around the scene that belong to its window: neighbors of the pixels that see it."""

_AHEAD = 0.01
"""Meters along the optical axis that a point must be ahead of the camera to appear in the image."""


@dataclass(frozen=True, eq=False)
class Window:
    """The smallest rectangle of pixels that contains everything the camera can see in a box above the grid.

    Attributes:
        place: Rows and columns of the image.
        slope: (3, h, w) float32, the rays as described in :func:`rays`.
        origin: (3,) float32, see :func:`rays`.
        to_pixels: (3, 4) float64, maps (column, row, z, 1), as in :func:`rays`, to the homogeneous pixel (column, row)
            within the window; the third value is the depth in meters.
        to_rays: (3, 3) float64, maps the pixel (column, row, 1) within the window, which may be fractional, to its
            slope.
        pitch: Meters between adjacent pixels for each meter of depth, the smaller of both directions.
        resolution: Meters along the edge of a cell.
    """

    place: tuple[slice, slice]
    slope: NDArray[np.float32]
    origin: NDArray[np.float32]
    to_pixels: NDArray[np.float64]
    to_rays: NDArray[np.float64]
    pitch: float
    resolution: float


def window(frame: RgbdFrame, grid: Grid, low: float, high: float) -> Window:
    """Return the part of the image in which the space above a grid appears.

    Args:
        frame: A frame; only its intrinsics and pose are used.
        grid: The grid.
        low: Lower end of that space, meters in the base frame.
        high: Its upper end.
    """
    return _window(frame.intrinsics, frame.T_base_camera.astype(np.float64).tobytes(), grid, low, high)


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


@lru_cache(maxsize=4)
def _window(intrinsics: CameraIntrinsics, pose: bytes, grid: Grid, low: float, high: float) -> Window:
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    model = np.array([[intrinsics.fx_px, 0, intrinsics.cx_px], [0, intrinsics.fy_px, intrinsics.cy_px], [0, 0, 1.0]])
    to_base = np.diag([grid.resolution, grid.resolution, 1.0])
    corner = np.array([grid.x_min, grid.y_min, 0.0]) - T_base_camera[:3, 3]
    to_pixels = model @ T_base_camera[:3, :3].T @ np.column_stack([to_base, corner])
    corners = [(j, i, z, 1.0) for j in (0, grid.columns) for i in (0, grid.rows) for z in (low, high)]
    place = image_part(to_pixels @ np.array(corners).T, intrinsics)
    shift = np.array([[1, 0, place[1].start], [0, 1, place[0].start], [0, 0, 1.0]])
    slope, origin = _rays(intrinsics, pose, grid)
    part = slope.reshape(3, intrinsics.height_px, intrinsics.width_px)[:, place[0], place[1]]
    to_rays = np.linalg.inv(to_base) @ T_base_camera[:3, :3] @ np.linalg.inv(model) @ shift
    pitch = 1.0 / max(intrinsics.fx_px, intrinsics.fy_px)
    to_pixels = np.linalg.inv(shift) @ to_pixels
    return Window(place, np.ascontiguousarray(part), origin, to_pixels, to_rays, pitch, grid.resolution)


def image_part(points: NDArray[np.float64], intrinsics: CameraIntrinsics) -> tuple[slice, slice]:
    """Return the rows and columns of the image that contain some points, with a margin.

    Args:
        points: (3, n) homogeneous pixels (column, row), the third value of which is the depth in meters.
        intrinsics: The camera.

    Returns:
        At least one pixel; the whole image if a point is not ahead of the camera.
    """
    columns, rows, depth = points
    if depth.min() < _AHEAD:
        return slice(0, intrinsics.height_px), slice(0, intrinsics.width_px)
    return _span(rows / depth, intrinsics.height_px), _span(columns / depth, intrinsics.width_px)


def _span(pixels: NDArray[np.float64], size_px: int) -> slice:
    """Return the pixels of 0 .. ``size_px`` from the first to the last of some, with a margin; at least one."""
    first = min(max(math.floor(pixels.min()) - _MARGIN_PX, 0), size_px - 1)
    return slice(first, min(max(math.ceil(pixels.max()) + 1 + _MARGIN_PX, first + 1), size_px))
