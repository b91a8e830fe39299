"""Grasp rectangles predicted from the target's crop, and heuristic pushes: the baseline S-RGM (paper, section 6.3.1).

A rectangle is five numbers: where the jaws close, along which axis, how far they open and how broad they are. An axis
is the same after half a turn, so it stands for itself by cosine and sine of the double angle. A block can be grasped in
many ways, and the mean of two good ones may be a bad one: the network proposes several rectangles and scores them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import CROP_SIZE_PX, GRIPPER_STROKE
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Grid,
    Heightmap,
    OutcomeStatus,
    Primitive,
    PrimitiveKind,
)
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig, target_mask
from impurity_grasp_ros.policy.decoding import DecodingConfig, grasp_height
from impurity_grasp_ros.policy.observation import CHANNELS, CROP_MIDDLE, encode
from impurity_grasp_ros.policy.rotation import View

NUMBERS = 6
"""Row, column, cosine and sine of the double angle, opening, height; each of about the size of 1. A score follows."""

CENTER_SCALE = 10.0
"""Cells from the crop's middle that become 1; about half a block."""

VIEW_SIZE_PX = 161
"""Edge of the view in which a grasp's height is read; odd, so that the grasp lies on a pixel."""


@dataclass(frozen=True)
class Rectangle:
    """A grasp on a crop's cells.

    row, column: fractional cell of the centre. angle: radians in the base frame, the closing axis (180 degree
    symmetric). opening: metres between the jaws. height: metres that the jaws reach across the closing axis; our
    fingers have one breadth, so it is predicted, as the five numbers have it, but moves nothing.
    """

    row: float
    column: float
    angle: float
    opening: float
    height: float

    def to_numbers(self) -> NDArray[np.float32]:
        """(6,) float32, what a network is taught; the same for both directions of the axis."""
        center = [(self.row - CROP_MIDDLE) / CENTER_SCALE, (self.column - CROP_MIDDLE) / CENTER_SCALE]
        axis = [math.cos(2 * self.angle), math.sin(2 * self.angle)]
        return np.array([*center, *axis, self.opening / GRIPPER_STROKE, self.height / GRIPPER_STROKE], np.float32)

    @classmethod
    def from_numbers(cls, numbers: NDArray[np.float32]) -> Rectangle:
        """The rectangle, angle in (-pi/2, pi/2], that a network's output (6,) stands for.

        It lies on the crop and within the gripper's stroke whatever the numbers are; one that is none counts as 0.
        """
        row, column, cosine, sine, opening, height = np.nan_to_num(numbers.astype(np.float64)).tolist()
        return cls(
            _clip(CROP_MIDDLE + row * CENTER_SCALE, CROP_SIZE_PX - 1),
            _clip(CROP_MIDDLE + column * CENTER_SCALE, CROP_SIZE_PX - 1),
            math.atan2(sine, cosine) / 2,
            _clip(opening * GRIPPER_STROKE, GRIPPER_STROKE),
            _clip(height * GRIPPER_STROKE, GRIPPER_STROKE),
        )


@dataclass(frozen=True)
class RectangleNetworkConfig:
    """The size of the network."""

    channels: tuple[int, ...] = parameter("feature maps of each convolution, which halves the image", low=4, high=256)
    hidden: int = parameter("units between the last convolution and the output", low=4, high=1024)
    proposals: int = parameter("rectangles of which the best is used", low=1, high=64)


class RectangleNetwork(nn.Module):
    """Strided convolutions and two dense layers: some rectangles for the whole crop."""

    def __init__(self, config: RectangleNetworkConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, size = CHANNELS, CROP_SIZE_PX
        for stage, outputs in enumerate(config.channels):
            kernel = 3 if stage else 5
            layers += [nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
            layers.append(nn.ReLU(inplace=True))
            inputs, size = outputs, (size + 1) // 2
        self.features = nn.Sequential(*layers, nn.Flatten())
        shape = (config.proposals, NUMBERS + 1)
        self.head = nn.Sequential(
            nn.Linear(inputs * size * size, config.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(config.hidden, math.prod(shape)),
            nn.Unflatten(1, shape),
        )

    def forward(self, states: Tensor) -> Tensor:
        """Numbers and scores (B, proposals, 7) of states (B, 8, 112, 112), as of ``observation.encode``."""
        return self.head(self.features(states))


def best_proposal(proposals: Tensor) -> Tensor:
    """The numbers (B, 6) with the highest score of (B, proposals, 7)."""
    return proposals[torch.arange(len(proposals)), proposals[..., NUMBERS].argmax(1), :NUMBERS]


class RectangleActor:
    """``Actor`` protocol on a rectangle network in evaluation mode. Stateless: equal arguments, equal primitives."""

    def __init__(
        self, network: nn.Module, gripper: GripperModel, decoding: DecodingConfig, push: AnalyticConfig
    ) -> None:
        self.network = network.eval()
        self._gripper = gripper
        self.decoding = decoding
        self._pusher = AnalyticActor(gripper, push)

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """The predicted grasp of a target, but a push right after one that failed, and around a mere candidate.

        Raises NoPrimitiveError when there is no target and no push is possible.
        """
        if attention.state is not AttentionState.TARGET:
            return self._pusher.push(heightmap, None, attention.center, history)
        if has_just_failed(attention.crop.grid, history):
            try:
                return self._pusher.push(heightmap, target_mask(heightmap, attention), attention.center, history)
            except NoPrimitiveError:  # nowhere to push: all that is left is to grasp once more
                pass
        return self.grasp(heightmap.grid, attention.crop, attention.mask)

    def grasp(self, workspace: Grid, crop: Heightmap, mask: NDArray[np.bool_]) -> Primitive:
        """The predicted grasp of the masked cells (112, 112) of a crop, on the workspace."""
        rectangle = self.predict(crop, mask)
        x, y = crop.grid.to_metres(rectangle.row, rectangle.column)
        margin = workspace.resolution / 2
        x = workspace.x_min + margin + _clip(x - workspace.x_min - margin, (workspace.columns - 1) * 2 * margin)
        y = workspace.y_min + margin + _clip(y - workspace.y_min - margin, (workspace.rows - 1) * 2 * margin)
        view = View(*crop.grid.to_cell(x, y), rectangle.angle, VIEW_SIZE_PX)
        height, target = view.render(crop.height), view.render(mask.astype(np.uint8)) > 0
        opening = min(rectangle.opening, self._gripper.stroke)
        z = grasp_height(height, target, opening, workspace.resolution, self._gripper, self.decoding)
        return Primitive.grasp((x, y, z), rectangle.angle, opening=opening)

    def predict(self, crop: Heightmap, mask: NDArray[np.bool_]) -> Rectangle:
        """The rectangle of a crop with a target's mask (112, 112)."""
        device = next(self.network.parameters()).device
        state = torch.from_numpy(np.ascontiguousarray(encode(crop, mask).transpose(2, 0, 1))).to(device)
        with torch.inference_mode():
            return Rectangle.from_numbers(best_proposal(self.network(state[None]))[0].float().cpu().numpy())


def has_just_failed(crop: Grid, history: Sequence[Attempt]) -> bool:
    """Whether the latest attempt was a grasp on this crop's ground that did not hold."""
    if not history:
        return False
    primitive, status = history[-1].primitive, history[-1].outcome.status
    is_failed_grasp = primitive.kind is PrimitiveKind.GRASP and status is not OutcomeStatus.HELD
    return is_failed_grasp and crop.contains(*primitive.position[:2])


def _clip(value: float, high: float) -> float:
    """The nearest number in [0, high]."""
    return min(max(value, 0.0), high)
