"""Samples of a view drawn as plain arrays: one every 2.5 mm, seen straight from above."""

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.samples import Samples

SPACING = 0.0025
"""Meters between neighbors."""

GRAY = (128, 128, 128)


def samples_of(
    height: NDArray[np.float32],
    color: NDArray[np.uint8] | None = None,
    read: NDArray[np.bool_] | None = None,
    judged: NDArray[np.bool_] | None = None,
    on_workspace: NDArray[np.bool_] | None = None,
) -> Samples:
    """Samples (h, w) of these heights in meters, gray and all of them read, judged and on the workspace unless told.

    x grows with the row and y with the column, both from 0.
    """
    rows, columns = np.indices(height.shape).astype(np.float32) * np.float32(SPACING)
    gray = np.full((*height.shape, 3), GRAY, np.uint8)
    area = np.full(height.shape, SPACING**2, np.float32)
    every = np.ones(height.shape, np.bool_)
    return Samples(
        gray if color is None else color,
        rows,
        columns,
        height.astype(np.float32),
        area,
        every if read is None else read,
        every if judged is None else judged,
        every if on_workspace is None else on_workspace,
    )


def flat(rows: int, columns: int) -> NDArray[np.float32]:
    """Heights of an empty table."""
    return np.zeros((rows, columns), np.float32)
