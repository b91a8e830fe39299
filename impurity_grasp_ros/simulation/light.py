"""Light and lens of a camera: exposure, vignetting, a shadow, glare and blur. All of them are fixed for a scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from impurity_grasp_ros.config import parameter

SPOTS = 10
"""Number of spots of glare in the image."""

SPOT_PX = (2.0, 6.0)
"""Range of the standard deviation of a spot's brightness around its middle, pixels of a 640 px wide image."""

PENUMBRA = (0.02, 0.15)
"""Range of the width of the edge of a shadow, as a fraction of the image's width."""


@dataclass(frozen=True)
class LightConfig:
    """How far the light and the lens are from ideal."""

    exposure: float = parameter("largest relative deviation of the brightness, drawn once per scene", low=0.0, high=0.8)
    vignetting: float = parameter("largest fraction of the brightness that the corners lose", low=0.0, high=0.9)
    shadow: float = parameter("largest fraction of the brightness that a part of the image loses", low=0.0, high=0.9)
    glare: float = parameter("largest brightness that spots of glare add, as a fraction of white", low=0.0, high=1.0)
    blur: float = parameter("px, largest standard deviation of the blur", low=0.0, high=5.0)


IDEAL = LightConfig(0.0, 0.0, 0.0, 0.0, 0.0)


class Light:
    """The light and the lens of one scene."""

    def __init__(self, config: LightConfig, rng: np.random.Generator) -> None:
        self._gain = 1.0 + config.exposure * rng.uniform(-1.0, 1.0)
        self._vignetting = config.vignetting * rng.random()
        self._shadow, self._angle, self._offset = config.shadow * rng.random(), rng.uniform(0, math.tau), rng.normal()
        self._penumbra = rng.uniform(*PENUMBRA)
        self._spots = rng.uniform([0.2, 0.2, SPOT_PX[0], 0.0], [0.8, 0.8, SPOT_PX[1], config.glare], (SPOTS, 4))
        self._blur = config.blur * rng.random()
        self._field: NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def apply(self, color: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply it to an image (H, W, 3) float32 of brightness from 0 to 255; returns one that may exceed 255."""
        if self._field.shape != color.shape[:2]:
            self._field = self._brightness(color.shape[0], color.shape[1])
        lit = color * self._field[:, :, None]
        for column, row, sigma, strength in self._spots:
            _add_spot(lit, column, row, sigma, strength)
        if self._blur > 0.0:
            lit = gaussian_filter(lit, (self._blur, self._blur, 0.0), truncate=2.5, mode="nearest")
        return np.asarray(lit, np.float32)

    def _brightness(self, height: int, width: int) -> NDArray[np.float32]:
        """Factor (H, W) on the brightness."""
        y, x = ((np.indices((height, width)) - [[[(height - 1) / 2]], [[(width - 1) / 2]]]) / width).astype(np.float32)
        corner = (0.25 + 0.25 * (height / width) ** 2) + 1e-9
        field = self._gain * (1.0 - self._vignetting * (x * x + y * y) / corner)
        across = x * math.cos(self._angle) + y * math.sin(self._angle) - 0.15 * self._offset
        shade = 0.5 + 0.5 * np.tanh(across / self._penumbra)
        return np.asarray(field * (1.0 - self._shadow * shade), np.float32)


def _add_spot(image: NDArray[np.float32], column: float, row: float, sigma: float, strength: float) -> None:
    """Add a spot of glare to an image; column and row are fractions of its edges."""
    height, width = image.shape[:2]
    if strength == 0.0:
        return
    sigma = sigma * width / 640
    x, y, reach = column * (width - 1), row * (height - 1), math.ceil(3 * sigma)
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    part = image[top : int(y) + reach + 1, left : int(x) + reach + 1]
    rows, columns = np.indices(part.shape[:2])
    distance = (rows + top - y) ** 2 + (columns + left - x) ** 2
    part += (255.0 * strength * np.exp(-distance / (2 * sigma**2)))[:, :, None].astype(np.float32)
