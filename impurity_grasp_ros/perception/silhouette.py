"""From a patch of odd cells to the outline of the one object it belongs to; grasps are planned on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Heightmap

Mask = NDArray[np.bool_]

_SQUARE = np.ones((3, 3), np.uint8)
_HEIGHT_WEIGHT = 2.0
"""How much more a metre of height counts than one on the table when touching objects are told apart."""
_MAX_ROUNDS = 20
_MIN_CELLS = 8


def component(mask: Mask, seed: Mask) -> Mask:
    """The 4-connected part of ``mask`` that shares most cells with ``seed``; ``seed`` itself where none does."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    shared = np.bincount(labels[seed & mask], minlength=count)
    return np.asarray(labels == shared.argmax()) if shared.any() else seed


def eroded(mask: Mask) -> Mask:
    """The mask without its outermost cells; those beyond the border of the map count as outside."""
    return cv2.erode(mask.astype(np.uint8), _SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(np.bool_)


def outline(patch: Mask, alike: Mask, objects: Mask, heightmap: Heightmap, max_step: float) -> Mask:
    """Cells (R, C) of the object that carries ``patch``.

    alike: inner object cells (one away from the edge of ``objects`` at least) that look like the patch rather than
    like ordinary objects. The patch grows over them as far as no step in height of ``max_step`` metres separates them,
    then by the ring of edge cells that carry no reliable colour.
    """
    surface = np.where(heightmap.valid, heightmap.height, np.float32(0.0))
    level = cv2.morphologyEx(surface, cv2.MORPH_GRADIENT, _SQUARE) < max_step
    grown = component(alike & level, patch)
    rest = alike | (objects & ~eroded(objects))
    for _ in range(2):
        grown = grown | (cv2.dilate(grown.astype(np.uint8), _SQUARE).astype(np.bool_) & rest)
    closed = cv2.morphologyEx(grown.astype(np.uint8), cv2.MORPH_CLOSE, _SQUARE).astype(np.bool_)
    return closed & objects


def single_objects(mask: Mask, heightmap: Heightmap, max_length: float) -> list[Mask]:
    """The mask (R, C) itself, or its parts where it is longer than any one object.

    Touching impurities of one colour make one patch. Two means over position and height cut it, starting from the
    halves along its long axis, until every part is at most ``max_length`` metres long.
    """
    rows, columns = np.nonzero(mask)
    resolution = heightmap.grid.resolution
    if len(rows) <= _MIN_CELLS or _length_px(rows, columns) * resolution <= max_length:
        return [mask]
    points = np.column_stack(
        [rows * resolution, columns * resolution, heightmap.height[rows, columns] * _HEIGHT_WEIGHT]
    )
    second, found = _two_means(points), []
    for kept in (second, ~second):
        part = np.zeros_like(mask)
        part[rows[kept], columns[kept]] = True
        found += single_objects(part, heightmap, max_length)
    return found


def _length_px(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
    """Longer side in cells of the smallest rectangle around the cells."""
    _, sides, _ = cv2.minAreaRect(np.column_stack([columns, rows]).astype(np.float32))
    return float(max(sides)) + 1.0


def _two_means(points: NDArray[np.float64]) -> Mask:
    """Which of the points (N, D) belong to the second of two clusters, neither of which is empty."""
    centered = points - points.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    along = centered @ axes[:, -1]
    second = along > np.median(along)
    for _ in range(_MAX_ROUNDS):
        if second.all() or not second.any():
            return along > 0.0
        to_first = ((points - points[~second].mean(axis=0)) ** 2).sum(axis=1)
        to_second = ((points - points[second].mean(axis=0)) ** 2).sum(axis=1)
        if np.array_equal(second, moved := to_second < to_first):
            break
        second = moved
    return second
