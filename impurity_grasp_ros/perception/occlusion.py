"""Where something may be hidden: density-based occluded-region inference (paper, section 5.1.2).

DBSCAN groups the cells that carry objects. The paper then holds that no target is present when the group's height or
area is below a threshold. Something can only hide under at least two layers: the thing itself and what covers it. So
the height that counts is not that of the highest corner but the one reached by an area that could cover an object;
a single block standing on end is high, but over an area too small to matter. What stands higher than any block could
stands on another one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Cluster, Heightmap


@dataclass(frozen=True)
class OcclusionConfig:
    """What makes a dense group of objects, and when it could hide one. Lengths in metres, areas in m2."""

    min_object_height: float = parameter("cells above this many metres carry an object", low=0.001, high=0.1)
    stride_px: int = parameter("only every n-th row and column is clustered", low=1, high=8)
    radius: float = parameter("DBSCAN neighbourhood radius in metres", low=0.002, high=0.1)
    min_density: float = parameter("share of the neighbourhood that a core cell sees occupied", low=0.0, high=1.0)
    cover_area: float = parameter("a cluster's height is the one that this many m2 of it reach", low=0.0, high=0.01)
    min_height: float = parameter("clusters below this height in metres hide nothing", low=0.0, high=0.3)
    min_area: float = parameter("clusters below this area in m2 hide nothing", low=0.0, high=0.2)
    tower_height: float = parameter("but from this many metres on one of cover_area does", low=0.0, high=0.5)


def object_cells(heightmap: Heightmap, config: OcclusionConfig) -> NDArray[np.bool_]:
    """Cells (R, C) bool that carry an object."""
    return heightmap.valid & (heightmap.height > config.min_object_height)


def find_clusters(heightmap: Heightmap, config: OcclusionConfig) -> tuple[Cluster, ...]:
    """Dense groups of objects, largest area first.

    A cluster's height is the greatest that ``cover_area`` of it reach; its centre is where the mean height of an area
    of that size is greatest, that is the middle of its highest pile.
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
        clusters.append(
            Cluster(
                heightmap.grid.to_metres(float(row), float(column)),
                len(members) * spacing**2,
                float(descending[min(cover_cells, len(members)) - 1]),
            )
        )
    return tuple(sorted(clusters, key=lambda cluster: -cluster.area))


def candidate(clusters: tuple[Cluster, ...], config: OcclusionConfig) -> Cluster | None:
    """The largest cluster that could hide an object; None means that no target is presented (paper, figure 5)."""
    able = [cluster for cluster in clusters if _could_hide_one(cluster, config)]
    return max(able, key=lambda cluster: cluster.area, default=None)


def _could_hide_one(cluster: Cluster, config: OcclusionConfig) -> bool:
    """A wide pile of two layers could, and so could one block that stands higher than any block alone."""
    wide = cluster.area >= config.min_area and cluster.height >= config.min_height
    return wide or (cluster.area >= config.cover_area and cluster.height >= config.tower_height)


def _dbscan(points: NDArray[np.float64], spacing: float, config: OcclusionConfig) -> NDArray[np.intp]:
    """Cluster index of every point (N, 2), metres, on a grid of ``spacing`` metres; -1 is noise."""
    reach = int(config.radius / spacing + 1e-9)
    ahead = np.arange(-reach, reach + 1) * spacing
    neighbourhood = np.count_nonzero(np.hypot(*np.meshgrid(ahead, ahead)) <= config.radius * (1.0 + 1e-9))
    min_samples = max(1, round(config.min_density * neighbourhood))
    labels: NDArray[np.intp] = DBSCAN(eps=config.radius * (1.0 + 1e-9), min_samples=min_samples).fit_predict(points)
    return labels


def _pile_height(heightmap: Heightmap, area: float) -> NDArray[np.float32]:
    """Mean height in metres around every cell over a square of ``area`` m2."""
    side = max(1, round(area**0.5 / heightmap.grid.resolution)) | 1
    return np.asarray(cv2.blur(heightmap.height, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)
