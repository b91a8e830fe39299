"""Make the colors of a real camera resemble those of the simulation (paper, section 6.4). Depth is not changed.

Two properties of a reference image can be transferred: the color statistics in L*a*b* (Reinhard et al., Color Transfer
between Images, 2001) and the amplitudes of the lowest spatial frequencies (Yang and Soatto, Fourier Domain Adaptation,
2020).
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
"""Shape (H, W, 3), RGB."""


@dataclass(frozen=True)
class AdaptationConfig:
    """What is transferred, from which reference, and how strongly."""

    mode: str = parameter("what is transferred", choices=("off", "statistics", "amplitude", "both"))
    reference: str = parameter("image of the simulation: a path, absolute or relative to the package")
    bandwidth: float = parameter("fraction of the frequencies that count as low, from zero up", low=0.0, high=0.1)
    max_gain: float = parameter("factor by which a channel's contrast changes at most", low=1.0, high=10.0)


def adapt(color: Image, config: AdaptationConfig) -> Image:
    """Adapt the colors of an image to those of the reference.

    Args:
        color: (H, W, 3) uint8, RGB.
        config: What to transfer.

    Returns:
        The adapted image, (H, W, 3) uint8; ``color`` itself in mode ``off``.

    Raises:
        ConfigError: The reference image cannot be read.
    """
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
    """Read the reference image; it is cached.

    Args:
        file: Path, absolute or relative to the package.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        ConfigError: There is no such file, or it is not an image.
    """
    image = cv2.imread(str(resource(file)), cv2.IMREAD_COLOR)
    if image is None:
        raise ConfigError(f"adaptation.reference: expected an image file, received {file!r}")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def transfer_statistics(color: Image, reference: Image, max_gain: float) -> Image:
    """Give an image the reference's mean and standard deviation in every L*a*b* channel.

    Args:
        color: (H, W, 3) uint8, RGB.
        reference: uint8, RGB, of any size.
        max_gain: Limit on the change of a standard deviation, as a factor up or down.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    lab, wanted = _to_lab(color), _to_lab(reference)
    mean, spread = lab.mean(axis=(0, 1)), lab.std(axis=(0, 1))
    gain = np.clip(wanted.std(axis=(0, 1)) / np.maximum(spread, 1e-6), 1.0 / max_gain, max_gain)
    return _to_rgb((lab - mean) * gain + wanted.mean(axis=(0, 1)))


def transfer_amplitude(color: Image, reference: Image, bandwidth: float) -> Image:
    """Give an image the reference's amplitudes at low spatial frequencies; phases stay.

    Args:
        color: (H, W, 3) uint8, RGB.
        reference: uint8, RGB, of any size.
        bandwidth: Fraction of the frequencies along each axis that count as low, from zero up.

    Returns:
        (H, W, 3) uint8, RGB.
    """
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
