"""What a Q-network sees: the target-centric heightmap and the target-mask heightmap, in turned views.

The paper (section 5.2.1) feeds two RGB-D heightmaps: the crop around the target, and the same crop with everything but
the target blanked (algorithm 1; around a candidate cluster the mask is all ones, so both are equal).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX, ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.policy.rotation import View

CHANNELS = 8
"""Red, green, blue and height of the crop, and the same of the masked crop."""

VIEW_SIZE_PX = 160
"""Edge of a view: nothing of a 112 x 112 crop is cut at any angle, and 32 divides it."""

HEIGHT_SCALE = 0.05
"""Metres that become 1; about the height of a block."""

CROP_MIDDLE = (CROP_SIZE_PX - 1) / 2


def encode(crop: Heightmap, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """State (112, 112, 8) float32 of a crop and its target mask (112, 112); cells that nobody saw are zero."""
    state = np.zeros((CROP_SIZE_PX, CROP_SIZE_PX, CHANNELS), np.float32)
    state[..., :3] = (crop.color.astype(np.float32) / 127.5 - 1.0) * crop.valid[..., None]
    state[..., 3] = crop.height / HEIGHT_SCALE
    state[..., 4:] = state[..., :4] * mask[..., None]
    return state


def view_of(rotation: int, row: float = CROP_MIDDLE, column: float = CROP_MIDDLE, size: int = VIEW_SIZE_PX) -> View:
    """The view of a crop at one of the 16 rotations, centred on a cell of the crop."""
    return View(row, column, rotation * ROTATION_STEP, size)


def render(state: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """One view (8, S, S) of a state (112, 112, 8)."""
    halves = [view.render(np.ascontiguousarray(state[..., part])) for part in (slice(0, 4), slice(4, 8))]
    return np.concatenate(halves, axis=2).transpose(2, 0, 1)


def all_views(state: NDArray[np.float32]) -> NDArray[np.float32]:
    """All 16 views (16, 8, 160, 160) of a state (112, 112, 8)."""
    return np.stack([render(state, view_of(rotation)) for rotation in range(ROTATIONS)])
