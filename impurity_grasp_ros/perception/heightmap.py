"""Project a camera frame to an orthographic top view in the base frame (paper, section 3).

Each pixel's depth reading becomes a point in the base frame and falls into a cell of the grid. Where several points
fall into one cell, the highest one is kept, as seen from above. The viewing rays depend only on the camera and the
grid, so they are computed once.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.errors import EmptyCloudError, InvalidFrameError
from impurity_grasp_ros.perception.bend import Level
from impurity_grasp_ros.perception.between import between_samples
from impurity_grasp_ros.perception.rays import Window, window
from impurity_grasp_ros.perception.surfaces import without_flying

_NEIGHBORS = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)])
"""Offsets (row, column) of the 8 neighbors of a cell."""


_TABLE_ERROR = 0.05
"""Meters by which the table may be off where only the part of the image is looked at in which the scene appears."""


@dataclass(frozen=True)
class ProjectionConfig:
    """Which depth readings belong to the scene."""

    z_min: float = parameter("m above the table; lower readings do not belong to the scene", low=-0.2, high=0.0)
    z_max: float = parameter("m above the table; higher readings do not belong to the scene", low=0.01, high=1.0)
    min_points: int = parameter("readings on the grid below which a frame counts as empty", low=1, high=1000000)
    drop_flying: bool = parameter("drop readings in midair, between an edge and what is behind it")
    fill: bool = parameter("fill cells that lie between adjacent readings of one surface")
    max_incidence_deg: float = parameter(
        "degrees between viewing ray and surface normal; steeper surfaces count as steps", low=45.0, high=89.0
    )

    @property
    def max_slope(self) -> float:
        """Difference in depth over distance of two adjacent pixels beyond which there is a step between them."""
        return math.tan(math.radians(self.max_incidence_deg))


def project(frame: RgbdFrame, grid: Grid, config: ProjectionConfig, table: Level | None = None) -> Heightmap:
    """Project a registered color and depth image to a heightmap.

    Heights slightly below the table (down to ``z_min``) become 0. Gaps one cell wide between projected points are
    filled, see :func:`close_gaps`. What the camera cannot see behind an object stays invalid.

    Args:
        frame: The camera's frame.
        grid: The cells of the heightmap.
        config: Which readings belong to the scene.
        table: Surface from which heights are measured; z = 0 in the base frame if None.

    Returns:
        The heightmap on ``grid``, with the frame's stamp.

    Raises:
        InvalidFrameError: The frame is malformed.
        EmptyCloudError: Fewer than ``min_points`` readings fall onto the grid.
    """
    check(frame)
    view = window(frame, grid, config.z_min - _TABLE_ERROR, config.z_max + _TABLE_ERROR)
    depth, color = np.ascontiguousarray(frame.depth[view.place]), frame.color[view.place].reshape(-1, 3)
    if config.drop_flying:
        depth = without_flying(depth, view, config.max_slope)
    winner = _highest_pixels(depth, view, grid, config, table)
    valid = winner >= 0
    bits, pixels = winner[valid] >> 32, winner[valid] & 0xFFFFFFFF
    height = np.zeros(valid.shape, np.float32)
    height[valid] = bits.astype(np.int32).view(np.float32)
    colors = np.zeros((*valid.shape, 3), np.uint8)
    colors[valid] = color[pixels]
    shape = grid.rows, grid.columns
    seen = close_gaps(
        Heightmap(colors.reshape(*shape, 3), height.reshape(shape), valid.reshape(shape), grid, frame.stamp)
    )
    if not config.fill or seen.valid.all():
        return seen
    return _with_cells_between(seen, depth, color, view, config, table)


def _with_cells_between(
    seen: Heightmap,
    depth: NDArray[np.float32],
    color: NDArray[np.uint8],
    view: Window,
    config: ProjectionConfig,
    table: Level | None,
) -> Heightmap:
    """Fill the cells of a heightmap that lie between samples, given ``depth`` (h, w) and ``color`` (h * w, 3)."""
    z = seen.height
    if table is not None:
        every_row, every_column = np.indices(z.shape).astype(np.float32) + np.float32(0.5)
        z = z - _above(every_column, every_row, np.zeros_like(z), seen.grid, table)
    rows, columns, points, pixels = between_samples(z, seen.valid, depth, view, config.max_slope)
    above = _above(points[0], points[1], points[2], seen.grid, table)
    scene = (above >= config.z_min) & (above <= config.z_max)
    rows, columns = rows[scene], columns[scene]
    colors, height, valid = seen.color.copy(), seen.height.copy(), seen.valid.copy()
    colors[rows, columns] = color[pixels[scene]]
    height[rows, columns] = np.maximum(above[scene], 0.0)
    valid[rows, columns] = True
    return Heightmap(colors, height, valid, seen.grid, seen.stamp)


def project_labels(
    frame: RgbdFrame, labels: NDArray[np.int32], grid: Grid, config: ProjectionConfig
) -> NDArray[np.int32]:
    """Project the labels of pixels to the cells of the heightmap.

    Args:
        frame: The camera's frame.
        labels: (H, W) int32, the labels of its pixels, from -1 to 65534.
        grid: The cells of the heightmap.
        config: Which readings belong to the scene.

    Returns:
        (R, C) int32, the label that each cell shows; -1 where nothing was seen.

    Raises:
        InvalidFrameError: The frame is malformed.
        EmptyCloudError: Fewer than ``min_points`` readings fall onto the grid.
    """
    number = labels + 1
    painted = replace(frame, color=np.stack([number % 256, number // 256, number * 0], axis=2).astype(np.uint8))
    shown = project(painted, grid, config)
    return np.where(shown.valid, shown.color.astype(np.int32) @ np.array([1, 256, 0], np.int32) - 1, -1)


def check(frame: RgbdFrame) -> None:
    """Check that a frame is as :class:`RgbdFrame` documents it.

    Raises:
        InvalidFrameError: An image, the intrinsics or the pose is malformed.
    """
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
    if not (nearest >= 0.0 and np.isfinite(farthest)):  # also false for NaN
        raise InvalidFrameError(
            f"depth: expected finite meters, 0 for no reading, received values from {nearest} to {farthest}"
        )


def close_gaps(heightmap: Heightmap) -> Heightmap:
    """Fill single unseen cells that lie between two seen cells of their row or column.

    These are gaps between projected points. An occlusion shadow that is at least two cells wide has no such cells and
    keeps its outline. A second pass fills the cells where a missing row crosses a missing column.

    Args:
        heightmap: The heightmap as projected; it is not changed.

    Returns:
        A heightmap in which those cells are valid, with color and height of one of their neighbors.
    """
    for _ in range(2):
        row_wise = np.pad(heightmap.valid, ((0, 0), (1, 1)))
        column_wise = np.pad(heightmap.valid, ((1, 1), (0, 0)))
        between = (row_wise[:, :-2] & row_wise[:, 2:]) | (column_wise[:-2] & column_wise[2:])
        if (gaps := between & ~heightmap.valid).any():
            heightmap = _filled(heightmap, gaps)
    return heightmap


def _filled(heightmap: Heightmap, gaps: NDArray[np.bool_]) -> Heightmap:
    """Give the cells in ``gaps`` (R, C) the color and height of their seen neighbor of (lower) median height."""
    rows, columns = np.nonzero(gaps)
    near_rows = np.clip(rows[:, None] + _NEIGHBORS[:, 0], 0, gaps.shape[0] - 1)
    near_columns = np.clip(columns[:, None] + _NEIGHBORS[:, 1], 0, gaps.shape[1] - 1)
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


def _above(
    column: NDArray[np.float32],
    row: NDArray[np.float32],
    z: NDArray[np.float32],
    grid: Grid,
    table: Level | None,
) -> NDArray[np.float32]:
    """Return the heights above the table, in meters, of points given as in :func:`.rays.rays`."""
    if table is None:
        return z
    edge = np.float32(grid.resolution)
    return table.above(column * edge + np.float32(grid.x_min), row * edge + np.float32(grid.y_min), z)


def _highest_pixels(
    depth: NDArray[np.float32], view: Window, grid: Grid, config: ProjectionConfig, table: Level | None
) -> NDArray[np.int64]:
    """Return the highest pixel of every cell, (R * C,); -1 where no point fell.

    The upper 32 bits hold the height as float32, the lower 32 bits the pixel's index in ``depth`` (h, w).
    """
    column, row, z = view.slope * depth
    column += view.origin[0]
    row += view.origin[1]
    z += view.origin[2]
    z = _above(column, row, z, grid, table)
    inside = (depth > 0.0) & (z >= config.z_min) & (z <= config.z_max)
    inside &= (column >= 0.0) & (column < grid.columns) & (row >= 0.0) & (row < grid.rows)
    pixels = np.flatnonzero(inside)
    if len(pixels) < config.min_points:
        raise EmptyCloudError(
            f"expected at least {config.min_points} depth readings on the grid, received {len(pixels)}"
        )
    column, row, z = (values.reshape(-1)[pixels] for values in (column, row, z))
    cells = row.astype(np.intp) * grid.columns + column.astype(np.intp)
    # The bits of non-negative floats sort like the floats themselves, so one integer can hold height and pixel.
    bits = np.abs(np.maximum(z, 0.0)).view(np.int32).astype(np.int64)
    winner = np.full(grid.rows * grid.columns, -1, np.int64)
    np.maximum.at(winner, cells, bits << 32 | pixels)
    return winner
