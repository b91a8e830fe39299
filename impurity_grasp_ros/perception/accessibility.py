"""Which of several targets comes first: the one that two fingers reach best. Each one taken makes room for the next."""

from __future__ import annotations

import cv2
import numpy as np

from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.silhouette import Mask

AXES = 8
"""Closing axes that are looked along."""

ENGAGEMENT = 0.012
"""Metres that finger tips reach below an object's top."""

RING = (0.003, 0.018)
"""Metres from an object's outline between which a finger comes down, slack included."""

BLOCKED_SHARE = 0.1
"""Part of a sector of the ring that may be in the way without blocking it."""


def most_accessible(masks: list[Mask], heightmap: Heightmap) -> Mask:
    """The mask (R, C) of the object with room for fingers along most axes, then with most room around it."""
    return max(masks, key=lambda mask: room(mask, heightmap)) if len(masks) > 1 else masks[0]


def room(mask: Mask, heightmap: Heightmap) -> tuple[int, float]:
    """Number of axes along which the ring around an object is free on both sides, and the part of the ring that is.

    What lies off the map counts as free, what nobody saw as table.
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
