"""Transitions: observation, executed action, reward, and the value of the next state."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Grid, Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.reward import GRASP_REWARD

PIXELS = CROP_SIZE_PX * CROP_SIZE_PX
HEIGHT_STEP = 2.5e-4
"""Meters per unit of a stored height; 16 bits reach up to 16 m."""


@dataclass(frozen=True, eq=False)
class Focus:
    """What an attention mode passes on to the policy.

    Attributes:
        crop: Crop (112, 112) of the heightmap.
        mask: (112, 112) bool, the cells to act on.
        on_target: Whether the mask is that of a target; otherwise the target is searched for.
    """

    crop: Heightmap
    mask: NDArray[np.bool_]
    on_target: bool


@dataclass(frozen=True)
class Snapshot:
    """A compressed :class:`Focus`; its heights are rounded to 0.25 mm."""

    grid: Grid
    on_target: bool
    data: bytes

    @classmethod
    def of(cls, focus: Focus) -> Snapshot:
        """Compress a focus."""
        crop = focus.crop
        height = np.round(crop.height / HEIGHT_STEP).astype(np.uint16)
        flags = np.packbits(np.stack([crop.valid, focus.mask]))
        data = zlib.compress(crop.color.tobytes() + height.tobytes() + flags.tobytes(), 1)
        return cls(crop.grid, focus.on_target, data)

    def unpack(self) -> Focus:
        """Decompress the focus."""
        raw = np.frombuffer(zlib.decompress(self.data), np.uint8)
        size = (CROP_SIZE_PX, CROP_SIZE_PX)
        color, rest = raw[: 3 * PIXELS].reshape(*size, 3), raw[3 * PIXELS :]
        height = rest[: 2 * PIXELS].view(np.uint16).reshape(size) * np.float32(HEIGHT_STEP)
        valid, mask = np.unpackbits(rest[2 * PIXELS :]).astype(np.bool_).reshape(2, *size)
        return Focus(Heightmap(color, height, valid, self.grid), mask, self.on_target)


@dataclass(frozen=True)
class ExecutedAction:
    """An executed action.

    Attributes:
        kind: The primitive.
        rotation: Index of one of the 16 rotations.
        row: Row of its position in the crop, in cells, may be fractional.
        column: Column of its position in the crop, in cells, may be fractional.
    """

    kind: PrimitiveKind
    rotation: int
    row: float
    column: float


@dataclass(frozen=True)
class Transition:
    """One step of experience.

    Attributes:
        state: What was seen before the action.
        action: What was done.
        reward: As defined in ``reward.py``.
        following: What was seen afterward; None when there was nothing left to do.
        next_value: Value of the greedy action in that next state; 0 when no action was feasible.
        version: Version of the network that estimated ``next_value``.
    """

    state: Snapshot
    action: ExecutedAction
    reward: float
    following: Snapshot | None
    next_value: float
    version: int

    def target(self, discount: float) -> float:
        """Target value of the action (paper, equation 1).

        The maximum over many uncertain values overestimates, so the next value is capped at the highest true value:
        that of a successful grasp at every step.

        Args:
            discount: Discount factor gamma, below 1.
        """
        return self.reward + discount * min(self.next_value, GRASP_REWARD / (1.0 - discount))
