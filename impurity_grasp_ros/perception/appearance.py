"""Model of what ordinary objects look like, learned from the scene itself: no classes, no labels, no training.

The look of a cell is its chromaticity, which shading hardly changes, and its brightness, which shading changes a lot,
though not on level surfaces. Both are measured in tolerances: looks less than a distance of 1 apart count as the same.

DBSCAN finds dense groups of looks. The ordinary looks are those of the group that matches the most cells, together with
all groups that match it, because two shades of one color must not count as two kinds of objects. Until these hold most
of the cells, the group with the most cells per tolerance of distance is added. A look that is a tolerance or more away
from every ordinary look is an outlier.

The model is learned from the first frame of a job. It remains the reference when few objects are left, even when the
last one is an impurity.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from sklearn.cluster import DBSCAN

from impurity_grasp_ros.config import parameter

_BIN = 0.2
"""Edge length of a histogram bin, in tolerances."""

_GROUP_RADIUS = 0.6
"""DBSCAN neighborhood radius, in tolerances: closer looks form one group if they are common enough."""

_SAMPLES = 1000
"""Value of DBSCAN's ``min_samples``; weights are scaled so that ``group_share`` of all cells adds up to it."""

_ABSORBED = 0.5
"""Looks less than this many tolerances from the model are merged into it."""

_FORGOTTEN = 1e-3
"""Looks with less than this fraction of the weight are dropped from the model."""


@dataclass(frozen=True)
class AppearanceConfig:
    """When two looks count as the same, and how the model of ordinary looks is learned."""

    chromaticity_tolerance: float = parameter(
        "difference in the red or green share of a color that makes an outlier", low=0.001, high=0.5
    )
    brightness_tolerance: float = parameter(
        "difference in log2 brightness that makes an outlier on a level surface", low=0.05, high=8.0
    )
    shading_tolerance: float = parameter("the same on a sloping surface, which may be shaded", low=0.05, high=8.0)
    dark_level: float = parameter(
        "gray level, 0..255, added before color shares are taken, against noise in dark colors", low=0.0, high=255.0
    )
    median_px: int = parameter("side of the median filter in cells, odd", low=1, high=15)
    group_share: float = parameter("fraction of the cells that must look alike to form a group", low=0.001, high=1.0)
    ordinary_share: float = parameter(
        "fraction of the grouped cells that are ordinary at the least; impurities are a minority", low=0.5, high=1.0
    )
    min_cells: int = parameter("object cells that a frame must have for the model to be learned", low=1, high=50176)
    update_rate: float = parameter("weight of a new frame's ordinary cells in the updated model", low=0.0, high=1.0)


@dataclass(frozen=True, eq=False)
class Appearance:
    """Ordinary looks, as a histogram over the space of looks.

    Attributes:
        bins: (M, 3) int64, the indices of the bins that are occupied.
        weights: (M,) float64, the weight of each bin; they sum to 1.
        color: (3,) float32, RGB 0..255, the typical color of an ordinary object.
    """

    bins: NDArray[np.int64]
    weights: NDArray[np.float64]
    color: NDArray[np.float32]


def looks(color: NDArray[np.uint8], mask: NDArray[np.bool_], config: AppearanceConfig) -> NDArray[np.float32]:
    """Compute the looks of cells.

    The colors are median filtered first. Unlike a mean, a median does not blend the colors on both sides of an edge.

    Args:
        color: (H, W, 3) uint8, RGB.
        mask: (H, W) bool, true in the N cells of interest.
        config: Tolerances and filter size.

    Returns:
        (N, 3) float32, in tolerances: red share, green share and brightness.
    """
    smooth = cv2.medianBlur(color, config.median_px)[mask] + np.float32(config.dark_level + 1e-3)
    total = smooth.sum(axis=1)
    shares = smooth[:, :2] / (total[:, None] * np.float32(config.chromaticity_tolerance))
    return np.column_stack([shares, np.log2(total) / np.float32(config.brightness_tolerance)])


def learn(
    cells: NDArray[np.float32],
    colors: NDArray[np.uint8],
    level: NDArray[np.bool_],
    config: AppearanceConfig,
    weights: NDArray[np.float64] | None = None,
) -> Appearance | None:
    """Learn the model of ordinary looks from the object cells of a frame.

    Impurities must be a minority: together less than 1 - ``ordinary_share`` of the cells, or of the objects.

    Args:
        cells: (N, 3) float32, the looks of the object cells.
        colors: (N, 3) uint8, RGB, their colors.
        level: (N,) bool, whether each belongs to a level surface.
        config: How to learn.
        weights: (N,) float64, what each cell counts, 1 / (number of cells of its object) if objects are to be counted;
            None to count cells.

    Returns:
        The model; None with fewer than ``min_cells`` cells.
    """
    if len(cells) < config.min_cells:
        return None
    bins, member, shares = _histogram(cells)
    groups = _groups(bins, shares, config)
    if (groups < 0).all():  # no two cells look alike
        return observed(cells, colors)
    counted = np.ones(len(cells)) if weights is None else weights
    known = _ordinary_bins(bins, groups, cells, groups[member], level, counted, config)
    typical = np.median(colors[known[member]], axis=0).astype(np.float32)
    return Appearance(bins[known], shares[known] / shares[known].sum(), typical)


