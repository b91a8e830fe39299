"""Numbers that describe each object in view without learning: shape, texture, colors and surroundings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.object_shapes import SHAPE_NUMBERS, shapes
from impurity_grasp_ros.perception.object_surroundings import SURROUNDINGS, surroundings
from impurity_grasp_ros.perception.object_textures import TEXTURE_NUMBERS, textures
from impurity_grasp_ros.perception.ortho import FINE_FACTOR
from impurity_grasp_ros.perception.quantiles import quantiles
from impurity_grasp_ros.perception.segmentation import Labels, boxes

_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of an object's surface below whose colors the palette tells."""

PALETTE_NUMBERS = 3 * len(_LEVELS)
OBJECT_NUMBERS = SHAPE_NUMBERS + TEXTURE_NUMBERS + PALETTE_NUMBERS + SURROUNDINGS
"""All numbers that describe an object; the last ``SURROUNDINGS`` ones tell what lies around it."""

_DARK = 10
"""Added to each color channel, 0..255, before the logarithm and the shares are taken."""


def object_numbers(
    labels: Labels,
    height: NDArray[np.float32],
    seen: NDArray[np.bool_],
    fine_color: NDArray[np.uint8],
    resolution: float,
) -> NDArray[np.float32]:
    """Describe all objects.

    Args:
        labels: (R, C) int64, objects numbered from 0; -1 for none.
        height: (R, C) float32, meters above the table.
        seen: (R, C) bool.
        fine_color: (2 R, 2 C, 3) uint8, RGB.
        resolution: Meters per cell.

    Returns:
        (n, 108) float32: see :func:`.shapes`, :func:`.textures`, :func:`palettes` and :func:`.surroundings`.
    """
    parts = (
        shapes(labels, height, resolution),
        textures(labels, fine_color),
        palettes(labels, fine_color),
        surroundings(labels, height, seen),
    )
    return np.concatenate(parts, axis=1)


def palettes(labels: Labels, fine_color: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe the colors of all objects; one pixel of each cell is used.

    Args:
        labels: (R, C) int64, objects numbered from 0; -1 for none.
        fine_color: (2 R, 2 C, 3) uint8, RGB.

    Returns:
        (n, 15) float32 per object: quantiles of the logarithm of brightness, of the red and of the green share.
    """
    red, green, blue = np.moveaxis(fine_color[::FINE_FACTOR, ::FINE_FACTOR].astype(np.float32) + _DARK, 2, 0)
    total = red + green + blue
    planes = np.stack([np.log2(total) - 8.0, 6.0 * red / total - 2.0, 6.0 * green / total - 2.0])
    found = np.zeros((int(labels.max()) + 1, PALETTE_NUMBERS), np.float32)
    for index, (rows, columns) in boxes(labels):
        own = labels[rows, columns] == index
        found[index] = quantiles(planes[:, rows, columns][:, own], _LEVELS).T.ravel()
    return found
