"""Where the flat pads of two fingers touch a target when they close along the columns of a view."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RIM_PX = 3
"""Number of a row's outermost target cells that form its rim; the highest of them gives the rim's height."""


class Contact(NamedTuple):
    """How one pad touches a target, for a gripper centered on each row (S,) of a view.

    Where no row of the pad holds a target cell, ``column`` lies outside the view.

    Attributes:
        column: (S,) float64, the target's outermost column among the rows of the pad, on the pad's side.
        aside: (S,) float64, rows between the middle of the pad and the middle of the rows that it touches.
        recess: (S,) float64, columns between ``column`` and the row whose outline lies farthest back; at most the
            number of rows of the pad.
        height: (S,) float32, height of the target's rim in meters, where it is touched.
    """

    column: NDArray[np.float64]
    aside: NDArray[np.float64]
    recess: NDArray[np.float64]
    height: NDArray[np.float32]


def contacts(height: NDArray[np.float32], mask: NDArray[np.bool_], pad_px: int) -> tuple[Contact, Contact]:
    """Find where two pads touch a target.

    Args:
        height: (S, S) float32, meters above the table.
        mask: (S, S) bool, the target's cells.
        pad_px: Number of rows that a pad covers, odd.

    Returns:
        The contact of the pad that comes from the left (column 0), and that of the other pad.
    """
    mirrored = _leftmost(height[:, ::-1], mask[:, ::-1], pad_px)
    return _leftmost(height, mask, pad_px), mirrored._replace(column=mask.shape[1] - 1 - mirrored.column)


def first_columns(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the first column of a mask (R, C) in each row, (R,); C in rows without any."""
    return np.where(mask.any(axis=1), mask.argmax(axis=1), mask.shape[1])


def _leftmost(height: NDArray[np.float32], mask: NDArray[np.bool_], pad_px: int) -> Contact:
    """Return the contact of the pad that comes from the left."""
    size, half = mask.shape[1], pad_px // 2
    first = first_columns(mask)
    columns = np.minimum(first[:, None] + np.arange(RIM_PX), size - 1)
    rim = np.where(first < size, np.take_along_axis(height, columns, axis=1).max(axis=1), np.float32(0.0))
    along = sliding_window_view(np.pad(first, half, constant_values=size), pad_px)
    edge = along.min(axis=1)
    touching = along <= edge[:, None] + 1  # a rasterized edge is uneven by one cell
    farthest = np.where(along < size, along, 0).max(axis=1)
    recess = np.clip(farthest - edge, 0, pad_px)
    offset = (touching * np.arange(-half, half + 1)).sum(axis=1) / touching.sum(axis=1)
    highest = (touching * sliding_window_view(np.pad(rim, half), pad_px)).max(axis=1)
    return Contact(edge.astype(np.float64), np.abs(offset), recess.astype(np.float64), highest)
