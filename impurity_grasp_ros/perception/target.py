"""Is an impurity in view, and which cells belong to the one to take first? (paper, section 5.1.1)"""

from dataclasses import dataclass

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
"""The most salient region: connected cells of at least this share of the maximum (display code of VOCUS2)."""

_SOBEL_GAIN = 128.0
"""Response of the 5x5 Sobel operator to a rise of 1 per cell."""


@dataclass(frozen=True)
class TargetConfig:
    """When a target is in view, and how large it can be."""

    outlier_size_px: int = parameter("side of the smallest square of odd cells that counts, in cells", low=1, high=21)
    outlier_peak: float = parameter("raw saliency that a target reaches, the table painted out", low=1e-6, high=1.0)
    plain_peak: float = parameter("raw saliency that a target reaches in the plain view", low=1e-6, high=1.0)
    max_length: float = parameter("a target longer than this many metres is several objects", low=0.01, high=0.5)
    level_slope: float = parameter("rise over run up to which a surface is level", low=0.01, high=5.0)
    max_step: float = parameter("a step in height of this many metres separates objects", low=0.001, high=0.1)


@dataclass(frozen=True, eq=False)
class Detection:
    """What was found. mask: (R, C) bool, all false without a target. score: 0..1, at least 0.5 with a target.

    saliency: (R, C) float32, the raw VOCUS2 map that decided.
    """

    mask: Mask
    score: float
    saliency: NDArray[np.float32]


def find_outlier(
    heightmap: Heightmap,
    objects: Mask,
    model: Appearance | None,
    target: TargetConfig,
    appearance: AppearanceConfig,
    scales: SaliencyConfig,
) -> tuple[Detection, Appearance | None]:
    """The most accessible of the salient objects that look unlike ordinary ones, and the model of the ordinary then.

    The table is painted in the typical colour of ordinary objects before VOCUS2 runs: otherwise the contrast between
    objects and table wins. A target must stick out of the painted map and differ from all ordinary looks.
    objects: (R, C) bool, cells that carry an object. model: None before the first frame.
    """
    inner = eroded(objects)  # the outermost cells blend object and table
    cells, colors = looks(heightmap.color, inner, appearance), heightmap.color[inner]
    level = _level_cells(heightmap, target.level_slope)[inner]
    if model is None and (model := learn(cells, colors, level, appearance)) is None:
        return _nothing(heightmap, 0.0, np.zeros(objects.shape, np.float32)), None
    oddness = np.zeros(objects.shape, np.float32)
    oddness[inner] = deviation(model, cells, level, appearance)
    raw = saliency(np.where(inner[..., None], heightmap.color, np.rint(model.color).astype(np.uint8)), scales)

    square = np.ones((target.outlier_size_px, target.outlier_size_px), np.uint8)
    solid = cv2.morphologyEx(oddness, cv2.MORPH_OPEN, square)
    odd = solid >= 1.0
    patches = _salient_parts(odd, raw, target.outlier_peak)
    after = updated(model, cells, colors, oddness[inner], appearance)
    region = patches[0] if patches else odd if odd.any() else ~odd
    score = _score(min(float(solid[region].max()), float(raw[region].max()) / target.outlier_peak))
    if not patches:
        return _nothing(heightmap, score, raw), after
    found: list[Mask] = []
    for patch in patches:
        of_patch = observed(cells[patch[inner]], colors[patch[inner]])
        alike = inner.copy()  # nearer to the patch's looks than to ordinary ones
        alike[inner] = deviation(of_patch, cells, level, appearance) < oddness[inner]
        mask = outline(patch, alike, objects, heightmap, target.max_step)
        found += single_objects(mask, heightmap, target.max_length)
    found = [mask for mask in found if np.count_nonzero(mask) >= square.size] or found
    return Detection(most_accessible(found, heightmap), score, raw), after


def find_most_salient(heightmap: Heightmap, target: TargetConfig, scales: SaliencyConfig) -> Detection:
    """The most salient region of the plain colour view, as published.

    Where nothing was seen the median colour of the view stands in. The stretched map always has a maximum of 1 and
    cannot tell whether a target is in view; the raw one decides.
    """
    if not heightmap.valid.any():
        return _nothing(heightmap, 0.0, np.zeros(heightmap.valid.shape, np.float32))
    backdrop = np.median(heightmap.color[heightmap.valid], axis=0).astype(np.uint8)
    raw = saliency(np.where(heightmap.valid[..., None], heightmap.color, backdrop), scales)
    margin = float(raw.max()) / target.plain_peak
    if margin < 1.0:
        return _nothing(heightmap, _score(margin), raw)
    most_salient, *_ = _salient_parts(raw >= _GROWTH * raw.max(), raw)
    return Detection(most_salient, _score(margin), raw)


def _level_cells(heightmap: Heightmap, max_slope: float) -> Mask:
    """Cells (R, C) around which the surface rises by no more than ``max_slope``; steps are not level either."""
    surface = np.where(heightmap.valid, heightmap.height, np.float32(0.0))
    per_metre = 1.0 / (_SOBEL_GAIN * heightmap.grid.resolution)
    along_x, along_y = (cv2.Sobel(surface, cv2.CV_32F, *axis, ksize=5, scale=per_metre) for axis in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(along_x, along_y) <= max_slope)


def _salient_parts(mask: Mask, raw: NDArray[np.float32], peak: float = 0.0) -> list[Mask]:
    """The 8-connected parts of a mask whose salience reaches ``peak``, the most salient one first."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    parts = [np.asarray(labels == label) for label in range(1, count)]
    peaks = [float(raw[part].max()) for part in parts]
    return [parts[index] for index in np.argsort(peaks)[::-1] if peaks[index] >= peak]


def _score(margin: float) -> float:
    """Multiples of the threshold as a confidence: 0 -> 0, 1 -> 0.5, many -> 1."""
    return margin / (1.0 + margin)


def _nothing(heightmap: Heightmap, score: float, raw: NDArray[np.float32]) -> Detection:
    return Detection(np.zeros(heightmap.valid.shape, np.bool_), score, raw)
