"""From a pixel of a view to a primitive: which pixels can be acted on at all, at which height and opening.

The Q-network says how good an action is. This module says what the action is, by geometry alone, and masks what is
pointless or impossible: empty pixels, strokes that leave the workspace, openings beyond the gripper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import Grid, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.contact import contacts
from impurity_grasp_ros.policy.rotation import View

OCCUPIED = 0.006
"""Metres above the table, or above the tool, from which on a cell stands in the way."""

FIRM_CONTACT = 5
"""A pad holds what it touches up to its width divided by this from its middle; near its edge, a target turns away."""

OFF_CENTER_SHARE, UNEVEN_SHARE = 0.1, 0.02
"""What a metre off the middle between the pads, and one of unevenness, count against one beyond firm contact."""


@dataclass(frozen=True)
class DecodingConfig:
    """The geometry of primitives. Lengths in metres."""

    grasp_depth: float = parameter("m that the tips reach below the target's top where they can", low=0.01, high=0.05)
    min_engagement: float = parameter("m that they must reach below it", low=0.0, high=0.03)
    finger_slack: float = parameter("m between pad and target on either side before closing", low=0.002, high=0.02)
    clearance: float = parameter("m between finger tips and what they come down over", low=0.0, high=0.02)
    floor: float = parameter("m above the table that the closed tips keep", low=0.001, high=0.02)
    push_height: float = parameter("m, tool height of a push on the bare table", low=0.005, high=0.03)
    surface_clearance: float = parameter("m, tool height over objects under the start", low=0.0, high=0.03)
    start_border: float = parameter("m from the workspace's border that a push's start keeps", low=0.0, high=0.1)
    end_border: float = parameter("m that its end keeps, and with it what is swept along", low=0.0, high=0.15)
    graspable: str = parameter("what a grasp may be about", choices=("target", "anything"))


@dataclass(frozen=True, eq=False)
class Decoded:
    """One kind of primitive in one view, for every pixel (S, S).

    Attributes:
        feasible: Whether the primitive can be carried out and has a purpose.
        z: Tool height in meters.
        opening: Opening of the fingers in meters; 0 for a push.
        misfit: How badly a grasp fits the target, in meters, see :func:`decode_grasps`; 0 for a push.
    """

    feasible: NDArray[np.bool_]
    z: NDArray[np.float32]
    opening: NDArray[np.float32]
    misfit: NDArray[np.float64]

    def primitive(
        self, kind: PrimitiveKind, view: View, grid: Grid, row: int, column: int, q_value: float
    ) -> Primitive:
        """The primitive of a pixel; ``view`` is one of an image on ``grid``."""
        x, y = (float(value) for value in grid.to_metres(*view.to_cell(row, column)))
        position = (x, y, float(self.z[row, column]))
        if kind is PrimitiveKind.PUSH:
            return Primitive.push(position, view.angle, q_value)
        return Primitive.grasp(position, view.angle, q_value, float(self.opening[row, column]))


def decode_grasps(
    height: NDArray[np.float32],
    mask: NDArray[np.bool_],
    resolution: float,
    gripper: GripperModel,
    config: DecodingConfig,
) -> Decoded:
    """Grasps that close along the columns of a view, from heights (S, S) in metres and the target's cells (S, S).

    The misfit of a grasp is the distance beyond firm contact at which the target touches a pad, plus a small share of
    its distance from the middle between the pads and of the unevenness of its outline along them.
    """
    if not mask.any():
        nothing = np.zeros(height.shape, np.float32)
        return Decoded(nothing > 0, nothing, nothing, np.zeros(height.shape))
    left, right = contacts(height, mask, round(gripper.tip_width / resolution) | 1)
    columns = np.arange(mask.shape[1])
    reach = np.maximum(right.column[:, None] - columns, columns - left.column[:, None])
    opening = (2 * reach + 1) * resolution + 2 * config.finger_slack
    width = np.maximum(right.column - left.column + 1, 0.0)[:, None] * resolution
    z, closed_rise = _tool_heights(height, mask, width, opening, resolution, gripper, config)
    engagement = np.minimum(left.height, right.height)[:, None] - z - closed_rise
    feasible = mask & (opening <= gripper.stroke) & (engagement >= config.min_engagement) & (height > OCCUPIED)
    beyond = np.maximum(np.maximum(left.aside, right.aside) * resolution - gripper.tip_width / FIRM_CONTACT, 0.0)[
        :, None
    ]
    off_center = np.abs((left.column + right.column)[:, None] / 2 - columns) * resolution
    uneven = (left.recess + right.recess)[:, None] * resolution
    misfit = beyond + OFF_CENTER_SHARE * off_center + UNEVEN_SHARE * uneven
    return Decoded(feasible, z.astype(np.float32), np.minimum(opening, gripper.stroke).astype(np.float32), misfit)


def grasp_height(
    height: NDArray[np.float32],
    mask: NDArray[np.bool_],
    opening: float,
    resolution: float,
    gripper: GripperModel,
    config: DecodingConfig,
) -> float:
    """Tool height in metres of a grasp at the middle of a view (S, S), S odd, that opens so many metres.

    The rules are those of :func:`decode_grasps`. Where the mask is empty, the middle's own height counts as the top.
    """
    middle = len(height) // 2
    if not mask.any():
        mask = mask.copy()
        mask[middle, middle] = True
    width = np.full((len(height), 1), max(opening - 2 * config.finger_slack, 0.0))
    z, _ = _tool_heights(height, mask, width, np.full(height.shape, opening), resolution, gripper, config)
    return float(z[middle, middle])


def decode_open_grasps(
    height: NDArray[np.float32], resolution: float, gripper: GripperModel, config: DecodingConfig
) -> Decoded:
    """Grasps of whatever is there, with open fingers that close along the columns, from heights (S, S) in metres."""
    opening = np.full(height.shape, gripper.stroke, np.float32)
    beside = _beside(height, np.arange(height.shape[1]), opening / resolution / 2, resolution, gripper)
    palm = cv2.dilate(height, _box(gripper.palm_length, gripper.palm_width, resolution))
    top = cv2.dilate(height, _box(gripper.tip_width, gripper.tip_width, resolution))
    tip = np.maximum(np.maximum(top - config.grasp_depth, beside + config.clearance), config.floor)
    z = np.maximum(tip, palm - gripper.palm_clearance)
    feasible = (height - z >= config.min_engagement) & (height > OCCUPIED)
    return Decoded(feasible, z.astype(np.float32), opening, np.zeros(height.shape))


def decode_pushes(
    height: NDArray[np.float32],
    view: View,
    grid: Grid,
    workspace: Grid,
    inside: NDArray[np.bool_],
    gripper: GripperModel,
    config: DecodingConfig,
) -> Decoded:
    """Pushes along the columns of a view of an image on ``grid`` that stay on ``workspace``.

    height: (S, S) metres. inside: (S, S) pixels where a push may start.
    """
    under = cv2.dilate(height, _box(gripper.tip_width, gripper.fingers_width, grid.resolution))
    z = np.where(under > OCCUPIED, under + config.surface_clearance, np.float32(config.push_height))
    meets = _highest_ahead(height, gripper.fingers_width, grid.resolution) > z + OCCUPIED
    feasible = inside & meets & _stays(view, grid, workspace, config)
    return Decoded(feasible, z.astype(np.float32), np.zeros_like(height), np.zeros(height.shape))


@cache
def _rises(gripper: GripperModel) -> NDArray[np.float64]:
    """Meters that the tips end above the tool center point, at openings 1 mm apart from 0 to the stroke."""
    count = round(1000 * gripper.stroke) + 1
    return np.array([gripper.tip_rise(width) for width in np.linspace(0.0, gripper.stroke, count)])


def _tool_heights(
    height: NDArray[np.float32],
    mask: NDArray[np.bool_],
    width: NDArray[np.float64],
    opening: NDArray[np.float64],
    resolution: float,
    gripper: GripperModel,
    config: DecodingConfig,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tool heights (S, S), and how far the tips end above it once they have closed on ``width`` (S, 1); all in metres.

    opening: (S, S) metres between the fingers of a grasp at each pixel.
    """
    rises = _rises(gripper)
    closed_rise = rises[np.clip(np.round(width * 1000), 0, len(rises) - 1).astype(int)]
    others = np.where(mask, np.float32(0.0), height)  # unseen cells count as free: a descent is force-limited
    beside = _beside(others, np.arange(mask.shape[1]), opening / resolution / 2, resolution, gripper)
    palm = cv2.dilate(others, _box(gripper.palm_length, gripper.palm_width, resolution))
    top = float(np.percentile(height[mask], 90))
    tip = np.maximum(top - config.grasp_depth, beside + config.clearance)
    return np.maximum(np.maximum(tip - closed_rise, config.floor), palm - gripper.palm_clearance), closed_rise