def observed(cells: NDArray[np.float32], colors: NDArray[np.uint8]) -> Appearance:
    """Return a model of all the given looks, ordinary or not.

    Args:
        cells: (N, 3) float32, looks, N > 0.
        colors: (N, 3) uint8, RGB, the colors of the same cells.
    """
    bins, _, weights = _histogram(cells)
    return Appearance(bins, weights, np.median(colors, axis=0).astype(np.float32))


def deviation(
    model: Appearance, cells: NDArray[np.float32], level: NDArray[np.bool_], config: AppearanceConfig
) -> NDArray[np.float32]:
    """Compute how far looks are from the nearest look in a model.

    Args:
        model: The looks to compare with.
        cells: (N, 3) float32, looks.
        level: (N,) bool, which cells belong to a level surface. Those all get the same light; others may be shaded.
        config: Tolerances of brightness.

    Returns:
        (N,) float32, distances in tolerances.
    """
    return _distance(model.bins, cells, level, config)


def updated(
    model: Appearance,
    cells: NDArray[np.float32],
    colors: NDArray[np.uint8],
    oddness: NDArray[np.float32],
    config: AppearanceConfig,
) -> Appearance:
    """Return the model, updated with the object cells of a frame.

    Only looks that are close to the model and common in the frame are merged into it. Blended colors at the border of
    an impurity therefore cannot pull the model, step by step, toward the impurity itself.

    Args:
        model: The model before.
        cells: (N, 3) float32, the looks of the object cells.
        colors: (N, 3) uint8, RGB, their colors.
        oddness: (N,) float32, their deviations from ``model`` in tolerances.
        config: How much weight the frame gets.

    Returns:
        The new model; ``model`` itself when there is nothing to merge.
    """
    ordinary = oddness < _ABSORBED
    if config.update_rate == 0.0 or not ordinary.any():
        return model
    bins, _, weights = _histogram(cells[ordinary])
    common = _groups(bins, weights, config) >= 0
    merged, member = _unique(np.concatenate([model.bins, bins[common]]))
    shares = np.concatenate([(1.0 - config.update_rate) * model.weights, config.update_rate * weights[common]])
    total = np.bincount(member, shares)
    kept = total >= min(_FORGOTTEN, float(total.max()))
    typical = np.median(colors[ordinary], axis=0)
    color = (1.0 - config.update_rate) * model.color + config.update_rate * typical
    return Appearance(merged[kept], total[kept] / total[kept].sum(), color.astype(np.float32))


def _histogram(cells: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the occupied bins (M, 3), the bin index (N,) of every look, and the fraction (M,) of looks per bin."""
    bins, member = _unique(np.floor(cells / _BIN).astype(np.int64))
    return bins, member, np.bincount(member) / len(cells)


def _unique(bins: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct rows of (N, 3) and the index of every row among them; bins must be within +-2^20."""
    keys = ((bins[:, 0] + (1 << 20)) << 42) | ((bins[:, 1] + (1 << 20)) << 21) | (bins[:, 2] + (1 << 20))
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    return bins[first], member.reshape(-1)


def _groups(bins: NDArray[np.int64], weights: NDArray[np.float64], config: AppearanceConfig) -> NDArray[np.intp]:
    """Return the group index (M,) of every bin; -1 where looks are too rare to form a group."""
    scan = DBSCAN(eps=_GROUP_RADIUS, min_samples=_SAMPLES)
    groups: NDArray[np.intp] = scan.fit_predict(bins * _BIN, sample_weight=weights * (_SAMPLES / config.group_share))
    return groups


def _ordinary_bins(
    bins: NDArray[np.int64],
    groups: NDArray[np.intp],
    cells: NDArray[np.float32],
    group_of: NDArray[np.intp],
    level: NDArray[np.bool_],
    weights: NDArray[np.float64],
    config: AppearanceConfig,
) -> NDArray[np.bool_]:
    """Return which bins (M,) are ordinary, given the group (M,) of every bin and the group (N,) of every look.

    Starts with the group that matches the most cells, each counted by its weight, then adds one group after another.
    """
    names = np.arange(groups.max() + 1)
    grouped = group_of >= 0
    share = np.bincount(group_of[grouped], weights[grouped] + 1e-9)
    share = share / share.sum()

    def apart(known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the median distance (G,) of each group's looks from the known groups, (G,) bool."""
        distance = _distance(bins[np.isin(groups, names[known])], cells, level, config)
        return np.array([np.median(distance[group_of == name]) for name in names])

    ordinary = max((apart(names == name) < 1.0 for name in names), key=lambda alike: float(share[alike].sum()))
    while share[ordinary].sum() < config.ordinary_share:
        nearness = 1.0 / np.maximum(apart(ordinary), 1.0)
        ordinary[np.argmax(np.where(ordinary, 0.0, share * nearness))] = True
        ordinary |= apart(ordinary) < 1.0
    return np.isin(groups, names[ordinary])


def _distance(
    known: NDArray[np.int64], cells: NDArray[np.float32], level: NDArray[np.bool_], config: AppearanceConfig
) -> NDArray[np.float32]:
    """Return the distance (N,) in tolerances of looks (N, 3) from the nearest of the bins ``known`` (M, 3), M > 0."""
    shaded = np.array([1.0, 1.0, config.brightness_tolerance / config.shading_tolerance])
    distance = np.zeros(len(cells), np.float32)
    for part, scale in ((level, np.ones(3)), (~level, shaded)):
        if part.any():
            bins, member, _ = _histogram(cells[part])
            nearest, _ = KDTree(known * _BIN * scale).query(bins * _BIN * scale)
            distance[part] = nearest[member]
    return distance
