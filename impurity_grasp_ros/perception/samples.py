"""Every second pixel of a camera frame as a point in the base frame: the data on which a view is judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cell_parts import DropBinConfig
from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame
from impurity_grasp_ros.perception.rays import rays

STRIDE = 2
"""Every second row and column is sampled: 2.3 mm on a table 0.72 m away."""

BIN_MARGIN = 0.02
"""Meters around the drop bin that count as part of it: its walls, and errors of the camera calibration."""

BIN_LOAD = 0.10
"""Meters by which the objects in the bin may rise above its walls."""

Plane = NDArray[np.float32]
"""One value for each sampled pixel, (h, w)."""

Mask = NDArray[np.bool_]
"""A subset of the sampled pixels, (h, w)."""


@dataclass(frozen=True)
class Site:
    """The part of the cell's description that is needed to judge views.

    Attributes:
        grid: The workspace.
        drop_bin: The bin beside it.
        transit_height: Meters above the table at which the arm crosses the workspace.
    """

    grid: Grid
    drop_bin: DropBinConfig
    transit_height: float

    @classmethod
    def of(cls, cell: CellConfig) -> Site:
        """Return the site that a cell's description contains."""
        return cls(cell.workspace.grid, cell.drop_bin, cell.motion.transit_height)


@dataclass(frozen=True, eq=False)
class Samples:
    """The sampled pixels, (h, w).

    Attributes:
        color: (h, w, 3) uint8, RGB.
        x: (h, w) float32, meters in the base frame, meaningful only where ``read``; likewise ``y`` and ``z``.
        y: See ``x``.
        z: See ``x``.
        area: (h, w) float32, the area in m2 that a sample covers at its depth, on a surface facing the camera.
        read: (h, w) bool, the pixels with a depth reading.
        judged: (h, w) bool, the pixels that would see the table in or around the workspace if it were empty.
        on_workspace: (h, w) bool, the pixels that would see the table in the workspace if it were empty.
    """

    color: NDArray[np.uint8]
    x: Plane
    y: Plane
    z: Plane
    area: Plane
    read: Mask
    judged: Mask
    on_workspace: Mask

    def place(self, mask: Mask) -> str:
        """Return the median position of the pixels in ``mask`` (h, w), which is not empty, as text for messages."""
        return f"x = {float(np.median(self.x[mask])):.2f}, y = {float(np.median(self.y[mask])):.2f} m"


def sample(frame: RgbdFrame, grid: Grid, surround: float) -> Samples:
    """Sample a frame.

    Args:
        frame: A frame that :func:`.heightmap.check` accepts.
        grid: The workspace.
        surround: Meters around the workspace that are judged together with it.

    Returns:
        Points in the base frame, and what each pixel is expected to see.
    """
    pose = frame.T_base_camera.astype(np.float64).tobytes()
    slope, origin, judged, on_workspace = _aims(frame.intrinsics, pose, grid, surround)
    depth = np.ascontiguousarray(frame.depth[::STRIDE, ::STRIDE])
    x, y, z = (slope[axis] * depth + origin[axis] for axis in range(3))
    pitch = STRIDE**2 / (frame.intrinsics.fx_px * frame.intrinsics.fy_px)
    color = np.ascontiguousarray(frame.color[::STRIDE, ::STRIDE])
    return Samples(color, x, y, z, np.float32(pitch) * depth**2, depth > 0.0, judged, on_workspace)


def over_bin(samples: Samples, height: Plane, drop_bin: DropBinConfig) -> Mask:
    """Return the pixels that show the drop bin or what lies in it.

    Args:
        samples: Samples of one frame.
        height: (h, w) float32, meters above the table.
        drop_bin: The bin.

    Returns:
        (h, w) bool.
    """
    return np.asarray(
        (np.abs(samples.x - drop_bin.x) <= drop_bin.size_x / 2 + BIN_MARGIN)
        & (np.abs(samples.y - drop_bin.y) <= drop_bin.size_y / 2 + BIN_MARGIN)
        & (height <= drop_bin.wall_height + BIN_LOAD)
    )


@lru_cache(maxsize=4)
def _aims(
    intrinsics: CameraIntrinsics, pose: bytes, grid: Grid, surround: float
) -> tuple[Plane, NDArray[np.float32], Mask, Mask]:
    """Return ray slopes (3, h, w), origin (3,) in meters, and the masks ``judged`` and ``on_workspace``."""
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    empty = np.zeros((intrinsics.height_px, intrinsics.width_px), np.float32)
    frame = RgbdFrame(np.zeros((*empty.shape, 3), np.uint8), empty, intrinsics, T_base_camera, 0.0)
    all_slopes, corner = rays(frame, grid)
    to_meters = np.array([grid.resolution, grid.resolution, 1.0], np.float32)
    slope = all_slopes.reshape(3, *empty.shape)[:, ::STRIDE, ::STRIDE] * to_meters[:, None, None]
    origin = corner * to_meters + np.array([grid.x_min, grid.y_min, 0.0], np.float32)
    downward = slope[2] < 0.0
    distance = np.where(downward, -origin[2] / np.where(downward, slope[2], -1.0), 0.0)
    x, y = slope[0] * distance + origin[0], slope[1] * distance + origin[1]

    def within(margin: float) -> Mask:
        """Return the pixels that are aimed at the table within the workspace and a margin in meters around it."""
        x_max, y_max = grid.x_min + grid.columns * grid.resolution, grid.y_min + grid.rows * grid.resolution
        along_x = (x >= grid.x_min - margin) & (x < x_max + margin)
        return np.asarray(downward & along_x & (y >= grid.y_min - margin) & (y < y_max + margin))

    return np.ascontiguousarray(slope), origin.astype(np.float32), within(surround), within(0.0)
