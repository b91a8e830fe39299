"""Every second pixel of a frame in the base frame: what the judgement of a view works on."""

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
"""Metres around the drop bin that belong to it: its walls, and what the camera's calibration leaves open."""

BIN_LOAD = 0.10
"""Metres that what lies in the bin may rise above its wall."""

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Site:
    """What a judge of views has to know of the cell. transit_height: metres above the table at which the arm moves."""

    grid: Grid
    drop_bin: DropBinConfig
    transit_height: float

    @classmethod
    def of(cls, cell: CellConfig) -> Site:
        """The site that a cell describes."""
        return cls(cell.workspace.grid, cell.drop_bin, cell.motion.transit_height)


@dataclass(frozen=True, eq=False)
class Samples:
    """The sampled pixels (h, w). color: (h, w, 3) uint8, RGB.

    x, y, z: metres, base frame, only where ``read``. area: m2 that a pixel covers at its depth, seen straight on.
    judged, on_workspace: pixels that would see the table around or in the workspace, were nothing in the way.
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
        """The middle of the pixels in ``mask`` (h, w), not empty, in words."""
        return f"x = {float(np.median(self.x[mask])):.2f}, y = {float(np.median(self.y[mask])):.2f} m"


def sample(frame: RgbdFrame, grid: Grid, surround: float) -> Samples:
    """Sample a frame.

    Args:
        frame: one that :func:`.heightmap.check` accepts.
        grid: the workspace.
        surround: metres around the workspace that are judged with it.

    Returns:
        Points in the base frame, with what each pixel is expected to see.
    """
    pose = frame.T_base_camera.astype(np.float64).tobytes()
    slope, origin, judged, on_workspace = _aims(frame.intrinsics, pose, grid, surround)
    depth = np.ascontiguousarray(frame.depth[::STRIDE, ::STRIDE])
    x, y, z = (slope[axis] * depth + origin[axis] for axis in range(3))
    pitch = STRIDE**2 / (frame.intrinsics.fx_px * frame.intrinsics.fy_px)
    color = np.ascontiguousarray(frame.color[::STRIDE, ::STRIDE])
    return Samples(color, x, y, z, np.float32(pitch) * depth**2, depth > 0.0, judged, on_workspace)


def over_bin(samples: Samples, height: Plane, drop_bin: DropBinConfig) -> Mask:
    """Pixels (h, w) that show the drop bin or what lies in it. height: (h, w) metres above the table."""
    return np.asarray(
        (np.abs(samples.x - drop_bin.x) <= drop_bin.size_x / 2 + BIN_MARGIN)
        & (np.abs(samples.y - drop_bin.y) <= drop_bin.size_y / 2 + BIN_MARGIN)
        & (height <= drop_bin.wall_height + BIN_LOAD)
    )


@lru_cache(maxsize=4)
def _aims(
    intrinsics: CameraIntrinsics, pose: bytes, grid: Grid, surround: float
) -> tuple[Plane, NDArray[np.float32], Mask, Mask]:
    """Slopes (3, h, w) and origin (3,) in metres, and the pixels that see the table near and in the workspace."""
    T_base_camera = np.frombuffer(pose).reshape(4, 4)
    empty = np.zeros((intrinsics.height_px, intrinsics.width_px), np.float32)
    frame = RgbdFrame(np.zeros((*empty.shape, 3), np.uint8), empty, intrinsics, T_base_camera, 0.0)
    all_slopes, corner = rays(frame, grid)
    to_metres = np.array([grid.resolution, grid.resolution, 1.0], np.float32)
    slope = all_slopes.reshape(3, *empty.shape)[:, ::STRIDE, ::STRIDE] * to_metres[:, None, None]
    origin = corner * to_metres + np.array([grid.x_min, grid.y_min, 0.0], np.float32)
    downward = slope[2] < 0.0
    distance = np.where(downward, -origin[2] / np.where(downward, slope[2], -1.0), 0.0)
    x, y = slope[0] * distance + origin[0], slope[1] * distance + origin[1]

    def within(margin: float) -> Mask:
        """Pixels that see the table within the workspace and a margin around it."""
        x_max, y_max = grid.x_min + grid.columns * grid.resolution, grid.y_min + grid.rows * grid.resolution
        along_x = (x >= grid.x_min - margin) & (x < x_max + margin)
        return np.asarray(downward & along_x & (y >= grid.y_min - margin) & (y < y_max + margin))

    return np.ascontiguousarray(slope), origin.astype(np.float32), within(surround), within(0.0)
