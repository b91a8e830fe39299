"""The input of a Q-network: the target-centric and the target-mask heightmap, in rotated views.

The paper (section 5.2.1) uses two RGB-D heightmaps: the crop around the target, and the same crop with everything but
the target set to zero (algorithm 1). Around a candidate cluster, the mask is all ones, so both are equal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX, HEIGHTMAP_RESOLUTION, ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.policy.rotation import View

CHANNELS = 8
"""Channels of a state: red, green, blue and height of the crop, then the same of the masked crop."""

VIEW_SIZE_PX = 160
"""Edge of a view: large enough for a 112 x 112 crop at any angle, and a multiple of 32, as networks need it."""

HEIGHT_SCALE = 0.05
"""Height in meters that is scaled to 1; about the height of a block."""

CROP_MIDDLE = (CROP_SIZE_PX - 1) / 2
"""Row and column of the middle of a crop."""


def check_resolution(grid: Grid) -> None:
    """Check that the cells of a heightmap are as large as those that networks learned from.

    Raises:
        ConfigError: They are not.
    """
    if abs(grid.resolution - HEIGHTMAP_RESOLUTION) > 1e-6:
        raise ConfigError(
            f"workspace.resolution: learned actors expect cells of {HEIGHTMAP_RESOLUTION} m, received "
            f"{grid.resolution:g} m; actor analytic accepts others"
        )


def encode(crop: Heightmap, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Encode a crop as a state.

    Args:
        crop: The crop (112, 112).
        mask: (112, 112) bool, the target's cells.

    Returns:
        (112, 112, 8) float32, see ``CHANNELS``: colors from -1 to 1, heights in units of ``HEIGHT_SCALE``. Cells that
        were not seen are 0 in all channels.
    """
    state = np.zeros((CROP_SIZE_PX, CROP_SIZE_PX, CHANNELS), np.float32)
    state[..., :3] = (crop.color.astype(np.float32) / 127.5 - 1.0) * crop.valid[..., None]
    state[..., 3] = crop.height / HEIGHT_SCALE
    state[..., 4:] = state[..., :4] * mask[..., None]
    return state


def view_of(rotation: int, row: float = CROP_MIDDLE, column: float = CROP_MIDDLE, size: int = VIEW_SIZE_PX) -> View:
    """Return the view of a crop at one of the 16 rotations.

    Args:
        rotation: Number of the rotation; its angle is that many steps of 22.5 degrees.
        row: Row of the crop in the middle of the view.
        column: Column of the crop in the middle of the view.
        size: Edge of the view in pixels.

    Returns:
        The view.
    """
    return View(row, column, rotation * ROTATION_STEP, size)


def render(state: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Render one view of a state.

    Args:
        state: (112, 112, 8) float32, see :func:`encode`.
        view: The view, S pixels wide.

    Returns:
        (8, S, S) float32; 0 outside the crop.
    """
    halves = [view.render(np.ascontiguousarray(state[..., part])) for part in (slice(0, 4), slice(4, 8))]
    return np.concatenate(halves, axis=2).transpose(2, 0, 1)


def all_views(state: NDArray[np.float32]) -> NDArray[np.float32]:
    """Render the views of a state at all rotations.

    Args:
        state: (112, 112, 8) float32, see :func:`encode`.

    Returns:
        (16, 8, 160, 160) float32.
    """
    return np.stack([render(state, view_of(rotation)) for rotation in range(ROTATIONS)])