def _beside(
    others: NDArray[np.float32],
    columns: NDArray[np.intp],
    half_opening_px: NDArray[np.float64],
    resolution: float,
    gripper: GripperModel,
) -> NDArray[np.float32]:
    """Highest surface where the two tips come down, for every pixel that a grasp may be centred on."""
    highest = cv2.dilate(others, _box(gripper.tip_thickness + 0.004, gripper.tip_width + 0.004, resolution))
    offset = np.round(half_opening_px + gripper.tip_thickness / 2 / resolution).astype(int)
    rows, last = np.arange(len(others))[:, None], others.shape[1] - 1
    sides = [highest[rows, np.clip(columns + sign * offset, 0, last)] for sign in (-1, 1)]
    return np.maximum(*sides)


def _highest_ahead(height: NDArray[np.float32], width: float, resolution: float) -> NDArray[np.float32]:
    """Highest surface in the corridor that a push from each pixel sweeps."""
    corridor = _box(PUSH_LENGTH, width, resolution)
    ahead = cv2.dilate(height, corridor, anchor=(0, corridor.shape[0] // 2))
    return np.asarray(ahead, np.float32)


def _stays(view: View, grid: Grid, workspace: Grid, config: DecodingConfig) -> NDArray[np.bool_]:
    """Whether a stroke from each pixel of a view keeps away from the border of the workspace."""
    rows, columns = np.meshgrid(np.arange(float(view.size)), np.arange(float(view.size)), indexing="ij")
    stays = np.ones((view.size, view.size), np.bool_)
    for ahead, border in ((0.0, config.start_border), (PUSH_LENGTH / grid.resolution, config.end_border)):
        x, y = grid.to_metres(*view.to_cell(rows, columns + ahead))
        for place, first, cells in ((x, workspace.x_min, workspace.columns), (y, workspace.y_min, workspace.rows)):
            last = first + cells * workspace.resolution
            stays &= (place >= first + border) & (place <= last - border)
    return stays


def _box(length: float, width: float, resolution: float) -> NDArray[np.uint8]:
    """A kernel of ``length`` metres along the columns and ``width`` along the rows."""
    return np.ones((round(width / resolution) | 1, round(length / resolution) | 1), np.uint8)
