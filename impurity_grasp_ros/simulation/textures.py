"""Textures for table and blocks: generated images of noise and stripes.

A texture darkens the color of a surface in places and does not change its hue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.simulation.skins import lay_image, load_image
from impurity_grasp_ros.simulation.world import World

BLOCK_TEXTURES, BLOCK_SIZE_PX = 6, 64
TABLE_SIZE_PX, TABLE_REPEATS = 512, 4
"""The engine maps only a quarter of a texture's width and height onto a side of a box."""


@dataclass(frozen=True)
class TextureConfig:
    """How much textures darken a surface at their darkest places."""

    blocks: float = parameter("fraction of a block's brightness", low=0.0, high=1.0)
    table: float = parameter("fraction of the table's brightness", low=0.0, high=1.0)


PLAIN = TextureConfig(0.0, 0.0)


def dress(world: World, table: int, config: TextureConfig, rng: np.random.Generator) -> None:
    """Apply textures to the table and all loose bodies; equal generators give equal textures."""
    grain = _pattern(TABLE_SIZE_PX, rng, stripes=bool(rng.integers(2)), waves=24)
    lay_image(world, table, _load(world, np.tile(_shade(grain, config.table), (TABLE_REPEATS, TABLE_REPEATS))))
    patterns = [_pattern(BLOCK_SIZE_PX, rng, stripes=index % 2 == 0, waves=5) for index in range(BLOCK_TEXTURES)]
    textures = [_load(world, _shade(pattern, config.blocks)) for pattern in patterns]
    for body in world.bodies:
        lay_image(world, body, textures[rng.integers(len(textures))])


def _pattern(size: int, rng: np.random.Generator, *, stripes: bool, waves: int) -> NDArray[np.float64]:
    """A tileable image (size, size) in 0..1: up to ``waves`` stripes across, or blotches."""
    noise = gaussian_filter(rng.standard_normal((size, size)), size / 128, mode="wrap")
    blotches = gaussian_filter(rng.standard_normal((size, size)), size / (4 * waves), mode="wrap")
    image = noise / noise.std() + blotches / blotches.std()
    if stripes:
        rows, columns = np.indices((size, size)) / size
        across, along = rng.integers(waves // 2, waves + 1), rng.integers(-1, 2)
        phase = 2 * math.pi * (across * columns + along * rows) + 0.5 * blotches / blotches.std()
        image = 2.0 * np.sin(phase) + noise / noise.std()
    low, high = np.quantile(image, [0.02, 0.98])
    return np.asarray(np.clip((image - low) / (high - low), 0.0, 1.0))


def _shade(pattern: NDArray[np.float64], contrast: float) -> NDArray[np.uint8]:
    """Brightness (H, W) from 255 down to 255 * (1 - contrast)."""
    return np.asarray((255.0 * (1.0 - contrast * pattern)).round().astype(np.uint8))


def _load(world: World, shade: NDArray[np.uint8]) -> int:
    """Pass a gray image to the engine; returns the texture's handle."""
    return load_image(world, np.repeat(shade[:, :, None], 3, axis=2))
