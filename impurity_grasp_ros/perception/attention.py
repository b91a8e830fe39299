"""Where to act next (paper, algorithm 1): a target in view first, else the densest group of objects, else nowhere.

Another package adds a mode by an entry point of group ``impurity_grasp.attentions``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attention, AttentionState, Cluster, Heightmap
from impurity_grasp_ros.perception.appearance import Appearance, AppearanceConfig
from impurity_grasp_ros.perception.coverage import check_clear
from impurity_grasp_ros.perception.occlusion import OcclusionConfig, candidate, find_clusters, object_cells
from impurity_grasp_ros.perception.saliency import SaliencyConfig, check_image
from impurity_grasp_ros.perception.target import Detection, TargetConfig, find_most_salient, find_outlier
from impurity_grasp_ros.registry import Registry


@dataclass(frozen=True)
class AttentionConfig:
    """How targets are told from ordinary objects, and where they may be hidden."""

    target: TargetConfig
    appearance: AppearanceConfig
    saliency: SaliencyConfig
    occlusion: OcclusionConfig
    max_unseen: float = parameter("m; CLEAR is not said while a square of this size was not seen", low=0.01, high=0.5)
    mode: str = parameter(
        "outlier: what looks unlike the ordinary objects; vocus2: what is most salient, as published; the ablations "
        "no-inference, target-only and whole; or one of another package"
    )

    def __post_init__(self) -> None:
        ATTENTIONS.check(self.mode)


Attend = Callable[[Heightmap, Any, AttentionConfig], tuple[Attention, Any]]
"""A mode: attention, and memory for the job's next view, from a heightmap and the memory of the view before, which is
None for a job's first one. May raise InvalidFrameError and ViewIncompleteError."""


def attend(heightmap: Heightmap, memory: Any, config: AttentionConfig) -> tuple[Attention, Any]:
    """Find the most salient target, or the group of objects that could hide one.

    Args:
        heightmap: The view.
        memory: What was returned for the job's view before; None for its first one.
        config: Its mode says how.

    Returns:
        The attention, and the memory for the next view.

    Raises:
        InvalidFrameError: Colors are not uint8 RGB.
        ViewIncompleteError: It would be CLEAR but for places that were not seen.
        ConfigError: There is no such mode.
    """
    return ATTENTIONS.find(config.mode)(heightmap, memory, config)


def _outlier(
    heightmap: Heightmap, appearance: Appearance | None, config: AttentionConfig
) -> tuple[Attention, Appearance | None]:
    """The target is what looks unlike the ordinary objects, whose looks the first view of a job defines."""
    check_image(heightmap.color)
    objects = object_cells(heightmap, config.occlusion)
    detection, appearance = find_outlier(
        heightmap, objects, appearance, config.target, config.appearance, config.saliency
    )
    return attention_on(heightmap, detection, config), appearance


def _most_salient(heightmap: Heightmap, memory: Any, config: AttentionConfig) -> tuple[Attention, Any]:
    """The target is the most salient region, as published."""
    check_image(heightmap.color)
    detection = find_most_salient(heightmap, config.target, config.saliency)
    return attention_on(heightmap, detection, config), memory


def attention_on(heightmap: Heightmap, detection: Detection, config: AttentionConfig) -> Attention:
    """The attention that follows from a detection, by algorithm 1 of the paper.

    Args:
        heightmap: The view.
        detection: The target, an empty mask without one.
        config: Where targets may be hidden.

    Returns:
        TARGET on the detection, else CANDIDATE on the densest group of objects, else CLEAR.

    Raises:
        ViewIncompleteError: It would be CLEAR but for places that were not seen.
    """
    clusters = find_clusters(heightmap, config.occlusion)
    nowhere = _nowhere(heightmap, detection, clusters)
    if detection.mask.any():
        return _on_target(nowhere, heightmap, detection)
    if (cluster := candidate(clusters, config.occlusion)) is not None:
        return _on_candidate(nowhere, heightmap, cluster.center)
    check_clear(heightmap, config.max_unseen)
    return nowhere


def _nowhere(heightmap: Heightmap, detection: Detection, clusters: tuple[Cluster, ...]) -> Attention:
    """A CLEAR attention on the middle of the view."""
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
    """Centred on the centroid of the target's cells, its mask cut out with the crop."""
    rows, columns = np.nonzero(detection.mask)
    center = heightmap.grid.to_metres(float(rows.mean()), float(columns.mean()))
    row, column = _crop_corner(heightmap, center)
    inside = (rows >= row) & (rows < row + CROP_SIZE_PX) & (columns >= column) & (columns < column + CROP_SIZE_PX)
    mask = np.zeros((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
    mask[rows[inside] - row, columns[inside] - column] = True
    crop = heightmap.window(row, column, CROP_SIZE_PX)
    return replace(attention, state=AttentionState.TARGET, center=center, crop=crop, mask=mask)


def _on_candidate(attention: Attention, heightmap: Heightmap, center: tuple[float, float]) -> Attention:
    """The same attention on a place (x, y) in metres where a target may be hidden, with the paper's all-one mask."""
    crop = heightmap.window(*_crop_corner(heightmap, center), CROP_SIZE_PX)
    mask = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
    return replace(attention, state=AttentionState.CANDIDATE, center=center, crop=crop, mask=mask)


def _crop_corner(heightmap: Heightmap, center: tuple[float, float]) -> tuple[int, int]:
    """First cell (row, column) of the crop whose middle is nearest to a position in metres."""
    row, column = heightmap.grid.to_cell(*center)
    half = (CROP_SIZE_PX - 1) / 2.0
    return round(row - half), round(column - half)


def without_inference(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation, no occluded-region inference: without a target in view, where the saliency is highest; never CLEAR."""
    if attention.state is AttentionState.TARGET:
        return attention
    row, column = np.unravel_index(int(attention.saliency.argmax()), attention.saliency.shape)
    return _on_candidate(attention, heightmap, heightmap.grid.to_metres(float(row), float(column)))


def whole_workspace(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation, no target saliency detection: target-agnostic, the whole workspace; never CLEAR."""
    return _on_candidate(attention, heightmap, heightmap.grid.middle)


def target_only(attention: Attention, heightmap: Heightmap) -> Attention:
    """A target in view, else the whole workspace; never CLEAR."""
    return attention if attention.state is AttentionState.TARGET else whole_workspace(attention, heightmap)


def _impaired(impair: Callable[[Attention, Heightmap], Attention]) -> Attend:
    """The outlier mode with a part of its attention taken out (paper, section 6.3.2)."""

    def mode(heightmap: Heightmap, memory: Any, config: AttentionConfig) -> tuple[Attention, Any]:
        attention, memory = _outlier(heightmap, memory, config)
        return impair(attention, heightmap), memory

    return mode


ATTENTIONS: Registry[Attend] = Registry(
    "mode",
    "impurity_grasp.attentions",
    {
        "outlier": _outlier,
        "vocus2": _most_salient,
        "no-inference": _impaired(without_inference),
        "target-only": _impaired(target_only),
        "whole": _impaired(whole_workspace),
    },
)
