"""How the blocks of a scene are put on the table. Placing never judges; ``scenes.py`` accepts or rejects the result.

Positions are metres relative to the middle of the workspace, whose place in the base frame is added by ``Stage``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import InvalidGoalError
from impurity_grasp_ros.simulation.library import BlockLibrary, Palette
from impurity_grasp_ros.simulation.objects import Block, Shape, Solid, cuboid, cylinder, spawn, triangle
from impurity_grasp_ros.simulation.world import World

DROP_GAP = 5e-4
"""Metres of air under a block that is put down, so that it does not start in contact."""


@dataclass
class Stage:
    """Where a layout puts its blocks. ``placed`` maps the bodies to what they are."""

    world: World
    middle: tuple[float, float]
    library: BlockLibrary
    palette: Palette
    rng: np.random.Generator
    placed: dict[int, Block]

    def put(self, shape: Solid, target: bool, position: tuple[float, float, float], rotation: Rotation) -> int:
        """Add a block with its centre of volume at ``position``, x and y relative to the middle."""
        block = self.palette.paint(shape, target, self.rng)
        x, y, z = position
        p_base = np.array([x + self.middle[0], y + self.middle[1], z])
        body = spawn(self.world, block, p_base, rotation.as_quat())
        self.placed[body] = block
        return body

    def put_upright(self, shape: Solid, target: bool, x: float, y: float, floor: float, yaw: float) -> int:
        """Put a block down on a height ``floor``, turned by ``yaw`` radians."""
        z = floor - float(shape.corners[:, 2].min()) + DROP_GAP
        return self.put(shape, target, (x, y, z), yaw_rotation(yaw))


def yaw_rotation(yaw: float) -> Rotation:
    """Rotation about z in radians."""
    return Rotation.from_euler("z", yaw)


@dataclass(frozen=True)
class DroppedLayout:
    """Blocks fall one after another (paper: random case)."""

    height: float = parameter("m that blocks fall from", low=0.05, high=0.5)
    spread: float = parameter("m to either side of the middle", low=0.01, high=0.2)
    interval: float = parameter("s between two blocks", low=0.05, high=2.0)
    upright: float = parameter("part of the blocks that fall upright", low=0.0, high=1.0)
    margin: float = parameter("m from the workspace's border that every block keeps", low=0.0, high=0.1)

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Drop all blocks in shuffled order."""
        rng = stage.rng
        for is_target in rng.permutation([True] * targets + [False] * blocks):
            shape = stage.library.random_shape(rng)
            upright = rng.random() < self.upright
            rotation = yaw_rotation(rng.uniform(-math.pi, math.pi)) if upright else Rotation.random(random_state=rng)
            x, y = rng.uniform(-self.spread, self.spread, 2)
            stage.put(shape, bool(is_target), (x, y, self.height), rotation)
            stage.world.step(round(self.interval / stage.world.config.time_step))


@dataclass(frozen=True)
class PackedLayout:
    """Blocks laid closely side by side in rows, targets in the middle (paper: challenging case)."""

    cell_width: tuple[float, float] = parameter("m", low=0.02, high=0.08)
    cell_depth: tuple[float, float] = parameter("m", low=0.02, high=0.08)
    height: tuple[float, float] = parameter("m", low=0.02, high=0.08)
    gap: float = parameter("m between two blocks", low=0.0, high=0.01)
    offset: float = parameter("m, the packing's middle from the workspace's", low=0.0, high=0.1)
    cuboids: float = parameter("part of the cells that hold cuboids", low=0.0, high=1.0)
    engagement: float = parameter("m the finger tips must reach below a target's top", low=0.005, high=0.03)

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Fill rows of cells; the targets take the cells closest to the middle."""
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
        """Cells (n, 4) as x, y, width, depth around the origin, in rows as square as ``count`` permits."""
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
    """Heaps of a core block, four blocks around it, a slab on both and blocks on top (paper: invisible case)."""

    core: tuple[float, float] = parameter("m, edge of the core block", low=0.02, high=0.06)
    core_height: tuple[float, float] = parameter("m", low=0.02, high=0.06)
    ring_width: tuple[float, float] = parameter("m", low=0.02, high=0.06)
    ring_depth: tuple[float, float] = parameter("m", low=0.02, high=0.08)
    lid: tuple[float, float] = parameter("m, edges of the slab", low=0.03, high=0.10)
    lid_height: tuple[float, float] = parameter("m", low=0.01, high=0.06)
    distance: float = parameter("m between two heaps", low=0.08, high=0.3)
    spread: float = parameter("m to either side of the middle", low=0.01, high=0.2)
    max_visible: float = parameter("part of a target's pixels that the camera may see", low=0.0, high=0.5)

    COVER = 5
    """Ordinary blocks that hide one core: four around, one on top."""

    DECOY = COVER + 1
    """Ordinary blocks of a heap without a target."""

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Build one heap a target and, of the blocks left, heaps without a target and blocks on top.

        Raises InvalidGoalError when there are too few blocks to hide every target, or for any heap at all.
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
            shape = stage.library.random_shape(stage.rng)
            dx, dy = stage.rng.uniform(-0.008, 0.008, 2)
            stage.put_upright(shape, False, x + dx, y + dy, top, stage.rng.uniform(-math.pi, math.pi))
            height = float(np.ptp(shape.corners[:, 2])) + DROP_GAP
            heaps[index % len(heaps)] = x, y, top + height  # the next one on top of it, not inside

    def _middles(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Middles (count, 2) at least ``distance`` apart; as far as they get after many trials."""
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
        """Build one heap; returns its middle and the height of the slab's upper side."""
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
