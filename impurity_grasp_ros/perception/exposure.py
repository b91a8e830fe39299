"""Whether colors can be judged: bright enough, not saturated, and lit as when the job began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import BadExposureError
from impurity_grasp_ros.perception.samples import Mask, Samples

_BRIGHT_PERCENTILE = 90.0
"""Whatever is bright in a view: the table, unless that is black."""

_SATURATED = 253
"""A color value from here on may have been cut off."""

_MIN_OBJECT_PIXELS = 200
"""Fewer say nothing about the exposure of objects."""

_STRIDE = 4
_DARK_LEVEL = 10.0
"""Added before ratios are taken, so that noise in the dark does not count as a change."""

_MIN_COMMON = 100
"""Pixels of the table that two views must share to compare their light."""


@dataclass(frozen=True)
class ExposureConfig:
    """Which light colors can be judged in. Brightness is the largest of red, green and blue, 0 to 255."""

    min_brightness: float = parameter("brightness that a tenth of the view must reach", low=1.0, high=200.0)
    max_saturated: float = parameter("part of the objects that may have a saturated channel", low=0.01, high=1.0)
    max_change: float = parameter("change of the table's brightness in a job, in factors of 2", low=0.05, high=4.0)
    max_color_change: float = parameter("change of the table's red or green share in a job", low=0.002, high=0.5)


@dataclass(frozen=True, eq=False)
class Light:
    """The table's colors in one view. color: (h, w, 3) uint8; table: (h, w) bool, the pixels that show the table."""

    color: NDArray[np.uint8]
    table: Mask


def check_brightness(samples: Samples, config: ExposureConfig) -> None:
    """Raise BadExposureError for a view that is too dark to tell colors apart, whatever its depth says."""
    brightness = samples.color[::_STRIDE, ::_STRIDE].max(axis=2)[samples.judged[::_STRIDE, ::_STRIDE]]
    bright = float(np.percentile(brightness, _BRIGHT_PERCENTILE)) if brightness.size else 0.0
    if bright < config.min_brightness:
        raise BadExposureError(
            f"expected a tenth of the view to reach a brightness of {config.min_brightness:g} of 255, "
            f"received {bright:.0f}: it is too dark to tell colors apart"
        )


def check_saturation(samples: Samples, objects: Mask, config: ExposureConfig) -> None:
    """Raise BadExposureError when too many pixels of objects (h, w) are cut off at the bright end."""
    colors = samples.color[objects]
    if len(colors) < _MIN_OBJECT_PIXELS:
        return
    share = float((colors >= _SATURATED).any(axis=1).mean())
    if share > config.max_saturated:
        raise BadExposureError(
            f"expected at most {config.max_saturated:.0%} of what lies on the table to be saturated, "
            f"received {share:.0%}: it is too bright to tell colors apart"
        )


def light_of(samples: Samples, table: Mask) -> Light:
    """What to compare later views with. table: (h, w) pixels that show the table."""
    return Light(samples.color[::_STRIDE, ::_STRIDE], (table & samples.judged)[::_STRIDE, ::_STRIDE])


def check_light(light: Light, first: Light, config: ExposureConfig) -> None:
    """Compare the table's colors with those of the job's first view, where both show it.

    Raises:
        BadExposureError: brightness or hue has changed by more than the model of ordinary looks can follow.
    """
    common = light.table & first.table
    if np.count_nonzero(common) < _MIN_COMMON:
        return
    now, then = (view.color[common].astype(np.float32) + _DARK_LEVEL for view in (light, first))
    change = float(np.median(np.log2(now.sum(axis=1) / then.sum(axis=1))))
    if abs(change) > config.max_change:
        raise BadExposureError(
            f"expected the table as bright as when the job began, within a factor of {2.0**config.max_change:.2f}, "
            f"received a factor of {2.0**change:.2f}"
        )
    shift = np.abs(np.median(_shares(now) - _shares(then), axis=0))
    if float(shift.max()) > config.max_color_change:
        raise BadExposureError(
            f"expected the table's red and green share within {config.max_color_change:g} of when the job began, "
            f"received a change of {shift[0]:.3f} and {shift[1]:.3f}"
        )


def _shares(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red and green share (N, 2) of colors (N, 3)."""
    return colors[:, :2] / colors.sum(axis=1, keepdims=True)
