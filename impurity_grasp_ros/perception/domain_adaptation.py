"""Colours of a real camera made like those of the simulation (paper, section 6.4). Geometry stays untouched.

Two transfers towards one reference image: colour statistics in L*a*b* (Reinhard et al., Color Transfer between Images,
2001) and the amplitude of the lowest spatial frequencies (Yang and Soatto, Fourier Domain Adaptation, 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.resources import resource

Image = NDArray[np.uint8]
"""(H, W, 3) RGB."""


@dataclass(frozen=True)
class AdaptationConfig:
    """Whether colours are adapted, to what, and how far."""

    mode: str = parameter("what is transferred", choices=("off", "statistics", "amplitude", "both"))
    reference: str = parameter("image of the simulation; a path, or relative to the package")
    bandwidth: float = parameter("part of the frequencies, from zero on, that count as low", low=0.0, high=0.1)
    max_gain: float = parameter("largest stretch of a channel's contrast", low=1.0, high=10.0)


def adapt(color: Image, config: AdaptationConfig) -> Image:
    """A colour image (H, W, 3) with the looks of the reference; raises ConfigError when that cannot be read."""
    if config.mode == "off":
        return color
    reference = read_reference(config.reference)
    if config.mode in ("amplitude", "both"):
        color = transfer_amplitude(color, reference, config.bandwidth)
    if config.mode in ("statistics", "both"):
        color = transfer_statistics(color, reference, config.max_gain)
    return color


@lru_cache(maxsize=2)
def read_reference(file: str) -> Image:
    """The reference image in a file; raises ConfigError."""
    image = cv2.imread(str(resource(file)), cv2.IMREAD_COLOR)
    if image is None:
        raise ConfigError(f"adaptation.reference: expected an image file, received {file!r}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def transfer_statistics(color: Image, reference: Image, max_gain: float) -> Image:
    """The image with the reference's mean and standard deviation of every L*a*b* channel."""
    lab, wanted = _to_lab(color), _to_lab(reference)
    mean, spread = lab.mean(axis=(0, 1)), lab.std(axis=(0, 1))
    gain = np.clip(wanted.std(axis=(0, 1)) / np.maximum(spread, 1e-6), 1.0 / max_gain, max_gain)
    return _to_rgb((lab - mean) * gain + wanted.mean(axis=(0, 1)))


def transfer_amplitude(color: Image, reference: Image, bandwidth: float) -> Image:
    """The image with the reference's amplitudes of frequencies up to ``bandwidth`` of each axis; phases stay."""
    rows, columns = color.shape[:2]
    fitted = cv2.resize(reference, (columns, rows), interpolation=cv2.INTER_AREA)
    spectrum = np.fft.rfft2(color.astype(np.float64), axes=(0, 1))
    wanted = np.fft.rfft2(fitted.astype(np.float64), axes=(0, 1))
    low = np.abs(np.fft.fftfreq(rows))[:, None] <= bandwidth / 2
    low = low & (np.fft.rfftfreq(columns)[None, :] <= bandwidth / 2)
    amplitude = np.where(low[:, :, None], np.abs(wanted), np.abs(spectrum))
    adapted = np.fft.irfft2(amplitude * np.exp(1j * np.angle(spectrum)), s=(rows, columns), axes=(0, 1))
    return np.clip(np.rint(adapted), 0, 255).astype(np.uint8)


def _to_lab(color: Image) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(color.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)


def _to_rgb(lab: NDArray[np.float32]) -> Image:
    rgb = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.clip(np.rint(rgb * 255.0), 0, 255).astype(np.uint8)
