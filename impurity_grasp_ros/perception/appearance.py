"""What ordinary objects look like, learned from the scene itself: no classes, no labels, no training.

A cell's look is its chromaticity, which shading hardly changes, and its brightness, which shading changes a lot, though
not on level surfaces. Each is measured in tolerances: a distance of 1 is the limit of what passes as the same look.
Looks form dense groups in that space (DBSCAN). Ordinary is the group that most cells pass as, together with all groups
that pass as it: two shades of one colour must not count as two kinds of objects. While these are not yet most of the
cells, the group with most cells per tolerance of distance joins them. Whatever lies a tolerance away from all ordinary
looks is an outlier. Learned from the first frame of a job, the model stays the reference when few objects are left,
even when the last one is an impurity.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from sklearn.cluster import DBSCAN

from impurity_grasp_ros.config import parameter

_BIN = 0.2
"""Edge of a histogram bin in tolerances."""

_GROUP_RADIUS = 0.6
"""Looks closer than this many tolerances belong to one group if they are common enough."""

_SAMPLES = 1000
"""DBSCAN counts weights in these parts of the whole."""

_ABSORBED = 0.5
"""Looks nearer to the model than this many tolerances are taken over into it."""

_FORGOTTEN = 1e-3
"""Looks rarer than this share are dropped from the model."""


@dataclass(frozen=True)
class AppearanceConfig:
    """When two looks are the same, and how the model of ordinary looks is learned."""

    chromaticity_tolerance: float = parameter(
        "difference in red or green share that makes an outlier", low=0.001, high=0.5
    )
    brightness_tolerance: float = parameter(
        "difference in brightness, in factors of 2, that makes one on a level surface", low=0.05, high=8.0
    )
    shading_tolerance: float = parameter("the same on a sloping surface, which may be shaded", low=0.05, high=8.0)
    dark_level: float = parameter(
        "grey, 0..255, added before colour shares are taken: tames dark noise", low=0.0, high=255.0
    )
    median_px: int = parameter("odd side of the square whose median colour a cell takes", low=1, high=15)
    group_share: float = parameter("share of the cells that must look alike to form a group", low=0.001, high=1.0)
    ordinary_share: float = parameter(
        "at least this share of cells is ordinary, impurities are fewer than the rest", low=0.5, high=1.0
    )
    min_cells: int = parameter("fewer object cells than this teach nothing", low=1, high=50176)
    update_rate: float = parameter("weight of a new frame's ordinary cells in the model", low=0.0, high=1.0)


@dataclass(frozen=True, eq=False)
class Appearance:
    """Ordinary looks: bins (M, 3) int64 of a histogram over look space, their weights (M,) that sum to 1.

    color: (3,) float32 RGB 0..255, the typical colour of an ordinary object.
    """

    bins: NDArray[np.int64]
    weights: NDArray[np.float64]
    color: NDArray[np.float32]


def looks(color: NDArray[np.uint8], mask: NDArray[np.bool_], config: AppearanceConfig) -> NDArray[np.float32]:
    """Looks (N, 3) in tolerances of the N cells in ``mask`` (H, W): red share, green share, brightness.

    color: (H, W, 3) uint8 RGB. A median takes the noise away and, unlike a mean, makes no blends of the colours on
    both sides of an edge.
    """
    smooth = cv2.medianBlur(color, config.median_px)[mask] + np.float32(config.dark_level + 1e-3)
    total = smooth.sum(axis=1)
    shares = smooth[:, :2] / (total[:, None] * np.float32(config.chromaticity_tolerance))
    return np.column_stack([shares, np.log2(total) / np.float32(config.brightness_tolerance)])


def learn(
    cells: NDArray[np.float32], colors: NDArray[np.uint8], level: NDArray[np.bool_], config: AppearanceConfig
) -> Appearance | None:
    """Model of the ordinary from a frame's object cells: looks (N, 3), colours (N, 3) uint8 RGB, level (N,).

    Impurities have to be a minority: together less than 1 - ``ordinary_share`` of the cells. None if too few cells.
    """
    if len(cells) < config.min_cells:
        return None
    bins, member, weights = _histogram(cells)
    groups = _groups(bins, weights, config)
    if (groups < 0).all():  # no two cells look alike
        return observed(cells, colors)
    known = _ordinary_bins(bins, groups, cells, groups[member], level, config)
    typical = np.median(colors[known[member]], axis=0).astype(np.float32)
    return Appearance(bins[known], weights[known] / weights[known].sum(), typical)


def observed(cells: NDArray[np.float32], colors: NDArray[np.uint8]) -> Appearance:
    """Model of all looks (N, 3) and colours (N, 3), ordinary or not; N > 0."""
    bins, _, weights = _histogram(cells)
    return Appearance(bins, weights, np.median(colors, axis=0).astype(np.float32))


def deviation(
    model: Appearance, cells: NDArray[np.float32], level: NDArray[np.bool_], config: AppearanceConfig
) -> NDArray[np.float32]:
    """Distance (N,) in tolerances of looks (N, 3) from the nearest one in the model.

    level: (N,) which cells belong to a level surface; all of those get the same light, the others may be shaded.
    """
    return _distance(model.bins, cells, level, config)


def updated(
    model: Appearance,
    cells: NDArray[np.float32],
    colors: NDArray[np.uint8],
    oddness: NDArray[np.float32],
    config: AppearanceConfig,
) -> Appearance:
    """The model after a frame with object cells of these looks (N, 3), colours (N, 3) and deviations (N,).

    Only what passes as ordinary and is common in the frame is taken over, so that blends at the border of an impurity
    cannot lead the model, step by step, to the impurity itself.
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
    """Occupied bins (M, 3), the bin index (N,) of every look, and the share (M,) of looks in every bin."""
    bins, member = _unique(np.floor(cells / _BIN).astype(np.int64))
    return bins, member, np.bincount(member) / len(cells)


