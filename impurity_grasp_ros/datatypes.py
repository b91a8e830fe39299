"""The values that travel between the layers: frozen, with their units and frames in the docstrings.

Arrays inside are shared, not copied; nobody writes into an array that came out of one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import GRIPPER_STROKE, HEIGHTMAP_RESOLUTION, HEIGHTMAP_SIZE_PX, PUSH_LENGTH
from impurity_grasp_ros.transform import Transform

Place = TypeVar("Place", float, NDArray[np.float64])


@dataclass(frozen=True)
class CameraIntrinsics:
    """Pinhole model without distortion; pixel (0, 0) is the centre of the top left pixel."""

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """One registered colour and depth image.

    color: (H, W, 3) uint8, RGB. depth: (H, W) float32, metres along the optical axis, 0 where there is no reading.
    T_base_camera: pose of the optical frame (z forward, x right, y down; REP-103). stamp: seconds, ROS time.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    intrinsics: CameraIntrinsics
    T_base_camera: Transform
    stamp: float


@dataclass(frozen=True)
class Grid:
    """Where the cells of a heightmap lie in the base frame.

    Row i is the strip around y = y_min + (i + 0.5) * resolution, column j the one around x = x_min + (j + 0.5) *
    resolution. This class alone converts between cells and metres.
    """

    x_min: float
    y_min: float
    rows: int = HEIGHTMAP_SIZE_PX
    columns: int = HEIGHTMAP_SIZE_PX
    resolution: float = HEIGHTMAP_RESOLUTION

    def to_metres(self, row: Place, column: Place) -> tuple[Place, Place]:
        """Position (x, y) in metres of a cell centre, a number or an array each; fractional cells are allowed."""
        return self.x_min + (column + 0.5) * self.resolution, self.y_min + (row + 0.5) * self.resolution

    def to_cell(self, x: Place, y: Place) -> tuple[Place, Place]:
        """Fractional (row, column) of a position in metres, numbers or arrays; a cell's centre is a whole number."""
        return (y - self.y_min) / self.resolution - 0.5, (x - self.x_min) / self.resolution - 0.5

    @property
    def middle(self) -> tuple[float, float]:
        """Position (x, y) in metres of the middle."""
        return self.to_metres((self.rows - 1) / 2, (self.columns - 1) / 2)

    def contains(self, x: float, y: float) -> bool:
        """Whether a position in metres lies on the grid."""
        x_max, y_max = self.x_min + self.columns * self.resolution, self.y_min + self.rows * self.resolution
        return self.x_min <= x < x_max and self.y_min <= y < y_max

    def window(self, row: int, column: int, size_px: int) -> Grid:
        """The square sub-grid of ``size_px`` cells whose first cell is (row, column); it may stick out."""
        x_min = self.x_min + column * self.resolution
        y_min = self.y_min + row * self.resolution
        return Grid(x_min, y_min, size_px, size_px, self.resolution)


@dataclass(frozen=True, eq=False)
class Heightmap:
    """Orthographic top view of the workspace (paper, section 3).

    color: (R, C, 3) uint8, RGB. height: (R, C) float32, metres above the table. valid: (R, C) bool, False where nothing
    was seen; such cells hold zero colour and zero height. stamp: seconds, ROS time of the frame it was made from.
    """

    color: NDArray[np.uint8]
    height: NDArray[np.float32]
    valid: NDArray[np.bool_]
    grid: Grid
    stamp: float = 0.0

    def window(self, row: int, column: int, size_px: int) -> Heightmap:
        """The square part of ``size_px`` cells that starts at (row, column); cells outside are not valid."""
        source = _overlap(row, size_px, self.grid.rows), _overlap(column, size_px, self.grid.columns)
        inside = tuple(
            slice(part.start - first, part.stop - first) for part, first in zip(source, (row, column), strict=True)
        )
        color = np.zeros((size_px, size_px, 3), np.uint8)
        height = np.zeros((size_px, size_px), np.float32)
        valid = np.zeros((size_px, size_px), np.bool_)
        color[inside] = self.color[source]
        height[inside] = self.height[source]
        valid[inside] = self.valid[source]
        return Heightmap(color, height, valid, self.grid.window(row, column, size_px), self.stamp)


