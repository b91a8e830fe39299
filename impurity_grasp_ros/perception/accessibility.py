"""Choose which of several targets to pick first: the one that the two fingers can reach most easily.

Each target that is removed makes room for the next one.
"""

from __future__ import annotations

import cv2
import numpy as np

from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.silhouette import Mask

AXES = 8
"""Number of closing axes that are checked, evenly spaced over half a turn."""

ENGAGEMENT = 0.012
"""Meters that the fingertips reach below an object's top."""

RING = (0.003, 0.018)
"""Nearest and farthest distance in meters from an object's outline at which a finger comes down, including slack."""

BLOCKED_SHARE = 0.1
"""Fraction of a sector of the ring that may be occupied before the sector counts as blocked."""


def most_accessible(masks: list[Mask], heightmap: Heightmap) -> Mask:
    """Return the mask of the most accessible object.

    That is the one with room for the fingers along the most axes; ties go to the one with the most room around it.

    Args:
        masks: At least one (R, C) bool mask, each of one object.
        heightmap: The view.

    Returns:
        One of ``masks``.
    """
    return max(masks, key=lambda mask: room(mask, heightmap)) if len(masks) > 1 else masks[0]


def room(mask: Mask, heightmap: Heightmap) -> tuple[int, float]:
    """Measure the room for fingers around an object.

    Cells off the map count as free, and cells that were not seen count as table.

    Args:
        mask: (R, C) bool, the object's cells.
        heightmap: The view.

    Returns:
        The number of axes along which the ring around the object is free on both sides, and the fraction of the ring
        that is free.
    """
    low = np.percentile(heightmap.height[mask], 90) - ENGAGEMENT
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3) * heightmap.grid.resolution
    rows, columns = np.nonzero((away > RING[0]) & (away <= RING[1]))
    middle_row, middle_column = (index.mean() for index in np.nonzero(mask))
    turn = np.arctan2(rows - middle_row, columns - middle_column) / (2 * np.pi)
    sector = np.floor(turn * 2 * AXES + 0.5).astype(int) % (2 * AXES)
    high = heightmap.height[rows, columns] > low
    blocked = np.bincount(sector, high, minlength=2 * AXES)
    free = blocked <= BLOCKED_SHARE * np.bincount(sector, minlength=2 * AXES)
    return int(np.count_nonzero(free[:AXES] & free[AXES:])), 1.0 - float(high.mean())
