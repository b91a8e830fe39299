"""Fill cells that lie between the samples of one surface: where the view is oblique, or the camera far away.

Adjacent pixels see points that may be more than a cell apart. If both are on one surface, the cells in between were
seen as well. Along the vertical line through the center of such a cell, the height is searched for at which a point
changes from being in front of what the camera reads to being behind it. If the four pixels around that point are on one
surface, it lies on that surface. Otherwise the line enters the shadow of an object there: the cell is hidden, and stays
unseen.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.rays import Window
from impurity_grasp_ros.perception.surfaces import Values, steps

_GAP = 4.0
"""Cells from the nearest seen cell beyond which no cell is filled: that far away, there are hardly any gaps."""

_SPAN = 2.0
"""Cells above and below the height of the nearest seen cell in which the surface is searched for."""

_ROUNDS = 4
"""Steps of the search, at least 1. On a plane the first one nearly arrives."""

_HALVED = 2
"""The step that halves the interval instead of interpolating, for surfaces that are rough."""

_INSIDE = 0.5
"""Cells, along both axes, by which the point that was found may be off the center of its cell."""


class Filling(NamedTuple):
    """Cells that were filled.

    Attributes:
        rows: (N,) rows of the heightmap.
        columns: (N,) columns.
        points: (3, N) float32, column, row and z as in :func:`.rays.rays`.
        pixels: (N,) the pixel nearest to each point, counted row by row in the window.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    points: Values
    pixels: NDArray[np.intp]


class _Quads(NamedTuple):
    """Points between four adjacent pixels each.

    Attributes:
        corner: (N,) the pixel at the upper left, counted row by row.
        right: (N,) float32, distance from it in pixels, 0 to 1.
        down: (N,) float32.
        known: (N,) bool, whether all four have readings.
        depth: (N,) float32, meters, interpolated.
        ahead: (N,) float32, depth in meters of the points whose images these are.
    """

    corner: NDArray[np.intp]
    right: Values
    down: Values
    known: NDArray[np.bool_]
    depth: Values
    ahead: Values


def between_samples(
    z: Values,
    valid: NDArray[np.bool_],
    depth: Values,
    window: Window,
    max_slope: float,
) -> Filling:
    """Find the unseen cells that lie between adjacent pixels of one surface.

    Args:
        z: (R, C) float32, meters in the base frame, of the cells seen so far; the search starts from there.
        valid: (R, C) bool, which these are.
        depth: (h, w) float32, the readings in meters, 0 for none.
        window: Where in the image these are.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        These cells and what they show. A cell appears at most once.
    """
    rows, columns, guess = _gaps(z, valid)
    crossing, quads = _search((columns + 0.5).astype(np.float32), (rows + 0.5).astype(np.float32), guess, depth, window)
    rows, columns = rows[crossing], columns[crossing]
    points = _points(quads, depth.shape[1], window)
    off_center = np.maximum(np.abs(points[0] - columns - 0.5), np.abs(points[1] - rows - 0.5))
    found = quads.known & (off_center <= _INSIDE) & _on_one_surface(quads.corner, depth, window, max_slope)
    nearest = quads.corner + np.where(quads.right > 0.5, 1, 0) + np.where(quads.down > 0.5, depth.shape[1], 0)
    return Filling(rows[found], columns[found], points[:, found], nearest[found])


def _search(x: Values, y: Values, z: Values, depth: Values, window: Window) -> tuple[NDArray[np.intp], _Quads]:
    """Search vertical lines at column ``x`` and row ``y``, (N,), for a surface near ``z``.

    Returns:
        The indices (M,) of the lines on which a point near ``z`` changes from being in front of the readings to being
        behind them, and where that is in the image.
    """
    span = np.float32(_SPAN * window.resolution)
    below, above = _quads(x, y, z - span, depth, window), _quads(x, y, z + span, depth, window)
    low_gap, high_gap = below.depth - below.ahead, above.depth - above.ahead
    crossing = np.flatnonzero((low_gap < 0.0) & (high_gap >= 0.0))
    x, y, low, high, low_gap, high_gap = (values[crossing] for values in (x, y, z - span, z + span, low_gap, high_gap))
    quads = below
    for step in range(_ROUNDS):
        part = np.float32(0.5) if step == _HALVED else low_gap / (low_gap - high_gap)
        middle = low + part * (high - low)
        quads = _quads(x, y, middle, depth, window)
        gap = quads.depth - quads.ahead
        in_front = gap >= 0.0
        low, low_gap = np.where(in_front, low, middle), np.where(in_front, low_gap, gap)
        high, high_gap = np.where(in_front, middle, high), np.where(in_front, gap, high_gap)
    return crossing, quads


