"""Tell which neighboring depth readings lie on one surface, and drop those that lie on none.

At the edge of an object a real camera returns readings in midair, between the object and what is behind it, because
such a pixel sees both. They are called flying pixels, or ramps where several of them follow each other.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.rays import Window

_ACROSS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Directions (row, column) in which a pixel lies between two others."""

_ASIDE = 1.75
"""A reading that is at most this many pixel spacings away from the nearer surface, seen from above, lies on it: on a
vertical side of an object, for instance."""

_REACH = 2
"""Pixels in which the next reading is searched for."""

_NEIGHBORS = np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8)

_FAR = np.float32(1e3)
"""Meters that stand for no reading where the nearest one is searched for."""

Values = NDArray[np.float32]
"""One value for each of some pixels."""


def steps(
    depth: Values, other: Values, fall: Values, other_fall: Values, spacing: Values, max_slope: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Compare readings with others that are not on the same surface.

    A surface is level, faces the camera, or is anything between the two; or it differs from that by ``max_slope``.

    Args:
        depth: (N,) meters.
        other: (N,) meters.
        fall: (N,) change of z for each meter of depth along the rays of ``depth``, see :func:`.rays.rays`.
        other_fall: (N,) the same of ``other``.
        spacing: (N,) meters between the two rays at that depth.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        ``nearer`` and ``farther``, (N,) bool: where ``other`` is in front of the surface of ``depth``, and behind it.
    """
    level = np.where(other_fall < 0.0, depth * fall / np.where(other_fall < 0.0, other_fall, -1.0), depth)
    slack = np.float32(max_slope) * spacing
    return other < np.minimum(depth, level) - slack, other > np.maximum(depth, level) + slack


def without_flying(depth: Values, window: Window, max_slope: float) -> Values:
    """Drop the readings between a nearer and a farther surface, along a viewing ray.

    A reading is dropped if one neighbor is nearer and the opposite neighbor farther than any surface on which it could
    lie, and if it lies aside from the nearer one when seen from above. The last condition keeps the vertical sides of
    objects that are seen from above, each of which may be a single pixel wide.

    Args:
        depth: (h, w) float32, meters, 0 where there is no reading; it is not changed.
        window: Where in the image these pixels are.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        (h, w) float32 in which these readings are 0.
    """
    step = depth * np.float32(max_slope * window.pitch)
    nearest = cv2.erode(np.where(depth > 0.0, depth, _FAR), _NEIGHBORS)
    farthest = cv2.dilate(depth, _NEIGHBORS)
    suspects = np.flatnonzero((depth - nearest > step) & (farthest - depth > step))
    flying = np.zeros(len(suspects), np.bool_)
    for across in _ACROSS:
        flying |= _between(depth, suspects, across, window, max_slope)
    cleaned = depth.copy()
    cleaned.reshape(-1)[suspects[flying]] = 0.0
    return cleaned


def _between(
    depth: Values, pixels: NDArray[np.intp], across: tuple[int, int], window: Window, max_slope: float
) -> NDArray[np.bool_]:
    """Return which of the pixels (N,) fly between their neighbors in a direction."""
    here, fall, ground = depth.reshape(-1)[pixels], window.slope[2].reshape(-1), window.slope[:2].reshape(2, -1)
    in_front, behind = [], []
    for sign in (-1, 1):
        other, away = _next_reading(depth, pixels, sign * across[0], sign * across[1])
        there = depth.reshape(-1)[other]
        spacing = here * away * np.float32(np.hypot(*across) * window.pitch)
        nearer, farther = steps(here, there, fall[pixels], fall[other], spacing, max_slope)
        column, row = ground[:, pixels] * here - ground[:, other] * there
        aside = np.hypot(column, row) * np.float32(window.resolution) > _ASIDE * spacing
        in_front.append(nearer & (there > 0.0) & aside)
        behind.append(farther)
    return np.asarray((in_front[0] & behind[1]) | (in_front[1] & behind[0]))


def _next_reading(
    depth: Values, pixels: NDArray[np.intp], down: int, right: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the next pixel with a reading in a direction, or the last one searched, and how many steps it is away."""
    rows, columns = np.divmod(pixels, depth.shape[1])
    other, away = pixels, np.zeros(len(pixels), np.float32)
    for step in range(1, _REACH + 1):
        row, column = rows + step * down, columns + step * right
        inside = (row >= 0) & (row < depth.shape[0]) & (column >= 0) & (column < depth.shape[1])
        empty = (away == 0.0) | (depth.reshape(-1)[other] == 0.0)
        go = inside & empty
        other = np.where(go, row * depth.shape[1] + column, other)
        away = np.where(go, np.float32(step), away)
    return other, away
