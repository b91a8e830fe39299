"""Antipodal grasps of a target on the heightmap, with a clearance check for both fingers and the palm.

For each angle of the closing axis the target's outline gives, row by row, how wide it is under a finger's width and
where its middle lies. The fingers open that far and a little more; they fit if nothing but the target stands where
their tips come down and swing in.
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
from impurity_grasp_ros.policy.rotation import View

VIEW_SIZE_PX = 96
EDGE_PX = 2
"""Cells inside the outline at which the height of an edge is read; the outermost cells mix with the ground."""


@dataclass(frozen=True)
class GraspPlannerConfig:
    """What makes a grasp feasible and what makes it good."""

    angles: int = parameter("closing directions tried over half a turn", low=4, high=64)
    depth: float = parameter("m that the tips reach below the target's top where they can", low=0.01, high=0.05)
    min_engagement: float = parameter("m that they must reach below it", low=0.002, high=0.03)
    finger_slack: float = parameter("m between pad and target on either side before closing", low=0.002, high=0.02)
    clearance: float = parameter("m between finger tips and what they come down over", low=0.0, high=0.02)
    floor: float = parameter("m above the table that the closed tips keep", low=0.001, high=0.02)
    off_center_cost: float = parameter("score lost per metre beside the target's middle", low=0.0, high=100.0)
    width_cost: float = parameter("score lost per metre of target width", low=0.0, high=100.0)
    slope_cost: float = parameter("score lost per unit of edge slope under the pads", low=0.0, high=10.0)
    coverage_cost: float = parameter("score lost per part of the pads that meets nothing", low=0.0, high=10.0)
    crowd_cost: float = parameter("score lost when all the room beside the target is taken", low=0.0, high=10.0)


@dataclass(frozen=True)
class GraspCandidate:
    """A feasible grasp and how good it looks; a score of 1 is a free, centred, deep grasp."""

    primitive: Primitive
    score: float


def plan_grasps(
    heightmap: Heightmap, mask: NDArray[np.bool_], gripper: GripperModel, config: GraspPlannerConfig
) -> list[GraspCandidate]:
    """The best feasible grasp of each closing direction, best first.

    mask: (R, C) bool on the heightmap, the target's visible cells. Empty when no direction is feasible.
    """
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return []
    top = float(np.percentile(heightmap.height[mask], 90))
    others = np.where(mask, np.float32(0.0), heightmap.height)  # unseen cells count as free: a descent is force-limited
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
    """The best feasible grasp, if any, that closes along the view's columns."""
    resolution = heightmap.grid.resolution
    turned_mask = view.render(mask.astype(np.uint8)) > 0
    if not turned_mask.any():
        return []
    outline = trace_outline(turned_mask, view.render(heightmap.height), gripper.tip_width / resolution)
    rows, left, right = outline.rows, outline.left, outline.right
    middle = (left + right) / 2
    width = np.asarray((right - left + 1) * resolution, np.float64)
    closed_rise = np.array([gripper.tip_rise(value) for value in width])

    surface = view.render(others)
    side_height, crowding = _beside(surface, outline, gripper, config, resolution)
    palm_height = _around(surface, rows, middle, gripper, resolution)
    tip = np.maximum(top - config.depth, side_height + config.clearance)
    position_z = np.maximum(np.maximum(tip - closed_rise, config.floor), palm_height - gripper.palm_clearance)
    engagement = outline.edge_height - position_z - closed_rise
    off_center = np.abs(rows - (view.size - 1) / 2) * resolution

    covered = surface[rows, np.round(middle).astype(int)] > outline.edge_height  # the fingers would hold the cover
    feasible = (width + config.finger_slack <= gripper.stroke) & (engagement >= config.min_engagement) & ~covered
    score = np.where(feasible, _scores(outline, width, engagement, off_center, crowding, config), -np.inf)
    best = int(score.argmax())
    if not np.isfinite(score[best]):
        return []
    x, y = heightmap.grid.to_metres(*view.to_cell(float(rows[best]), float(middle[best])))
    opening = min(float(width[best]) + 2 * config.finger_slack, gripper.stroke)
    position = (float(x), float(y), float(position_z[best]))
    return [GraspCandidate(Primitive.grasp(position, view.angle, float(score[best]), opening), float(score[best]))]


@dataclass(frozen=True)
class Outline:
    """What two pads that close along the columns would meet, for every row (n,) of a turned mask.

    rows; left, right: first and last column within a finger's width; edge_height: metres of the target's surface just
    inside its lower edge, where a pad would press; slope: columns per row by which the steeper edge runs away;
    coverage: part of a finger's width that the target fills.
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
    """How good a grasp at every row of an outline (n,) looks; lengths in metres."""
    return (
        np.minimum(engagement / config.depth, 1.0)
        - config.off_center_cost * off_center
        - config.width_cost * width
        - config.slope_cost * outline.slope
        - config.crowd_cost * crowding
        - config.coverage_cost * (1.0 - outline.coverage)
    )


def trace_outline(mask: NDArray[np.bool_], height: NDArray[np.float32], finger_px: float) -> Outline:
    """Trace a turned mask that is not empty; ``finger_px`` is the width of a finger in pixels."""
    present = mask.any(axis=1)
    columns = mask.shape[1]
    first = np.where(present, mask.argmax(axis=1), columns)
    last = np.where(present, columns - 1 - mask[:, ::-1].argmax(axis=1), -1)
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
    """Highest surface where the two tips come down and swing in, and the part of that room that is taken."""
    length = round((gripper.tip_thickness + config.finger_slack) / resolution) | 1
    across = round(gripper.tip_width / resolution) | 1
    highest = cv2.dilate(surface, np.ones((across + 2, length + 2), np.uint8))
    taken = cv2.blur((surface > 0.01).astype(np.float32), (length, across))
    reach = length // 2 + 1
    columns = np.stack([outline.left - reach, outline.right + reach])
    columns = np.clip(columns, 0, surface.shape[1] - 1)
    return highest[outline.rows, columns].max(axis=0), taken[outline.rows, columns].max(axis=0)


def _around(
    surface: NDArray[np.float32],
    rows: NDArray[np.intp],
    middle: NDArray[np.float64],
    gripper: GripperModel,
    resolution: float,
) -> NDArray[np.float32]:
    """Highest surface under palm and knuckles."""
    along, across = (round(side / resolution) | 1 for side in (gripper.palm_length, gripper.palm_width))
    highest = cv2.dilate(surface, np.ones((across, along), np.uint8))
    return highest[rows, np.clip(np.round(middle).astype(int), 0, surface.shape[1] - 1)]
