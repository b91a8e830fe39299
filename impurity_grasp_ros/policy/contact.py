"""Where the flat pads of two fingers touch a target when they close along the columns of a view."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RIM_PX = 3
"""Cells from the target's outline inward whose highest counts as the height of its rim."""


class Contact(NamedTuple):
    """One pad on a target, for a gripper centred on each row (S,) of a view.

    column: first or last column of the target along the pad. aside: rows from the middle of the pad to that of where
    it touches. recess: columns by which the outline draws back along the pad, at most as many as the pad has rows.
    height: metres of the target where it is touched. Where no row holds any of the target, column lies outside the
    view.
    """

    column: NDArray[np.float64]
    aside: NDArray[np.float64]
    recess: NDArray[np.float64]
    height: NDArray[np.float64]


def contacts(height: NDArray[np.float32], mask: NDArray[np.bool_], pad_px: int) -> tuple[Contact, Contact]:
    """Where pads of an odd number of rows touch the masked cells from the left and from the right.

    height: (S, S) metres. mask: (S, S) the target.
    """
    mirrored = _leftmost(height[:, ::-1], mask[:, ::-1], pad_px)
    return _leftmost(height, mask, pad_px), mirrored._replace(column=mask.shape[1] - 1 - mirrored.column)


def _leftmost(height: NDArray[np.float32], mask: NDArray[np.bool_], pad_px: int) -> Contact:
    size, half = mask.shape[1], pad_px // 2
    present = mask.any(axis=1)
    first = np.where(present, mask.argmax(axis=1), size)
    columns = np.minimum(first[:, None] + np.arange(RIM_PX), size - 1)
    rim = np.where(present, np.take_along_axis(height, columns, axis=1).max(axis=1), 0.0)
    along = sliding_window_view(np.pad(first, half, constant_values=size), pad_px)
    edge = along.min(axis=1)
    touching = along <= edge[:, None] + 1  # one cell more, as outlines are uneven by one
    farthest = np.where(along < size, along, 0).max(axis=1)
    recess = np.clip(farthest - edge, 0, pad_px)
    offset = (touching * np.arange(-half, half + 1)).sum(axis=1) / touching.sum(axis=1)
    highest = (touching * sliding_window_view(np.pad(rim, half), pad_px)).max(axis=1)
    return Contact(edge.astype(np.float64), np.abs(offset), recess.astype(np.float64), highest)
