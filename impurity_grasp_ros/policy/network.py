"""Q-networks: fully convolutional values of grasps and pushes along the columns of a view (paper, section 5.2.1).

Every network maps views (B, 8, S, S) float32, as ``observation.py`` encodes them, to values (B, 2, S, S) float32. The
channels of the values are in the order of ``VALUED_KINDS``: grasps, then pushes. S must be a multiple of 32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import VALUED_KINDS
from impurity_grasp_ros.policy.densenet import DenseNetQNetwork
from impurity_grasp_ros.policy.observation import CHANNELS


@dataclass(frozen=True)
class NetworkConfig:
    """Which Q-network, and its size. Only ``compact`` has sizes that can be chosen."""

    backbone: str = parameter("the kind of network", choices=("compact", "densenet121"))
    stem_channels: int = parameter("feature maps at half resolution", low=4, high=256)
    body_channels: int = parameter("feature maps at a quarter of the resolution", low=8, high=512)
    dilations: tuple[int, ...] = parameter("dilation of each residual block", low=1, high=16)


class CompactQNetwork(nn.Module):
    """A small network: half-resolution stem, dilated residual body, one head for both primitives."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the network with the sizes of ``config``."""
        super().__init__()
        stem, body = config.stem_channels, config.body_channels
        self.stem = nn.Sequential(*_convolution(CHANNELS, stem, kernel=5, stride=2))
        self.down = nn.Sequential(*_convolution(stem, body, kernel=3, stride=2))
        self.body = nn.Sequential(*(ResidualBlock(body, dilation) for dilation in config.dilations))
        self.head = nn.Sequential(*_convolution(stem + body, 32, kernel=3), nn.Conv2d(32, len(VALUED_KINDS), 1))

    def forward(self, views: Tensor) -> Tensor:
        """Compute the values (B, 2, S, S) of views (B, 8, S, S)."""
        fine = self.stem(views)
        coarse = _resize(self.body(self.down(fine)), fine.shape[2])
        return _resize(self.head(torch.cat([fine, coarse], dim=1)), views.shape[2])


class ResidualBlock(nn.Module):
    """Two convolutions, the first one dilated, whose output is added to the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        """Build the block for ``channels`` feature maps."""
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(channels, channels, kernel=3, dilation=dilation),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, C, H, W) to features of the same shape."""
        return torch.relu(features + self.layers(features))


def make_network(config: NetworkConfig) -> nn.Module:
    """Make a network with random weights, from torch's global generator; seed it with ``torch.manual_seed``.

    Args:
        config: Which network.

    Returns:
        The network, its weights in channels-last order.
    """
    network = CompactQNetwork(config) if config.backbone == "compact" else DenseNetQNetwork(CHANNELS // 2)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it


def strided_convolutions(inputs: int, size: int, channels: Sequence[int]) -> tuple[list[nn.Module], int]:
    """Make convolutions each of which halves an image, with normalization and activation; the first is 5 x 5.

    Args:
        inputs: Planes of the image.
        size: Its edge in pixels.
        channels: Feature maps of each convolution.

    Returns:
        The layers, and the number of features of an image after the last of them.
    """
    layers: list[nn.Module] = []
    for stage, outputs in enumerate(channels):
        layers += _convolution(inputs, outputs, kernel=3 if stage else 5, stride=2)
        inputs, size = outputs, (size + 1) // 2
    return layers, inputs * size * size


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    """Return a convolution that keeps the size but for its stride, with normalization and activation."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _resize(features: Tensor, size: int) -> Tensor:
    return nn.functional.interpolate(features, size=(size, size), mode="bilinear", align_corners=False)
