"""Put aside what is in the way: a shallow grasp of the object, and a free place for it on the workspace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attempt, Grid, Heightmap, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.clearance import target_top
from impurity_grasp_ros.policy.grasp_planner import GraspPlannerConfig, plan_grasps
from impurity_grasp_ros.policy.history import is_similar

FOCUS = 0.04
"""Meters from the middle of a crop within which its highest object is taken."""

LEVEL = 0.006
"""Meters by which the surface of one object varies from cell to cell."""

DEPTH, MIN_ENGAGEMENT = 0.014, 0.008
"""Meters that the fingers reach below the top of the object, where they can, and at least: less than a low object's
height, so that what lies below it stays."""

COVERING, TOUCHING = 0.008, 3
"""Meters above a target's top, and cells from it, that make another object one that covers it."""

MIN_CELLS = 60
"""Cells of the top of a pile that can be grasped."""

OCCUPIED = 0.006
"""Meters; a surface more than this above the table counts as an object."""

ROOM = 0.012
"""Meters that stay free around an object that is put down, and the fingers beside it."""


def pushed_in_vain(crop: Grid, history: Sequence[Attempt]) -> int:
    """Count the latest attempts in a row that were pushes on a crop.

    Args:
        crop: Cells of the crop.
        history: Attempts of this job, oldest first.

    Returns:
        Their number.
    """
    count = 0
    for attempt in reversed(history):
        primitive = attempt.primitive
        if primitive.kind is not PrimitiveKind.PUSH or not crop.contains(*primitive.position[:2]):
            break
        count += 1
    return count


def plan_aside(
    crop: Heightmap,
    mask: NDArray[np.bool_],
    workspace: Heightmap,
    history: Sequence[Attempt],
    gripper: GripperModel,
    config: GraspPlannerConfig,
) -> Primitive | None:
    """Plan to move an object to a free part of the workspace.

    Args:
        crop: The view around the object.
        mask: (R, C) bool, visible cells of its top.
        workspace: The whole view, whose grid is the workspace.
        history: Attempts of this job, oldest first; moves that have failed are not repeated.
        gripper: The gripper.
        config: Limits and scores of grasps.

    Returns:
        The move; None if there is no grasp of the object, or no place for it.
    """
    failed = [
        item.primitive
        for item in history
        if item.primitive.kind is PrimitiveKind.MOVE and item.outcome.status is not OutcomeStatus.MOVED
    ]
    shallow = replace(config, depth=DEPTH, min_engagement=MIN_ENGAGEMENT)
    for candidate in plan_grasps(crop, mask, gripper, shallow):
        grasp = candidate.primitive
        radius = max(_radius(mask, crop.grid), grasp.opening / 2 + gripper.tip_thickness) + ROOM
        place = free_place(workspace, grasp.position[:2], radius)
        if place is None:
            return None
        move = Primitive.move(grasp.position, grasp.angle, place, 0.0, grasp.opening)
        if not any(is_similar(move, other) for other in failed):
            return move
    return None


def top_of_pile(crop: Heightmap) -> NDArray[np.bool_]:
    """Find the visible cells of the highest object near the middle of a crop.

    Args:
        crop: The crop (R, C).

    Returns:
        (R, C) bool; all False if there is none.
    """
    rows, columns = np.indices(crop.height.shape)
    middle_row, middle_column = (crop.grid.rows - 1) / 2, (crop.grid.columns - 1) / 2
    near = np.hypot(rows - middle_row, columns - middle_column) * crop.grid.resolution <= FOCUS
    return _level_with_the_highest(crop, near, OCCUPIED)


def cover_of(crop: Heightmap, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the visible cells of the highest object that lies on a target or leans on it.

    Args:
        crop: The crop (R, C) around the target.
        mask: (R, C) bool, the target's cells, at least one.

    Returns:
        (R, C) bool; all False if there is none.
    """
    around = cv2.dilate(mask.astype(np.uint8), np.ones((2 * TOUCHING + 1,) * 2, np.uint8)).astype(bool) & ~mask
    return _level_with_the_highest(crop, around, target_top(crop.height, mask) + COVERING)


def free_place(heightmap: Heightmap, near: tuple[float, float], radius: float) -> tuple[float, float] | None:
    """Find the nearest place around which nothing stands; what was not seen is not free.

    Args:
        heightmap: The view, whose grid is the workspace.
        near: (x, y) in meters, base frame.
        radius: Meters around the place that have to be free and on the workspace.

    Returns:
        (x, y) of the place; None if there is none.
    """
    grid = heightmap.grid
    free = np.pad(heightmap.valid & (heightmap.height <= OCCUPIED), 1).astype(np.uint8)
    distance = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1] * grid.resolution
    rows, columns = np.nonzero(distance >= radius)
    if len(rows) == 0:
        return None
    row, column = grid.to_cell(*near)
    nearest = int(np.hypot(rows - row, columns - column).argmin())
    x, y = grid.to_meters(float(rows[nearest]), float(columns[nearest]))
    return float(x), float(y)


def _level_with_the_highest(crop: Heightmap, near: NDArray[np.bool_], lowest: float) -> NDArray[np.bool_]:
    """Cells of the surface that the highest of some cells belong to, if they are higher than ``lowest`` meters."""
    peak = float(np.percentile(crop.height[near], 99)) if near.any() else 0.0
    level = np.abs(crop.height - peak) <= LEVEL
    count, labels = cv2.connectedComponents(level.astype(np.uint8), connectivity=4)
    sizes = np.bincount(labels[near & level], minlength=count)
    sizes[0] = 0
    found = np.asarray(labels == sizes.argmax()) & (sizes.max() > 0)
    return found if peak > lowest and np.count_nonzero(found) >= MIN_CELLS else np.zeros_like(near)


def _radius(mask: NDArray[np.bool_], grid: Grid) -> float:
    """Meters from the middle of some cells to the farthest one."""
    rows, columns = np.nonzero(mask)
    return (
        float(np.hypot(rows - rows.mean(), columns - columns.mean()).max()) * grid.resolution
        + math.sqrt(0.5) * grid.resolution
    )
