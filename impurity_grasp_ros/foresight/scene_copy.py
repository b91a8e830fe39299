"""Trying pushes in a simulated copy of the scene, rebuilt from what the camera sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attention, Heightmap, Primitive
from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.occlusion import object_cells
from impurity_grasp_ros.perception.odd_objects import network_of, segmented
from impurity_grasp_ros.policy.analytic import target_mask
from impurity_grasp_ros.protocols import Foreseen
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import Block, Shape

SMALLEST = 40
"""Cells of the smallest object that is rebuilt."""

VISIBLE = 60
"""A target is in view if at least this many cells show it."""

LOWEST = 0.012
"""Meters; objects that look lower are rebuilt with this height."""

TOP = 80
"""Percentile of the heights of an object's cells that is taken for its height: its rim looks lower than it is."""


class SceneCopy:
    """A simulated cell with objects like those in view: upright prisms on their outlines as seen from above.

    Satisfies the protocol ``Foresight``. What is below other objects, or behind them, is not in the copy.
    """

    def __init__(self, cell: CellConfig) -> None:
        """Build the cell with an empty table.

        Args:
            cell: The cell in which the pushes would be carried out.
        """
        self._environment = Environment(cell)
        self._config = packaged_parameters("attention_node", AttentionConfig)
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")

    def after(
        self, heightmap: Heightmap, attention: Attention, pushes: Sequence[Primitive]
    ) -> Iterator[Foreseen | None]:
        """Tell what would be in view after each of several pushes, see ``protocols.Foresight``.

        Raises:
            InvalidFrameError: The heightmap has no fine color.
        """
        blocks = self._rebuilt(heightmap, attention)
        for push in pushes:
            (target, *_) = self._environment.lay_out(blocks)
            yield self._seen_after(push, target)

    def _rebuilt(self, heightmap: Heightmap, attention: Attention) -> list[tuple[Block, tuple[float, float, float]]]:
        """A block and its position for the target, then for each other object in view."""
        target = target_mask(heightmap, attention)
        network = network_of(self._config.objects)
        objects = object_cells(heightmap, self._config.occlusion) | target
        labels = segmented(network, heightmap, objects, self._config.objects.segmentation)
        others = [mask for label in range(labels.max() + 1) if (mask := (labels == label) & ~target).sum() >= SMALLEST]
        return [_block(heightmap, mask, is_target=mask is target) for mask in (target, *others)]

    def _seen_after(self, push: Primitive, target: int) -> Foreseen | None:
        environment = self._environment
        try:
            environment.step(push)
        except ImpurityGraspError:  # it would fail for real, too
            return None
        frame, bodies = environment.camera.capture_with_bodies()
        grid = environment.cell.workspace.grid
        mask = project_labels(frame, bodies, grid, self._projection) == target
        if mask.sum() < VISIBLE:
            return None
        rows, columns = np.nonzero(mask)
        middle = (CROP_SIZE_PX - 1) / 2
        corner = round(rows.mean() - middle), round(columns.mean() - middle)
        heightmap = project(frame, grid, self._projection)
        of_target = Heightmap(heightmap.color, heightmap.height, mask, grid)
        return Foreseen(heightmap.window(*corner, CROP_SIZE_PX), of_target.window(*corner, CROP_SIZE_PX).valid)


def _block(
    heightmap: Heightmap, mask: NDArray[np.bool_], *, is_target: bool
) -> tuple[Block, tuple[float, float, float]]:
    """A prism of the height and the color of the cells of an object, on their convex hull, and its position."""
    rows, columns = np.nonzero(mask)
    points = np.array(
        [heightmap.grid.to_meters(float(row), float(column)) for row, column in zip(rows, columns, strict=True)]
    )
    hull = cv2.convexHull(points.astype(np.float32), clockwise=False)[:, 0].astype(np.float64)
    moments = cv2.moments(hull.astype(np.float32))
    center = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    height = max(float(np.percentile(heightmap.height[mask], TOP)), LOWEST)
    outline = tuple((float(x), float(y)) for x, y in hull - center)
    red, green, blue = heightmap.color[mask].mean(axis=0) / 255.0
    block = Block(Shape("seen", outline, height), (float(red), float(green), float(blue)), is_target)
    return block, (float(center[0]), float(center[1]), height / 2)
