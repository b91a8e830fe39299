"""The shape of each object in view, in numbers of order 1."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.object_outlines import (
    OUTLINE_NUMBERS,
    SURFACE_NUMBERS,
    outline_numbers,
    surface_numbers,
)
from impurity_grasp_ros.perception.segmentation import Labels, boxes

TYPICAL_AREA, TYPICAL_RADIUS = 1.2e-3, 0.012
"""Footprint in m2 and standard deviation in m of the cells of an object of common size."""

HEIGHT_SCALE, ROUGHNESS_SCALE = 20.0, 60.0
"""Factors per meter on heights and on their standard deviation."""

SIZE_NUMBERS = 8
SHAPE_NUMBERS = SIZE_NUMBERS + OUTLINE_NUMBERS + SURFACE_NUMBERS
"""Numbers that describe the shape of an object."""

LARGEST = 5.0
"""Numbers are clipped to this magnitude."""

SMOOTH_PX = 0.8
"""Standard deviation in cells of the filter before slopes are taken."""


def shapes(labels: Labels, height: NDArray[np.float32], resolution: float) -> NDArray[np.float32]:
    """Describe shape and size of all objects.

    Args:
        labels: (R, C) int64, objects numbered from 0; -1 for none.
        height: (R, C) float32, meters above the table.
        resolution: Meters per cell.

    Returns:
        (n, 39) float32 per object. First its size: logarithms of the area, length and width relative to those of a
        common object; how much the area differs from that of an ellipse; greatest and mean height; roughness;
        logarithm of the number of cells. Then its form, see :func:`.outline_numbers` and :func:`.surface_numbers`.
    """
    sizes = _sizes(labels, height, resolution)
    smooth = cv2.GaussianBlur(height, (0, 0), SMOOTH_PX)
    slope = np.hypot(*np.gradient(smooth, resolution)).astype(np.float32)
    forms = np.zeros((len(sizes), SHAPE_NUMBERS - SIZE_NUMBERS), np.float32)
    for index, place in boxes(labels):
        mask = np.pad((labels[place] == index).astype(np.uint8), 1)
        own_height, own_slope = (np.pad(plane[place], 1) for plane in (height, slope))
        forms[index] = [*outline_numbers(mask, resolution), *surface_numbers(mask, own_height, own_slope, resolution)]
    return np.clip(np.concatenate([sizes, forms], axis=1), -LARGEST, LARGEST)


def _sizes(labels: Labels, height: NDArray[np.float32], resolution: float) -> NDArray[np.float32]:
    """Describe the sizes (n, 8) of all objects; see :func:`shapes`."""
    count = int(labels.max()) + 1
    rows, columns = np.nonzero(labels >= 0)
    owner, heights = labels[rows, columns], height[rows, columns].astype(np.float64)
    cells = np.maximum(np.bincount(owner, minlength=count), 1).astype(np.float64)

    def mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.bincount(owner, values, count) / cells

    y, x = rows * resolution, columns * resolution
    dy, dx = y - mean(y)[owner], x - mean(x)[owner]
    xx, yy, xy = (mean(product) + extra for product, extra in ((dx * dx, 1e-8), (dy * dy, 1e-8), (dx * dy, 0.0)))
    middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    length, width = np.sqrt(middle + spread), np.sqrt(np.maximum(middle - spread, 1e-8))
    area = cells * resolution**2
    top = np.zeros(count)
    np.maximum.at(top, owner, heights)
    level = mean(heights)
    rough = np.sqrt(np.maximum(mean(heights**2) - level**2, 0.0))
    return np.column_stack(
        [
            np.log(area / TYPICAL_AREA),
            np.log(length / TYPICAL_RADIUS),
            np.log(width / TYPICAL_RADIUS),
            area / (4 * math.pi * length * width) - 1.0,
            top * HEIGHT_SCALE - 0.8,
            level * HEIGHT_SCALE - 0.6,
            rough * ROUGHNESS_SCALE - 0.3,
            np.log(cells / 300.0),
        ]
    ).astype(np.float32)
