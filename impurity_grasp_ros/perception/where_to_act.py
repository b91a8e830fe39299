"""Derive where to act from what was detected (paper, algorithm 1)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attention, AttentionState, Cluster, Heightmap
from impurity_grasp_ros.perception.belief import Belief, doubted
from impurity_grasp_ros.perception.coverage import check_clear
from impurity_grasp_ros.perception.hidden_config import LEARNED
from impurity_grasp_ros.perception.occlusion import candidate, find_clusters
from impurity_grasp_ros.perception.target import Detection

if TYPE_CHECKING:
    from impurity_grasp_ros.perception.attention import AttentionConfig

REACH = 0.12
"""Meters from where a target was seen last within which a group may hide it now."""

NOTHING_KNOWN = Belief()
"""The belief with which a job begins."""


def attention_on(
    heightmap: Heightmap,
    detection: Detection,
    config: AttentionConfig,
    belief: Belief = NOTHING_KNOWN,
    single: NDArray[np.bool_] | None = None,
) -> Attention:
    """Derive the attention from a detection (paper, algorithm 1).

    Args:
        heightmap: The view.
        detection: The target; its mask is empty when there is none.
        config: Where targets may be hidden.
        belief: What earlier views and actions of this job tell about it; of no effect with fixed heights.
        single: (R, C) bool, cells of objects that are known to be no piles, however high; None if nothing is known.

    Returns:
        TARGET on the detection, else CANDIDATE on a group of objects that could hide one, else CLEAR.

    Raises:
        ViewIncompleteError: The state would be CLEAR, but a target may lie in a place that was not seen.
    """
    if config.hidden.method == LEARNED:
        return _by_expectation(heightmap, detection, config, belief, single)
    clusters = find_clusters(heightmap, config.occlusion)
    clear = _clear(heightmap, detection, clusters)
    if not detection.mask.any() and single is not None and single.any():
        lowered = replace(heightmap, height=np.where(single, np.float32(0.0), heightmap.height))
        clusters = find_clusters(lowered, config.occlusion)
    highest = candidate(clusters, config.occlusion)
    return _choice(clear, heightmap, detection, highest.center if highest else None, config)


def _by_expectation(
    heightmap: Heightmap,
    detection: Detection,
    config: AttentionConfig,
    belief: Belief,
    single: NDArray[np.bool_] | None,
) -> Attention:
    """Act on the group in which most hidden objects are expected, as long as one of them may be a target."""
    from impurity_grasp_ros.perception.hidden_objects import (  # torch takes its time
        expected_objects,
        network_of,
        target_probability,
    )

    expected = expected_objects(heightmap, network_of(config.hidden))
    if single is not None:
        expected = np.where(single, np.float32(0.0), expected)
    expected = belief.applied(expected, heightmap, config.hidden, config.occlusion.min_object_height)
    clusters = find_clusters(heightmap, config.occlusion, expected)
    number = sum(cluster.hidden for cluster in clusters)
    odd = _odd_place(heightmap, detection, clusters, belief) if config.hidden.trace > 0.0 else None
    if odd is not None:
        number += doubted(config.hidden.trace, belief.doubt_at(odd, heightmap.grid, config.hidden))
    hidden = target_probability(number, config.hidden.target_share)
    clear = replace(_clear(heightmap, detection, clusters), hidden=hidden)
    if hidden < config.hidden.max_probability:
        return _choice(clear, heightmap, detection, None, config)
    center = odd or max(clusters, key=lambda cluster: cluster.hidden).center
    return _choice(clear, heightmap, detection, center, config)


def _odd_place(
    heightmap: Heightmap, detection: Detection, clusters: tuple[Cluster, ...], belief: Belief
) -> tuple[float, float] | None:
    """Where (x, y) odd cells are in view that are too few for a target, or one is missing that was in view before."""
    if detection.mask.any():
        return None
    if detection.trace is not None:
        return _centroid(heightmap, detection.trace)
    if belief.missing is None:
        return None
    distances = {math.dist(cluster.center, belief.missing): cluster.center for cluster in clusters}
    nearest = min(distances, default=math.inf)
    return distances[nearest] if nearest <= REACH else None


def _choice(
    clear: Attention,
    heightmap: Heightmap,
    detection: Detection,
    center: tuple[float, float] | None,
    config: AttentionConfig,
) -> Attention:
    """Act on the target, else on the place (x, y) in meters that may hide one, else nowhere."""
    if detection.trace is not None:
        clear = replace(clear, odd=_centroid(heightmap, detection.trace))
    if detection.mask.any():
        return _on_target(clear, heightmap, detection)
    if center is not None:
        return on_candidate(clear, heightmap, center)
    check_clear(heightmap, config.max_unseen)
    return clear


def _clear(heightmap: Heightmap, detection: Detection, clusters: tuple[Cluster, ...]) -> Attention:
    """Return a CLEAR attention, centered on the middle of the view."""
    middle = heightmap.grid.middle
    row, column = _crop_corner(heightmap, middle)
    return Attention(
        AttentionState.CLEAR,
        middle,
        heightmap.window(row, column, CROP_SIZE_PX),
        np.zeros((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_),
        detection.score,
        clusters,
        detection.saliency,
    )


def _on_target(attention: Attention, heightmap: Heightmap, detection: Detection) -> Attention:
    """Return a TARGET attention, centered on the centroid of the target's cells, with the mask cropped to it."""
    center = _centroid(heightmap, detection.mask)
    rows, columns = np.nonzero(detection.mask)
    row, column = _crop_corner(heightmap, center)
    inside = (rows >= row) & (rows < row + CROP_SIZE_PX) & (columns >= column) & (columns < column + CROP_SIZE_PX)
    mask = np.zeros((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
    mask[rows[inside] - row, columns[inside] - column] = True
    crop = heightmap.window(row, column, CROP_SIZE_PX)
    return replace(attention, state=AttentionState.TARGET, center=center, crop=crop, mask=mask, odd=center)


def on_candidate(attention: Attention, heightmap: Heightmap, center: tuple[float, float]) -> Attention:
    """Return a CANDIDATE attention on ``center`` (x, y) in meters, with the all-one mask of the paper."""
    crop = heightmap.window(*_crop_corner(heightmap, center), CROP_SIZE_PX)
    mask = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
    return replace(attention, state=AttentionState.CANDIDATE, center=center, crop=crop, mask=mask)


def _centroid(heightmap: Heightmap, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the mean position (x, y) in meters of the cells of a mask."""
    rows, columns = np.nonzero(mask)
    return heightmap.grid.to_meters(float(rows.mean()), float(columns.mean()))


def _crop_corner(heightmap: Heightmap, center: tuple[float, float]) -> tuple[int, int]:
    """Return the first cell (row, column) of the crop whose middle is nearest to ``center`` (x, y) in meters."""
    row, column = heightmap.grid.to_cell(*center)
    half = (CROP_SIZE_PX - 1) / 2.0
    return round(row - half), round(column - half)
