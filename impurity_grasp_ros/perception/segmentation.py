"""Class-agnostic segmentation: the cells of each object in view, touching and overlapping ones apart.

The network says for each cell whether it is on the border of an object or far inside of one. The insides become seeds,
which grow until they meet, as in a watershed. A seed that falls apart at a higher level becomes several.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from impurity_grasp_ros.perception.objects_config import SegmentationConfig

Labels = NDArray[np.int64]
"""(R, C) the object of each cell, counted from 0; -1 for none."""

_SMOOTH_PX = 0.8
"""Standard deviation in cells of the filter that joins seeds."""

_LEVELS = (0.4, 0.3, 0.2, 0.1, -1.0)
"""Probabilities of being inside, in the order in which seeds grow over the cells above them; the last is all."""

_LEVEL_STEP = 0.1
"""Difference of the levels at which seeds are divided."""

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
"""A cell and its four neighbors."""

_BORDER_WEIGHT = 0.5
"""How much the probability of a border lowers that of an inside."""


def segment(outline: NDArray[np.float32], objects: NDArray[np.bool_], config: SegmentationConfig) -> Labels:
    """Divide the cells that carry objects into objects.

    Args:
        outline: (2, R, C) logits of the network: border, inside.
        objects: (R, C) bool, the cells that carry an object.
        config: When cells form an object.

    Returns:
        (R, C) int64, the objects; cells of parts that are too small have no object.
    """
    border, inside = 1.0 / (1.0 + np.exp(-outline))
    inside = cv2.GaussianBlur(inside * (1.0 - _BORDER_WEIGHT * border), (0, 0), _SMOOTH_PX)
    seeds = _seeds(inside, objects, config)
    unseeded = _numbered(objects, config.min_cells)
    seeded = np.unique(unseeded[seeds > 0])
    alone = (unseeded > 0) & ~np.isin(unseeded, seeded)  # a group without any seed is one object
    seeds = np.where(alone, unseeded + seeds.max(), seeds)
    filled = _grown(seeds, inside, objects)
    return compact(filled.astype(np.int64) - 1, config.min_cells)


def compact(labels: Labels, min_cells: int) -> Labels:
    """Number the objects from 0 without gaps, without those that have fewer than ``min_cells`` cells.

    Args:
        labels: (R, C) int64, -1 for none.
        min_cells: Cells of the smallest object that is kept.

    Returns:
        (R, C) int64.
    """
    counts = np.bincount(labels[labels >= 0], minlength=1)
    numbers = np.full(len(counts) + 1, -1, np.int64)  # the last one is for -1
    kept = np.flatnonzero(counts >= min_cells)
    numbers[kept] = np.arange(len(kept))
    return numbers[labels]


def boxes(labels: Labels) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Yield each object that has cells, and the rows and columns of the smallest box around it.

    Args:
        labels: (R, C) int64, -1 for none.
    """
    for index, place in enumerate(find_objects(labels + 1)):
        if place is not None:
            yield index, place


def border_cells(labels: Labels) -> NDArray[np.bool_]:
    """Return the cells (R, C) that have a neighbor with another label, among the 8 around them."""
    padded = np.pad(labels, 1, mode="edge")
    rows, columns = labels.shape
    border = np.zeros(labels.shape, np.bool_)
    for row in range(3):
        for column in range(3):
            border |= padded[row : row + rows, column : column + columns] != labels
    return border


def inner_cells(labels: Labels) -> Labels:
    """Return the labels without cells at the border of an object, where colors and heights of two surfaces mix.

    Objects that have no other cells keep all of them.

    Args:
        labels: (R, C) int64, -1 for none.
    """
    inner = np.where(border_cells(labels), -1, labels)
    thin = np.setdiff1d(labels, inner)
    return np.where(np.isin(labels, thin), labels, inner)


def _seeds(inside: NDArray[np.float32], objects: NDArray[np.bool_], config: SegmentationConfig) -> NDArray[np.int32]:
    """Number the middles of objects (R, C), not without gaps; 0 elsewhere.

    Objects that touch over a long side, as packed boxes do, have one middle at ``seed_level``. It is divided where it
    falls apart into several middles at a higher level.
    """
    seeds = _numbered((inside > config.seed_level) & objects, config.min_seed)
    for level in np.arange(config.seed_level + _LEVEL_STEP, 1.0, _LEVEL_STEP):
        parts = _numbered((inside > level) & (seeds > 0), config.min_part)
        whole = np.zeros(int(parts.max()) + 1, np.int32)  # the seed of each part
        whole[parts] = seeds
        divided = np.bincount(whole[1:], minlength=int(seeds.max()) + 1) >= 2
        seeds = np.where(divided[seeds], np.where(parts > 0, parts + seeds.max(), 0), seeds)
    return seeds


def _grown(seeds: NDArray[np.int32], inside: NDArray[np.float32], objects: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Let seeds (R, C), 0 for none, grow over ``objects``, first where cells are far inside, last on the rims."""
    grown = seeds.astype(np.uint16)
    for level in _LEVELS:
        allowed = objects & (inside > level)
        while True:
            around = cv2.dilate(grown, _CROSS)
            new = allowed & (grown == 0) & (around > 0)
            if not new.any():
                break
            grown[new] = around[new]
    return grown


def _numbered(cells: NDArray[np.bool_], min_cells: int) -> NDArray[np.int32]:
    """Number (R, C) connected groups of at least ``min_cells`` cells from 1; 0 elsewhere."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=4)
    numbers = np.zeros(count, np.int32)
    kept = 1 + np.flatnonzero(statistics[1:, cv2.CC_STAT_AREA] >= min_cells)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return np.asarray(numbers[labels], np.int32)
