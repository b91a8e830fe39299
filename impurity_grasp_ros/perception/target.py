"""Find the target: whether an impurity is in view, and the cells of the one to pick first (paper, section 5.1.1)."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.accessibility import most_accessible
from impurity_grasp_ros.perception.appearance import (
    Appearance,
    AppearanceConfig,
    deviation,
    learn,
    looks,
    observed,
    updated,
)
from impurity_grasp_ros.perception.saliency import SaliencyConfig, saliency
from impurity_grasp_ros.perception.silhouette import Mask, eroded, outline, single_objects

_GROWTH = 0.75
"""The most salient region consists of connected cells of at least this fraction of the maximum (VOCUS2's own code)."""

_SOBEL_GAIN = 128.0
"""Response of the 5x5 Sobel operator to a slope of 1 per cell."""


@dataclass(frozen=True)
class TargetConfig:
    """When a target is in view, and how large it can be."""

    outlier_size_px: int = parameter(
        "side of the smallest square of odd cells that is a target, in cells", low=1, high=21
    )
    trace_size_px: int = parameter(
        "side of the smallest square of odd cells at which a target is searched for, in cells", low=1, high=21
    )
    outlier_peak: float = parameter(
        "raw saliency that a target reaches when the table is painted over", low=1e-6, high=1.0
    )
    plain_peak: float = parameter("raw saliency that a target reaches in the plain view", low=1e-6, high=1.0)
    max_length: float = parameter("m; a longer target consists of several objects", low=0.01, high=0.5)
    few_objects: int = parameter(
        "objects in the first view up to which the majority is that of objects, not of cells", low=0, high=50
    )
    level_slope: float = parameter("rise over run up to which a surface counts as level", low=0.01, high=5.0)
    max_step: float = parameter("m; step in height that separates objects", low=0.001, high=0.1)


@dataclass(frozen=True, eq=False)
class Detection:
    """The result of a search for a target.

    Attributes:
        mask: (R, C) bool, the target's cells; all false when there is no target.
        score: Confidence that a target is in view, 0..1; with a target at least 0.5.
        saliency: (R, C) float32, the raw VOCUS2 map on which the decision is based.
        trace: (R, C) bool, odd cells that are too few for a target but may be a part of one; None for none.
    """

    mask: Mask
    score: float
    saliency: NDArray[np.float32]
    trace: Mask | None = None


def find_outlier(
    heightmap: Heightmap,
    objects: Mask,
    model: Appearance | None,
    target: TargetConfig,
    appearance: AppearanceConfig,
    scales: SaliencyConfig,
    labels: NDArray[np.int64] | None = None,
) -> tuple[Detection, Appearance | None]:
    """Find the most accessible of the salient objects that look unlike ordinary ones.

    The table is painted in the typical color of ordinary objects before VOCUS2 runs; otherwise the contrast between
    objects and table would dominate. A target must be salient in the painted image and differ from all ordinary looks.

    Args:
        heightmap: The view.
        objects: (R, C) bool, the cells that carry an object.
        model: The model of ordinary looks; None before the first frame.
        target: When a target is in view.
        appearance: How looks are compared.
        scales: The scales of VOCUS2.
        labels: (R, C) int64, the object of each cell, -1 for none, if the majority is that of objects; None if it is
            that of cells. For the first frame only.

    Returns:
        The detection, and the updated model; the model is None while there have been too few object cells to learn it.

    Raises:
        InvalidFrameError: The colors are not uint8 RGB.
    """
    inner = eroded(objects)  # the outermost cells blend object and table
    cells, colors = looks(heightmap.color, inner, appearance), heightmap.color[inner]
    level = _level_cells(heightmap, target.level_slope)[inner]
    weights = None if labels is None else _by_objects(labels, objects, inner)
    if model is None and (model := learn(cells, colors, level, appearance, weights)) is None:
        return _no_target(heightmap, 0.0, np.zeros(objects.shape, np.float32)), None
    oddness = np.zeros(objects.shape, np.float32)
    oddness[inner] = deviation(model, cells, level, appearance)
    raw = saliency(np.where(inner[..., None], heightmap.color, np.rint(model.color).astype(np.uint8)), scales)

    solid = _in_squares(oddness, target.outlier_size_px)
    odd = solid >= 1.0
    patches = _salient_parts(odd, raw, target.outlier_peak)
    after = updated(model, cells, colors, oddness[inner], appearance)
    region = patches[0] if patches else odd if odd.any() else ~odd
    score = _score(min(float(solid[region].max()), float(raw[region].max()) / target.outlier_peak))
    if not patches:
        traces = _salient_parts(_in_squares(oddness, target.trace_size_px) >= 1.0, raw, target.outlier_peak)
        return replace(_no_target(heightmap, score, raw), trace=traces[0] if traces else None), after
    found: list[Mask] = []
    for patch in patches:
        of_patch = observed(cells[patch[inner]], colors[patch[inner]])
        alike = inner.copy()  # nearer to the patch's looks than to ordinary ones
        alike[inner] = deviation(of_patch, cells, level, appearance) < oddness[inner]
        mask = outline(patch, alike, objects, heightmap, target.max_step)
        found += single_objects(mask, heightmap, target.max_length)
    found = [mask for mask in found if np.count_nonzero(mask) >= target.outlier_size_px**2] or found
    return Detection(most_accessible(found, heightmap), score, raw), after


def find_most_salient(heightmap: Heightmap, target: TargetConfig, scales: SaliencyConfig) -> Detection:
    """Find the most salient region of the plain color view, as published.

    Unseen cells get the median color of the view. Whether a target is in view is decided on the raw map, because the
    stretched map always has a maximum of 1.

    Args:
        heightmap: The view.
        target: When a target is in view.
        scales: The scales of VOCUS2.

    Returns:
        The detection.

    Raises:
        InvalidFrameError: The colors are not uint8 RGB.
    """
    if not heightmap.valid.any():
        return _no_target(heightmap, 0.0, np.zeros(heightmap.valid.shape, np.float32))
    backdrop = np.median(heightmap.color[heightmap.valid], axis=0).astype(np.uint8)
    raw = saliency(np.where(heightmap.valid[..., None], heightmap.color, backdrop), scales)
    margin = float(raw.max()) / target.plain_peak
    if margin < 1.0:
        return _no_target(heightmap, _score(margin), raw)
    most_salient, *_ = _salient_parts(raw >= _GROWTH * raw.max(), raw)
    return Detection(most_salient, _score(margin), raw)


def _in_squares(oddness: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The oddness (R, C) that all cells of a square with sides of ``size`` cells around a cell reach."""
    return np.asarray(cv2.morphologyEx(oddness, cv2.MORPH_OPEN, np.ones((size, size), np.uint8)), np.float32)


def _by_objects(labels: NDArray[np.int64], objects: Mask, inner: Mask) -> NDArray[np.float64]:
    """Weights (N,) of the inner cells with which each object counts as much as any other.

    The segmentation may divide a long object, and objects that touch are one connected region: both are counted.
    """
    _, regions = cv2.connectedComponents(objects.astype(np.uint8), connectivity=8)
    weights = np.zeros(np.count_nonzero(inner))
    for parts in (labels[inner], regions[inner].astype(np.int64) - 1):
        known = parts >= 0
        weights[known] += 1.0 / np.bincount(parts[known])[parts[known]]
    return weights


def _level_cells(heightmap: Heightmap, max_slope: float) -> Mask:
    """Return the cells (R, C) around which the slope is at most ``max_slope``; steps are not level either."""
    surface = np.where(heightmap.valid, heightmap.height, np.float32(0.0))
    per_meter = 1.0 / (_SOBEL_GAIN * heightmap.grid.resolution)
    along_x, along_y = (cv2.Sobel(surface, cv2.CV_32F, *axis, ksize=5, scale=per_meter) for axis in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(along_x, along_y) <= max_slope)


def _salient_parts(mask: Mask, raw: NDArray[np.float32], peak: float = 0.0) -> list[Mask]:
    """Return the 8-connected parts of a mask whose saliency reaches ``peak``, the most salient one first."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    parts = [np.asarray(labels == label) for label in range(1, count)]
    peaks = [float(raw[part].max()) for part in parts]
    return [parts[index] for index in np.argsort(peaks)[::-1] if peaks[index] >= peak]


def _score(margin: float) -> float:
    """Convert a multiple of the threshold to a confidence: 0 -> 0, 1 -> 0.5, many -> 1."""
    return margin / (1.0 + margin)


def _no_target(heightmap: Heightmap, score: float, raw: NDArray[np.float32]) -> Detection:
    return Detection(np.zeros(heightmap.valid.shape, np.bool_), score, raw)
