"""Parts that the networks of perception have in common."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

HEIGHT_SCALE, RELIEF_SCALE, RELIEF_CELLS = 20.0, 60.0, 9
"""Factors per meter on heights and on deviations from the mean height around a cell, and the size of that area."""


def convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Make a convolution over 3 x 3 pixels, with normalization and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def doubled(features: Tensor) -> Tensor:
    """Return features (B, F, R, C) at twice the resolution."""
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear")


def mean_around(plane: Tensor, size: int) -> Tensor:
    """Mean of a plane (B, 1, R, C) over the square of an odd ``size`` around each pixel, 0 outside of the plane."""
    half = size // 2  # along columns and then along rows, which is faster
    return functional.avg_pool2d(functional.avg_pool2d(plane, (size, 1), 1, (half, 0)), (1, size), 1, (0, half))


def merge_normalization(network: nn.Module) -> None:
    """Merge normalization into the convolutions before it: faster, but no longer to be trained."""
    for part in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for index, (first, second) in enumerate(pairwise(part)):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                part[index], part[index + 1] = fuse_conv_bn_eval(first, second), nn.Identity()
