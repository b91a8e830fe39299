"""The paper's backbone (section 5.2.1): two DenseNet-121 towers for each primitive, without torchvision.

One tower sees the target-centric heightmap, the other one the target-mask heightmap. Two convolutions reduce their
concatenated features to one map of values, which is resized bilinearly. DenseNet: Huang et al., CVPR 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BLOCKS = (6, 12, 24, 16)
"""Dense layers in each dense block."""

GROWTH = 32
"""Feature maps that a dense layer adds."""

BOTTLENECK = 4 * GROWTH
"""Feature maps between the two convolutions of a dense layer."""

STEM = 64
"""Feature maps of the first convolution."""


class DenseLayer(nn.Module):
    """Appends ``GROWTH`` feature maps to its input."""

    def __init__(self, inputs: int) -> None:
        """Build the layer for ``inputs`` feature maps."""
        super().__init__()
        self.layers = nn.Sequential(
            *_activated(inputs),
            nn.Conv2d(inputs, BOTTLENECK, 1, bias=False),
            *_activated(BOTTLENECK),
            nn.Conv2d(BOTTLENECK, GROWTH, 3, padding=1, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C + 32, H, W)."""
        return torch.cat([features, self.layers(features)], dim=1)


class DenseNetTower(nn.Sequential):
    """The feature extractor of DenseNet-121; maps (B, inputs, S, S) to (B, 1024, S / 32, S / 32).

    Attributes:
        channels: Number of feature maps of its output.
    """

    def __init__(self, inputs: int) -> None:
        """Build the tower for images of ``inputs`` channels."""
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, STEM, 7, stride=2, padding=3, bias=False),
            *_activated(STEM),
            nn.MaxPool2d(3, stride=2, padding=1),
        ]
        channels = STEM
        for index, length in enumerate(BLOCKS):
            if index:
                layers += [*_activated(channels), nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
                channels //= 2
            layers += [DenseLayer(channels + position * GROWTH) for position in range(length)]
            channels += length * GROWTH
        super().__init__(*layers, nn.BatchNorm2d(channels))
        self.channels = channels


class PrimitiveNetwork(nn.Module):
    """The two towers and the head of one primitive."""

    def __init__(self, inputs: int) -> None:
        """Build the network for heightmaps of ``inputs`` channels each."""
        super().__init__()
        self.scene, self.target = DenseNetTower(inputs), DenseNetTower(inputs)
        channels = self.scene.channels + self.target.channels
        self.head = nn.Sequential(
            *_activated(channels), nn.Conv2d(channels, 64, 1, bias=False), *_activated(64), nn.Conv2d(64, 1, 1)
        )

    def forward(self, scene: Tensor, target: Tensor) -> Tensor:
        """Map the target-centric and the target-mask heightmap, (B, inputs, S, S) each, to (B, 1, S / 32, S / 32)."""
        return self.head(torch.cat([self.scene(scene), self.target(target)], dim=1))


class DenseNetQNetwork(nn.Module):
    """The Q-network of the paper: one network for each primitive, in the order of ``PrimitiveKind``."""

    def __init__(self, inputs: int) -> None:
        """Build the network for heightmaps of ``inputs`` channels each."""
        super().__init__()
        self.primitives = nn.ModuleList([PrimitiveNetwork(inputs), PrimitiveNetwork(inputs)])

    def forward(self, views: Tensor) -> Tensor:
        """Compute the values (B, 2, S, S) of views (B, 2 * inputs, S, S).

        The first half of the channels is the target-centric heightmap, the second half the target-mask heightmap.
        """
        scene, target = views.chunk(2, dim=1)
        maps = torch.cat([network(scene, target) for network in self.primitives], dim=1)
        return nn.functional.interpolate(maps, size=views.shape[2:], mode="bilinear", align_corners=False)


def _activated(channels: int) -> list[nn.Module]:
    """Return the normalization and activation that precede a convolution."""
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
