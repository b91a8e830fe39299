"""Training views of a deed: mirrored, shifted, recoloured and with the noise of a real camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.transition import Deed, Focus
from impurity_grasp_ros.policy.observation import encode, render
from impurity_grasp_ros.policy.rotation import View


@dataclass(frozen=True)
class AugmentationConfig:
    """How far a training view may be from what was seen."""

    patch_px: int = parameter("edge of the view that is cut out around a deed, a multiple of 32", low=32, high=160)
    shift_px: int = parameter("pixels by which the deed is off the patch's middle at most", low=0, high=32)
    angle_jitter: float = parameter("rad by which the view is turned at most", low=0.0, high=0.3)
    color_mix: float = parameter("0: colours as seen, 1: any linear mixture of them", low=0.0, high=1.0)
    height_noise: float = parameter("m, standard deviation of heights at most", low=0.0, high=0.01)
    hole_share: float = parameter("part of the cells that go unseen at most", low=0.0, high=0.5)


@dataclass(frozen=True, eq=False)
class Patch:
    """view: (8, P, P) float32 as a network takes it. row, column: pixel of the deed."""

    view: NDArray[np.float32]
    row: int
    column: int


def patch_of(focus: Focus, deed: Deed, config: AugmentationConfig, rng: np.random.Generator) -> Patch:
    """A random training view of a deed. A grasp may be turned by 180 degrees, everything may be mirrored."""
    noise = config.color_mix, config.height_noise, config.hole_share
    state = encode(noisy(focus.crop, *noise, rng), focus.mask)
    rotation = deed.rotation
    if deed.kind is PrimitiveKind.GRASP and rng.random() < 0.5:
        rotation = (rotation + ROTATIONS // 2) % ROTATIONS
    angle = rotation * ROTATION_STEP + rng.uniform(-config.angle_jitter, config.angle_jitter)
    row, column = config.patch_px // 2 + rng.integers(-config.shift_px, config.shift_px + 1, 2)
    view = render(state, view_with(deed.row, deed.column, angle, int(row), int(column), config.patch_px))
    if rng.random() < 0.5:
        view, row = view[:, ::-1], config.patch_px - 1 - row
    return Patch(np.ascontiguousarray(view), int(row), int(column))


def view_with(cell_row: float, cell_column: float, angle: float, row: int, column: int, size: int) -> View:
    """The view at ``angle`` whose pixel (row, column) shows the cell."""
    c, s, half = math.cos(angle), math.sin(angle), (size - 1) / 2
    along, across = column - half, row - half
    return View(cell_row - s * along - c * across, cell_column - c * along + s * across, angle, size)


def noisy(
    crop: Heightmap, color_mix: float, height_noise: float, hole_share: float, rng: np.random.Generator
) -> Heightmap:
    """Other colours in the same places, heights that waver, cells that went unseen.

    The numbers are those of :class:`AugmentationConfig`.
    """
    mixture = np.eye(3) * (1 - color_mix) + color_mix * rng.uniform(-0.5, 0.8, (3, 3))
    centered = crop.color.astype(np.float32) / 127.5 - 1.0
    color = centered @ mixture.T.astype(np.float32) + rng.uniform(-0.3, 0.3, 3).astype(np.float32) * color_mix
    height = crop.height + rng.normal(0.0, 1.0, crop.height.shape).astype(np.float32) * np.float32(
        rng.uniform(0.0, height_noise)
    )
    valid = crop.valid & (rng.random(crop.valid.shape) >= rng.uniform(0.0, hole_share))
    level = np.where(crop.height > 0.0, np.maximum(height, 0.0), 0.0)
    pixels = np.clip((color + 1.0) * 127.5, 0, 255).astype(np.uint8)
    return Heightmap(pixels, np.where(valid, level, 0.0).astype(np.float32), valid, crop.grid)
