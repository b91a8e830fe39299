"""The camera's color, seen straight from above, at a finer resolution than the cells of a heightmap.

A cell of a heightmap has the color of a single pixel. The camera often sees finer detail than that, and texture is
judged on it: here each cell is divided, and each part looks up the camera image where its point in space appears.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.perception.bend import Level

FINE_FACTOR = 2
"""Pixels of the fine color image along each edge of a cell: about the resolution of the camera."""

_STEEP = 3.0
"""Heights are interpolated unless those of a cell and its neighbors differ by more than this many cells."""

_AROUND = np.ones((3, 3), np.uint8)
"""A cell and its 8 neighbors."""

_AHEAD = np.float32(1e-3)
"""Least distance in meters along the optical axis at which a point can appear in the image."""

Number = TypeVar("Number", np.float32, np.uint8)

Values = NDArray[np.float32]
"""One value for each point, or a few numbers."""

Lines = NDArray[np.float32]
"""Homogeneous pixel coordinates (3, R, C): column times depth, row times depth, depth."""


def with_fine_color(frame: RgbdFrame, heightmap: Heightmap, table: Level | None = None) -> Heightmap:
    """Return a heightmap with the fine color of the frame that it was made from; see :func:`fine_color`."""
    return replace(heightmap, fine_color=fine_color(frame, heightmap, FINE_FACTOR, table))


def fine_color(
    frame: RgbdFrame, heightmap: Heightmap, factor: int = 2, table: Level | None = None
) -> NDArray[np.uint8]:
    """Sample the color of a frame at ``factor`` x ``factor`` points in every seen cell of its heightmap.

    Heights between the centers of cells are interpolated, except at steps and beside unseen cells, where those of the
    cell itself are used: no point is assumed in midair between an object's top and the table.

    Args:
        frame: The frame that the heightmap was made from.
        heightmap: (R, C) cells.
        factor: Number of points along each edge of a cell, at least 1.
        table: Surface from which the heights were measured; z = 0 in the base frame if None.

    Returns:
        (factor * R, factor * C, 3) uint8, RGB, interpolated bilinearly between pixels; 0 in cells that are not valid.
        Pixel (i, j) shows the point at the center of cell (i, j) of the grid with ``factor`` times finer resolution.

    Raises:
        ValueError: ``factor`` is less than 1.
    """
    if factor < 1:
        raise ValueError(f"factor: expected at least 1, received {factor}")
    coarse = heightmap.grid
    grid = Grid(coarse.x_min, coarse.y_min, coarse.rows * factor, coarse.columns * factor, coarse.resolution / factor)
    pose = frame.T_base_camera.astype(np.float64).tobytes()
    level, per_meter, x, y = _lines(frame.intrinsics, pose, grid)
    height = _fine_height(heightmap, factor)
    if table is not None:
        height = height - table.above(x, y, np.zeros_like(x))
    column, row, depth = (line + rise * height for line, rise in zip(level, per_meter, strict=True))
    np.maximum(depth, _AHEAD, out=depth)
    color = cv2.remap(frame.color, column / depth, row / depth, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = _repeated(heightmap.valid.astype(np.uint8), factor) * np.uint8(255)
    return np.asarray(cv2.bitwise_and(color, color, mask=seen), np.uint8)


def _repeated(cells: NDArray[Number], factor: int) -> NDArray[Number]:
    """Return (R, C) as (factor * R, factor * C), in which every cell fills a square."""
    return np.asarray(cv2.resize(cells, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST), cells.dtype)


def _fine_height(heightmap: Heightmap, factor: int) -> NDArray[np.float32]:
    """Return the heights in meters of the points, (factor * R, factor * C) float32."""
    height = heightmap.height
    if factor == 1:
        return height
    even = cv2.morphologyEx(height, cv2.MORPH_GRADIENT, _AROUND) <= _STEEP * heightmap.grid.resolution
    even &= cv2.erode(heightmap.valid.astype(np.uint8), _AROUND) > 0
    between = cv2.resize(height, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    cv2.copyTo(_repeated(height, factor), _repeated((~even).astype(np.uint8), factor), between)
    return np.asarray(between, np.float32)


@lru_cache(maxsize=4)
def _lines(intrinsics: CameraIntrinsics, pose: bytes, grid: Grid) -> tuple[Lines, Values, Values, Values]:
    """Return where the points of a grid at z = 0 appear, the change (3,) for each meter of z, and their x and y."""
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    camera = np.array([[intrinsics.fx_px, 0.0, intrinsics.cx_px], [0.0, intrinsics.fy_px, intrinsics.cy_px], [0, 0, 1]])
    to_pixels = camera @ T_base_camera[:3, :3].T
    rows, columns = np.indices((grid.rows, grid.columns)).astype(np.float64)
    x, y = grid.to_meters(rows, columns)
    at_zero = np.einsum("kij,mk->mij", np.stack([x, y, np.zeros_like(x)]), to_pixels)
    at_zero -= (to_pixels @ T_base_camera[:3, 3])[:, None, None]
    return (
        at_zero.astype(np.float32),
        to_pixels[:, 2].astype(np.float32),
        x.astype(np.float32),
        y.astype(np.float32),
    )
