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
    lie, and if it is aside from the nearer one when seen from above. Most readings of the vertical sides of objects
    that are seen from above, each of which may be a single pixel wide, are therefore kept.

    Args:
        depth: (h, w) float32, meters, 0 where there is no reading; it is not changed.
        window: Where in the image these pixels are.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        (h, w) float32 in which these readings are 0.
    """
    # Behind a pixel without a reading, the farthest of its neighbors takes its place.
    closed = np.where(depth > 0.0, depth, cv2.dilate(depth, _SQUARE)).reshape(-1)
    limit = closed * np.float32(-max_slope * window.pitch)
    cleaned = depth.copy()
    for down, right in _ACROSS:
        step = down * depth.shape[1] + right
        rise = closed[step:] - closed[:-step]
        for sign, change in ((1, rise < limit[:-step]), (-1, rise > -limit[:-step])):
            # Pixels in which depth falls by much from the one behind, and again to the one ahead.
            pixels = np.flatnonzero(change[step:] & change[:-step]) + step
            cleaned.reshape(-1)[_flying(depth, pixels, (sign * right, sign * down, 0), window, max_slope)] = 0.0
    return cleaned


def _flying(
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
