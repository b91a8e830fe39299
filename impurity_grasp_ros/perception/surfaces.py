"""Tell which neighboring depth readings lie on one surface, and drop those that lie on none.

At the edge of an object a real camera returns readings in midair, between the object and what is behind it, because
such a pixel sees both. They are called flying pixels, or ramps where several of them follow each other.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.rays import Window

_AROUND = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1)], np.float32)
"""Offsets (row, column) of the 8 neighbors of a pixel; the last four are opposite to the first four."""

_ASIDE = 1.75
"""A reading that is at most this many pixel spacings away from the nearer surface, seen from above, lies on it: on a
vertical side of an object, for instance."""

_REACH = 2
"""Pixels in which the next reading is searched for where a neighbor has none."""

_NEAR, _WIDE = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)
"""Structuring elements of one and of two pixels around a pixel."""

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
    lie, and if it lies aside from the nearer one when seen from above. The last condition keeps the vertical sides of
    objects that are seen from above, each of which may be a single pixel wide.

    Args:
        depth: (h, w) float32, meters, 0 where there is no reading; it is not changed.
        window: Where in the image these pixels are.
        max_slope: Depth over spacing beyond which two readings are not on one surface.

    Returns:
        (h, w) float32 in which these readings are 0.
    """
    suspects = _suspects(depth, np.float32(max_slope * window.pitch))
    cleaned = depth.copy()
    cleaned.reshape(-1)[suspects[_flying(depth, suspects, window, max_slope)]] = 0.0
    return cleaned


def _suspects(depth: Values, step: np.float32) -> NDArray[np.intp]:
    """Return the pixels (N,) close to readings that are nearer and farther by more than ``step`` times their depth."""
    known = depth > 0.0
    nearest, limit = np.where(known, depth, _FAR), depth * step
    suspect = (depth - cv2.erode(nearest, _NEAR) > limit) & (cv2.dilate(depth, _NEAR) - depth > limit)
    if not known.all():
        limit *= _REACH
        beside_gap = cv2.erode(depth, _NEAR) == 0.0
        wide = (depth - cv2.erode(nearest, _WIDE) > limit) & (cv2.dilate(depth, _WIDE) - depth > limit)
        suspect |= beside_gap & wide & known
    return np.flatnonzero(suspect)


def _flying(depth: Values, pixels: NDArray[np.intp], window: Window, max_slope: float) -> NDArray[np.bool_]:
    """Return which of the pixels (N,) are between a nearer and a farther surface, and aside from the nearer one."""
    rows, columns = np.divmod(pixels, depth.shape[1])
    here, rays = depth.reshape(-1)[pixels], window.slope.reshape(3, -1)[:, pixels]
    there, away = _next_readings(depth, rows, columns)
    turn = np.einsum("ik,dk->id", window.to_rays[:, 1::-1], _AROUND).astype(np.float32)
    spacing = here * away * np.linalg.norm(_AROUND, axis=1)[:, None] * np.float32(window.pitch)
    nearer, farther = steps(here, there, rays[2], rays[2] + turn[2, :, None] * away, spacing, max_slope)
    between = nearer & (there > 0.0) & np.roll(farther, 4, axis=0)
    side, pixel = np.nonzero(between)
    other_rays = rays[:2, pixel] + turn[:2, side] * away[side, pixel]
    column, row = rays[:2, pixel] * here[pixel] - other_rays * there[side, pixel]
    aside = np.hypot(column, row) * np.float32(window.resolution) > _ASIDE * spacing[side, pixel]
    flying = np.zeros(len(pixels), np.bool_)
    flying[pixel[aside]] = True
    return flying


def _next_readings(depth: Values, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Values, Values]:
    """Return the next readings in all 8 directions from pixels (N,), 0 if there is none, and how far away: (8, N)."""
    padded = cv2.copyMakeBorder(depth, _REACH, _REACH, _REACH, _REACH, cv2.BORDER_CONSTANT, value=0.0)
    offsets = (_AROUND @ np.array([padded.shape[1], 1.0])).astype(np.intp)[:, None]
    start, flat = (rows + _REACH) * padded.shape[1] + columns + _REACH, padded.reshape(-1)
    there, away = flat[start + offsets], np.ones((len(_AROUND), len(rows)), np.float32)
    side, pixel = np.nonzero(there == 0.0)
    for step in range(2, _REACH + 1):
        there[side, pixel] = flat[start[pixel] + step * offsets[side, 0]]
        away[side, pixel] = np.float32(step)
    return there, away
