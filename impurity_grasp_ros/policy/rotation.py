"""Views of a heightmap that are turned so that a given direction runs along their columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Place

Pixel = TypeVar("Pixel", np.uint8, np.float32)


@dataclass(frozen=True)
class View:
    """A square view of a heightmap. A pixel is as large as a cell.

    Attributes:
        row: Row of the heightmap in the middle of the view; may be fractional.
        column: Column of the heightmap in the middle of the view; may be fractional.
        angle: Direction in which the column index of the view grows, in radians from the x axis of the base frame.
        size: Edge of the view in pixels.
    """

    row: float
    column: float
    angle: float
    size: int

    def render(self, image: NDArray[Pixel], *, border: float = 0.0, smooth: bool = False) -> NDArray[Pixel]:
        """Sample an image.

        Args:
            image: (R, C) or (R, C, n), uint8 or float32, on the cells of the heightmap.
            border: Value of pixels that lie outside the image.
            smooth: Whether to interpolate bilinearly; otherwise the nearest cell is taken.

        Returns:
            (S, S) or (S, S, n), of the same type.
        """
        c, s, half = math.cos(self.angle), math.sin(self.angle), (self.size - 1) / 2
        to_cell = np.array(
            [[c, -s, self.column - c * half + s * half], [s, c, self.row - s * half - c * half]], np.float64
        )
        interpolation = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        sampled = cv2.warpAffine(
            image,
            to_cell,
            (self.size, self.size),
            flags=interpolation | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        )
        return np.asarray(sampled, image.dtype)

    def to_cell(self, row: Place, column: Place) -> tuple[Place, Place]:
        """Return the cell of the heightmap that a pixel of the view shows.

        Args:
            row: Row of the pixel; a number or an array.
            column: Column of the pixel, of the same shape.

        Returns:
            (row, column) of the cell, which may be fractional.
        """
        c, s, half = math.cos(self.angle), math.sin(self.angle), (self.size - 1) / 2
        along, across = column - half, row - half
        return self.row + s * along + c * across, self.column + c * along - s * across

    def to_pixel(self, row: Place, column: Place) -> tuple[Place, Place]:
        """Return the pixel of the view that shows a cell of the heightmap, see :meth:`to_cell`.

        Args:
            row: Row of the cell; a number or an array.
            column: Column of the cell, of the same shape.

        Returns:
            (row, column) of the pixel, which may be fractional.
        """
        c, s, half = math.cos(self.angle), math.sin(self.angle), (self.size - 1) / 2
        down, right = row - self.row, column - self.column
        return half + c * down - s * right, half + s * down + c * right
