"""Heightmaps of cuboids on a table, drawn instead of rendered, and what a primitive covers of them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Grid,
    Heightmap,
    Outcome,
    OutcomeStatus,
    Primitive,
)

GRID = Grid(0.276, -0.224)
MIDDLE = (0.5, 0.0)
CENTERS = GRID.to_meters(*np.indices((GRID.rows, GRID.columns)))
"""x and y in meters of all cells, (224, 224) each."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """A cuboid. Lengths in meters.

    Attributes:
        x: x of its center.
        y: y of its center.
        length: Extent along ``angle``.
        width: Extent across it.
        height: Height of its top above the table.
        angle: Radians from the x axis to its length.
    """

    x: float = MIDDLE[0]
    y: float = MIDDLE[1]
    length: float = 0.05
    width: float = 0.034
    height: float = 0.035
    angle: float = 0.0

    @property
    def cells(self) -> Mask:
        """The cells (224, 224) whose centers it covers."""
        return rectangle((self.x, self.y), self.angle, self.length, self.width)

    def beside(self, along: float, across: float) -> "Block":
        """The same block, moved by meters along its length and across it."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return replace(self, x=self.x + c * along - s * across, y=self.y + s * along + c * across)


def rectangle(center: tuple[float, float], angle: float, along: float, across: float) -> Mask:
    """Cells (224, 224) whose centers lie in a rectangle with one side of ``along`` meters at ``angle`` to x."""
    x, y = CENTERS
    c, s = math.cos(angle), math.sin(angle)
    forward, sideways = c * (x - center[0]) + s * (y - center[1]), -s * (x - center[0]) + c * (y - center[1])
    return (np.abs(forward) <= along / 2) & (np.abs(sideways) <= across / 2)


def ahead(primitive: Primitive, distance: float) -> tuple[float, float]:
    """(x, y) that lies ``distance`` meters from a primitive's position along its angle."""
    x, y, _ = primitive.position
    return x + distance * math.cos(primitive.angle), y + distance * math.sin(primitive.angle)


def table(*blocks: Block) -> Heightmap:
    """Blocks on a table, seen without gaps; where they overlap the highest is seen."""
    height = np.zeros((GRID.rows, GRID.columns), np.float32)
    for block in blocks:
        height = np.where(block.cells, np.maximum(height, np.float32(block.height)), height)
    return Heightmap(np.zeros((*height.shape, 3), np.uint8), height, np.ones(height.shape, np.bool_), GRID, 2.0)


def visible(block: Block, heightmap: Heightmap) -> Mask:
    """The cells of a block that nothing covers."""
    return block.cells & (heightmap.height <= np.float32(block.height))


def clutter(seed: int, count: int, spread: float = 0.09) -> list[Block]:
    """Blocks of the library's sizes around the middle, each on what lies below its center, so that they pile up."""
    rng = np.random.default_rng(seed)
    blocks: list[Block] = []
    for _ in range(count):
        x, y = (float(middle + rng.uniform(-spread, spread)) for middle in MIDDLE)
        length, width, height = (
            float(rng.uniform(*bounds)) for bounds in ((0.03, 0.06), (0.028, 0.045), (0.025, 0.045))
        )
        row, column = (round(value) for value in GRID.to_cell(x, y))
        below = max((block.height for block in blocks if block.cells[row, column]), default=0.0)
        blocks.append(Block(x, y, length, width, below + height, float(rng.uniform(0.0, math.pi))))
    return blocks


def on_target(heightmap: Heightmap, mask: Mask) -> Attention:
    """The attention that a target with these cells gets."""
    rows, columns = np.nonzero(mask)
    attention = on_heap(heightmap, GRID.to_meters(float(rows.mean()), float(columns.mean())))
    row, column = (round(value) for value in GRID.to_cell(*attention.crop.grid.to_meters(0, 0)))
    crop = replace(heightmap, valid=mask).window(row, column, CROP_SIZE_PX)
    return replace(attention, state=AttentionState.TARGET, mask=crop.valid, score=0.9)


def on_heap(heightmap: Heightmap, center: tuple[float, float]) -> Attention:
    """The attention that a group of objects around ``center`` (x, y) in meters gets."""
    corner = (round(value - (CROP_SIZE_PX - 1) / 2) for value in GRID.to_cell(*center))
    crop = heightmap.window(*corner, CROP_SIZE_PX)
    mask = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_)
    return Attention(AttentionState.CANDIDATE, center, crop, mask, 0.2, (), np.zeros_like(heightmap.height))


def attempts(primitives: Iterable[Primitive], status: OutcomeStatus) -> list[Attempt]:
    """A history in which all primitives ended alike."""
    return [Attempt(primitive, Outcome(status, 0.0, 1.0)) for primitive in primitives]


def turn_between(first: float, second: float, period: float) -> float:
    """Smallest angle in radians between two directions that repeat after ``period``."""
    return abs((first - second + period / 2) % period - period / 2)


def highest(heightmap: Heightmap, cells: Sequence[Mask]) -> float:
    """The highest surface in meters on any of the cells; 0 where there are none."""
    return max((float(heightmap.height[part].max()) for part in cells if part.any()), default=0.0)
