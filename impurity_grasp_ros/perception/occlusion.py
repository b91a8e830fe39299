"""Find where a target may be hidden: density-based occluded-region inference (paper, section 5.1.2).

DBSCAN groups the cells that carry objects. As in the paper, a group whose height or area is below a threshold hides no
target. A hidden target takes at least two layers: the target itself and what covers it. The height that counts is
therefore not that of the highest corner, but the one reached over an area that is large enough to cover an object: a
single block standing on end is high, but over too small an area. A narrow group that is higher than any single block
can be must consist of stacked objects, so it may hide a target as well.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Cluster, Heightmap


@dataclass(frozen=True)
class OcclusionConfig:
    """What makes a dense group of objects, and when it could hide a target. Lengths in meters, areas in m2."""

    min_object_height: float = parameter("m above the table; higher cells carry an object", low=0.001, high=0.1)
    stride_px: int = parameter("only every n-th row and column is clustered", low=1, high=8)
    radius: float = parameter("m, neighborhood radius of DBSCAN", low=0.002, high=0.1)
    min_density: float = parameter(
        "fraction of its neighborhood that must be occupied for a cell to be a core cell", low=0.0, high=1.0
    )
    cover_area: float = parameter("m2; a cluster's height is the one that this much of it reaches", low=0.0, high=0.01)
    min_height: float = parameter("m; a lower cluster hides nothing", low=0.0, high=0.3)
    min_area: float = parameter("m2; a smaller cluster hides nothing, unless it is a tower", low=0.0, high=0.2)
    tower_height: float = parameter(
        "m; a cluster of at least this height and of at least cover_area is a tower", low=0.0, high=0.5
    )


def object_cells(heightmap: Heightmap, config: OcclusionConfig) -> NDArray[np.bool_]:
    """Return the cells that carry an object, (R, C) bool."""
    return heightmap.valid & (heightmap.height > config.min_object_height)


def find_clusters(
    heightmap: Heightmap, config: OcclusionConfig, hidden: NDArray[np.float32] | None = None
) -> tuple[Cluster, ...]:
    """Find dense groups of objects.

    A cluster's height is the greatest height that an area of ``cover_area`` reaches. Its center is the cell around
    which the mean height over an area of that size is greatest: the middle of its highest pile.

    Args:
        heightmap: The view.
        config: How to cluster.
        hidden: (R, C) number of hidden objects expected in each cell; None if that is not judged.

    Returns:
        The clusters, largest area first.
    """
    stride = config.stride_px
    cells = np.argwhere(object_cells(heightmap, config)[::stride, ::stride]) * stride
    if len(cells) == 0:
        return ()
    spacing = stride * heightmap.grid.resolution
    labels = _dbscan((cells * heightmap.grid.resolution).astype(np.float64), spacing, config)
    heights = heightmap.height[cells[:, 0], cells[:, 1]]
    piled = _pile_height(heightmap, config.cover_area)[cells[:, 0], cells[:, 1]]
    cover_cells = max(1, round(config.cover_area / spacing**2))
    clusters = []
    for label in range(labels.max() + 1):
        members = np.flatnonzero(labels == label)
        descending = np.sort(heights[members])[::-1]
        row, column = cells[members[np.argmax(piled[members])]]
        below = math.nan if hidden is None else float(hidden[tuple(cells[members].T)].sum()) * stride**2
        clusters.append(
            Cluster(
                heightmap.grid.to_meters(float(row), float(column)),
                len(members) * spacing**2,
                float(descending[min(cover_cells, len(members)) - 1]),
                below,
            )
        )
    return tuple(sorted(clusters, key=lambda cluster: -cluster.area))


def candidate(clusters: tuple[Cluster, ...], config: OcclusionConfig) -> Cluster | None:
    """Return the largest cluster that could hide a target; None means that no target is present (paper, figure 5)."""
    able = [cluster for cluster in clusters if _could_hide_one(cluster, config)]
    return max(able, key=lambda cluster: cluster.area, default=None)


def _could_hide_one(cluster: Cluster, config: OcclusionConfig) -> bool:
    """Whether a cluster is a wide pile of two layers, or a narrow one that is higher than any single block."""
    wide = cluster.area >= config.min_area and cluster.height >= config.min_height
    return wide or (cluster.area >= config.cover_area and cluster.height >= config.tower_height)


def _dbscan(points: NDArray[np.float64], spacing: float, config: OcclusionConfig) -> NDArray[np.intp]:
    """Return the cluster index of every point, (N, 2) in meters on a grid of ``spacing`` meters; -1 is noise."""
    reach = int(config.radius / spacing + 1e-9)
    ahead = np.arange(-reach, reach + 1) * spacing
    neighborhood = np.count_nonzero(np.hypot(*np.meshgrid(ahead, ahead)) <= config.radius * (1.0 + 1e-9))
    min_samples = max(1, round(config.min_density * neighborhood))
    labels: NDArray[np.intp] = DBSCAN(eps=config.radius * (1.0 + 1e-9), min_samples=min_samples).fit_predict(points)
    return labels


def _pile_height(heightmap: Heightmap, area: float) -> NDArray[np.float32]:
    """Return the mean height in meters over a square of ``area`` m2 around every cell, (R, C)."""
    side = max(1, round(area**0.5 / heightmap.grid.resolution)) | 1
    return np.asarray(cv2.blur(heightmap.height, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)
