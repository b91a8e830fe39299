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
from impurity_grasp_ros.errors import InvalidGoalError
from impurity_grasp_ros.simulation.objects import Shape, cuboid, cylinder, triangle
from impurity_grasp_ros.simulation.stage import DROP_GAP, Stage, solid_of, yaw_rotation


@dataclass(frozen=True)
class DroppedLayout:
    """Blocks are dropped one after another (paper: random case)."""

    height: float = parameter("m, height from which blocks are dropped", low=0.05, high=0.5)
    spread: float = parameter("m to either side of the center", low=0.01, high=0.2)
    interval: float = parameter("s between two blocks", low=0.05, high=2.0)
    upright: float = parameter("fraction of the blocks that fall upright", low=0.0, high=1.0)
    margin: float = parameter("m, minimum distance of every block from the border of the workspace", low=0.0, high=0.1)

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Drop ``targets`` targets and ``blocks`` ordinary blocks in random order."""
        rng = stage.rng
        for is_target in rng.permutation([True] * targets + [False] * blocks):
            item = stage.draw(bool(is_target))
            upright = rng.random() < self.upright
            rotation = yaw_rotation(rng.uniform(-math.pi, math.pi)) if upright else Rotation.random(random_state=rng)
            x, y = rng.uniform(-self.spread, self.spread, 2)
            stage.put(item, bool(is_target), (x, y, self.height), rotation)
            stage.world.step(round(self.interval / stage.world.config.time_step))


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


@dataclass(frozen=True)
class HeapedLayout:
    """Heaps: a core block, four blocks around it, a slab on top, blocks on the slab (paper: invisible case)."""

    core: tuple[float, float] = parameter("m, range of the edges of the core block", low=0.02, high=0.06)
    core_height: tuple[float, float] = parameter("m, range of the height of the core block", low=0.02, high=0.06)
    ring_width: tuple[float, float] = parameter("m, range of the width of the blocks around it", low=0.02, high=0.06)
    ring_depth: tuple[float, float] = parameter("m, range of the depth of the blocks around it", low=0.02, high=0.08)
    lid: tuple[float, float] = parameter("m, range of the edges of the slab", low=0.03, high=0.10)
    lid_height: tuple[float, float] = parameter("m, range of the height of the slab", low=0.01, high=0.06)
    distance: float = parameter("m, minimum distance between two heaps", low=0.08, high=0.3)
    spread: float = parameter("m to either side of the center", low=0.01, high=0.2)
    max_visible: float = parameter("upper limit of the visible fraction of a target's pixels", low=0.0, high=0.5)

    COVER = 5
    """Number of ordinary blocks that hide one core: four around it and one on top."""

    DECOY = COVER + 1
    """Number of blocks of a heap without a target."""

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Build one heap per target; the remaining blocks form heaps without a target and lie on top of the heaps.

        Raises:
            InvalidGoalError: There are too few blocks to hide all targets, or to build a single heap.
        """
        spare = blocks - self.COVER * targets
        if spare < 0:
            raise InvalidGoalError(
                f"expected at least {self.COVER * targets} blocks to hide {targets} targets, received {blocks}"
            )
        decoys = spare // self.DECOY
        if blocks > 0 and targets + decoys == 0:
            raise InvalidGoalError(f"expected at least {self.DECOY} blocks to build a heap, received {blocks}")
        heaps = [
            self._heap(stage, x, y, target=index < targets)
            for index, (x, y) in enumerate(self._middles(targets + decoys, stage.rng))
        ]
        for index in range(spare - decoys * self.DECOY):
            x, y, top = heaps[index % len(heaps)]
            item = stage.draw(False)
            dx, dy = stage.rng.uniform(-0.008, 0.008, 2)
            stage.put_upright(item, False, x + dx, y + dy, top, stage.rng.uniform(-math.pi, math.pi))
            height = float(np.ptp(solid_of(item).corners[:, 2])) + DROP_GAP
            heaps[index % len(heaps)] = x, y, top + height  # the next block goes on top of it, not inside it

    def _middles(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Centers (count, 2) at least ``distance`` apart; after too many trials, those that were farthest apart."""
        best: NDArray[np.float64] = np.zeros((count, 2))
        best_distance = -1.0
        for _ in range(1000):
            middles = rng.uniform(-self.spread, self.spread, (count, 2))
            gaps = np.linalg.norm(middles[:, None] - middles[None], axis=2)[np.triu_indices(count, 1)]
            smallest = float(gaps.min(initial=self.distance))
            if smallest > best_distance:
                best, best_distance = middles, smallest
            if smallest >= self.distance:
                break
        return best

    def _heap(self, stage: Stage, x: float, y: float, *, target: bool) -> tuple[float, float, float]:
        """Build one heap; returns its center (x, y) and the height of the top of its slab."""
        rng = stage.rng
        yaw, height = rng.uniform(-math.pi, math.pi), rng.uniform(*self.core_height)
        edges = float(rng.uniform(*self.core)), float(rng.uniform(*self.core))
        core = cuboid(*edges, height) if rng.random() < 0.7 else cylinder(min(edges), height)
        stage.put_upright(core, target, x, y, 0.0, yaw)
        for quarter in range(4):
            angle = yaw + quarter * math.pi / 2
            ring = cuboid(rng.uniform(*self.ring_width), rng.uniform(*self.ring_depth), height + rng.uniform(0, 0.002))
            distance = edges[quarter % 2] / 2 + ring.outline[1][0] + 0.001
            stage.put_upright(ring, False, x + distance * math.cos(angle), y + distance * math.sin(angle), 0.0, angle)
        lid = cuboid(rng.uniform(*self.lid), rng.uniform(*self.lid), rng.uniform(*self.lid_height))
        dx, dy = rng.uniform(-0.003, 0.003, 2)
        stage.put_upright(lid, False, x + dx, y + dy, height + 0.002, yaw + rng.uniform(-0.4, 0.4))
        return x, y, height + lid.height + 0.004


Layout = DroppedLayout | PackedLayout | HeapedLayout

LAYOUTS: dict[str, type[Layout]] = {"dropped": DroppedLayout, "packed": PackedLayout, "heaped": HeapedLayout}
