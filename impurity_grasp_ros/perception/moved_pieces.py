"""Follow pieces from one view to the next: connected cells that carry objects, and that moved as one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Heightmap

MIN_CELLS = 60
"""Smaller pieces are not followed."""

LEVEL = 0.005
"""Meters by which a surface varies between two views of it."""

ALIKE = 0.85
"""Fraction of the cells of a piece that are as high as before, if it is the same; sides that come into view or
disappear are other cells."""

DISPLACEMENT = 0.01
"""Meters by which the middle of a piece moves at least if it was pushed; less may be a change of what is seen of it."""

AREA_CHANGE = 1.2
"""Factor by which the number of a piece's cells changes at most when it is seen from another side."""

TURNS = np.radians(np.arange(-90.0, 90.0, 5.0))
SHIFTS = np.array([(row, column) for row in (-2, 0, 2) for column in (-2, 0, 2)])
"""Rotations in radians, and shifts of the middle in cells, that are tried."""

SAMPLES = 300
"""Cells of a piece that are compared."""


@dataclass(frozen=True, eq=False)
class Followed:
    """A piece in two views.

    Attributes:
        before: (R, C) bool, its cells in the earlier view.
        after: (R, C) bool, its cells in the later view.
        moved: Whether it is elsewhere now.
    """

    before: NDArray[np.bool_]
    after: NDArray[np.bool_]
    moved: bool


def follow(before: Heightmap, after: Heightmap, min_height: float) -> Iterator[Followed]:
    """Find the pieces of the earlier view that the later one shows again.

    Args:
        before: The earlier view.
        after: The later view, on the same grid.
        min_height: Meters above the table; higher cells carry an object.

    Yields:
        The pieces, each with the cells that it covers in both views. What fell apart, merged with another piece or was
        taken is not among them.
    """
    earlier, later = pieces(before, min_height), pieces(after, min_height)
    middles, goals = (
        np.array([np.argwhere(piece).mean(axis=0) for piece in group]).reshape(-1, 1, 2) for group in (earlier, later)
    )
    distances = np.linalg.norm(middles - goals.transpose(1, 0, 2), axis=2) * before.grid.resolution
    for index in np.argsort(distances, axis=None):  # what stays comes before what looks like it elsewhere
        old, new = divmod(int(index), len(later))
        if np.isfinite(distances[old, new]) and looks_alike(before.height, earlier[old], after.height, later[new]):
            yield Followed(earlier[old], later[new], bool(distances[old, new] >= DISPLACEMENT))
            distances[old, :] = distances[:, new] = np.inf


def pieces(heightmap: Heightmap, min_height: float) -> list[NDArray[np.bool_]]:
    """Find the connected groups of cells that carry objects.

    Args:
        heightmap: The view (R, C).
        min_height: Meters above the table; higher cells carry an object.

    Returns:
        (R, C) bool for each group of at least ``MIN_CELLS`` cells.
    """
    occupied = heightmap.valid & (heightmap.height > min_height)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(occupied.astype(np.uint8), connectivity=8)
    sizes = statistics[:, cv2.CC_STAT_AREA]
    return [np.asarray(labels == label) for label in range(1, count) if sizes[label] >= MIN_CELLS]


def looks_alike(
    before: NDArray[np.float32], piece: NDArray[np.bool_], after: NDArray[np.float32], other: NDArray[np.bool_]
) -> bool:
    """Tell whether a piece, shifted and turned, looks like another one.

    Args:
        before: (R, C) heights of the earlier view, meters.
        piece: (R, C) bool, the piece in it.
        after: (R, C) heights of the later view, meters.
        other: (R, C) bool, the piece in the later view.
    """
    cells, places = np.argwhere(piece), np.argwhere(other)
    if not 1.0 / AREA_CHANGE <= len(cells) / len(places) <= AREA_CHANGE:
        return False
    middle, goal = cells.mean(axis=0), places.mean(axis=0)
    cells = cells[:: math.ceil(len(cells) / SAMPLES)]
    heights = before[cells[:, 0], cells[:, 1]]
    for turns in (np.zeros(1), TURNS):  # most pieces have not moved
        cosine, sine = np.cos(turns), np.sin(turns)
        turned = np.einsum("ijt,nj->tni", np.array([[cosine, -sine], [sine, cosine]]), cells - middle)
        found = np.rint(turned[:, None] + goal + SHIFTS[:, None]).astype(np.intp)
        found = np.clip(found, 0, np.array(after.shape) - 1)
        rows, columns = found[..., 0], found[..., 1]
        alike = other[rows, columns] & (np.abs(after[rows, columns] - heights) <= LEVEL)
        if alike.mean(axis=-1).max() >= ALIKE:
            return True
    return False
