"""Heuristic pushes: through a target's tightest side, or through the upper layer of a heap that may hide one.

Candidates start on a small fan around the centre for each of the 16 directions of travel. Each sweeps a corridor of the
closed fingers' width; what stands in it, and where, makes the score.
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
from impurity_grasp_ros.datatypes import Grid, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.rotation import View

VIEW_SIZE_PX = 160

OCCUPIED = 0.004
"""Metres above the table, or above the tool, from which on a cell stands in the way."""


@dataclass(frozen=True)
class PushPlannerConfig:
    """Where pushes start and what they are worth. Counts of cells are divided by those of a typical block."""

    table_height: float = parameter("m, tool height of a push on the bare table", low=0.005, high=0.03)
    surface_clearance: float = parameter("m, tool height over objects under the start", low=0.0, high=0.03)
    start_distances: tuple[float, ...] = parameter("m from the centre, against the direction", low=0.0, high=0.12)
    start_offsets: tuple[float, ...] = parameter("m from the centre, across the direction", low=-0.08, high=0.08)
    start_border: float = parameter("m from the workspace's border that the start keeps", low=0.0, high=0.1)
    end_border: float = parameter("m that the end keeps, and with it what is swept along", low=0.0, high=0.15)
    focus: float = parameter("m around the target within which neighbours count most", low=0.005, high=0.1)
    neighbor_value: float = parameter("score of sweeping one block's worth of neighbours", low=0.0, high=10.0)
    target_value: float = parameter("score of sweeping the target", low=-10.0, high=10.0)
    ahead_cost: float = parameter("score lost when the end of the stroke is built up", low=0.0, high=10.0)
    surface_cost: float = parameter("score lost for starting on top of objects", low=0.0, high=10.0)
    idle_cost: float = parameter("score lost for sweeping next to nothing", low=0.0, high=10.0)
    layer: float = parameter("m below a heap's peak at which a stroke strips its upper layer", low=0.0, high=0.05)
    layer_value: float = parameter("score of stripping the upper layer", low=0.0, high=10.0)
    repeat_cost: float = parameter("score lost for repeating a recent push", low=0.0, high=10.0)


@dataclass(frozen=True)
class Sweep:
    """What one push would meet, in blocks' worth of cells. z: tool height in metres."""

    z: float
    neighbors: float
    target: float
    ahead: float
    on_surface: bool
    idle: bool


BLOCK_CELLS = 200.0
"""Cells that the swept part of a typical block covers."""


def plan_push(
    heightmap: Heightmap,
    mask: NDArray[np.bool_] | None,
    center: tuple[float, float],
    recent: Sequence[Primitive],
    gripper: GripperModel,
    config: PushPlannerConfig,
    refused: Sequence[Primitive] = (),
) -> Primitive | None:
    """The best push around ``center`` (x, y) in metres, None when none is left that stays in the workspace.

    mask: (R, C) bool, the target's cells, or None to search a heap. recent: earlier primitives, repeating one of which
    costs; refused: those that the robot cannot execute and that are not chosen again.
    """
    best: Primitive | None = None
    row, column = heightmap.grid.to_cell(*center)
    peak = _peak(heightmap, row, column)
    fingers = [round(side / heightmap.grid.resolution) for side in (gripper.fingers_width, gripper.tip_width)]
    footprint = np.ones([side + 2 | 1 for side in fingers], np.uint8)  # a turned view may miss a cell
    for step in range(ROTATIONS):
        view = View(row, column, step * ROTATION_STEP, VIEW_SIZE_PX)
        height = view.render(heightmap.height)
        target = view.render(mask.astype(np.uint8)) > 0 if mask is not None else np.zeros(height.shape, bool)
        start_height = cv2.dilate(height, footprint)
        for start_row, start_column in _starts(heightmap.grid.resolution, config):
            x, y = heightmap.grid.to_metres(*view.to_cell(start_row, start_column))
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


def is_similar(first: Primitive, second: Primitive, distance: float = 0.015, angle: float = 0.3) -> bool:
    """Whether two primitives of a kind start within ``distance`` metres and ``angle`` radians of each other."""
    if first.kind is not second.kind:
        return False
    period = math.pi if first.kind is PrimitiveKind.GRASP else 2 * math.pi
    turn = abs((first.angle - second.angle + period / 2) % period - period / 2)
    return math.dist(first.position[:2], second.position[:2]) < distance and turn < angle


def _starts(resolution: float, config: PushPlannerConfig) -> Iterator[tuple[int, int]]:
    """Pixels (row, column) of a view from which a push along its columns may start."""
    middle = (VIEW_SIZE_PX - 1) / 2
    for distance in config.start_distances:
        for offset in config.start_offsets:
            yield round(middle + offset / resolution), round(middle - distance / resolution)


def _stays(grid: Grid, x: float, y: float, angle: float, config: PushPlannerConfig) -> bool:
    """Whether a stroke from (x, y) keeps away from the border of the workspace."""
    end = (x + PUSH_LENGTH * math.cos(angle), y + PUSH_LENGTH * math.sin(angle))
    return _inside(grid, (x, y), config.start_border) and _inside(grid, end, config.end_border)


def _inside(grid: Grid, point: tuple[float, float], border: float) -> bool:
    x, y = point
    return all(grid.contains(x + dx, y + dy) for dx in (-border, border) for dy in (-border, border))


def _peak(heightmap: Heightmap, row: float, column: float) -> float:
    """Highest surface in metres within 4 cm of a cell."""
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
    """What a push along the columns of a turned view meets from a start pixel above ``surface`` metres."""
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
    """Weights of a view's pixels: 1 on a target-sized middle, falling off as a Gaussian of ``focus`` metres."""
    offsets = (np.arange(VIEW_SIZE_PX) - (VIEW_SIZE_PX - 1) / 2) * resolution
    distance = np.hypot(offsets[:, None], offsets[None, :])
    return np.exp(-((np.maximum(distance - 0.018, 0.0) / focus) ** 2))


def _target_value(sweep: Sweep, config: PushPlannerConfig) -> float:
    """Free a visible target: sweep its neighbours, take the target along, towards free ground."""
    return (
        config.neighbor_value * sweep.neighbors
        + config.target_value * sweep.target
        - config.ahead_cost * sweep.ahead
        - config.surface_cost * sweep.on_surface
        - config.idle_cost * (sweep.on_surface and sweep.idle)
    )


def _search_value(sweep: Sweep, peak: float, config: PushPlannerConfig) -> float:
    """Uncover a heap: strip its upper layer from as high as possible, but below the peak."""
    strips = sweep.z < peak - config.layer
    return (
        config.neighbor_value * sweep.neighbors
        - config.ahead_cost * sweep.ahead
        + (config.layer_value if strips else -config.idle_cost)
        + 2 * config.layer_value * min(sweep.z / max(peak, 1e-3), 0.6)
    )
