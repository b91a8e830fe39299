"""Check that the workspace was seen: that no depth readings are missing over an area that could hold an object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.errors import EmptyCloudError, ViewIncompleteError


@dataclass(frozen=True)
class CoverageConfig:
    """How much of the workspace must be seen.

    What lies in the shadow of a seen object counts as seen, except for ``min_seen``.
    """

    hole_size: float = parameter("m, side of the squares in which readings are counted", low=0.006, high=0.1)
    min_local: float = parameter("fraction of every such square that must have readings", low=0.01, high=1.0)
    min_readings: float = parameter("fraction of the workspace's pixels that must have readings", low=0.1, high=1.0)
    min_seen: float = parameter(
        "fraction of the workspace's cells that must be seen; cells in shadows are unseen", low=0.1, high=1.0
    )


def check_readings(frame: RgbdFrame, grid: Grid, config: CoverageConfig, min_points: int) -> None:
    """Check that there are depth readings all over the workspace.

    Where an object hides the table, the object's own readings count, so a shadow is not a hole. Holes are objects
    without depth, blind strips, and parts of the workspace outside of the image.

    Args:
        frame: The camera's frame.
        grid: The workspace.
        config: How many readings are enough.
        min_points: Number of readings below which the frame counts as empty.

    Raises:
        EmptyCloudError: There are hardly any readings.
        ViewIncompleteError: There are too few readings, or too few in a place that is large enough for an object.
    """
    row, column, inside = _pixels(frame.intrinsics, frame.T_base_camera.astype(np.float64).tobytes(), grid)
    read = (frame.depth > 0.0).astype(np.float32)
    seen = read[row, column] * inside
    per_cell = _pixels_per_cell(frame, grid)
    if seen.sum() * per_cell**2 < min_points:
        raise EmptyCloudError(
            f"expected at least {min_points} depth readings on the grid, received {seen.sum() * per_cell**2:.0f}"
        )
    if (share := float(seen.mean())) < config.min_readings:
        raise ViewIncompleteError(
            f"expected depth readings in {config.min_readings:.0%} of the workspace, received {share:.0%}"
        )
    side = max(3, round(config.hole_size / grid.resolution * per_cell)) | 1
    local = cv2.blur(read, (side, side), borderType=cv2.BORDER_REFLECT_101)[row, column] * inside
    if float(local.min()) < config.min_local:
        hole = local < config.min_local
        raise ViewIncompleteError(
            f"expected depth readings all over the workspace, received a hole of {_area_cm2(hole, grid):.0f} cm2 "
            f"or more around {_place(hole, grid)}"
        )


def check_seen(heightmap: Heightmap, config: CoverageConfig) -> None:
    """Check that enough cells of a heightmap were seen.

    Args:
        heightmap: The view.
        config: How many are enough.

    Raises:
        ViewIncompleteError: Too few cells were seen, for whatever reason.
    """
    share = float(heightmap.valid.mean())
    if share < config.min_seen:
        raise ViewIncompleteError(f"expected to see {config.min_seen:.0%} of the workspace, received {share:.0%}")


def check_clear(heightmap: Heightmap, max_unseen: float) -> None:
    """Check that no object can hide in an unseen place, shadows included, before the workspace is called clear.

    Args:
        heightmap: A view in which no target was found.
        max_unseen: Side in meters at which an unseen square (along rows and columns) is large enough to hide an object.

    Raises:
        ViewIncompleteError: A square of that size was not seen at all.
    """
    unseen = np.pad(~heightmap.valid, 1).astype(np.uint8)
    radius = cv2.distanceTransform(unseen, cv2.DIST_C, 3)[1:-1, 1:-1]
    side = (2.0 * float(radius.max()) - 1.0) * heightmap.grid.resolution
    if side >= max_unseen:
        place = _place(np.asarray(radius == radius.max()), heightmap.grid)
        raise ViewIncompleteError(
            f"expected to see all places where a target may lie before the workspace is called clear, "
            f"received an unseen square of {1e3 * side:.0f} mm at {place}"
        )


def _pixels_per_cell(frame: RgbdFrame, grid: Grid) -> float:
    """Approximate pixels along the edge of a cell at table level, with the camera's height as its distance."""
    return float(grid.resolution * frame.intrinsics.fx_px / max(float(frame.T_base_camera[2, 3]), grid.resolution))


def _area_cm2(cells: NDArray[np.bool_], grid: Grid) -> float:
    return float(np.count_nonzero(cells)) * (100.0 * grid.resolution) ** 2


def _place(cells: NDArray[np.bool_], grid: Grid) -> str:
    rows, columns = np.nonzero(cells)
    x, y = grid.to_meters(float(np.median(rows)), float(np.median(columns)))
    return f"x = {x:.2f}, y = {y:.2f} m"


@lru_cache(maxsize=4)
def _pixels(
    intrinsics: CameraIntrinsics, pose: bytes, grid: Grid
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the pixel (row, column) that looks at the table in every cell (R, C), and 1 where it is in the image."""
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    rows, columns = np.indices((grid.rows, grid.columns)).astype(np.float64)
    x, y = grid.to_meters(rows, columns)
    p_camera = (np.stack([x, y, np.zeros_like(x)], axis=2) - T_base_camera[:3, 3]) @ T_base_camera[:3, :3]
    ahead = np.maximum(p_camera[..., 2], 1e-6)
    column = np.rint(intrinsics.fx_px * p_camera[..., 0] / ahead + intrinsics.cx_px)
    row = np.rint(intrinsics.fy_px * p_camera[..., 1] / ahead + intrinsics.cy_px)
    inside = (p_camera[..., 2] > 0.0) & (column >= 0) & (column < intrinsics.width_px)
    inside &= (row >= 0) & (row < intrinsics.height_px)
    column = np.clip(column, 0, intrinsics.width_px - 1).astype(np.intp)
    return np.clip(row, 0, intrinsics.height_px - 1).astype(np.intp), column, inside.astype(np.float32)
