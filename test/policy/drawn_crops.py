"""Heights of crops and of their views, drawn as upright boxes; cells of 2 mm."""

import numpy as np
from grippers import GRIPPER
from numpy.typing import NDArray
from shipped_policy import COSTS, DECODING

from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.policy.agent import Situation, situation_of

WORKSPACE = Grid(0.276, -0.224)
CROP = WORKSPACE.window(56, 56, 112)
CELL = 0.002

Heights = NDArray[np.float32]
Cells = NDArray[np.bool_]

BLOCK = (slice(48, 64), slice(44, 68))
"""32 x 48 mm in the middle of the crop."""

TARGET = (slice(72, 88), slice(68, 92))
"""The same in its view without a turn, 160 pixels wide."""


def crop_with(blocks: list[tuple[slice, slice, float]], grid: Grid = CROP) -> Heightmap:
    """A crop with upright boxes of given rows, columns and height in meters."""
    height = np.zeros((112, 112), np.float32)
    for rows, columns, top in blocks:
        height[rows, columns] = top
    return Heightmap(np.full((112, 112, 3), 120, np.uint8), height, np.ones((112, 112), np.bool_), grid)


def mask_of(rows: slice, columns: slice) -> Cells:
    mask = np.zeros((112, 112), np.bool_)
    mask[rows, columns] = True
    return mask


def lone_block() -> Situation:
    return situation_of(crop_with([(*BLOCK, 0.04)]), mask_of(*BLOCK), True, WORKSPACE, GRIPPER, DECODING, COSTS)


def view_with(*boxes: tuple[slice, slice, float], size: int = 160) -> Heights:
    """Heights of a view with upright boxes of given rows, columns and height in meters."""
    height = np.zeros((size, size), np.float32)
    for rows, columns, top in boxes:
        height[rows, columns] = top
    return height


def cell(row: int, column: int, top: float) -> tuple[slice, slice, float]:
    """A box of one cell."""
    return slice(row, row + 1), slice(column, column + 1), top
