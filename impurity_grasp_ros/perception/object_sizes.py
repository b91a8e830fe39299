"""Sizes of the objects in view, by which a single high object is told from a pile.

A pile could hide a target, a single object cannot. From above, a box that stands on end is as high as a pile. It is one
object if others of the same size lie beside it: the three edges of its bounding box are theirs in another order.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.objects_config import SizesConfig
from impurity_grasp_ros.perception.quantiles import quantiles
from impurity_grasp_ros.perception.segmentation import Labels, boxes

Sizes = NDArray[np.float64]
"""(n, 3) edges of the bounding boxes of objects in meters, the longest first."""

LEVEL = 0.006
"""Largest difference in meters between the heights of most of the top of an object that lies or stands level."""

_LOW, _HIGH = 0.25, 0.95
"""Shares of an object's cells between whose heights ``LEVEL`` holds; its height is that of the second one."""


def measured(labels: Labels, height: NDArray[np.float32], resolution: float) -> tuple[Sizes, NDArray[np.float64]]:
    """Measure the objects in view.

    Args:
        labels: (R, C) int64, objects numbered from 0, with their borders; -1 for none.
        height: (R, C) float32, meters above the table.
        resolution: Meters per cell.

    Returns:
        (n, 3): the sides of the smallest rectangle around the cells, and the height, the longest first; NaN for
        objects that are not level. (n,): the heights in meters.
    """
    count = int(labels.max()) + 1
    sizes, heights = np.full((count, 3), np.nan), np.zeros(count)
    for index, place in boxes(labels):
        own = labels[place] == index
        low, heights[index] = quantiles(height[place][own].astype(np.float64), (_LOW, _HIGH))
        if heights[index] - low <= LEVEL:
            _, sides, _ = cv2.minAreaRect(np.argwhere(own).astype(np.float32))
            sizes[index] = *((np.array(sides) + 1.0) * resolution), heights[index]
    return np.sort(sizes, axis=1)[:, ::-1], heights


def of_known_size(sizes: Sizes, known: Sizes, config: SizesConfig) -> NDArray[np.bool_]:
    """Find the objects (n,) whose three edges are those of enough known objects.

    Args:
        sizes: (n, 3) of the objects in view.
        known: (k, 3) of single objects.
        config: How many are enough, and how much they may differ.
    """
    same = np.abs(sizes[:, None] - known).max(axis=2, initial=0.0) <= config.tolerance
    return np.asarray(same.sum(axis=1) >= config.least)