def _overlap(first: int, length: int, available: int) -> slice:
    """The part of ``first .. first + length`` that lies in ``0 .. available``, maybe empty."""
    start = min(max(first, 0), max(first + length, 0))
    return slice(start, max(start, min(first + length, available)))


class AttentionState(IntEnum):
    """What the attention module found (paper, algorithm 1)."""

    CLEAR = 0
    """Neither a target nor a cluster that could hide one."""
    CANDIDATE = 1
    """No target in view; a cluster could hide one."""
    TARGET = 2
    """A target is in view."""


@dataclass(frozen=True)
class Cluster:
    """A dense group of objects. center: (x, y) metres; area: m2; height: metres above the table."""

    center: tuple[float, float]
    area: float
    height: float


@dataclass(frozen=True, eq=False)
class Attention:
    """Where to act next.

    state: what was found; of a CLEAR attention only score, clusters and saliency mean anything.
    center: (x, y) in metres, base frame. crop: 112x112 part of the heightmap around the centre.
    mask: (112, 112) bool on the crop, the target's cells, or all true around a candidate cluster.
    score: confidence that a target is in view, 0..1, 0.5 being the decision threshold.
    clusters: all dense groups, largest first. saliency: (R, C) float32 raw VOCUS2 map of the whole heightmap.
    """

    state: AttentionState
    center: tuple[float, float]
    crop: Heightmap
    mask: NDArray[np.bool_]
    score: float
    clusters: tuple[Cluster, ...]
    saliency: NDArray[np.float32]


class PrimitiveKind(IntEnum):
    """The two actions of the paper, section 3."""

    GRASP = 0
    PUSH = 1


@dataclass(frozen=True)
class Primitive:
    """One parametrised motion, all in the base frame.

    position: (x, y, z) in metres of the tool between the closed finger tips; where a push starts.
    angle: radians; of a grasp the closing axis (180 degree symmetric), of a push the direction of travel.
    length: metres of travel, 0 for a grasp. opening: metres between the fingers before they close.
    q_value: what the actor expects of it.
    """

    kind: PrimitiveKind
    position: tuple[float, float, float]
    angle: float
    length: float
    opening: float
    q_value: float

    @classmethod
    def grasp(
        cls, position: tuple[float, float, float], angle: float, q_value: float = 0.0, opening: float = GRIPPER_STROKE
    ) -> Primitive:
        """A grasp at ``position`` closing along ``angle``."""
        return cls(PrimitiveKind.GRASP, position, angle, 0.0, opening, q_value)

    @classmethod
    def push(
        cls, position: tuple[float, float, float], angle: float, q_value: float = 0.0, length: float = PUSH_LENGTH
    ) -> Primitive:
        """A straight push from ``position`` towards ``angle`` with closed fingers."""
        return cls(PrimitiveKind.PUSH, position, angle, length, 0.0, q_value)


class OutcomeStatus(Enum):
    """How a primitive ended; the numbers are those of ``msg/Attempt.msg``.

    Whether a grasp was a success has three answers (docs/success.md). The robot's is HELD: something was between the
    fingers after lifting and over the bin. The learner's (``learning/selfplay.py``): HELD, and the target came into the
    bin. The referee's (``evaluation/referee.py``): a target lies in the bin that did not before.
    """

    HELD = 0
    """Grasp: an object was lifted, carried and released over the drop bin."""
    EMPTY = 1
    """Grasp: nothing between the fingers after closing or lifting."""
    DROPPED = 2
    """Grasp: lifted, but lost on the way to the bin."""
    PUSHED = 3
    """Push: the stroke was travelled."""
    BLOCKED = 4
    """Push: the stroke was cut short by the force limit."""
    UNREACHABLE = 5
    """Refused before moving: no inverse kinematic solution."""
    OUT_OF_WORKSPACE = 6
    """Refused before moving: outside the workspace box or below the table."""
    COLLISION = 7
    """Refused before moving: the arm would touch something on its way."""


@dataclass(frozen=True)
class Outcome:
    """What the robot itself knows after a primitive. opening: metres between the fingers when it was judged."""

    status: OutcomeStatus
    opening: float
    duration: float
    message: str = ""


@dataclass(frozen=True)
class Attempt:
    """A primitive that was executed and how it ended."""

    primitive: Primitive
    outcome: Outcome
