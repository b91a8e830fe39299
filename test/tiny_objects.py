"""Networks of mode ``objects`` that need no training, views for them, and files of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.network_weights import NetworkWeights, write_network_weights
from impurity_grasp_ros.perception.object_network import FeatureMaps, ObjectNetwork, ObjectNetworkConfig
from impurity_grasp_ros.perception.object_relations import relations
from impurity_grasp_ros.perception.object_surroundings import SURROUNDINGS
from impurity_grasp_ros.tensor_file import Training

SIZES = ObjectNetworkConfig(4, 6, 8, 1, 12, 12)
ORIGIN = Training("tiny", "0123456789ab", 1, 2)
GRID = Grid(0.276, -0.224)
TABLE, BROWN, TAN, BLUE, GREEN = (225, 224, 220), (140, 100, 77), (153, 112, 84), (38, 89, 204), (60, 160, 40)
SIDE = 18
"""Cells along the side of a block."""

ALIKE = 0.9
"""Least similarity at which :class:`ColorNetwork` takes two objects for one kind."""

Color = tuple[int, int, int]


def tiny_network(seed: int = 0) -> ObjectNetwork:
    """A network of random weights that sees no seed anywhere, so that each group of cells is one object."""
    torch.manual_seed(seed)
    network = ObjectNetwork(SIZES).eval()
    with torch.no_grad():
        network.outline.weight.zero_()
        network.outline.bias.fill_(-6.0)
    return network


def write_tiny(path: Path, seed: int = 0) -> Path:
    """Write the weights of such a network."""
    tensors = {name: tensor.contiguous() for name, tensor in tiny_network(seed).state_dict().items()}
    write_network_weights(path, NetworkWeights(SIZES, tensors, ORIGIN))
    return path


class ColorNetwork(ObjectNetwork):
    """Describes objects by their mean color, and finds odd what is unlike all ordinary objects that it knows.

    If it knows none, what is unlike more than 60 % of the other objects in view is odd.
    """

    def __init__(self) -> None:
        super().__init__(SIZES)
        self.eval()

    def forward(self, color: Tensor, height: Tensor, seen: Tensor) -> FeatureMaps:
        cells = functional.avg_pool2d(color, 2) - 0.5
        outline = torch.full((len(color), 2, *cells.shape[2:]), -6.0)
        return FeatureMaps(**{name: cells for name in FeatureMaps._fields if name != "outline"}, outline=outline)

    def pool(self, maps: FeatureMaps, index: int, labels: Tensor, numbers: Tensor) -> Tensor:
        means = [maps.texture[index][:, labels == number].mean(1) for number in range(len(numbers))]
        looks = functional.pad(torch.stack(means) if means else torch.zeros(0, 3), (0, self.looks - 3))
        return torch.cat([looks, numbers[:, -SURROUNDINGS:]], 1)

    def describe(self, statistics: Tensor) -> Tensor:
        return statistics

    def judge(self, vectors: Tensor, roles: Tensor, padding: Tensor | None = None) -> Tensor:
        found = relations(vectors[..., : self.looks], roles, 1, padding)
        nearest, half = (
            found[..., 27],
            found[..., 2],
        )  # among ordinary ones; share of those in view that are alike at 0.5
        return torch.where(nearest == -1.0, 40.0 * (0.4 - half), 40.0 * (ALIKE - nearest))


@dataclass(frozen=True)
class Block:
    """A square block; row, column: its first cell."""

    row: int
    column: int
    color: Color = BROWN

    @property
    def cells(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + SIDE), slice(self.column, self.column + SIDE)

    @property
    def center(self) -> tuple[float, float]:
        """Its center (x, y) in meters."""
        return GRID.to_meters(self.row + (SIDE - 1) / 2, self.column + (SIDE - 1) / 2)


def row_of(*colors: Color, row: int = 100) -> list[Block]:
    """Blocks beside each other that do not touch."""
    return [Block(row, 8 + 30 * index, color) for index, color in enumerate(colors)]


def view(blocks: Sequence[Block], light: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Heightmap:
    """Blocks on a table, under a light with these shares of red, green and blue."""
    color = np.full((GRID.rows, GRID.columns, 3), TABLE, np.float64)
    height = np.zeros((GRID.rows, GRID.columns), np.float32)
    for block in blocks:
        color[block.cells], height[block.cells] = block.color, 0.035
    pixels = np.clip(np.rint(color * light), 0, 255).astype(np.uint8)
    fine = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    return Heightmap(pixels, height, np.ones(height.shape, np.bool_), GRID, 3.5, fine)


def objects_mode(
    weights: Path | str = "any.safetensors", ordinary_model: Path | str = "", order: str = "certain"
) -> AttentionConfig:
    """The shipped parameters in mode ``objects``."""
    shipped = packaged_parameters("attention_node", AttentionConfig)
    objects = replace(shipped.objects, weights=str(weights), ordinary_model=str(ordinary_model), order=order)
    return replace(shipped, mode="objects", objects=objects)
