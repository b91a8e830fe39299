"""What a real depth camera adds to a rendering: depth noise, holes at edges, a colour cast and colour noise.

The model of depth is that of active stereo such as a RealSense D435: the disparity has a constant error, so that of the
depth grows with the square of the distance; where depth jumps, one of the two cameras does not see the surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from impurity_grasp_ros.config import parameter

PATCH_PX = 1.0
"""Pixels over which errors of depth are alike: stereo matches windows, not single pixels."""


@dataclass(frozen=True)
class CameraNoise:
    """How much a camera adds."""

    depth_sigma: float = parameter("m, standard deviation at 1 m; grows with depth squared", low=0.0, high=0.05)
    edge_jump: float = parameter("m between close-by readings from which on they are at an edge", low=0.001, high=1.0)
    edge_width: int = parameter("px to either side of an edge where readings may be missing", low=1, high=20)
    edge_holes: float = parameter("part of the readings at edges that are missing", low=0.0, high=1.0)
    color_cast: float = parameter("greatest relative error of a colour channel, drawn once a scene", low=0.0, high=0.5)
    color_sigma: float = parameter("standard deviation of a pixel's colour, of 255", low=0.0, high=50.0)


NOISELESS = CameraNoise(0.0, 1.0, 1, 0.0, 0.0, 0.0)


class SensorNoise:
    """Noise of one camera. It draws from ``rng`` at every frame: equal generators give equal sequences of frames."""

    def __init__(self, config: CameraNoise, rng: np.random.Generator) -> None:
        self._config = config
        self._rng = rng
        self._gain = 1.0 + rng.uniform(-config.color_cast, config.color_cast, 3).astype(np.float32)

    def apply(
        self, color: NDArray[np.uint8], depth: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """A rendering, color (H, W, 3) and depth (H, W) in metres, as the camera delivers it; 0 means no reading."""
        noise = self._rng.standard_normal(color.shape, np.float32) * self._config.color_sigma
        seen = np.clip(color * self._gain + noise, 0.0, 255.0).round().astype(np.uint8)
        noisy = depth + self._config.depth_sigma * depth**2 * self._patches(depth.shape)
        noisy[(depth == 0.0) | self._holes(depth)] = 0.0
        return seen, noisy.astype(np.float32)

    def _holes(self, depth: NDArray[np.float32]) -> NDArray[np.bool_]:
        size = 2 * self._config.edge_width + 1
        edges = maximum_filter(depth, size) - minimum_filter(depth, size) > self._config.edge_jump
        patches = self._patches(depth.shape)
        return np.asarray(edges & (patches < np.quantile(patches, self._config.edge_holes)))

    def _patches(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Normal noise (H, W) of mean 0 and deviation 1, alike within ``PATCH_PX``."""
        smooth = gaussian_filter(self._rng.standard_normal(shape, np.float32), PATCH_PX)
        return np.asarray(smooth / smooth.std())
