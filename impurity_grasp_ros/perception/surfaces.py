"""Tell which neighboring depth readings lie on one surface, and drop those that lie on none.

At the edge of an object a real camera returns readings in midair, between the object and what is behind it, because
such a pixel sees both. They are called flying pixels, or ramps where several of them follow each other.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.rays import Window

_ACROSS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Directions (row, column) in which a pixel lies between two others."""

_ASIDE = 1.75
"""A reading that is at most this many pixel spacings away from the nearer one, seen from above, is not in midair."""

_ROOF = 2.0
"""Pixel spacings by which the depth of a point straight above a reading may differ from what is seen there."""

_FAR = np.float32(1e3)
"""Meters that stand for no reading where the nearest one is searched for."""

_SQUARE = np.ones((3, 3), np.uint8)
"""A pixel and its 8 neighbors."""

Values = NDArray[np.float32]
"""One value for each of some pixels."""


def steps(
    depth: Values, other: Values, fall: Values, other_fall: Values, spacing: Values, max_slope: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Compare readings with others that are not on the same surface.

    A surface is level, faces the camera, or is anything between the two; or it differs from that by ``max_slope``.

    Args:
        depth: Meters, of any shape; all others have the same, or one that NumPy extends to it.
        other: Meters.
        fall: Change of z for each meter of depth along the rays of ``depth``, see :func:`.rays.rays`.
        other_fall: The same of ``other``.
        spacing: Meters between the two rays at that depth.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        ``nearer`` and ``farther``, bool: where ``other`` is in front of the surface of ``depth``, and behind it.
    """
    level = np.where(other_fall < 0.0, depth * fall / np.where(other_fall < 0.0, other_fall, -1.0), depth)
    slack = np.float32(max_slope) * spacing
    return other < np.minimum(depth, level) - slack, other > np.maximum(depth, level) + slack


def without_flying(depth: Values, window: Window, max_slope: float) -> Values:
    """Drop the readings between a nearer and a farther surface, along a viewing ray.

    A reading is dropped if one neighbor is nearer and the opposite neighbor farther than any surface on which it could
    lie, and if there is nothing as high as the nearer one straight above it. The last condition keeps the vertical
    sides of objects that are seen from above, each of which may be a single pixel wide.

    Args:
        depth: (h, w) float32, meters, 0 where there is no reading; it is not changed.
        window: Where in the image these pixels are.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        (h, w) float32 in which these readings are 0.
    """
    # Behind a pixel without a reading, the farthest of its neighbors takes its place.
    closed = np.where(depth > 0.0, depth, cv2.dilate(depth, _SQUARE)).reshape(-1)
    nearest = np.asarray(cv2.erode(np.where(depth > 0.0, depth, _FAR), _SQUARE), np.float32)
    limit = closed * np.float32(-max_slope * window.pitch)
    cleaned = depth.copy()
    for down, right in _ACROSS:
        step = down * depth.shape[1] + right
        rise = closed[step:] - closed[:-step]
        for sign, change in ((1, rise < limit[:-step]), (-1, rise > -limit[:-step])):
            # Pixels in which depth falls by much from the one behind, and again to the one ahead.
            pixels = np.flatnonzero(change[step:] & change[:-step]) + step
            between = _between(depth, pixels, (sign * right, sign * down, 0), window, max_slope)
            flying = between[~_below(nearest, depth, between, between + sign * step, window)]
            cleaned.reshape(-1)[flying] = 0.0
    return cleaned


def _between(
    depth: Values, pixels: NDArray[np.intp], turn: tuple[int, int, int], window: Window, max_slope: float
) -> NDArray[np.intp]:
    """Return those of the pixels (N,) that are behind the next one, ``turn`` (right, down, 0) ahead, and aside of it.

    Aside is farther, seen from above, than their distance in the image explains.
    """
    step = turn[1] * depth.shape[1] + turn[0]
    readings, width, (x_slope, y_slope, fall) = depth.reshape(-1), depth.shape[1], window.slope.reshape(3, -1)
    here, near = readings.take(pixels), readings.take(pixels + step)
    turn_x, turn_y = window.to_rays[:2] @ turn
    closer = here - near
    x = x_slope.take(pixels) * closer - near * np.float32(turn_x)
    y = y_slope.take(pixels) * closer - near * np.float32(turn_y)
    spacing = here * np.float32(math.hypot(*turn) * window.pitch)
    least = spacing * np.float32(_ASIDE / window.resolution)
    chosen = np.flatnonzero((x * x + y * y > least * least) & (near > 0.0) & (here > 0.0))
    pixels, here, near, spacing = pixels[chosen], here[chosen], near[chosen], spacing[chosen]
    nearer, _ = steps(here, near, fall[pixels], fall[pixels + step], spacing, max_slope)
    column = pixels % width
    return pixels[nearer & (column > 0) & (column < width - 1)]


def _below(
    nearest: Values, depth: Values, pixels: NDArray[np.intp], above: NDArray[np.intp], window: Window
) -> NDArray[np.bool_]:
    """Return which of the pixels (N,) show points straight below a surface as high as that in the pixels ``above``.

    ``nearest`` (h, w) is the least depth around each pixel.
    """
    readings, (x_slope, y_slope, fall) = depth.reshape(-1), window.slope.reshape(3, -1)
    here = readings[pixels]
    x, y = (slope[pixels] * here + window.origin[axis] for axis, slope in ((0, x_slope), (1, y_slope)))
    z = fall[above] * readings[above] + window.origin[2]
    a = window.to_pixels.astype(np.float32)
    ahead = np.maximum(a[2, 0] * x + a[2, 1] * y + a[2, 2] * z + a[2, 3], np.float32(1e-3))
    column = (a[0, 0] * x + a[0, 1] * y + a[0, 2] * z + a[0, 3]) / ahead
    row = (a[1, 0] * x + a[1, 1] * y + a[1, 2] * z + a[1, 3]) / ahead
    columns = np.clip(np.rint(column), 0, depth.shape[1] - 1).astype(np.intp)
    rows = np.clip(np.rint(row), 0, depth.shape[0] - 1).astype(np.intp)
    return np.asarray(np.abs(nearest[rows, columns] - ahead) <= ahead * np.float32(_ROOF * window.pitch))
