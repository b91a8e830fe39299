"""From one camera image to the orthographic top view in the base frame (paper, section 3).

Every pixel is carried along its viewing ray into the base frame and dropped onto the grid; where several fall into one
cell the highest wins, as seen from above. Rays depend on nothing but camera and grid, so they are computed once.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.errors import EmptyCloudError, InvalidFrameError
from impurity_grasp_ros.perception.rays import rays
from impurity_grasp_ros.perception.table import TablePlane

_NEIGHBOURS = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)])


@dataclass(frozen=True)
class ProjectionConfig:
    """Which depth readings make up the scene."""

    z_min: float = parameter("readings below this many metres are not part of the scene", low=-0.2, high=0.0)
    z_max: float = parameter("readings above this many metres are not part of the scene", low=0.01, high=1.0)
    min_points: int = parameter("readings on the grid below which a frame counts as empty", low=1, high=1000000)


def project(frame: RgbdFrame, grid: Grid, config: ProjectionConfig, table: TablePlane | None = None) -> Heightmap:
    """Turn a registered colour and depth image into a heightmap on ``grid``.

    Heights slightly below the table (down to ``z_min``) become 0. Gaps one cell wide between projected samples are
    closed, see :func:`close_gaps`; what the camera cannot see behind an object stays not valid. Heights are those above
    ``table``; without one, above z = 0.

    Raises InvalidFrameError for a malformed frame, EmptyCloudError when it shows too little of the grid.
    """
    check(frame)
    winner = _highest_pixels(frame, grid, config, table)
    valid = winner >= 0
    bits, pixels = winner[valid] >> 32, winner[valid] & 0xFFFFFFFF
    height = np.zeros(valid.shape, np.float32)
    height[valid] = bits.astype(np.int32).view(np.float32)
    color = np.zeros((*valid.shape, 3), np.uint8)
    color[valid] = frame.color.reshape(-1, 3)[pixels]
    return close_gaps(
        Heightmap(
            color.reshape(grid.rows, grid.columns, 3),
            height.reshape(grid.rows, grid.columns),
            valid.reshape(grid.rows, grid.columns),
            grid,
            frame.stamp,
        )
    )


def project_labels(
    frame: RgbdFrame, labels: NDArray[np.int32], grid: Grid, config: ProjectionConfig
) -> NDArray[np.int32]:
    """The label (R, C) that each cell of the heightmap shows, -1 where nothing was seen.

    labels: (H, W) of the frame's pixels, from -1 to 65534. Raises as :func:`project` does.
    """
    number = labels + 1
    painted = replace(frame, color=np.stack([number % 256, number // 256, number * 0], axis=2).astype(np.uint8))
    shown = project(painted, grid, config)
    return np.where(shown.valid, shown.color.astype(np.int32) @ np.array([1, 256, 0], np.int32) - 1, -1)


def check(frame: RgbdFrame) -> None:
    """Raise InvalidFrameError unless images, intrinsics and pose of a frame are what RgbdFrame documents."""
    size = (frame.intrinsics.height_px, frame.intrinsics.width_px)
    if frame.color.shape != (*size, 3) or frame.color.dtype != np.uint8:
        raise InvalidFrameError(
            f"color: expected shape {(*size, 3)} of uint8, received {frame.color.shape} of {frame.color.dtype}"
        )
    if frame.depth.shape != size or frame.depth.dtype != np.float32:
        raise InvalidFrameError(
            f"depth: expected shape {size} of float32, received {frame.depth.shape} of {frame.depth.dtype}"
        )
    if frame.depth.size == 0:
        raise InvalidFrameError(f"depth: expected at least one pixel, received shape {frame.depth.shape}")
    if not (frame.intrinsics.fx_px > 0.0 and frame.intrinsics.fy_px > 0.0):
        raise InvalidFrameError(f"intrinsics: expected positive focal lengths, received {frame.intrinsics}")
    if frame.T_base_camera.shape != (4, 4) or not np.isfinite(frame.T_base_camera).all():
        raise InvalidFrameError(f"T_base_camera: expected a finite 4x4 array, received {frame.T_base_camera!r}")
    nearest, farthest = float(frame.depth.min()), float(frame.depth.max())
    if not (nearest >= 0.0 and np.isfinite(farthest)):  # also false when one of them is not a number
        raise InvalidFrameError(
            f"depth: expected finite metres, 0 for no reading, received values from {nearest} to {farthest}"
        )


def close_gaps(heightmap: Heightmap) -> Heightmap:
    """Fill the unseen cells that are alone between two seen ones along their row or column, and no others.

    Those are gaps between projected samples. An occlusion shadow at least two cells wide has no such cell and keeps
    its outline. Where a missing row crosses a missing column it takes a second pass.
    """
    for _ in range(2):
        row_wise = np.pad(heightmap.valid, ((0, 0), (1, 1)))
        column_wise = np.pad(heightmap.valid, ((1, 1), (0, 0)))
        between = (row_wise[:, :-2] & row_wise[:, 2:]) | (column_wise[:-2] & column_wise[2:])
        if (gaps := between & ~heightmap.valid).any():
            heightmap = _filled(heightmap, gaps)
    return heightmap


def _filled(heightmap: Heightmap, gaps: NDArray[np.bool_]) -> Heightmap:
    """Give cells in ``gaps`` (R, C) colour and height of their seen neighbour of (lower) median height."""
    rows, columns = np.nonzero(gaps)
    near_rows = np.clip(rows[:, None] + _NEIGHBOURS[:, 0], 0, gaps.shape[0] - 1)
    near_columns = np.clip(columns[:, None] + _NEIGHBOURS[:, 1], 0, gaps.shape[1] - 1)
    seen = heightmap.valid[near_rows, near_columns]
    by_height = np.argsort(np.where(seen, heightmap.height[near_rows, near_columns], np.inf), axis=1)
    every = np.arange(len(rows))
    median = by_height[every, (seen.sum(axis=1) - 1) // 2]
    source = near_rows[every, median], near_columns[every, median]

    color, height, valid = heightmap.color.copy(), heightmap.height.copy(), heightmap.valid.copy()
    color[rows, columns] = heightmap.color[source]
    height[rows, columns] = heightmap.height[source]
    valid[rows, columns] = True
    return Heightmap(color, height, valid, heightmap.grid, heightmap.stamp)


def _highest_pixels(
    frame: RgbdFrame, grid: Grid, config: ProjectionConfig, table: TablePlane | None
) -> NDArray[np.int64]:
    """For every cell, flat: the bits of the greatest height above the index of its pixel; -1 where nothing fell."""
    slope, origin = rays(frame, grid)
    depth = frame.depth.reshape(-1)
    column, row, z = slope * depth
    column += origin[0]
    row += origin[1]
    z += origin[2]
    if table is not None:
        metres = np.float32(grid.resolution)
        z = table.above(column * metres + np.float32(grid.x_min), row * metres + np.float32(grid.y_min), z)
    inside = (depth > 0.0) & (z >= config.z_min) & (z <= config.z_max)
    inside &= (column >= 0.0) & (column < grid.columns) & (row >= 0.0) & (row < grid.rows)
    pixels = np.flatnonzero(inside)
    if len(pixels) < config.min_points:
        raise EmptyCloudError(
            f"expected at least {config.min_points} depth readings on the grid, received {len(pixels)}"
        )
    cells = row[pixels].astype(np.intp) * grid.columns + column[pixels].astype(np.intp)
    # The bits of a float without sign order like the float itself, so one integer holds height and pixel.
    bits = np.abs(np.maximum(z[pixels], 0.0)).view(np.int32).astype(np.int64)
    winner = np.full(grid.rows * grid.columns, -1, np.int64)
    np.maximum.at(winner, cells, bits << 32 | pixels)
    return winner
