"""How the blocks of a scene are placed on the table. ``scenes.py`` then accepts or rejects the result.

Positions are in meters relative to the center of the workspace; ``Stage`` converts them to the base frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.simulation.hidden_layouts import HeapedLayout, StackedLayout
from impurity_grasp_ros.simulation.objects import Shape, cuboid, cylinder, triangle
from impurity_grasp_ros.simulation.stage import Stage, yaw_rotation


@dataclass(frozen=True)
class DroppedLayout:
    """Blocks are dropped one after another (paper: random case)."""

    height: float = parameter("m, height from which blocks are dropped", low=0.05, high=0.5)
    spread: float = parameter("m to either side of the center", low=0.01, high=0.2)
    interval: float = parameter("s between two blocks", low=0.05, high=2.0)
    upright: float = parameter("fraction of the blocks that fall upright", low=0.0, high=1.0)
    margin: float = parameter("m, minimum distance of every block from the border of the workspace", low=0.0, high=0.1)
    offset: float = parameter(
        "m from the center of the workspace, in a direction that is drawn", low=0.0, high=0.2, default=0.0
    )

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Drop ``targets`` targets and ``blocks`` ordinary blocks in random order."""
        rng = stage.rng
        center = self._center(rng)
        for is_target in rng.permutation([True] * targets + [False] * blocks):
            item = stage.draw(bool(is_target))
            upright = rng.random() < self.upright
            rotation = yaw_rotation(rng.uniform(-math.pi, math.pi)) if upright else Rotation.random(random_state=rng)
            x, y = center + rng.uniform(-self.spread, self.spread, 2)
            stage.put(item, bool(is_target), (x, y, self.height), rotation)
            stage.world.step(round(self.interval / stage.world.config.time_step))

    def _center(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """The place over which blocks are dropped; nothing is drawn if it is the center of the workspace."""
        if self.offset == 0.0:
            return np.zeros(2)
        angle = rng.uniform(-math.pi, math.pi)
        return self.offset * np.array([math.cos(angle), math.sin(angle)])


@dataclass(frozen=True)
class PackedLayout:
    """Blocks are packed side by side in rows, with the targets at the center (paper: challenging case)."""

    cell_width: tuple[float, float] = parameter("m, range of the width of a cell", low=0.02, high=0.08)
    cell_depth: tuple[float, float] = parameter("m, range of the depth of a cell", low=0.02, high=0.08)
    height: tuple[float, float] = parameter("m, range of the height of the packing", low=0.02, high=0.08)
    gap: float = parameter("m between two blocks", low=0.0, high=0.01)
    offset: float = parameter(
        "m, maximum offset along x and y of the packing from the center of the workspace", low=0.0, high=0.1
    )
    cuboids: float = parameter("fraction of the cells that contain cuboids", low=0.0, high=1.0)
    engagement: float = parameter(
        "m, depth below a target's top that the fingertips must reach in a grasp", low=0.005, high=0.03
    )

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Fill rows of cells; the targets take cells closest to the center."""
        if targets + blocks == 0:
            return
        rng = stage.rng
        cells = self._cells(targets + blocks, rng)
        first = int(np.argmin(np.linalg.norm(cells[:, :2], axis=1)))
        near = np.argsort(np.linalg.norm(cells[:, :2] - cells[first, :2], axis=1))[1 : max(5, targets)]
        chosen = {first, *rng.permutation(near)[: targets - 1].tolist()} if targets else set()
        yaw, middle = rng.uniform(-math.pi, math.pi), rng.uniform(-self.offset, self.offset, 2)
        turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
        height = rng.uniform(*self.height)
        for index, (x, y, width, depth) in enumerate(cells):
            shape = self._shape(width, depth, height + rng.uniform(-0.003, 0.003), rng)
            px, py = turn @ (x, y) + middle
            stage.put_upright(shape, index in chosen, px, py, 0.0, yaw)

    def _cells(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Cells (count, 4) as x, y, width, depth in meters; rows around the origin, about as many rows as columns."""
        rows = max(1, round(math.sqrt(count)))
        per_row = [len(part) for part in np.array_split(np.arange(count), rows)]
        cells, y = [], 0.0
        for columns in rng.permutation(per_row):
            widths = rng.uniform(*self.cell_width, columns)
            depth = rng.uniform(*self.cell_depth)
            edges = np.concatenate([[0.0], np.cumsum(widths + self.gap)])
            x = edges[:-1] + widths / 2 - edges[-1] / 2
            cells.append(np.column_stack([x, np.full(columns, y + depth / 2), widths, np.full(columns, depth)]))
            y += depth + self.gap
        stacked = np.concatenate(cells)
        stacked[:, 1] -= y / 2
        return stacked

    def _shape(self, width: float, depth: float, height: float, rng: np.random.Generator) -> Shape:
        choice = rng.random()
        if choice < self.cuboids:
            return cuboid(width, depth, height)
        if choice < (1.0 + self.cuboids) / 2:
            return cylinder(min(width, depth), height)
        return triangle(width, depth * 0.98, height)


Layout = DroppedLayout | PackedLayout | HeapedLayout | StackedLayout

LAYOUTS: dict[str, type[Layout]] = {
    "dropped": DroppedLayout,
    "packed": PackedLayout,
    "heaped": HeapedLayout,
    "stacked": StackedLayout,
}