def _gaps(z: Values, valid: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], Values]:
    """Return row and column of the unseen cells (N,) that are close to seen ones, and z of the nearest one."""
    unseen = (~valid).astype(np.uint8)
    distance, labels = cv2.distanceTransformWithLabels(unseen, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.zeros(int(labels.max()) + 1, np.float32)
    of_label[labels[valid]] = z[valid]
    rows, columns = np.nonzero((distance > 0.0) & (distance <= _GAP))
    return rows, columns, of_label[labels[rows, columns]]


def _quads(x: Values, y: Values, z: Values, depth: Values, window: Window) -> _Quads:
    """Return where the points (N,) at column ``x``, row ``y`` and ``z`` appear, and the depth that is read there."""
    a = window.to_pixels.astype(np.float32)
    ahead = a[2, 0] * x + a[2, 1] * y + a[2, 2] * z + a[2, 3]
    inverse = np.float32(1.0) / np.maximum(ahead, np.float32(1e-3))
    column = (a[0, 0] * x + a[0, 1] * y + a[0, 2] * z + a[0, 3]) * inverse
    row = (a[1, 0] * x + a[1, 1] * y + a[1, 2] * z + a[1, 3]) * inverse
    height, width = depth.shape
    inside = (column >= 0) & (row >= 0) & (column < width - 1) & (row < height - 1) & (ahead > 0.0)
    column = np.where(inside, column, np.float32(0.0))
    row = np.where(inside, row, np.float32(0.0))
    left, top = column.astype(np.intp), row.astype(np.intp)
    corner, right, down = top * width + left, column - left, row - top
    flat = depth.reshape(-1)
    last = flat.size - 1
    one, two, three, four = (flat.take(np.minimum(corner + step, last)) for step in (0, 1, width, width + 1))
    upper, lower = one + right * (two - one), three + right * (four - three)
    whole = inside & (np.minimum(np.minimum(one, two), np.minimum(three, four)) > 0.0)
    read = np.where(whole, upper + down * (lower - upper), np.maximum(np.maximum(one, two), np.maximum(three, four)))
    return _Quads(corner, right.astype(np.float32), down.astype(np.float32), whole, read, ahead)


def _points(quads: _Quads, width: int, window: Window) -> Values:
    """Return the points (3, N) at the depths of quads in an image of ``width`` pixels."""
    top, left = np.divmod(quads.corner, width)
    u, v = (left + quads.right).astype(np.float32), (top + quads.down).astype(np.float32)
    a = window.to_rays.astype(np.float32)
    return np.stack([(a[i, 0] * u + a[i, 1] * v + a[i, 2]) * quads.depth + window.origin[i] for i in range(3)])


def _on_one_surface(corner: NDArray[np.intp], depth: Values, window: Window, max_slope: float) -> NDArray[np.bool_]:
    """Return for quads (N,) whether all four readings lie on one surface."""
    flat, fall, width = depth.reshape(-1), window.slope[2].reshape(-1), depth.shape[1]
    smooth = np.ones(len(corner), np.bool_)
    for first, second in ((0, 1), (width, width + 1), (0, width), (1, width + 1)):
        a, b = corner + first, corner + second
        nearer, farther = steps(flat[a], flat[b], fall[a], fall[b], flat[a] * np.float32(window.pitch), max_slope)
        smooth &= ~(nearer | farther)
    return smooth