def _unique(bins: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct rows of (N, 3) and the index of every row among them; bins stay within +-2^20."""
    keys = ((bins[:, 0] + (1 << 20)) << 42) | ((bins[:, 1] + (1 << 20)) << 21) | (bins[:, 2] + (1 << 20))
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    return bins[first], member.reshape(-1)


def _groups(bins: NDArray[np.int64], weights: NDArray[np.float64], config: AppearanceConfig) -> NDArray[np.intp]:
    """Group index (M,) of every bin; -1 where looks are too rare to form one."""
    scan = DBSCAN(eps=_GROUP_RADIUS, min_samples=_SAMPLES)
    groups: NDArray[np.intp] = scan.fit_predict(bins * _BIN, sample_weight=weights * (_SAMPLES / config.group_share))
    return groups


def _ordinary_bins(
    bins: NDArray[np.int64],
    groups: NDArray[np.intp],
    cells: NDArray[np.float32],
    group_of: NDArray[np.intp],
    level: NDArray[np.bool_],
    config: AppearanceConfig,
) -> NDArray[np.bool_]:
    """Which bins (M, 3) are ordinary, from the group (M,) of every bin and the group (N,) of every look (N, 3).

    Starts from the group that most cells pass as, then adds group after group.
    """
    names = np.arange(groups.max() + 1)
    share = np.bincount(group_of[group_of >= 0]) / np.count_nonzero(group_of >= 0)

    def apart(known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Median distance (G,) of the looks of every group from the known groups (G,)."""
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
    """Distance (N,) in tolerances of looks (N, 3) from the nearest of the bins ``known`` (M, 3), M > 0."""
    shaded = np.array([1.0, 1.0, config.brightness_tolerance / config.shading_tolerance])
    distance = np.zeros(len(cells), np.float32)
    for part, scale in ((level, np.ones(3)), (~level, shaded)):
        if part.any():
            bins, member, _ = _histogram(cells[part])
            nearest, _ = KDTree(known * _BIN * scale).query(bins * _BIN * scale)
            distance[part] = nearest[member]
    return distance
