"""Grasp rectangles predicted from the target's crop, and heuristic pushes: the baseline S-RGM (paper, section 6.3.1).

A grasp rectangle says where the jaws close, along which axis, how far they open and how wide they are. An axis is the
same after half a turn, so the network represents it by the cosine and sine of twice its angle. The network proposes
several rectangles and scores them, because a block can be grasped in many ways and the mean of two may be a bad grasp.
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
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, Primitive
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig, target_mask
from impurity_grasp_ros.policy.decoding import DecodingConfig, grasp_height
from impurity_grasp_ros.policy.history import grasp_just_failed
from impurity_grasp_ros.policy.network import strided_convolutions
from impurity_grasp_ros.policy.observation import CHANNELS, CROP_MIDDLE, check_resolution, encode
from impurity_grasp_ros.policy.rotation import View

NUMBERS = 6
"""Numbers of a rectangle: row, column, cosine and sine of twice the angle, opening, height; scaled to about 1."""

CENTER_SCALE = 10.0
"""Distance from the crop's middle that is scaled to 1, in cells; about half a block."""

VIEW_SIZE_PX = 161
"""Edge of the view in which a grasp's height is read; odd, so that the grasp lies on a pixel."""


@dataclass(frozen=True)
class Rectangle:
    """A grasp, given on the cells of a crop.

    Attributes:
        row: Row of its center; may be fractional.
        column: Column of its center; may be fractional.
        angle: The closing axis in radians from the x axis of the base frame (180 degree symmetric).
        opening: Meters between the jaws before they close.
        height: Width of the jaws across the closing axis in meters. It is predicted for completeness and not used: the
            fingers have a fixed width.
    """

    row: float
    column: float
    angle: float
    opening: float
    height: float

    def to_numbers(self) -> NDArray[np.float32]:
        """Return the numbers that a network learns, (6,) float32; the same for both directions of the axis."""
        center = [(self.row - CROP_MIDDLE) / CENTER_SCALE, (self.column - CROP_MIDDLE) / CENTER_SCALE]
        axis = [math.cos(2 * self.angle), math.sin(2 * self.angle)]
        return np.array([*center, *axis, self.opening / GRIPPER_STROKE, self.height / GRIPPER_STROKE], np.float32)

    @classmethod
    def from_numbers(cls, numbers: NDArray[np.float32]) -> Rectangle:
        """Convert the output of a network to a rectangle.

        Args:
            numbers: (6,) float32, see ``NUMBERS``; any values. NaN counts as 0.

        Returns:
            A rectangle on the crop and within the gripper's stroke, its angle in (-pi/2, pi/2].
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
    """Size of the network."""

    channels: tuple[int, ...] = parameter("feature maps of each convolution, which halves the image", low=4, high=256)
    hidden: int = parameter("units between the last convolution and the output", low=4, high=1024)
    proposals: int = parameter("rectangles proposed, of which the best is used", low=1, high=64)


class RectangleNetwork(nn.Module):
    """Strided convolutions and two dense layers that propose rectangles for a whole crop."""

    def __init__(self, config: RectangleNetworkConfig) -> None:
        """Initialize the weights at random, from torch's global generator.

        Args:
            config: Size of the network.
        """
        super().__init__()
        layers, features = strided_convolutions(CHANNELS, CROP_SIZE_PX, config.channels)
        self.features = nn.Sequential(*layers, nn.Flatten())
        shape = (config.proposals, NUMBERS + 1)
        self.head = nn.Sequential(
            nn.Linear(features, config.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(config.hidden, math.prod(shape)),
            nn.Unflatten(1, shape),
        )

    def forward(self, states: Tensor) -> Tensor:
        """Propose rectangles.

        Args:
            states: (B, 8, 112, 112) float32, see ``observation.encode``, channels first.

        Returns:
            (B, proposals, 7) float32: the numbers of each proposal, then its score.
        """
        return self.head(self.features(states))


def best_proposal(proposals: Tensor) -> Tensor:
    """Return the numbers (B, 6) of the proposal with the highest score among (B, proposals, 7)."""
    return proposals[torch.arange(len(proposals)), proposals[..., NUMBERS].argmax(1), :NUMBERS]


class RectangleActor:
    """``Actor`` protocol on a rectangle network. Stateless: equal arguments give equal primitives.

    Attributes:
        network: The network, in evaluation mode.
        decoding: Geometry of the primitives.
    """

    def __init__(
        self, network: nn.Module, gripper: GripperModel, decoding: DecodingConfig, push: AnalyticConfig
    ) -> None:
        """Put the network into evaluation mode.

        Args:
            network: The rectangle network.
            gripper: The gripper.
            decoding: Geometry of the primitives that it was trained with.
            push: How to push.
        """
        self.network = network.eval()
        self._gripper = gripper
        self.decoding = decoding
        self._pusher = AnalyticActor(gripper, push)

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose the predicted grasp of a target, or a push, see ``protocols.Actor``.

        A push is chosen around a candidate, and directly after a grasp that failed. If no push is possible after a
        failed grasp, the target is grasped again.
        """
        check_resolution(heightmap.grid)
        if attention.state is not AttentionState.TARGET:
            return self._pusher.push(heightmap, None, attention.center, history)
        if grasp_just_failed(attention.crop.grid, history):
            try:
                return self._pusher.push(heightmap, target_mask(heightmap, attention), attention.center, history)
            except NoPrimitiveError:
                pass
        return self.grasp(heightmap.grid, attention.crop, attention.mask)

    def grasp(self, workspace: Grid, crop: Heightmap, mask: NDArray[np.bool_]) -> Primitive:
        """Predict a grasp, moved onto the workspace if its center lies beside it.

        Args:
            workspace: Cells of the workspace.
            crop: The crop (112, 112) around the target.
            mask: (112, 112) bool, the target's cells.

        Returns:
            The grasp, in the base frame.
        """
        rectangle = self.predict(crop, mask)
        x, y = crop.grid.to_meters(rectangle.row, rectangle.column)
        margin = workspace.resolution / 2
        x = workspace.x_min + margin + _clip(x - workspace.x_min - margin, (workspace.columns - 1) * 2 * margin)
        y = workspace.y_min + margin + _clip(y - workspace.y_min - margin, (workspace.rows - 1) * 2 * margin)
        view = View(*crop.grid.to_cell(x, y), rectangle.angle, VIEW_SIZE_PX)
        height, target = view.render(crop.height), view.render(mask.astype(np.uint8)) > 0
        opening = min(rectangle.opening, self._gripper.stroke)
        z = grasp_height(height, target, opening, workspace.resolution, self._gripper, self.decoding)
        return Primitive.grasp((x, y, z), rectangle.angle, opening=opening)

    def predict(self, crop: Heightmap, mask: NDArray[np.bool_]) -> Rectangle:
        """Predict the rectangle of a target.

        Args:
            crop: The crop (112, 112) around the target.
            mask: (112, 112) bool, the target's cells.

        Returns:
            The proposal with the highest score.
        """
        device = next(self.network.parameters()).device
        state = torch.from_numpy(np.ascontiguousarray(encode(crop, mask).transpose(2, 0, 1))).to(device)
        with torch.inference_mode():
            return Rectangle.from_numbers(best_proposal(self.network(state[None]))[0].float().cpu().numpy())


def _clip(value: float, high: float) -> float:
    """Return the nearest number in [0, high]."""
    return min(max(value, 0.0), high)
