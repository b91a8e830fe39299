"""Where to act next (paper, algorithm 1): a target in view first, else the densest group of objects, else nowhere."""

from dataclasses import dataclass, replace

import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attention, AttentionState, Cluster, Heightmap
from impurity_grasp_ros.perception.appearance import Appearance, AppearanceConfig
from impurity_grasp_ros.perception.coverage import check_clear
from impurity_grasp_ros.perception.occlusion import OcclusionConfig, candidate, find_clusters, object_cells
from impurity_grasp_ros.perception.saliency import SaliencyConfig, check_image
from impurity_grasp_ros.perception.target import Detection, TargetConfig, find_most_salient, find_outlier

OUTLIER, VOCUS2 = "outlier", "vocus2"


@dataclass(frozen=True)
class AttentionConfig:
    """How targets are told from ordinary objects, and where they may be hidden."""

    target: TargetConfig
    appearance: AppearanceConfig
    saliency: SaliencyConfig
    occlusion: OcclusionConfig
    max_unseen: float = parameter("m; CLEAR is not said while a square of this size was not seen", low=0.01, high=0.5)
    mode: str = parameter(
        "outlier: what looks unlike the ordinary objects; vocus2: what is most salient, as published",
        choices=(OUTLIER, VOCUS2),
    )


def attend(
    heightmap: Heightmap, appearance: Appearance | None, config: AttentionConfig
) -> tuple[Attention, Appearance | None]:
    """Find the most salient target, or the group of objects that could hide one.

    appearance: what ordinary objects look like, as returned for the frame before; None for the first frame of a job,
    which then defines it. Mode vocus2 passes it through. Raises InvalidFrameError for colours that are not uint8 RGB,
    ViewIncompleteError where it would be CLEAR but for places that were not seen.
    """
    check_image(heightmap.color)
    if config.mode == OUTLIER:
        objects = object_cells(heightmap, config.occlusion)
        detection, appearance = find_outlier(
            heightmap, objects, appearance, config.target, config.appearance, config.saliency
        )
    else:
        detection = find_most_salient(heightmap, config.target, config.saliency)
    clusters = find_clusters(heightmap, config.occlusion)
    nowhere = _nowhere(heightmap, detection, clusters)
    if detection.mask.any():
        return _on_target(nowhere, heightmap, detection), appearance
    if (cluster := candidate(clusters, config.occlusion)) is not None:
        return on_candidate(nowhere, heightmap, cluster.center), appearance
    check_clear(heightmap, config.max_unseen)
    return nowhere, appearance


def _nowhere(heightmap: Heightmap, detection: Detection, clusters: tuple[Cluster, ...]) -> Attention:
    """A CLEAR attention on the middle of the view."""
    middle = heightmap.grid.to_metres((heightmap.grid.rows - 1) / 2.0, (heightmap.grid.columns - 1) / 2.0)
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


def on_candidate(attention: Attention, heightmap: Heightmap, center: tuple[float, float]) -> Attention:
    """The same attention on a place (x, y) in metres where a target may be hidden, with the paper's all-one mask."""
    crop = heightmap.window(*_crop_corner(heightmap, center), CROP_SIZE_PX)
    mask = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
    return replace(attention, state=AttentionState.CANDIDATE, center=center, crop=crop, mask=mask)


def _crop_corner(heightmap: Heightmap, center: tuple[float, float]) -> tuple[int, int]:
    """First cell (row, column) of the crop whose middle is nearest to a position in metres."""
    row, column = heightmap.grid.to_cell(*center)
    half = (CROP_SIZE_PX - 1) / 2.0
    return round(row - half), round(column - half)
