"""From a pixel of a view to a grasp: at which height and opening it is executed, and whether it is feasible.

The Q-network gives the value of an action; decoding derives the action itself, by geometry alone, and rules out actions
that are impossible or have no purpose. Pushes are decoded in ``push_decoding.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Grid, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.clearance import highest_within, lowest_tool_height, target_top, without_target
from impurity_grasp_ros.policy.contact import contacts
from impurity_grasp_ros.policy.rotation import View

OCCUPIED = 0.006
"""Meters; a surface more than this above the table counts as an object, one more than this above the tool is pushed."""

TIP_MARGIN = 0.002
"""Meters around a fingertip that must be free as well, where it comes down."""

FIRM_CONTACT = 5
"""A pad holds firmly up to its width divided by this from its middle; nearer to its edge, the target would turn."""

OFF_CENTER_SHARE, UNEVEN_SHARE = 0.1, 0.02
"""Weights, in the misfit, of the distance from the middle between the pads and of the unevenness of the outline."""


@dataclass(frozen=True)
class DecodingConfig:
    """The geometry of primitives. Lengths in meters."""

    grasp_depth: float = parameter("m that the tips reach below the target's top where they can", low=0.01, high=0.05)
    min_engagement: float = parameter("m that they must reach below its rim", low=0.0, high=0.03)
    finger_slack: float = parameter("m between pad and target on either side before closing", low=0.002, high=0.02)
    clearance: float = parameter("m that the tips stay above what they come down over", low=0.0, high=0.02)
    floor: float = parameter("m above the table, lowest tool height", low=0.001, high=0.02)
    push_height: float = parameter("m, tool height of a push on the bare table", low=0.005, high=0.03)
    surface_clearance: float = parameter("m, tool height over objects under the start", low=0.0, high=0.03)
    start_border: float = parameter(
        "m, smallest distance of a push's start from the workspace's border", low=0.0, high=0.1
    )
    end_border: float = parameter("m, the same for its end; leaves room for what is swept along", low=0.0, high=0.15)
    graspable: str = parameter("what may be grasped", choices=("target", "anything"))


@dataclass(frozen=True, eq=False)
class Decoded:
    """One kind of primitive in one view, for every pixel.

    Attributes:
        feasible: (S, S) bool, whether the primitive can be executed and has a purpose.
        z: (S, S) float32, tool height in meters.
        opening: (S, S) float32, opening of the fingers in meters; 0 for a push.
        misfit: (S, S) float64, how badly a grasp fits the target, in meters, see :func:`decode_grasps`; 0 for a push.
    """

    feasible: NDArray[np.bool_]
    z: NDArray[np.float32]
    opening: NDArray[np.float32]
    misfit: NDArray[np.float64]

    def primitive(
        self, kind: PrimitiveKind, view: View, grid: Grid, row: int, column: int, q_value: float
    ) -> Primitive:
        """Return the primitive of a pixel.

        Args:
            kind: The kind that was decoded.
            view: The view.
            grid: Cells of the image that the view shows.
            row: Row of the pixel.
            column: Column of the pixel.
            q_value: Value of the action.

        Returns:
            The primitive, in the base frame.
        """
        x, y = (float(value) for value in grid.to_meters(*view.to_cell(row, column)))
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
    """Decode grasps of a target that close along the columns of a view.

    The misfit of a grasp is the distance by which the target touches a pad outside the region of firm contact, plus
    small fractions of its distance from the middle between the pads and of the unevenness of its outline along them.

    Args:
        height: (S, S) float32, meters above the table.
        mask: (S, S) bool, the target's cells.
        resolution: Meters per pixel.
        gripper: The gripper.
        config: Geometry of the primitives.

    Returns:
        The grasps; feasible only on the target, where it fits between the fingers and they reach below both rims.
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
    """Return the tool height of a grasp in the middle of a view, by the rules of :func:`decode_grasps`.

    Args:
        height: (S, S) float32, meters above the table; S is odd.
        mask: (S, S) bool, the target's cells; if there are none, the pixel in the middle counts as the target.
        opening: Meters between the fingers before they close.
        resolution: Meters per pixel.
        gripper: The gripper.
        config: Geometry of the primitives.

    Returns:
        Meters above the table.
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
    """Decode grasps of any object, with fully open fingers that close along the columns of a view.

    Args:
        height: (S, S) float32, meters above the table.
        resolution: Meters per pixel.
        gripper: The gripper.
        config: Geometry of the primitives.

    Returns:
        The grasps; feasible where an object is high enough between the fingers. Their misfit is 0.
    """
    opening = np.full(height.shape, gripper.stroke, np.float32)
    beside = _beside(height, np.arange(height.shape[1]), opening / resolution / 2, resolution, gripper)
    palm = highest_within(height, gripper.palm_length, gripper.palm_width, resolution)
    top = highest_within(height, gripper.tip_width, gripper.tip_width, resolution)
    tip_limit = np.maximum(top - config.grasp_depth, beside + config.clearance)
    z = lowest_tool_height(tip_limit, palm, 0.0, config.floor, gripper)
    feasible = (height - z >= config.min_engagement) & (height > OCCUPIED)
    return Decoded(feasible, z.astype(np.float32), opening, np.zeros(height.shape))


@cache
def _rises(gripper: GripperModel) -> NDArray[np.float64]:
    """Return by how many meters the tips end above the tool center point, for openings of 0, 1, 2... mm."""
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
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Return the tool heights (S, S), and how far the tips end above them once they have closed on the target (S, 1).

    All lengths are in meters: ``width`` (S, 1) of the target in each row, ``opening`` (S, S) of the fingers before they
    close.
    """
    rises = _rises(gripper)
    closed_rise = rises[np.clip(np.round(width * 1000), 0, len(rises) - 1).astype(int)]
    others = without_target(height, mask)
    beside = _beside(others, np.arange(mask.shape[1]), opening / resolution / 2, resolution, gripper)
    palm = highest_within(others, gripper.palm_length, gripper.palm_width, resolution)
    tip_limit = np.maximum(target_top(height, mask) - config.grasp_depth, beside + config.clearance)
    return lowest_tool_height(tip_limit, palm, closed_rise, config.floor, gripper), closed_rise


def _beside(
    others: NDArray[np.float32],
    columns: NDArray[np.intp],
    half_opening_px: NDArray[np.float64],
    resolution: float,
    gripper: GripperModel,
) -> NDArray[np.float32]:
    """Return the highest surface where the two tips of a grasp at each pixel come down."""
    thickness, width = gripper.tip_thickness + 2 * TIP_MARGIN, gripper.tip_width + 2 * TIP_MARGIN
    highest = highest_within(others, thickness, width, resolution)
    offset = np.round(half_opening_px + gripper.tip_thickness / 2 / resolution).astype(int)
    rows, last = np.arange(len(others))[:, None], others.shape[1] - 1
    sides = [highest[rows, np.clip(columns + sign * offset, 0, last)] for sign in (-1, 1)]
    return np.maximum(*sides)
