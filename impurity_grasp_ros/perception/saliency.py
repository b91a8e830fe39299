"""VOCUS2 bottom-up saliency (Frintrop, Werner, Martin Garcia: Traditional Saliency Reloaded, CVPR 2015).

A pixel is salient where a small Gaussian neighborhood (center) differs from a large one (surround) in intensity, in
red versus green, or in blue versus yellow, at any of several scales. All maps are fused by their mean. The "on" and
"off" contrasts of a scale then add up to the absolute contrast, so only that is computed.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError, InvalidFrameError

Planes = NDArray[np.float32]
"""Intensity, red-green and blue-yellow of every pixel, (H, W, 3)."""

_FLAT = 1e-6
"""Range of values below which a map counts as constant."""

_OPPONENT_FROM_RGB = np.array([[1 / 3, 1 / 3, 1 / 3], [1.0, -1.0, 0.0], [-0.5, -0.5, 1.0]]) / 255.0
"""Rows: intensity in [0, 1], red-green and blue-yellow in [-1, 1]."""

_SUM_OF_PLANES = np.ones((1, 3))
"""One row that adds up the three planes."""


@dataclass(frozen=True)
class SaliencyConfig:
    """Scales of VOCUS2. Sigmas are in pixels of the given image, whatever its scale.

    Raises:
        ConfigError: The surround is not larger than the center.
    """

    center_sigma_px: float = parameter("sigma of the finest center in pixels", low=0.5, high=20.0)
    surround_sigma_px: float = parameter(
        "sigma of the finest surround in pixels, larger than the center's", low=1.0, high=60.0
    )
    stop_octave: int = parameter(
        "index of the last octave; each has half the resolution of the one before", low=0, high=8
    )
    scales_per_octave: int = parameter("scales per octave", low=1, high=6)

    def __post_init__(self) -> None:
        """Raise ConfigError unless the surround is larger than the center."""
        if not self.surround_sigma_px > self.center_sigma_px:
            raise ConfigError(
                f"surround_sigma_px: expected more than center_sigma_px = {self.center_sigma_px}, "
                f"received {self.surround_sigma_px}"
            )


DEFAULT = SaliencyConfig(center_sigma_px=3.0, surround_sigma_px=13.0, stop_octave=4, scales_per_octave=2)
"""The authors' parameters for large objects."""

COFFEE = SaliencyConfig(center_sigma_px=2.0, surround_sigma_px=6.0, stop_octave=4, scales_per_octave=2)
"""The authors' parameters for clutter with many small objects."""


def saliency(rgb: NDArray[np.uint8], config: SaliencyConfig) -> NDArray[np.float32]:
    """Compute the raw saliency map of an image.

    Values are not normalized: they are mean contrasts of planes in [0, 1] and [-1, 1] and can be compared between
    images. A constant image has saliency 0 everywhere.

    Args:
        rgb: (H, W, 3) uint8, RGB, of any size.
        config: The scales.

    Returns:
        (H, W) float32.

    Raises:
        InvalidFrameError: ``rgb`` has another shape or dtype.
    """
    check_image(rgb)
    height, width = rgb.shape[:2]
    octaves = min(int(math.log2(min(height, width))), config.stop_octave) + 1
    center = _blurred(_mixed(rgb.astype(np.float32), _OPPONENT_FROM_RGB), config.center_sigma_px)
    total = np.zeros((height, width), np.float32)
    for _ in range(octaves):
        contrast = np.zeros(center.shape[:2], np.float32)
        for scale in range(config.scales_per_octave):
            surround = _blurred(center, _surround_sigma(scale, config))
            contrast += _mixed(np.abs(center - surround), _SUM_OF_PLANES)
            center = _blurred(center, _step_sigma(scale, config))
        enlarged = cv2.resize(contrast, (width, height), interpolation=cv2.INTER_CUBIC)
        total += np.asarray(enlarged, np.float32)
        center = _halved(center)
    polarities, planes = 2, 3
    return total / np.float32(polarities * planes * octaves * config.scales_per_octave)


def check_image(rgb: NDArray[np.uint8]) -> None:
    """Check that an array is a color image, (H, W, 3) uint8, with at least one pixel.

    Raises:
        InvalidFrameError: It is not.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise InvalidFrameError(f"color: expected shape (H, W, 3) of uint8, received {rgb.shape} of {rgb.dtype}")


def stretch(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale a map linearly to [0, 1].

    Args:
        raw: (H, W) float32.

    Returns:
        (H, W) float32; zeros for a constant map, so that rounding noise is not amplified.
    """
    low, high = float(raw.min()), float(raw.max())
    if high - low < _FLAT:
        return np.zeros_like(raw)
    return (raw - np.float32(low)) / np.float32(high - low)


def _mixed(planes: Planes, matrix: NDArray[np.float64]) -> Planes:
    """Multiply every pixel's values by ``matrix`` (P, 3); the result is (H, W, P), or (H, W) for a single row."""
    return np.asarray(cv2.transform(planes, matrix), np.float32)


def _step_sigma(scale: int, config: SaliencyConfig) -> float:
    """Return the sigma in pixels of the blur that leads from one scale of an octave to the next."""
    here, beyond = (config.center_sigma_px * 2.0 ** (k / config.scales_per_octave) for k in (scale, scale + 1))
    return math.sqrt(beyond**2 - here**2)


def _surround_sigma(scale: int, config: SaliencyConfig) -> float:
    """Return the sigma in pixels of the blur that leads from the center to the surround of a scale."""
    finest = math.sqrt(config.surround_sigma_px**2 - config.center_sigma_px**2)
    return finest * 2.0 ** (scale / config.scales_per_octave)


def _blurred(planes: Planes, sigma_px: float) -> Planes:
    """Blur all planes (H, W, 3) with a Gaussian, edges replicated."""
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32)


def _halved(planes: Planes) -> Planes:
    """Keep every other pixel of all planes; odd sizes are rounded down."""
    height, width = planes.shape[:2]
    return np.ascontiguousarray(planes[: height // 2 * 2 : 2, : width // 2 * 2 : 2])
