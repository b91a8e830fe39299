"""How the blocks of a scene are placed on the table if targets are to be hidden, see also ``layouts.py``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import InvalidGoalError
from impurity_grasp_ros.simulation.objects import cuboid, cylinder
from impurity_grasp_ros.simulation.stage import DROP_GAP, Stage, solid_of


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
            for index, (x, y) in enumerate(middles(targets + decoys, self.distance, self.spread, stage.rng))
        ]
        for index in range(spare - decoys * self.DECOY):
            x, y, top = heaps[index % len(heaps)]
            item = stage.draw(False)
            dx, dy = stage.rng.uniform(-0.008, 0.008, 2)
            stage.put_upright(item, False, x + dx, y + dy, top, stage.rng.uniform(-math.pi, math.pi))
            height = float(np.ptp(solid_of(item).corners[:, 2])) + DROP_GAP
            heaps[index % len(heaps)] = x, y, top + height  # the next block goes on top of it, not inside it

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


@dataclass(frozen=True)
class StackedLayout:
    """Stacks of slabs with equal outlines, flush with each other; a target is below the top of its stack."""

    edge: tuple[float, float] = parameter("m, range of the edges of a stack", low=0.02, high=0.1)
    slab: tuple[float, float] = parameter("m, range of the height of a slab", low=0.01, high=0.06)
    layers: tuple[int, int] = parameter("range of the number of slabs in a stack", low=2, high=4)
    distance: float = parameter("m, minimum distance between two stacks", low=0.03, high=0.3)
    spread: float = parameter("m to either side of the center", low=0.01, high=0.2)
    max_visible: float = parameter("upper limit of the visible fraction of a target's pixels", low=0.0, high=0.5)

    def place(self, stage: Stage, targets: int, blocks: int) -> None:
        """Build one stack per target; the remaining blocks form stacks without a target, or stand alone.

        Raises:
            InvalidGoalError: There are too few blocks to cover all targets.
        """
        if blocks < targets:
            raise InvalidGoalError(f"expected at least {targets} blocks to cover {targets} targets, received {blocks}")
        left, stacks = blocks, []
        for index in range(targets):
            most = left - (targets - index - 1)  # one block for each of the other targets
            others = min(most, int(stage.rng.integers(self.layers[0], self.layers[1] + 1)) - 1)
            stacks.append(1 + others)
            left -= others
        while left > 0:
            stacks.append(min(left, int(stage.rng.integers(1, self.layers[1] + 1))))
            left -= stacks[-1]
        places = middles(len(stacks), self.distance, self.spread, stage.rng)
        for index, (count, (x, y)) in enumerate(zip(stacks, places, strict=True)):
            self._stack(stage, x, y, count, has_target=index < targets)

    def _stack(self, stage: Stage, x: float, y: float, count: int, *, has_target: bool) -> None:
        rng = stage.rng
        first, second = rng.uniform(*self.edge, 2)
        yaw, floor = rng.uniform(-math.pi, math.pi), 0.0
        hidden = int(rng.integers(count - 1)) if has_target else -1
        for layer in range(count):
            height = rng.uniform(*self.slab)
            stage.put_upright(cuboid(first, second, height), layer == hidden, x, y, floor, yaw)
            floor += height + DROP_GAP


def middles(count: int, distance: float, spread: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw places (count, 2) at least ``distance`` apart; after too many trials, those that were farthest apart."""
    best: NDArray[np.float64] = np.zeros((count, 2))
    best_distance = -1.0
    for _ in range(1000):
        places = rng.uniform(-spread, spread, (count, 2))
        gaps = np.linalg.norm(places[:, None] - places[None], axis=2)[np.triu_indices(count, 1)]
        smallest = float(gaps.min(initial=distance))
        if smallest > best_distance:
            best, best_distance = places, smallest
        if smallest >= distance:
            break
    return best
