"""Heuristic pushes: through the objects next to a target, or through the upper layer of a heap that may hide one.

In each of the 16 directions of travel, pushes from several starts around the center are compared. A push sweeps a
corridor as wide as the closed fingers. Its score depends on what stands in that corridor, and where.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import PUSH_LENGTH, ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Grid, Heightmap, Primitive
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.history import is_similar
from impurity_grasp_ros.policy.rotation import View

VIEW_SIZE_PX = 160
"""Edge of a view around the center; it holds every start and stroke."""

OCCUPIED = 0.004
"""Meters; a surface more than this above the table counts as an object, one more than this above the tool is swept."""


@dataclass(frozen=True)
class PushPlannerConfig:
    """Where pushes start, and how they are scored. Areas are in units of ``BLOCK_CELLS``, about one block."""

    table_height: float = parameter("m, tool height of a push on the bare table", low=0.005, high=0.03)
    surface_clearance: float = parameter("m, tool height over objects under the start", low=0.0, high=0.03)
    start_distances: tuple[float, ...] = parameter(
        "m from the center, against the direction of travel", low=0.0, high=0.12
    )
    start_offsets: tuple[float, ...] = parameter("m from the center, across that direction", low=-0.08, high=0.08)
    start_border: float = parameter(
        "m, smallest distance of the start from the border of the workspace", low=0.0, high=0.1
    )
    end_border: float = parameter("m, the same for the end; leaves room for what is swept along", low=0.0, high=0.15)
    focus: float = parameter("m around the target within which neighbors count most", low=0.005, high=0.1)
    neighbor_value: float = parameter("score of sweeping one block's area of neighbors", low=0.0, high=10.0)
    target_value: float = parameter("score of sweeping the target", low=-10.0, high=10.0)
    ahead_cost: float = parameter("score lost for one block's area of objects beyond the end", low=0.0, high=10.0)
    surface_cost: float = parameter("score lost for starting on top of objects", low=0.0, high=10.0)
    idle_cost: float = parameter("score lost for a push that moves next to nothing", low=0.0, high=10.0)
    layer: float = parameter("m; pushes more than this below a heap's peak strip its upper layer", low=0.0, high=0.05)
    layer_value: float = parameter("score of stripping the upper layer", low=0.0, high=10.0)
    repeat_cost: float = parameter("score lost for repeating a recent push", low=0.0, high=10.0)


@dataclass(frozen=True)
class Sweep:
    """What one push would meet. Areas are in units of ``BLOCK_CELLS``.

    Attributes:
        z: Tool height in meters.
        neighbors: Swept area that does not belong to the target; cells close to the center count most.
        target: Swept area of the target in half blocks, at most 1.
        ahead: Area beyond the end of the stroke that is occupied.
        on_surface: Whether the push starts on top of objects.
        idle: Whether it sweeps next to nothing.
    """

    z: float
    neighbors: float
    target: float
    ahead: float
    on_surface: bool
    idle: bool


BLOCK_CELLS = 200.0
"""Cells of a typical block that a push sweeps."""


def plan_push(
    heightmap: Heightmap,
    mask: NDArray[np.bool_] | None,
    center: tuple[float, float],
    recent: Sequence[Primitive],
    gripper: GripperModel,
    config: PushPlannerConfig,
    refused: Sequence[Primitive] = (),
) -> Primitive | None:
    """Find the push with the highest score.

    Args:
        heightmap: The view, whose grid is the workspace.
        mask: (R, C) bool, the target's cells; None to search a heap.
        center: (x, y) in meters, base frame: the middle of the target or of the heap.
        recent: Earlier primitives; repeating a push costs ``repeat_cost`` for each time it occurs.
        gripper: The gripper.
        config: Starts and scores.
        refused: Pushes that were refused before the arm moved; similar ones are left out.

    Returns:
        The push, its score as ``q_value``; None if every push is left out or does not stay on the workspace.
    """
    best: Primitive | None = None
    row, column = heightmap.grid.to_cell(*center)
    peak = _peak(heightmap, row, column)
    fingers = [round(side / heightmap.grid.resolution) for side in (gripper.fingers_width, gripper.tip_width)]
    footprint = np.ones([side + 2 | 1 for side in fingers], np.uint8)  # one cell more for rounding in a turned view
    for step in range(ROTATIONS):
        view = View(row, column, step * ROTATION_STEP, VIEW_SIZE_PX)
        height = view.render(heightmap.height)
        target = view.render(mask.astype(np.uint8)) > 0 if mask is not None else np.zeros(height.shape, bool)
        start_height = cv2.dilate(height, footprint)
        for start_row, start_column in _starts(heightmap.grid.resolution, config):
            x, y = heightmap.grid.to_meters(*view.to_cell(start_row, start_column))
            start = Primitive.push((float(x), float(y), 0.0), view.angle)
            barred = any(is_similar(start, other) for other in refused)
            if barred or not _stays(heightmap.grid, x, y, view.angle, config):
                continue
            surface = float(start_height[start_row, start_column])
            sweep = _sweep(height, target, start_row, start_column, surface, heightmap.grid.resolution, gripper, config)
            value = _target_value(sweep, config) if mask is not None else _search_value(sweep, peak, config)
            value -= config.repeat_cost * sum(is_similar(start, other) for other in recent)
            if best is None or value > best.q_value:
                best = Primitive.push((float(x), float(y), sweep.z), view.angle, value)
    return best


def _starts(resolution: float, config: PushPlannerConfig) -> Iterator[tuple[int, int]]:
    """Yield the pixels (row, column) of a view at which a push along its columns may start."""
    middle = (VIEW_SIZE_PX - 1) / 2
    for distance in config.start_distances:
        for offset in config.start_offsets:
            yield round(middle + offset / resolution), round(middle - distance / resolution)


def _stays(grid: Grid, x: float, y: float, angle: float, config: PushPlannerConfig) -> bool:
    """Whether a stroke from (x, y), in meters, keeps its distances from the border of the workspace."""
    end_x, end_y = x + PUSH_LENGTH * math.cos(angle), y + PUSH_LENGTH * math.sin(angle)
    return grid.contains(x, y, config.start_border) and grid.contains(end_x, end_y, config.end_border)


def _peak(heightmap: Heightmap, row: float, column: float) -> float:
    """Return the highest surface within 4 cm of a cell, in meters."""
    size = round(0.08 / heightmap.grid.resolution)
    return float(heightmap.window(round(row) - size // 2, round(column) - size // 2, size).height.max())


def _sweep(
    height: NDArray[np.float32],
    target: NDArray[np.bool_],
    row: int,
    column: int,
    surface: float,
    resolution: float,
    gripper: GripperModel,
    config: PushPlannerConfig,
) -> Sweep:
    """Return what a push along the columns of a view meets; ``surface`` is the height in meters under its start."""
    on_surface = surface > OCCUPIED
    z = surface + config.surface_clearance if on_surface else config.table_height
    half_width = round(gripper.fingers_width / 2 / resolution)
    stroke, finger = round(PUSH_LENGTH / resolution), round(gripper.tip_width / 2 / resolution)
    rows = slice(max(row - half_width, 0), row + half_width + 1)
    columns = slice(max(column - finger, 0), column + stroke + finger)
    swept = height[rows, columns] > z + OCCUPIED
    on_target = target[rows, columns]
    beyond = height[max(row - 10, 0) : row + 11, columns.stop : columns.stop + 24] > OCCUPIED
    weights = _focus(config.focus, resolution)[rows, columns]
    return Sweep(
        z=z,
        neighbors=float(weights[swept & ~on_target].sum()) / BLOCK_CELLS,
        target=min(float((swept & on_target).sum()) / (BLOCK_CELLS / 2), 1.0),
        ahead=float(beyond.sum()) / BLOCK_CELLS,
        on_surface=on_surface,
        idle=float(swept.sum()) < 0.15 * BLOCK_CELLS,
    )


def _focus(focus: float, resolution: float) -> NDArray[np.float64]:
    """Return the weights of a view's pixels: 1 within 18 mm of the middle, beyond it a Gaussian of ``focus`` meters."""
    offsets = (np.arange(VIEW_SIZE_PX) - (VIEW_SIZE_PX - 1) / 2) * resolution
    distance = np.hypot(offsets[:, None], offsets[None, :])
    return np.exp(-((np.maximum(distance - 0.018, 0.0) / focus) ** 2))


def _target_value(sweep: Sweep, config: PushPlannerConfig) -> float:
    """Score a push that is to free a target: sweep its neighbors and the target itself toward free ground."""
    return (
        config.neighbor_value * sweep.neighbors
        + config.target_value * sweep.target
        - config.ahead_cost * sweep.ahead
        - config.surface_cost * sweep.on_surface
        - config.idle_cost * (sweep.on_surface and sweep.idle)
    )


def _search_value(sweep: Sweep, peak: float, config: PushPlannerConfig) -> float:
    """Score a push that is to uncover a heap: as high as possible, but low enough to sweep the upper layer off."""
    strips = sweep.z < peak - config.layer
    return (
        config.neighbor_value * sweep.neighbors
        - config.ahead_cost * sweep.ahead
        + (config.layer_value if strips else -config.idle_cost)
        + 2 * config.layer_value * min(sweep.z / max(peak, 1e-3), 0.6)
    )
