"""How much of the workspace looks different in two views, by height."""

from __future__ import annotations

import cv2
import numpy as np

from impurity_grasp_ros.datatypes import Heightmap

_CELLS = np.ones((5, 5), np.uint8)
"""A narrower change is the edge of an object that the camera sees now here, now a cell further on."""


def changed_area(before: Heightmap, after: Heightmap, height: float) -> float:
    """Measure where something was put, taken away or moved.

    Args:
        before: A view.
        after: A later view, on the same grid.
        height: Meters by which a cell must have become higher or lower.

    Returns:
        The area in m2 that has changed, of the cells that both views saw.
    """
    changed = before.valid & after.valid & (np.abs(after.height - before.height) > height)
    wide = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, _CELLS)
    return int(wide.sum()) * before.grid.resolution**2
