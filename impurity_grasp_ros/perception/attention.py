"""Decide where to act next (paper, algorithm 1): on a target in view, else on a dense group of objects, else nowhere.

Other packages can add modes through entry points of group ``impurity_grasp.attentions``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attention, AttentionState, Cluster, Heightmap
from impurity_grasp_ros.perception.appearance import Appearance, AppearanceConfig
from impurity_grasp_ros.perception.belief import Belief, doubted
from impurity_grasp_ros.perception.coverage import check_clear
from impurity_grasp_ros.perception.hidden_config import HEIGHT, LEARNED, HiddenConfig
from impurity_grasp_ros.perception.objects_config import ObjectsConfig
from impurity_grasp_ros.perception.occlusion import OcclusionConfig, candidate, find_clusters, object_cells
from impurity_grasp_ros.perception.saliency import SaliencyConfig, check_image
from impurity_grasp_ros.perception.target import Detection, TargetConfig, find_most_salient, find_outlier
from impurity_grasp_ros.registry import Registry

OBJECTS = "objects"
"""The mode that can be taught what is ordinary."""


@dataclass(frozen=True)
class AttentionConfig:
    """How targets are told apart from ordinary objects, and where they may be hidden.

    Raises:
        ConfigError: There is no such mode.
    """

    target: TargetConfig
    appearance: AppearanceConfig
    saliency: SaliencyConfig
    occlusion: OcclusionConfig
    objects: ObjectsConfig
    hidden: HiddenConfig
    max_unseen: float = parameter("m; never CLEAR while a square of this size has not been seen", low=0.01, high=0.5)
    mode: str = parameter(
        "objects: the target is the object that looks unlike the others; outlier: the color that is unlike the others; "
        "vocus2: what is most salient, as published; "
        "heights, no-inference, target-only, whole: ablations; or the name of a mode in another package"
    )

    def __post_init__(self) -> None:
        """Raise ConfigError for an unknown mode."""
        ATTENTIONS.check(self.mode)


Attend = Callable[[Heightmap, Any, AttentionConfig, Belief], tuple[Attention, Any]]
"""A mode of attention.

It takes a heightmap, what it remembers of the job's previous view, None in the first view, its settings, and what is
believed about hidden objects, to be passed to :func:`attention_on`. It returns the attention and what to remember for
the next view. It may raise InvalidFrameError and ViewIncompleteError.
"""

REACH = 0.12
"""Meters from where a target was seen last within which a group may hide it now."""

NOTHING_KNOWN = Belief()
"""The belief with which a job begins."""


def attend(
    heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief = NOTHING_KNOWN
) -> tuple[Attention, Any]:
    """Find a target, or the group of objects that could hide one.

    Args:
        heightmap: The view.
        memory: The memory that was returned for the previous view of this job; None for the first view.
        config: The mode and its settings.
        belief: What earlier views and actions of this job tell about hidden objects.

    Returns:
        The attention, and the memory to pass with the next view.

    Raises:
        InvalidFrameError: The colors are not uint8 RGB.
        ViewIncompleteError: The state would be CLEAR, but a target may lie in a place that was not seen.
        ConfigError: There is no such mode.
    """
    return ATTENTIONS.find(config.mode)(heightmap, memory, config, belief)


def prepare(config: AttentionConfig) -> None:
    """Load what the first view would otherwise wait for: libraries and networks, each once.

    Args:
        config: The mode and its settings.

    Raises:
        CheckpointError: Weights cannot be used.
    """
    if config.hidden.method == LEARNED:
        from impurity_grasp_ros.perception.hidden_objects import network_of as hidden_network_of

        hidden_network_of(config.hidden)
    if config.mode == OBJECTS or config.target.few_objects:
        from impurity_grasp_ros.perception.odd_objects import network_of

        network_of(config.objects)


def _outlier(
    heightmap: Heightmap, appearance: Appearance | None, config: AttentionConfig, belief: Belief
) -> tuple[Attention, Appearance | None]:
    """Mode in which the target is what looks unlike the ordinary objects, as learned from the job's first view."""
    check_image(heightmap.color)
    objects = object_cells(heightmap, config.occlusion)
    labels = _few(heightmap, objects, config) if appearance is None else None
    detection, appearance = find_outlier(
        heightmap, objects, appearance, config.target, config.appearance, config.saliency, labels
    )
    return attention_on(heightmap, detection, config, belief), appearance


