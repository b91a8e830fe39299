"""The network of mode ``objects``: where objects end, what they look like, and which of them are odd.

It has three parts. A small U-Net turns the view into feature maps and two outline maps, from which
:mod:`.segmentation` makes objects. Each object becomes one vector, made from the mean and the standard deviation of
the features on its whole surface and from numbers about its shape, colors and texture (:mod:`.object_numbers`). A
transformer compares all objects of the scene, and those remembered or taught, and gives each one the probability that
it is no ordinary one. It is not told what the objects look like, only how similar they are in several aspects, for what
is odd depends on the others alone, and what lies around each: a part of an ordinary object may look unlike the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.perception.network_parts import (
    HEIGHT_SCALE,
    RELIEF_CELLS,
    RELIEF_SCALE,
    convolution,
    doubled,
    mean_around,
)
from impurity_grasp_ros.perception.object_numbers import OBJECT_NUMBERS
from impurity_grasp_ros.perception.object_relations import ROLES, count_relations, relations
from impurity_grasp_ros.perception.object_surroundings import SURROUNDINGS
from impurity_grasp_ros.perception.ortho import FINE_FACTOR

PLANES = 6
"""Planes of the input color: red, green, blue, brightness, red share, green share."""

DARK = 0.04
"""Added to the sum of the color channels before logarithm and shares are taken."""


@dataclass(frozen=True)
class ObjectNetworkConfig:
    """Sizes of the network."""

    fine: int = parameter("channels at one pixel per cell", low=4, high=128)
    middle: int = parameter("channels at one pixel per 2 x 2 cells", low=4, high=256)
    coarse: int = parameter("channels at one pixel per 4 x 4 cells", low=4, high=512)
    aspects: int = parameter("aspects in which objects are compared", low=1, high=32)
    aspect: int = parameter("numbers that describe an object in each aspect", low=2, high=128)
    compare: int = parameter("numbers that describe an object among others; a multiple of 4", low=4, high=512)

    @property
    def looks(self) -> int:
        """Numbers that describe what an object looks like."""
        return self.aspects * self.aspect


LEFT_OUT = 0.1
"""Share of the numbers of an object that are left out at random in training."""


class FeatureMaps(NamedTuple):
    """Features of a batch of views.

    Attributes:
        looks: (B, 12, R, C), mean color, brightness and color shares of each cell, and their deviation within it.
        texture: (B, fine, R, C), with a field of view of a few cells.
        fine: (B, fine, R, C), with a wide field of view.
        middle: (B, middle, R / 2, C / 2).
        outline: (B, 2, R, C) logits: a cell is on the border of an object; a cell is far inside of one.
    """

    looks: Tensor
    texture: Tensor
    fine: Tensor
    middle: Tensor
    outline: Tensor


class ObjectNetwork(nn.Module):
    """The network; the size of the view must be a multiple of 4 cells.

    Attributes:
        looks: Numbers that describe what an object looks like.
        vector: Numbers that describe an object: its looks, and what lies around it.
        name: Identity of the weights, see :func:`.identity`; empty until they are loaded from a file.
    """

    def __init__(self, config: ObjectNetworkConfig) -> None:
        """Make it with random weights."""
        super().__init__()
        self.name = ""
        self.looks, self.vector = config.looks, config.looks + SURROUNDINGS
        fine, middle, coarse = config.fine, config.middle, config.coarse
        self.stem = nn.Sequential(convolution(PLANES * FINE_FACTOR**2, fine), convolution(fine, fine))
        self.to_middle = nn.Sequential(convolution(fine + 3, middle, stride=2), _Residual(middle, 1))
        self.to_coarse = nn.Sequential(
            convolution(middle, coarse, stride=2), *(_Residual(coarse, dilation) for dilation in (1, 2, 4))
        )
        self.from_coarse = nn.Conv2d(coarse, middle, 1)
        self.merge_middle = convolution(2 * middle, middle)
        self.from_middle = nn.Conv2d(middle, fine, 1)
        self.merge_fine = convolution(2 * fine + 3, fine)
        self.outline = nn.Conv2d(fine, 2, 1)
        pooled = 2 * (2 * PLANES + 2 * fine + middle) + OBJECT_NUMBERS - SURROUNDINGS
        hidden = 2 * config.looks
        self.look = nn.Sequential(
            nn.BatchNorm1d(pooled),
            nn.Dropout(LEFT_OUT),
            nn.Linear(pooled, hidden),
            nn.ReLU(),
            nn.Linear(hidden, config.looks),
        )
        self.aspects, width = config.aspects, config.compare
        self.role = nn.Embedding(len(ROLES), width)
        self.relate = nn.Sequential(
            nn.Linear(count_relations(config.aspects) + SURROUNDINGS, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.compare = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True, norm_first=True) for _ in range(2)
        )
        self.decide = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, color: Tensor, height: Tensor, seen: Tensor) -> FeatureMaps:
        """Compute the feature maps.

        Args:
            color: (B, 3, 2 R, 2 C) RGB in 0..1, 0 where nothing was seen.
            height: (B, 1, R, C) meters above the table.
            seen: (B, 1, R, C) 1 in cells that were seen, else 0.
        """
        total = color.sum(1, keepdim=True) + DARK
        planes = torch.cat([color * 2 - 1, torch.log2(total) / 2, color[:, :2] / total * 3 - 1], 1)
        relief = height - mean_around(height, RELIEF_CELLS)
        surface = torch.cat([height * HEIGHT_SCALE - 0.5, relief * RELIEF_SCALE, seen], 1)
        mean = functional.avg_pool2d(planes, FINE_FACTOR)
        deviation = (functional.avg_pool2d(planes**2, FINE_FACTOR) - mean**2).clamp(min=1e-6).sqrt()
        texture = self.stem(functional.pixel_unshuffle(planes, FINE_FACTOR))
        middle = self.to_middle(torch.cat([texture, surface], 1))
        coarse = self.to_coarse(middle)
        middle = self.merge_middle(torch.cat([doubled(self.from_coarse(coarse)), middle], 1))
        fine = self.merge_fine(torch.cat([doubled(self.from_middle(middle)), texture, surface], 1))
        return FeatureMaps(torch.cat([mean, deviation], 1), texture, fine, middle, self.outline(fine))

    def pool(self, maps: FeatureMaps, index: int, labels: Tensor, numbers: Tensor) -> Tensor:
        """Collect statistics of the objects of one view, to be described by ``describe``.

        Args:
            maps: Feature maps of a batch.
            index: Which view of the batch.
            labels: (R, C) int64, the object of each cell; -1 for none.
            numbers: (n, 108) float32, see :func:`.object_numbers`.

        Returns:
            (n, p) float32; ``describe`` makes (n, vector) of it.
        """
        found = [
            statistic
            for features, step in ((maps.looks, 1), (maps.texture, 1), (maps.fine, 1), (maps.middle, 2))
            for statistic in _pooled(features[index], labels[::step, ::step], len(numbers))
        ]
        return torch.cat([*found, numbers], 1)

    def describe(self, statistics: Tensor) -> Tensor:
        """Describe objects by (n, vector) numbers, from their statistics (n, p), see :meth:`pool`."""
        around = statistics[:, -SURROUNDINGS:]
        return torch.cat([self.look(statistics[:, :-SURROUNDINGS]), around], 1)

    def judge(self, vectors: Tensor, roles: Tensor, padding: Tensor | None = None) -> Tensor:
        """Compare objects with one another.

        Args:
            vectors: (B, n, vector) objects, in view, remembered or taught.
            roles: (B, n) int64, ``SEEN``, ``ORDINARY`` or ``ODD``.
            padding: (B, n) bool, true where there is no object.

        Returns:
            (B, n) logits of the probability of being odd; meaningful for objects with the role ``SEEN``.
        """
        looks, around = vectors[..., : self.looks], vectors[..., self.looks :]
        compared = relations(looks, roles, self.aspects, padding)
        tokens = self.role(roles) + self.relate(torch.cat([compared, around], 2))
        for layer in self.compare:
            tokens = layer(tokens, src_key_padding_mask=padding)
        return self.decide(tokens)[..., 0]


class _Residual(nn.Module):
    """Two convolutions around which the input is added."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            convolution(channels, channels, dilation=dilation),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.inner(features))


def _pooled(features: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (count, C) of features (C, R, C) on each label; 0 and 0.01 for one without cells."""
    flat = labels.reshape(-1)
    inside = flat >= 0
    values, owner = features.reshape(len(features), -1).T[inside].float(), flat[inside]
    cells = torch.zeros(count).index_add_(0, owner, torch.ones(len(owner))).clamp(min=1.0)[:, None]
    mean = torch.zeros(count, values.shape[1]).index_add_(0, owner, values) / cells
    variance = torch.zeros(count, values.shape[1]).index_add_(0, owner, (values - mean[owner]) ** 2) / cells
    return mean, (variance + 1e-4).sqrt()
