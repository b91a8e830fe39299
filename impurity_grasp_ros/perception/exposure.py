"""Check that colors can be judged: bright enough, not saturated, and lit as when the job began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import BadExposureError
from impurity_grasp_ros.perception.samples import Mask, Samples

_BRIGHT_PERCENTILE = 90.0
"""Percentile of the brightness that is compared: what is bright in a view is the table, unless that is black."""

_SATURATED = 253
"""Color values at or above this may have been clipped."""

_MIN_OBJECT_PIXELS = 200
"""Number of object pixels below which nothing can be said about their exposure."""

_STRIDE = 4
"""Every fourth row and column of the samples is compared."""

_DARK_LEVEL = 10.0
"""Added to color values before ratios are taken, so that noise in dark colors does not count as a change."""

_MIN_COMMON = 100
"""Number of table pixels that two views must have in common for their light to be compared."""


@dataclass(frozen=True)
class ExposureConfig:
    """In which light colors can be judged. Brightness is the largest of red, green and blue, 0 to 255."""

    min_brightness: float = parameter("brightness that a tenth of the view must reach", low=1.0, high=200.0)
    max_saturated: float = parameter(
        "fraction of the objects' pixels that may have a saturated channel", low=0.01, high=1.0
    )
    max_change: float = parameter("accepted change of the table's log2 brightness during a job", low=0.05, high=4.0)
    max_color_change: float = parameter(
        "accepted change of the table's red or green share during a job", low=0.002, high=0.5
    )


@dataclass(frozen=True, eq=False)
class Light:
    """The table's colors in one view.

    Attributes:
        color: (h, w, 3) uint8, RGB.
        table: (h, w) bool, true in pixels that show the table.
    """

    color: NDArray[np.uint8]
    table: Mask


def check_brightness(samples: Samples, config: ExposureConfig) -> None:
    """Check that a view is bright enough.

    Args:
        samples: Samples of one frame; only colors are used.
        config: How bright is enough.

    Raises:
        BadExposureError: The view is too dark to tell colors apart.
    """
    brightness = samples.color[::_STRIDE, ::_STRIDE].max(axis=2)[samples.judged[::_STRIDE, ::_STRIDE]]
    bright = float(np.percentile(brightness, _BRIGHT_PERCENTILE)) if brightness.size else 0.0
    if bright < config.min_brightness:
        raise BadExposureError(
            f"expected a tenth of the view to reach a brightness of {config.min_brightness:g} of 255, "
            f"received {bright:.0f}: it is too dark to tell colors apart"
        )


def check_saturation(samples: Samples, objects: Mask, config: ExposureConfig) -> None:
    """Check that objects are not overexposed.

    Args:
        samples: Samples of one frame.
        objects: (h, w) bool, true in pixels that show objects.
        config: How many pixels may be saturated.

    Raises:
        BadExposureError: Too many pixels of objects are saturated to tell colors apart.
    """
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
    """Return the table's colors, for comparison with other views.

    Args:
        samples: Samples of one frame.
        table: (h, w) bool, true in pixels that show the table.
    """
    return Light(samples.color[::_STRIDE, ::_STRIDE], (table & samples.judged)[::_STRIDE, ::_STRIDE])


def check_light(light: Light, first: Light, config: ExposureConfig) -> None:
    """Check that the table's colors are those of the job's first view, in pixels where both views show the table.

    Args:
        light: The table in this view.
        first: The table in the job's first view.
        config: How much may change.

    Raises:
        BadExposureError: Brightness or color has changed by more than the model of ordinary looks can follow.
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
            f"expected the table's red and green shares within {config.max_color_change:g} of their values when the "
            f"job began, received a change of {shift[0]:.3f} and {shift[1]:.3f}"
        )


def _shares(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the red and green shares (N, 2) of colors (N, 3)."""
    return colors[:, :2] / colors.sum(axis=1, keepdims=True)