def _few(heightmap: Heightmap, objects: NDArray[np.bool_], config: AttentionConfig) -> NDArray[np.int64] | None:
    """The object of each cell if there are only a few, so that a large one could cover most of the cells."""
    if heightmap.fine_color is None or not config.target.few_objects or not objects.any():
        return None
    from impurity_grasp_ros.perception.odd_objects import network_of, segmented  # torch takes its time

    labels = segmented(network_of(config.objects), heightmap, objects, config.objects.segmentation)
    return labels if 2 < labels.max() + 1 <= config.target.few_objects else None


def _outlier_or_heap(
    heightmap: Heightmap, appearance: Appearance | None, config: AttentionConfig, belief: Belief
) -> tuple[Attention, Appearance | None]:
    """The same with fixed heights of what could hide a target."""
    return _outlier(heightmap, appearance, replace(config, hidden=replace(config.hidden, method=HEIGHT)), belief)


def _odd_object(heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief) -> tuple[Attention, Any]:
    """Mode in which the target is the object that looks unlike the others."""
    check_image(heightmap.color)
    from impurity_grasp_ros.perception.odd_objects import find_odd_objects  # torch takes its time

    objects = object_cells(heightmap, config.occlusion)
    detection, memory = find_odd_objects(heightmap, objects, memory, config.objects)
    attention = attention_on(heightmap, detection, config, belief, memory.single)
    return replace(attention, unfamiliar=memory.unfamiliar), memory


def _most_salient(heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief) -> tuple[Attention, Any]:
    """Mode in which the target is the most salient region, as published."""
    check_image(heightmap.color)
    detection = find_most_salient(heightmap, config.target, config.saliency)
    return attention_on(heightmap, detection, config, belief), memory


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
        return _on_candidate(clear, heightmap, center)
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


def _on_candidate(attention: Attention, heightmap: Heightmap, center: tuple[float, float]) -> Attention:
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


def without_inference(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation without occluded-region inference: with no target in view, act where saliency peaks; never CLEAR."""
    if attention.state is AttentionState.TARGET:
        return attention
    row, column = np.unravel_index(int(attention.saliency.argmax()), attention.saliency.shape)
    return _on_candidate(attention, heightmap, heightmap.grid.to_meters(float(row), float(column)))


def whole_workspace(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation without target saliency detection: target-agnostic, act on the whole workspace; never CLEAR."""
    return _on_candidate(attention, heightmap, heightmap.grid.middle)


def target_only(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation that acts on a target in view, else on the whole workspace; never CLEAR."""
    return attention if attention.state is AttentionState.TARGET else whole_workspace(attention, heightmap)


def _ablated(ablate: Callable[[Attention, Heightmap], Attention]) -> Attend:
    """Return the outlier mode with a part of its attention removed (paper, section 6.3.2)."""

    def mode(heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief) -> tuple[Attention, Any]:
        attention, memory = _outlier(heightmap, memory, config, belief)
        return ablate(attention, heightmap), memory

    return mode


ATTENTIONS: Registry[Attend] = Registry(
    "mode",
    "impurity_grasp.attentions",
    {
        OBJECTS: _odd_object,
        "outlier": _outlier,
        "vocus2": _most_salient,
        "heights": _outlier_or_heap,
        "no-inference": _ablated(without_inference),
        "target-only": _ablated(target_only),
        "whole": _ablated(whole_workspace),
    },
)
