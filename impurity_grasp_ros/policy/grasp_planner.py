"""Antipodal grasps of a target on the heightmap, with a clearance check for both fingers and the palm.

The target is seen in views whose columns run along the closing axis. In each row of a view, the outline within a
finger's width gives the width and the middle of the target. The fingers open a little wider than that. They fit if
nothing but the target stands where their tips come down and close.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap, Primitive
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.clearance import highest_within, lowest_tool_height, target_top, without_target
from impurity_grasp_ros.policy.contact import first_columns
from impurity_grasp_ros.policy.rotation import View

VIEW_SIZE_PX = 96
"""Edge of a view around the target's center."""

EDGE_PX = 2
"""Cells inside the outline at which the height of an edge is read; the outermost cells blend with the ground."""

CROWD_HEIGHT = 0.01
"""Meters above the table above which a cell next to the target counts as occupied."""


@dataclass(frozen=True)
class GraspPlannerConfig:
    """What makes a grasp feasible and what makes it good."""

    angles: int = parameter("closing directions tried over half a turn", low=4, high=64)
    depth: float = parameter("m that the tips reach below the target's top where they can", low=0.01, high=0.05)
    min_engagement: float = parameter("m that they must reach below its edge", low=0.002, high=0.03)
    finger_slack: float = parameter("m between pad and target on either side before closing", low=0.002, high=0.02)
    clearance: float = parameter("m that the tips stay above what they come down over", low=0.0, high=0.02)
    floor: float = parameter("m above the table, lowest tool height", low=0.001, high=0.02)
    off_center_cost: float = parameter("score lost per meter beside the target's middle", low=0.0, high=100.0)
    width_cost: float = parameter("score lost per meter of target width", low=0.0, high=100.0)
    slope_cost: float = parameter("score lost per unit of edge slope under the pads", low=0.0, high=10.0)
    coverage_cost: float = parameter("score lost per fraction of the pads that meets nothing", low=0.0, high=10.0)
    crowd_cost: float = parameter("score lost when all the room for a finger is occupied", low=0.0, high=10.0)


@dataclass(frozen=True)
class GraspCandidate:
    """A feasible grasp and its score.

    Attributes:
        primitive: The grasp, its score as ``q_value``.
        score: At most 1; higher is better.
    """

    primitive: Primitive
    score: float


def plan_grasps(
    heightmap: Heightmap, mask: NDArray[np.bool_], gripper: GripperModel, config: GraspPlannerConfig
) -> list[GraspCandidate]:
    """Plan grasps of a target.

    Args:
        heightmap: The view.
        mask: (R, C) bool, the target's visible cells.
        gripper: The gripper.
        config: Limits and scores.

    Returns:
        The best feasible grasp of each closing direction, best first; empty if there is none.
    """
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return []
    top, others = target_top(heightmap.height, mask), without_target(heightmap.height, mask)
    candidates = []
    for angle in np.arange(config.angles) * math.pi / config.angles:
        view = View(float(rows.mean()), float(columns.mean()), float(angle), VIEW_SIZE_PX)
        candidates += _best_in_view(heightmap, others, mask, view, top, gripper, config)
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _best_in_view(
    heightmap: Heightmap,
    others: NDArray[np.float32],
    mask: NDArray[np.bool_],
    view: View,
    top: float,
    gripper: GripperModel,
    config: GraspPlannerConfig,
) -> list[GraspCandidate]:
    """Return the best feasible grasp, if any, that closes along the columns of a view."""
    resolution = heightmap.grid.resolution
    turned_mask = view.render(mask.astype(np.uint8)) > 0
    if not turned_mask.any():
        return []
    outline = trace_outline(turned_mask, view.render(heightmap.height), gripper.tip_width / resolution)
    rows, middle = outline.rows, (outline.left + outline.right) / 2
    middle_px = np.round(middle).astype(int)
    width = np.asarray((outline.right - outline.left + 1) * resolution, np.float64)
    closed_rise = np.array([gripper.tip_rise(value) for value in width])

    surface = view.render(others)
    side_height, crowding = _beside(surface, outline, gripper, config, resolution)
    under_palm = highest_within(surface, gripper.palm_length, gripper.palm_width, resolution)
    tip_limit = np.maximum(top - config.depth, side_height + config.clearance)
    position_z = lowest_tool_height(tip_limit, under_palm[rows, middle_px], closed_rise, config.floor, gripper)
    engagement = outline.edge_height - position_z - closed_rise
    off_center = np.abs(rows - (view.size - 1) / 2) * resolution

    covered = surface[rows, middle_px] > outline.edge_height  # there the fingers would hold the cover
    feasible = (width + config.finger_slack <= gripper.stroke) & (engagement >= config.min_engagement) & ~covered
    score = np.where(feasible, _scores(outline, width, engagement, off_center, crowding, config), -np.inf)
    best = int(score.argmax())
    if not np.isfinite(score[best]):
        return []
    x, y = heightmap.grid.to_meters(*view.to_cell(float(rows[best]), float(middle[best])))
    opening = min(float(width[best]) + 2 * config.finger_slack, gripper.stroke)
    position = (float(x), float(y), float(position_z[best]))
    return [GraspCandidate(Primitive.grasp(position, view.angle, float(score[best]), opening), float(score[best]))]


