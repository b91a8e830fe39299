"""What lies around each object in view: an object that is partly hidden, or a part of one, looks unlike the others."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.segmentation import Labels, boxes

SURROUNDINGS = 7
"""Numbers that :func:`surroundings` gives for each object."""

HIGHER = 2
"""Which of them is the share that is higher."""

STEP = 0.006
"""Least difference in height, in meters, at which a neighbor counts as higher or lower."""

TABLE = 0.005
"""Meters above the table up to which a cell shows the table."""

USUAL_CELLS = 300.0
"""Size of an object in cells whose size counts as 0."""

_NEAR = np.ones((3, 3), np.uint8)
_AROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
_LOCAL, _MARGIN = (11, 11), 6
"""Area over which an object's height beside its border is the mean, and cells around the object that are needed."""


def surroundings(labels: Labels, height: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Describe what lies around all objects, in a ring of two to four cells from their borders.

    Args:
        labels: (R, C) int64, objects numbered from 0; -1 for none.
        height: (R, C) float32, meters above the table.
        seen: (R, C) bool.

    Returns:
        (n, 7) float32 per object: shares of the ring that were not seen, show the table, are higher, lower, or as high
        as the object beside them; the binary logarithm of its size; 1 if the view ends beside it, else 0.
    """
    found = np.zeros((int(labels.max()) + 1, SURROUNDINGS), np.float32)
    for index, place in boxes(labels):
        box = tuple(_wider(side, size) for side, size in zip(place, labels.shape, strict=True))
        own = (labels[box] == index).astype(np.uint8)
        found[index, :5] = _shares(own, height[box], seen[box])
        ends = any(side.start == 0 or side.stop == size for side, size in zip(box, labels.shape, strict=True))
        found[index, 5:] = np.log2(own.sum() / USUAL_CELLS), ends
    return found


def _wider(side: slice, size: int) -> slice:
    return slice(max(side.start - _MARGIN, 0), min(side.stop + _MARGIN, size))


def _shares(own: NDArray[np.uint8], height: NDArray[np.float32], seen: NDArray[np.bool_]) -> list[float]:
    """Shares of the ring around one object; all 0 without a ring."""
    ring = (cv2.dilate(own, _AROUND) > 0) & (cv2.dilate(own, _NEAR) == 0)
    cells = cv2.boxFilter(own.astype(np.float32), -1, _LOCAL, normalize=False)
    beside = cv2.boxFilter(height * own, -1, _LOCAL, normalize=False) / np.maximum(cells, 1.0)
    step = (height - beside)[ring]
    unseen = ~seen[ring]
    table = ~unseen & (height[ring] < TABLE)
    other = ~unseen & ~table
    kinds = (unseen, table, other & (step > STEP), other & (step < -STEP), other & (np.abs(step) <= STEP))
    return [float(kind.sum()) / max(int(ring.sum()), 1) for kind in kinds]
