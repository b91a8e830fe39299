"""How deep an open gripper may go down without touching what stands around a target.

Images are views of a heightmap whose columns run along the closing axis of a grasp, or along the travel of a push.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.gripper import GripperModel


def target_top(height: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return the height of a target's top: its 90th percentile, so that a few high cells do not matter.

    Args:
        height: (R, C) float32, meters above the table.
        mask: (R, C) bool, the target's cells, at least one.

    Returns:
        Meters above the table.
    """
    return float(np.percentile(height[mask], 90))


def without_target(height: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the heights of everything but the target, which the fingers may touch.

    Cells that were not seen stay at 0 and so count as free: the force limit of a descent covers what is hidden there.

    Args:
        height: (R, C) float32, meters above the table, 0 where nothing was seen.
        mask: (R, C) bool, the target's cells.

    Returns:
        (R, C) float32, meters above the table, 0 in the target's cells.
    """
    return np.where(mask, np.float32(0.0), height)


def highest_within(height: NDArray[np.float32], length: float, width: float, resolution: float) -> NDArray[np.float32]:
    """Return the highest surface in a rectangle that is centered on each pixel of a view.

    Args:
        height: (S, S) float32, meters above the table.
        length: Meters along the columns.
        width: Meters along the rows.
        resolution: Meters per pixel.

    Returns:
        (S, S) float32, meters above the table.
    """
    return np.asarray(cv2.dilate(height, _rectangle(length, width, resolution)), np.float32)


def highest_ahead(height: NDArray[np.float32], length: float, width: float, resolution: float) -> NDArray[np.float32]:
    """Return the highest surface in a corridor that begins at each pixel of a view and runs along the columns.

    Args:
        height: (S, S) float32, meters above the table.
        length: Length of the corridor in meters.
        width: Width of the corridor in meters.
        resolution: Meters per pixel.

    Returns:
        (S, S) float32, meters above the table.
    """
    corridor = _rectangle(length, width, resolution)
    return np.asarray(cv2.dilate(height, corridor, anchor=(0, corridor.shape[0] // 2)), np.float32)


def lowest_tool_height(
    tip_limit: NDArray[np.floating],
    palm_surface: NDArray[np.float32],
    closed_rise: NDArray[np.float64] | float,
    floor: float,
    gripper: GripperModel,
) -> NDArray[np.floating]:
    """Return the lowest tool height at which neither the fingertips nor the palm are too low.

    Args:
        tip_limit: Lowest height of the fingertips.
        palm_surface: Highest surface under the palm.
        closed_rise: How far the tips end above the tool center point once they have closed on the target.
        floor: Lowest tool height over the bare table.
        gripper: The gripper, whose palm stays at a fixed distance above the tool center point.

    Returns:
        Heights of the tool center point. All lengths are in meters, all arrays of one shape.
    """
    return np.maximum(np.maximum(tip_limit - closed_rise, floor), palm_surface - gripper.palm_clearance)


def _rectangle(length: float, width: float, resolution: float) -> NDArray[np.uint8]:
    """Return a kernel of ``length`` meters along the columns and ``width`` along the rows, an odd number of pixels."""
    return np.ones((round(width / resolution) | 1, round(length / resolution) | 1), np.uint8)
