"""Heightmaps of colored blocks on a table, drawn instead of rendered."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attention, Grid, Heightmap

GRID = Grid(0.276, -0.224)
TABLE = (225, 224, 220)

Color = tuple[int, int, int]

BROWN = (140, 107, 77)
BROWNS = (BROWN, (153, 122, 84), (128, 102, 71), (145, 115, 92))
BLUE = (38, 89, 204)
COAL, SLATE = (32, 31, 33), (112, 118, 124)
AZURE, NAVY, YELLOW = (77, 120, 168), (30, 50, 110), (237, 201, 72)


@dataclass(frozen=True)
class Block:
    """A cuboid seen from above. row, column: center in cells. size_px: along its own axes. height: meters."""

    row: float
    column: float
    color: Color = BROWN
    height: float = 0.035
    size_px: tuple[int, int] = (18, 22)
    angle_deg: float = 0.0

    @property
    def cells(self) -> NDArray[np.bool_]:
        """The cells (224, 224) it covers."""
        rows, columns = np.indices((GRID.rows, GRID.columns)) - np.array([self.row, self.column])[:, None, None]
        cosine, sine = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        down, right = cosine * rows - sine * columns, sine * rows + cosine * columns
        half_down, half_right = self.size_px[0] / 2, self.size_px[1] / 2
        return (-half_down <= down) & (down < half_down) & (-half_right <= right) & (right < half_right)

    def painted(self, color: Color) -> "Block":
        """The same block in another color."""
        return replace(self, color=color)


def draw(blocks: Iterable[Block], noise: float = 0.0, light: float = 1.0, seed: int = 0) -> Heightmap:
    """Blocks on a table; later ones cover earlier ones. noise: standard deviation of every color value."""
    color = np.full((GRID.rows, GRID.columns, 3), TABLE, np.float64)
    height = np.zeros((GRID.rows, GRID.columns), np.float32)
    for block in blocks:
        color[block.cells] = block.color
        height[block.cells] = block.height
    color = color * light + np.random.default_rng(seed).normal(0.0, noise, color.shape)
    seen = np.ones(height.shape, np.bool_)
    return Heightmap(np.clip(np.rint(color), 0, 255).astype(np.uint8), height, seen, GRID, stamp=3.5)


def rows_of_blocks(count: int, seed: int = 0) -> list[Block]:
    """Brown blocks of various sizes that do not touch."""
    rng = np.random.default_rng(seed)
    places = [(row, column) for row in range(30, 200, 40) for column in range(30, 200, 40)]
    chosen = rng.permutation(len(places))[:count]
    return [
        Block(
            *places[place],
            color=BROWNS[place % len(BROWNS)],
            height=float(rng.uniform(0.028, 0.042)),
            size_px=(int(rng.integers(15, 21)), int(rng.integers(16, 26))),
            angle_deg=float(rng.uniform(0.0, 180.0)),
        )
        for place in chosen
    ]


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    return float((one & other).sum() / (one | other).sum())


def on_the_map(attention: Attention) -> NDArray[np.bool_]:
    """The mask of an attention's crop, laid back onto the whole map (224, 224)."""
    row, column = (round(value) for value in GRID.to_cell(*attention.crop.grid.to_meters(0, 0)))
    whole = np.zeros((GRID.rows, GRID.columns), np.bool_)
    for i, j in np.argwhere(attention.mask):
        if 0 <= row + i < GRID.rows and 0 <= column + j < GRID.columns:
            whole[row + i, column + j] = True
    return whole
