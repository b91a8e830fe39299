"""Sensor noise of a real depth camera: depth noise, holes, flying pixels, a color cast and color noise.

The depth model is that of active stereo, as in a RealSense D435. The disparity error is constant, so the depth error
grows with the square of the distance. At depth discontinuities, one of the two cameras does not see the surface.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.simulation.light import IDEAL, Light, LightConfig

PATCH_PX = 1.0
"""Standard deviation in pixels of the filter that correlates depth errors: stereo matches windows, not pixels."""


HOLE_PX = 3
"""Edge of a hole that is not at an edge, pixels."""


@dataclass(frozen=True)
class DepthFaults:
    """Readings that are missing or wrong for other reasons than noise."""

    flying: float = parameter("fraction of the readings at edges that lie between the two surfaces", low=0.0, high=1.0)
    holes: float = parameter("fraction of all readings that are missing", low=0.0, high=0.5)


NO_FAULTS = DepthFaults(0.0, 0.0)


@dataclass(frozen=True)
class CameraNoise:
    """Strength of the noise."""

    depth_sigma: float = parameter("m, standard deviation at 1 m; grows with depth squared", low=0.0, high=0.05)
    edge_jump: float = parameter(
        "m, difference of nearby readings above which they are at an edge", low=0.001, high=1.0
    )
    edge_width: int = parameter("px to either side of an edge where readings may be missing", low=1, high=20)
    edge_holes: float = parameter("fraction of the readings at edges that are missing", low=0.0, high=1.0)
    color_cast: float = parameter("maximum relative error of a color channel, drawn once per scene", low=0.0, high=0.5)
    color_sigma: float = parameter("standard deviation of a pixel's color, out of 255", low=0.0, high=50.0)
    light: LightConfig = IDEAL
    depth: DepthFaults = NO_FAULTS

    def scaled(self, factor: float) -> CameraNoise:
        """Return noise of ``factor`` times this strength, 0..1; what counts as an edge stays."""
        return replace(
            self,
            depth_sigma=factor * self.depth_sigma,
            edge_holes=factor * self.edge_holes,
            color_cast=factor * self.color_cast,
            color_sigma=factor * self.color_sigma,
            light=LightConfig(*(factor * value for value in astuple(self.light))),
            depth=DepthFaults(*(factor * value for value in astuple(self.depth))),
        )


NOISELESS = CameraNoise(0.0, 1.0, 1, 0.0, 0.0, 0.0)


class SensorNoise:
    """Noise of one camera. Every frame draws from ``rng``; equal generators give equal sequences of frames."""

    def __init__(self, config: CameraNoise, rng: np.random.Generator) -> None:
        self._config = config
        self._rng = rng
        self._gain = 1.0 + rng.uniform(-config.color_cast, config.color_cast, 3).astype(np.float32)
        self._light = Light(config.light, rng) if config.light != IDEAL else None

    def apply(
        self, color: NDArray[np.uint8], depth: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Add noise to a rendering.

        Args:
            color: (H, W, 3) uint8.
            depth: (H, W) float32, meters; 0 where nothing was rendered.

        Returns:
            Color and depth as the camera delivers them, in the same format; a depth of 0 means no reading.
        """
        noise = self._rng.standard_normal(color.shape, np.float32) * self._config.color_sigma
        lit = color * self._gain if self._light is None else self._light.apply(color * self._gain)
        seen = np.clip(lit + noise, 0.0, 255.0).round().astype(np.uint8)
        noisy = depth + self._config.depth_sigma * depth**2 * self._patches(depth.shape)
        holes = (depth == 0.0) | self._holes(depth)
        if self._config.depth.flying > 0.0:
            self._let_fly(noisy, depth)
        if self._config.depth.holes > 0.0:
            self._pierce(holes)
        noisy[holes] = 0.0
        return seen, noisy.astype(np.float32)

    def _let_fly(self, noisy: NDArray[np.float32], depth: NDArray[np.float32]) -> None:
        """Replace readings next to an edge by random ones between the near and the far surface."""
        far, near = maximum_filter(depth, 3), minimum_filter(depth, 3)
        edges = np.flatnonzero((far - near > self._config.edge_jump) & (near > 0.0))
        chosen = edges[self._rng.random(len(edges)) < self._config.depth.flying]
        between = self._rng.random(len(chosen), np.float32)
        noisy.flat[chosen] = near.flat[chosen] + between * (far.flat[chosen] - near.flat[chosen])

    def _pierce(self, holes: NDArray[np.bool_]) -> None:
        """Mark small square holes at random places."""
        height, width = holes.shape
        count = round(-math.log1p(-self._config.depth.holes) * holes.size / HOLE_PX**2)  # they overlap
        rows, columns = self._rng.integers(0, height, count), self._rng.integers(0, width, count)
        for down, right in itertools.product(range(HOLE_PX), repeat=2):
            holes[np.minimum(rows + down, height - 1), np.minimum(columns + right, width - 1)] = True

    def _holes(self, depth: NDArray[np.float32]) -> NDArray[np.bool_]:
        size = 2 * self._config.edge_width + 1
        edges = maximum_filter(depth, size) - minimum_filter(depth, size) > self._config.edge_jump
        patches = self._patches(depth.shape)
        return np.asarray(edges & (patches < np.quantile(patches, self._config.edge_holes)))

    def _patches(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Normal noise (H, W) with mean 0 and standard deviation 1, correlated within ``PATCH_PX``."""
        smooth = gaussian_filter(self._rng.standard_normal(shape, np.float32), PATCH_PX)
        return np.asarray(smooth / smooth.std())
