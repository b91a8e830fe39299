"""The network that judges actions: what comes of each, told from the view along it.

It learned from actions that were tried in copies of the simulation (``learning/trials.py``). The Q-network compares
32 maps of one value; this one looks at a few proposed actions one by one and tells what their values consist of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import GRIPPER_STROKE, PUSH_LENGTH
from impurity_grasp_ros.datatypes import Grid, Primitive, PrimitiveKind
from impurity_grasp_ros.policy.network import strided_convolutions
from impurity_grasp_ros.policy.observation import HEIGHT_SCALE
from impurity_grasp_ros.policy.rotation import View

PATCH_PX = 80
"""Edge of the view along an action: 160 mm."""

PLANES = 6
"""Planes of a patch: red, green, blue, height, height above the tool, and mask of the target."""

NUMBERS = 4
"""Numbers beside a patch: tool height, opening, misfit and value of the action; scaled to about 1."""

MISFIT_SCALE = 0.01
"""Misfit in meters that is scaled to 1."""


class Proposal(NamedTuple):
    """An action that is to be judged.

    Attributes:
        primitive: The action, its value as ``q_value``.
        misfit: How badly a grasp fits the target, in meters; 0 for a push.
    """

    primitive: Primitive
    misfit: float


class Judgment(NamedTuple):
    """What is expected of actions, each (n,) float64.

    Attributes:
        success: Probability that a grasp brings the target into the bin, that one does after a push, or, while the
            target is hidden, that a push brings it into view.
        company: Expected number of other objects that come into the bin with this grasp, or with the one after a push.
    """

    success: NDArray[np.float64]
    company: NDArray[np.float64]


@dataclass(frozen=True)
class JudgeNetworkConfig:
    """Size of the network."""

    channels: tuple[int, ...] = parameter("feature maps of each convolution, which halves the image", low=4, high=256)
    hidden: int = parameter("units between the last convolution and the output", low=4, high=1024)
    dropout: float = parameter("fraction of the features that are left out while training", low=0.0, high=0.9)


class JudgeNetwork(nn.Module):
    """Strided convolutions over a patch and two dense layers."""

    def __init__(self, config: JudgeNetworkConfig) -> None:
        """Initialize the weights at random, from torch's global generator."""
        super().__init__()
        layers, features = strided_convolutions(PLANES, PATCH_PX, config.channels)
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(config.dropout))
        self.head = nn.Sequential(
            nn.Linear(features + NUMBERS, config.hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, 2 * ROLES),
        )

    def forward(self, patches: Tensor, numbers: Tensor, roles: Tensor) -> tuple[Tensor, Tensor]:
        """Judge actions.

        Args:
            patches: (n, 6, 80, 80) float32, see :func:`patch`.
            numbers: (n, 4) float32, see :func:`numbers_of`.
            roles: (n,) int64, see :func:`role`.

        Returns:
            (n,) logit of the probability of success, and (n,) logarithm of the expected company.
        """
        judged = self.head(torch.cat([self.features(patches), numbers], dim=1)).reshape(-1, ROLES, 2)
        success, company = judged[torch.arange(len(roles)), roles].unbind(dim=1)
        return success, company.clamp(-8.0, 2.0)


ROLES = 3
"""Roles of actions: a grasp, a push that prepares one, and a push that searches."""


def role(kind: PrimitiveKind, on_target: bool) -> int:
    """Return the role of an action; ``on_target`` says whether the target is in view."""
    if kind is PrimitiveKind.GRASP:
        return 0
    return 1 if on_target else 2


def patch(
    state: NDArray[np.float32], grid: Grid, primitive: Primitive, angle_error: float = 0.0
) -> NDArray[np.float32]:
    """Render the view along an action, around the middle of a grasp or of the stroke of a push.

    Args:
        state: (112, 112, 8) float32, see ``observation.encode``.
        grid: Cells of the crop.
        primitive: The action.
        angle_error: Radians by which the view is turned from it, for augmentation.

    Returns:
        (6, 80, 80) float32, see ``PLANES``; 0 outside the crop.
    """
    ahead = PUSH_LENGTH / 2 if primitive.kind is PrimitiveKind.PUSH else 0.0
    x, y, z = primitive.position
    place = x + ahead * math.cos(primitive.angle), y + ahead * math.sin(primitive.angle)
    view = View(*grid.to_cell(*place), primitive.angle + angle_error, PATCH_PX)
    found = np.empty((PLANES, PATCH_PX, PATCH_PX), np.float32)
    found[:4] = view.render(np.ascontiguousarray(state[..., :4])).transpose(2, 0, 1)
    found[4] = found[3] - z / HEIGHT_SCALE
    found[5] = view.render(np.ascontiguousarray((np.abs(state[..., 4:7]).max(axis=2) > 0.0).astype(np.float32)))
    return found


def numbers_of(proposal: Proposal) -> NDArray[np.float32]:
    """Return the numbers (4,) that are given with the patch of an action, see ``NUMBERS``."""
    primitive = proposal.primitive
    return np.array(
        [
            primitive.position[2] / HEIGHT_SCALE,
            primitive.opening / GRIPPER_STROKE,
            proposal.misfit / MISFIT_SCALE,
            primitive.q_value,
        ],
        np.float32,
    )


def judge(
    network: JudgeNetwork, state: NDArray[np.float32], grid: Grid, proposals: Sequence[Proposal], on_target: bool
) -> Judgment:
    """Judge actions on a crop.

    Args:
        network: The network, in evaluation mode.
        state: (112, 112, 8) float32, see ``observation.encode``.
        grid: Cells of the crop.
        proposals: At least one action.
        on_target: Whether the target is in view.

    Returns:
        What is expected of each.
    """
    patches = np.stack([patch(state, grid, item.primitive) for item in proposals])
    numbers = np.stack([numbers_of(item) for item in proposals])
    roles = np.array([role(item.primitive.kind, on_target) for item in proposals])
    with torch.inference_mode():
        success, company = network(*map(torch.from_numpy, (patches, numbers, roles)))
    return Judgment(torch.sigmoid(success).double().numpy(), company.exp().double().numpy())
