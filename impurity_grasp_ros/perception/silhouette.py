"""Find the outline of the object that a patch of odd cells belongs to; grasps are planned on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Heightmap

Mask = NDArray[np.bool_]
"""A subset of the heightmap's cells, (R, C)."""

_SQUARE = np.ones((3, 3), np.uint8)
_HEIGHT_WEIGHT = 2.0
"""Weight of height differences relative to horizontal distances when touching objects are told apart."""

_MAX_ROUNDS = 20
"""Limit on the iterations of 2-means clustering."""

_MIN_CELLS = 8
"""Parts of at most this many cells are not divided further."""


def component(mask: Mask, seed: Mask) -> Mask:
    """Return the 4-connected part of a mask that overlaps most with a seed.

    Args:
        mask: (R, C) bool.
        seed: (R, C) bool.

    Returns:
        (R, C) bool; ``seed`` itself when no part of ``mask`` overlaps with it.
    """
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    shared = np.bincount(labels[seed & mask], minlength=count)
    return np.asarray(labels == shared.argmax()) if shared.any() else seed


def eroded(mask: Mask) -> Mask:
    """Return a mask (R, C) without its outermost cells; cells beyond the border of the map count as outside."""
    return cv2.erode(mask.astype(np.uint8), _SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(np.bool_)


def outline(patch: Mask, alike: Mask, objects: Mask, heightmap: Heightmap, max_step: float) -> Mask:
    """Find the cells of the object that a patch belongs to.

    The patch grows over ``alike`` until a step in height stops it, then over the ring of edge cells, whose colors are
    not reliable.

    Args:
        patch: (R, C) bool, odd cells of one object.
        alike: (R, C) bool, object cells that look more like the patch than like ordinary objects. They are at least one
            cell away from the edge of ``objects``.
        objects: (R, C) bool, the cells that carry objects.
        heightmap: The view.
        max_step: Meters; a step in height of this size separates objects.

    Returns:
        (R, C) bool, a subset of ``objects``.
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
    """Divide a mask that is longer than any single object into its objects.

    Touching impurities of one color form a single patch. It is divided by 2-means clustering of position and height,
    starting from the halves along its long axis, until every part is short enough.

    Args:
        mask: (R, C) bool.
        heightmap: The view.
        max_length: Length in meters of the longest possible object.

    Returns:
        The parts, (R, C) bool each; ``mask`` alone when it is not longer than ``max_length``.
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
    """Return the longer side, in cells, of the smallest rectangle around the cells."""
    _, sides, _ = cv2.minAreaRect(np.column_stack([columns, rows]).astype(np.float32))
    return float(max(sides)) + 1.0


def _two_means(points: NDArray[np.float64]) -> Mask:
    """Return which of the points (N, D) belong to the second of two clusters, (N,) bool; neither cluster is empty."""
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
