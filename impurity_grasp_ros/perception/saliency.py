"""VOCUS2 bottom-up saliency (Frintrop, Werner, Martin Garcia: Traditional Saliency Reloaded, CVPR 2015).

A pixel is salient where a small Gaussian neighbourhood (centre) differs from a large one (surround) in intensity, in
red against green, or in blue against yellow, at any of several scales. All maps are fused by their mean: "on" and
"off" contrasts of one scale then add up to the absolute contrast, and only that is computed.
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
_OPPONENT_FROM_RGB = np.array([[1 / 3, 1 / 3, 1 / 3], [1.0, -1.0, 0.0], [-0.5, -0.5, 1.0]]) / 255.0
"""Rows: intensity in [0, 1], red-green and blue-yellow in [-1, 1]."""

_SUM_OF_PLANES = np.ones((1, 3))


@dataclass(frozen=True)
class SaliencyConfig:
    """Scales of VOCUS2; sigmas are in pixels of the image at hand, whatever that shows."""

    center_sigma_px: float = parameter("sigma of the finest centre in pixels", low=0.5, high=20.0)
    surround_sigma_px: float = parameter(
        "sigma of the finest surround in pixels, above the centre's", low=1.0, high=60.0
    )
    stop_octave: int = parameter(
        "index of the last octave, each of half the resolution of the one before", low=0, high=8
    )
    scales_per_octave: int = parameter("scales in every octave", low=1, high=6)

    def __post_init__(self) -> None:
        if not self.surround_sigma_px > self.center_sigma_px:
            raise ConfigError(
                f"surround_sigma_px: expected more than center_sigma_px = {self.center_sigma_px}, "
                f"received {self.surround_sigma_px}"
            )


DEFAULT = SaliencyConfig(center_sigma_px=3.0, surround_sigma_px=13.0, stop_octave=4, scales_per_octave=2)
"""The authors' set for large objects."""

COFFEE = SaliencyConfig(center_sigma_px=2.0, surround_sigma_px=6.0, stop_octave=4, scales_per_octave=2)
"""The authors' set for clutter with many small objects."""


def saliency(rgb: NDArray[np.uint8], config: SaliencyConfig) -> NDArray[np.float32]:
    """Raw saliency (H, W) float32 of an image (H, W, 3) uint8, RGB, of any size.

    Values keep their physical size (mean contrast of planes in [0, 1] and [-1, 1]) and can be compared between images;
    a constant image has none anywhere. Raises InvalidFrameError for any other kind of array.
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
    """Raise InvalidFrameError unless ``rgb`` is a colour image (H, W, 3) uint8 with at least one pixel."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise InvalidFrameError(f"color: expected shape (H, W, 3) of uint8, received {rgb.shape} of {rgb.dtype}")


def stretch(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map scaled linearly to [0, 1]; zeros where it is flat, so that rounding noise is not blown up."""
    low, high = float(raw.min()), float(raw.max())
    if high - low < _FLAT:
        return np.zeros_like(raw)
    return (raw - np.float32(low)) / np.float32(high - low)


def _mixed(planes: Planes, matrix: NDArray[np.float64]) -> Planes:
    """Every pixel's values times ``matrix`` (P, 3); shape (H, W, P), or (H, W) for a single row."""
    return np.asarray(cv2.transform(planes, matrix), np.float32)


def _step_sigma(scale: int, config: SaliencyConfig) -> float:
    """Sigma in pixels of the blur that leads from one scale of an octave to the next."""
    here, beyond = (config.center_sigma_px * 2.0 ** (k / config.scales_per_octave) for k in (scale, scale + 1))
    return math.sqrt(beyond**2 - here**2)


def _surround_sigma(scale: int, config: SaliencyConfig) -> float:
    """Sigma in pixels of the blur that leads from the centre to the surround of a scale."""
    finest = math.sqrt(config.surround_sigma_px**2 - config.center_sigma_px**2)
    return finest * 2.0 ** (scale / config.scales_per_octave)


def _blurred(planes: Planes, sigma_px: float) -> Planes:
    """Gaussian blur of all planes (H, W, 3), edges replicated."""
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32)


def _halved(planes: Planes) -> Planes:
    """Every other pixel of all planes, rounded down at odd sizes."""
    height, width = planes.shape[:2]
    return np.ascontiguousarray(planes[: height // 2 * 2 : 2, : width // 2 * 2 : 2])
