"""Data augmentation: training patches around an executed action, mirrored, shifted, recolored and with camera noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.transition import ExecutedAction, Focus
from impurity_grasp_ros.policy.observation import encode, render
from impurity_grasp_ros.policy.rotation import View


@dataclass(frozen=True)
class AugmentationConfig:
    """How far a training patch may deviate from what the camera saw."""

    patch_px: int = parameter("edge of the patch that is cut out around an action, a multiple of 32", low=32, high=160)
    shift_px: int = parameter("maximum offset in pixels of the action from the center of the patch", low=0, high=32)
    angle_jitter: float = parameter("rad, maximum additional rotation of the patch", low=0.0, high=0.3)
    color_mix: float = parameter("0: colors as seen, 1: any linear mixture of the channels", low=0.0, high=1.0)
    height_noise: float = parameter("m, maximum standard deviation of the height noise", low=0.0, high=0.01)
    hole_share: float = parameter("maximum fraction of the cells that are marked as not seen", low=0.0, high=0.5)


@dataclass(frozen=True, eq=False)
class Patch:
    """A training patch.

    Attributes:
        view: (8, P, P) float32, the input of a network.
        row: Row of the pixel at which the action was executed.
        column: Column of that pixel.
    """

    view: NDArray[np.float32]
    row: int
    column: int


def patch_of(focus: Focus, action: ExecutedAction, config: AugmentationConfig, rng: np.random.Generator) -> Patch:
    """Draw a random training patch around an action.

    A grasp is turned by 180 degrees half of the time, which does not change it; any patch is mirrored half of the time.

    Args:
        focus: What was seen before the action.
        action: The action to learn from.
        config: Limits of the augmentation.
        rng: Source of all random choices.
    """
    noise = config.color_mix, config.height_noise, config.hole_share
    state = encode(noisy(focus.crop, *noise, rng), focus.mask)
    rotation = action.rotation
    if action.kind is PrimitiveKind.GRASP and rng.random() < 0.5:
        rotation = (rotation + ROTATIONS // 2) % ROTATIONS
    angle = rotation * ROTATION_STEP + rng.uniform(-config.angle_jitter, config.angle_jitter)
    row, column = config.patch_px // 2 + rng.integers(-config.shift_px, config.shift_px + 1, 2)
    view = render(state, view_with(action.row, action.column, angle, int(row), int(column), config.patch_px))
    if rng.random() < 0.5:
        view, row = view[:, ::-1], config.patch_px - 1 - row
    return Patch(np.ascontiguousarray(view), int(row), int(column))


def view_with(cell_row: float, cell_column: float, angle: float, row: int, column: int, size: int) -> View:
    """The view in which a given pixel shows a given cell.

    Args:
        cell_row: Row of the cell, may be fractional.
        cell_column: Column of the cell, may be fractional.
        angle: Angle of the view, radians.
        row: Row of the pixel.
        column: Column of the pixel.
        size: Edge of the view, pixels.
    """
    c, s, half = math.cos(angle), math.sin(angle), (size - 1) / 2
    along, across = column - half, row - half
    return View(cell_row - s * along - c * across, cell_column - c * along + s * across, angle, size)


def noisy(
    crop: Heightmap, color_mix: float, height_noise: float, hole_share: float, rng: np.random.Generator
) -> Heightmap:
    """A crop with its colors mixed, noise on its heights and random cells marked as not seen.

    Args:
        crop: The crop as seen.
        color_mix: As in :class:`AugmentationConfig`.
        height_noise: As in :class:`AugmentationConfig`, meters.
        hole_share: As in :class:`AugmentationConfig`.
        rng: Source of all random choices.
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
