"""One experience: what was seen, what was done, what it earned, and what could be earned next."""

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
"""Metres per unit of a stored height; two bytes reach 16 m."""


@dataclass(frozen=True, eq=False)
class Focus:
    """What an attention hands to the policy: crop and mask (112, 112), and whether the mask is that of a target."""

    crop: Heightmap
    mask: NDArray[np.bool_]
    on_target: bool


@dataclass(frozen=True)
class Snapshot:
    """A focus, compressed; heights are rounded to 0.25 mm."""

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
        """The focus again."""
        raw = np.frombuffer(zlib.decompress(self.data), np.uint8)
        size = (CROP_SIZE_PX, CROP_SIZE_PX)
        color, rest = raw[: 3 * PIXELS].reshape(*size, 3), raw[3 * PIXELS :]
        height = rest[: 2 * PIXELS].view(np.uint16).reshape(size) * np.float32(HEIGHT_STEP)
        valid, mask = np.unpackbits(rest[2 * PIXELS :]).astype(np.bool_).reshape(2, *size)
        return Focus(Heightmap(color, height, valid, self.grid), mask, self.on_target)


@dataclass(frozen=True)
class Deed:
    """An executed action: its primitive, one of the 16 rotations, and its place as fractional cell of the crop."""

    kind: PrimitiveKind
    rotation: int
    row: float
    column: float


@dataclass(frozen=True)
class Transition:
    """state: what was seen. deed: what was done. reward: as in ``reward.py``. following: what was seen afterwards,
    None when nothing more was to be done. next_value: the highest value of what could be done then, as the policy of
    that ``version`` estimated it; 0 when there was nothing.
    """

    state: Snapshot
    deed: Deed
    reward: float
    following: Snapshot | None
    next_value: float
    version: int

    def target(self, discount: float) -> float:
        """What the value of the deed should be (paper, equation 1).

        The maximum over many uncertain values is too high; no true value exceeds that of a success at every step.
        """
        return self.reward + discount * min(self.next_value, GRASP_REWARD / (1.0 - discount))
