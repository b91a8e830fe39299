"""Views of a heightmap turned so that a direction of interest runs along the columns."""

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
    """A square view of ``size`` pixels centred on the cell (row, column), its columns along ``angle``.

    ``angle`` is in radians in the base frame, whose x runs along the columns and y along the rows of a heightmap.
    """

    row: float
    column: float
    angle: float
    size: int

    def render(self, image: NDArray[Pixel], *, border: float = 0.0, smooth: bool = False) -> NDArray[Pixel]:
        """Sample an image (R, C) or (R, C, n); cells outside take ``border``."""
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
        """Cell (row, column) of the heightmap that a pixel of the view shows; fractional, numbers or arrays of them."""
        c, s, half = math.cos(self.angle), math.sin(self.angle), (self.size - 1) / 2
        along, across = column - half, row - half
        return self.row + s * along + c * across, self.column + c * along - s * across
