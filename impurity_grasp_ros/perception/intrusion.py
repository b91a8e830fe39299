"""Check that nothing but objects to pick is in view: no hand, arm or tool, whatever its color."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ViewBlockedError
from impurity_grasp_ros.perception.samples import Mask, Plane, Samples

_SMALLEST = 1e-4
"""Area in m2 below which high readings count as noise."""

_NEXT = np.ones((2, 2), np.uint8)
"""Structuring element that compares direct neighbors."""

_SOLID = np.ones((3, 3), np.uint8)
"""Structuring element: whatever is nowhere this wide, in samples, does not count as a surface."""


@dataclass(frozen=True)
class IntrusionConfig:
    """What is too large, too high or too voluminous to be an object."""

    min_height: float = parameter("m above the table; higher readings belong to something on it", low=0.003, high=0.05)
    border_length: float = parameter("m; a longer surface that leaves the view is not an object", low=0.03, high=0.3)
    border_height: float = parameter("m; a higher surface that leaves the view is not an object", low=0.03, high=0.3)
    border_step: float = parameter("m; step that bounds a surface that leaves the view", low=0.002, high=0.05)
    tall_height: float = parameter("m; height that a single layer of objects does not exceed", low=0.03, high=0.2)
    max_tall_area: float = parameter("m2 that may rise above that height in one piece", low=0.001, high=0.05)
    max_length: float = parameter("m; a longer surface without step or edge is not an object", low=0.05, high=0.5)
    surface_step: float = parameter("m; step in height that bounds a surface", low=0.002, high=0.05)
    surface_contrast: int = parameter("gray levels; step in brightness that bounds a surface", low=5, high=255)
    max_growth: float = parameter("m3 by which the objects' volume may grow between two views", low=1e-5, high=1e-2)


def rising(samples: Samples, height: Plane, bin_pixels: Mask, config: IntrusionConfig) -> Mask:
    """Return the pixels in which something rises above the table, except for the drop bin.

    Args:
        samples: Samples of one frame.
        height: (h, w) float32, meters above the table.
        bin_pixels: (h, w) bool, the pixels of the drop bin.
        config: The height that counts.

    Returns:
        (h, w) bool.
    """
    return samples.judged & samples.read & (height > config.min_height) & ~bin_pixels


def check_intrusion(
    samples: Samples, height: Plane, objects: Mask, transit_height: float, config: IntrusionConfig
) -> None:
    """Check that everything that rises above the table can be an object to pick.

    Args:
        samples: Samples of one frame.
        height: (h, w) float32, meters above the table.
        objects: (h, w) bool, the pixels in which something rises above the table, see :func:`rising`.
        transit_height: Meters above the table at which the arm crosses the workspace.
        config: What cannot be an object.

    Raises:
        ViewBlockedError: Something rises above ``transit_height``, reaches into the view from outside, or is larger
            than any object that fits between the fingers.
    """
    _check_height(samples, height, objects & (height > transit_height), transit_height)
    _check_tall(samples, objects & (height > config.tall_height), config)
    steps = cv2.morphologyEx(cv2.medianBlur(height, 3), cv2.MORPH_GRADIENT, _NEXT)
    _check_border(samples, height, _opened(objects & (steps < config.border_step)), config)
    _check_length(samples, objects & (steps < config.surface_step), config)


def volume(samples: Samples, height: Plane, objects: Mask) -> float:
    """Return the volume of everything that rises above the table in the workspace.

    Args:
        samples: Samples of one frame.
        height: (h, w) float32, meters above the table.
        objects: (h, w) bool, the pixels in which something rises above the table.

    Returns:
        Volume in m3 between the visible surface and the table.
    """
    solid = objects & samples.on_workspace
    return float((height[solid] * samples.area[solid]).sum())


def check_growth(now: float, before: float, config: IntrusionConfig) -> None:
    """Check that the objects' volume has not grown since the previous view, because objects are only ever removed.

    Args:
        now: Volume in m3.
        before: Volume in m3 in the job's previous view.
        config: How much growth is accepted.

    Raises:
        ViewBlockedError: The volume has grown by more than ``max_growth``.
    """
    if now - before > config.max_growth:
        raise ViewBlockedError(
            f"expected no more in the workspace than before, {1e6 * before:.0f} cm3, received {1e6 * now:.0f} cm3: "
            "something has come into view"
        )


def _check_height(samples: Samples, height: Plane, high: Mask, limit: float) -> None:
    high = _opened(high)
    if float(samples.area[high].sum()) > _SMALLEST:
        raise ViewBlockedError(
            f"expected nothing above {limit:g} m, received something up to {float(height[high].max()):.2f} m "
            f"at {samples.place(high)}"
        )


def _check_border(samples: Samples, height: Plane, surfaces: Mask, config: IntrusionConfig) -> None:
    """Refuse a surface that leaves the view unless it is as small as an object that was pushed there."""
    inner = cv2.erode(np.pad(samples.judged, 1).astype(np.uint8), _SOLID)[1:-1, 1:-1] > 0
    border = samples.judged & ~inner
    if not (border & surfaces).any():
        return
    for surface in _parts(surfaces):
        if not (surface & border).any():
            continue
        length, top = _extent(samples, surface)[0], float(height[surface].max())
        if length > config.border_length or top > config.border_height:
            raise ViewBlockedError(
                f"expected nothing to reach into the view from outside, received something {length:.2f} m long and "
                f"{top:.2f} m high at {samples.place(surface)}"
            )


def _check_tall(samples: Samples, tall: Mask, config: IntrusionConfig) -> None:
    for thing in _parts(tall):
        area = float(samples.area[thing].sum())
        if area > config.max_tall_area:
            raise ViewBlockedError(
                f"expected at most {1e4 * config.max_tall_area:g} cm2 above {config.tall_height:g} m in one piece, "
                f"received {1e4 * area:.0f} cm2 at {samples.place(thing)}"
            )


def _check_length(samples: Samples, surfaces: Mask, config: IntrusionConfig) -> None:
    contrast = cv2.morphologyEx(cv2.cvtColor(samples.color, cv2.COLOR_RGB2GRAY), cv2.MORPH_GRADIENT, _NEXT)
    for surface in _parts(_opened(surfaces & (contrast < config.surface_contrast))):
        length, width = _extent(samples, surface)
        if length > config.max_length:
            raise ViewBlockedError(
                f"expected no surface longer than {config.max_length:g} m, received one of {length:.2f} by "
                f"{width:.2f} m at {samples.place(surface)}"
            )


def _opened(mask: Mask) -> Mask:
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _SOLID) > 0)


def _parts(mask: Mask) -> list[Mask]:
    """Return the 8-connected parts of a mask."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [np.asarray(labels == label) for label in range(1, count)]


def _extent(samples: Samples, mask: Mask) -> tuple[float, float]:
    """Return length and width in meters of the smallest rectangle around a mask's points, seen from above."""
    points = np.column_stack([samples.x[mask], samples.y[mask]]).astype(np.float32)
    sides = cv2.minAreaRect(points)[1]
    return max(sides), min(sides)
