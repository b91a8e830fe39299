"""The network that tells from heights where objects lie that cannot be seen.

It gives the intensity of a Poisson process: how many hidden objects are to be expected in each part of a view. What may
lie under an object depends on how large objects are, so that the network looks at all of them before it judges one.
"""

from __future__ import annotations

from dataclasses import dataclass

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

CELLS = 4
"""Cells of the heightmap along the side of a cell of the result."""

OBJECT_HEIGHT = 0.006
"""Meters above the table from which a cell belongs to an object."""

RARE = -8.0
"""Logarithm of the intensity that an untrained network gives."""


@dataclass(frozen=True)
class HiddenNetworkConfig:
    """Sizes of the network."""

    fine: int = parameter("channels at one pixel per 2 x 2 cells", low=4, high=128)
    middle: int = parameter("channels at one pixel per 4 x 4 cells", low=4, high=256)
    coarse: int = parameter("channels at one pixel per 8 x 8 cells", low=4, high=512)


class HiddenNetwork(nn.Module):
    """The network; the size of the view must be a multiple of 8 cells.

    Attributes:
        name: Identity of the weights, see :func:`.identity`; empty until they are loaded from a file.
    """

    def __init__(self, config: HiddenNetworkConfig) -> None:
        """Make it with random weights."""
        super().__init__()
        self.name = ""
        fine, middle, coarse = config.fine, config.middle, config.coarse
        self.to_fine = convolution(6, fine)
        self.to_middle = nn.Sequential(convolution(fine, middle, stride=2), convolution(middle, middle))
        self.to_coarse = nn.Sequential(
            convolution(middle, coarse, stride=2), *(convolution(coarse, coarse, dilation=d) for d in (2, 4))
        )
        self.of_all = nn.Sequential(nn.Linear(2 * coarse, coarse), nn.ReLU(), nn.Linear(coarse, coarse))
        self.from_coarse = nn.Conv2d(coarse, middle, 1)
        self.merge = convolution(2 * middle, middle)
        self.intensity = nn.Conv2d(middle, 1, 1)
        nn.init.constant_(self.intensity.bias, RARE)  # type: ignore[arg-type]

    def forward(self, height: Tensor, seen: Tensor) -> Tensor:
        """Compute how many hidden objects are to be expected.

        Args:
            height: (B, 1, R, C) meters above the table.
            seen: (B, 1, R, C) 1 in cells that were seen, else 0.

        Returns:
            (B, R / 4, C / 4) logarithms of the expected number of hidden objects whose center is in each square of 4 x
            4 cells.
        """
        relief = functional.avg_pool2d(height - mean_around(height, RELIEF_CELLS), 2)
        planes = [functional.pixel_unshuffle(height * HEIGHT_SCALE, 2), functional.avg_pool2d(seen, 2)]
        middle = self.to_middle(self.to_fine(torch.cat([*planes, relief * RELIEF_SCALE], 1)))
        coarse = self.to_coarse(middle)
        on_objects = (functional.avg_pool2d(height, 8) > OBJECT_HEIGHT).float()
        features = coarse * on_objects
        mean = features.sum((2, 3)) / (on_objects.sum((2, 3)) + 1.0)
        coarse = coarse + self.of_all(torch.cat([mean, features.amax((2, 3))], 1))[:, :, None, None]
        merged = self.merge(torch.cat([middle, doubled(self.from_coarse(coarse))], 1))
        return self.intensity(merged)[:, 0]


def negative_log_likelihood(log_intensity: Tensor, found: Tensor) -> Tensor:
    """Loss of the intensity of a Poisson process.

    Args:
        log_intensity: (B, r, c) logarithms of the expected numbers.
        found: (B, r, c) the numbers that there were.

    Returns:
        (B,) negative logarithm of the likelihood, less what does not depend on the intensity.
    """
    return log_intensity.exp().sum((1, 2)) - (found * log_intensity).sum((1, 2))