@dataclass(frozen=True)
class Outline:
    """What two pads that close along the columns would meet, for each row (n,) of a view that shows the target.

    Attributes:
        rows: (n,) indices of these rows.
        left: (n,) the target's first column within a finger's width.
        right: (n,) the target's last column within a finger's width.
        edge_height: (n,) height in meters just inside the lower of the two edges, where a pad would press.
        slope: (n,) columns per row by which the steeper of the two edges deviates from the pad.
        coverage: (n,) fraction of a finger's width that the target fills.
    """

    rows: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    edge_height: NDArray[np.float64]
    slope: NDArray[np.float64]
    coverage: NDArray[np.float64]


def _scores(
    outline: Outline,
    width: NDArray[np.float64],
    engagement: NDArray[np.float64],
    off_center: NDArray[np.float64],
    crowding: NDArray[np.float32],
    config: GraspPlannerConfig,
) -> NDArray[np.float64]:
    """Return the scores (n,) of grasps at the rows of an outline; lengths in meters."""
    return (
        np.minimum(engagement / config.depth, 1.0)
        - config.off_center_cost * off_center
        - config.width_cost * width
        - config.slope_cost * outline.slope
        - config.crowd_cost * crowding
        - config.coverage_cost * (1.0 - outline.coverage)
    )


def trace_outline(mask: NDArray[np.bool_], height: NDArray[np.float32], finger_px: float) -> Outline:
    """Trace the outline of a target.

    Args:
        mask: (S, S) bool, the target's cells in a view, at least one.
        height: (S, S) float32, meters above the table.
        finger_px: Width of a finger in pixels.

    Returns:
        The outline.
    """
    columns = mask.shape[1]
    first, last = first_columns(mask), columns - 1 - first_columns(mask[:, ::-1])  # -1 in rows without the target
    present = first < columns
    window = max(3, round(finger_px))
    rows = np.nonzero(present)[0]
    left, right = minimum_filter1d(first, window)[rows], maximum_filter1d(last, window)[rows]

    inside = np.minimum(EDGE_PX, (last - first) // 2)[rows]
    edges = [height[rows, first[rows] + inside], height[rows, last[rows] - inside]]
    edge_height = np.min([uniform_filter1d(edge.astype(np.float64), window, mode="nearest") for edge in edges], axis=0)

    quarter = max(1, window // 4)
    low, high = np.clip(rows - quarter, rows[0], rows[-1]), np.clip(rows + quarter, rows[0], rows[-1])
    runs = [np.abs(edge[high] - edge[low]) / np.maximum(high - low, 1) for edge in (first, last)]
    coverage = uniform_filter1d(present.astype(np.float64), window, mode="constant")[rows]
    return Outline(rows, left, right, edge_height, np.max(runs, axis=0), coverage)


def _beside(
    surface: NDArray[np.float32],
    outline: Outline,
    gripper: GripperModel,
    config: GraspPlannerConfig,
    resolution: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the highest surface where either tip comes down, and the occupied fraction of that room, both (n,)."""
    length = round((gripper.tip_thickness + config.finger_slack) / resolution) | 1
    across = round(gripper.tip_width / resolution) | 1
    highest = cv2.dilate(surface, np.ones((across + 2, length + 2), np.uint8))
    occupied = cv2.blur((surface > CROWD_HEIGHT).astype(np.float32), (length, across))
    reach = length // 2 + 1
    columns = np.stack([outline.left - reach, outline.right + reach])
    columns = np.clip(columns, 0, surface.shape[1] - 1)
    return highest[outline.rows, columns].max(axis=0), occupied[outline.rows, columns].max(axis=0)
