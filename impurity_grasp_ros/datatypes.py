"""Frozen dataclasses that are passed between the layers. Arrays inside them are shared and must not be modified."""

from __future__ import annotations

import math
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
    """Pinhole model without distortion. All values are in pixels; (0, 0) is the center of the top left pixel."""

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """One registered color and depth image.

    Attributes:
        color: (H, W, 3) uint8, RGB.
        depth: (H, W) float32, meters along the optical axis, 0 where there is no reading.
        intrinsics: Of the color camera, to which depth is registered.
        T_base_camera: Pose of the optical frame (z forward, x right, y down; REP-103).
        stamp: Seconds, ROS time.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    intrinsics: CameraIntrinsics
    T_base_camera: Transform
    stamp: float


@dataclass(frozen=True)
class Grid:
    """The cells of a heightmap, in meters in the base frame. Only this class converts between cells and meters.

    Row i is the strip around y = y_min + (i + 0.5) * resolution, column j the strip around x = x_min + (j + 0.5) *
    resolution.
    """

    x_min: float
    y_min: float
    rows: int = HEIGHTMAP_SIZE_PX
    columns: int = HEIGHTMAP_SIZE_PX
    resolution: float = HEIGHTMAP_RESOLUTION

    def to_meters(self, row: Place, column: Place) -> tuple[Place, Place]:
        """Return the position (x, y) in meters of a cell's center; numbers or arrays, which may be fractional."""
        return self.x_min + (column + 0.5) * self.resolution, self.y_min + (row + 0.5) * self.resolution

    def to_cell(self, x: Place, y: Place) -> tuple[Place, Place]:
        """Return the (row, column) of a position in meters; numbers or arrays, integers at the centers of cells."""
        return (y - self.y_min) / self.resolution - 0.5, (x - self.x_min) / self.resolution - 0.5

    @property
    def middle(self) -> tuple[float, float]:
        """Center (x, y) of the grid in meters."""
        return self.to_meters((self.rows - 1) / 2, (self.columns - 1) / 2)

    def contains(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Return whether a position lies on the grid, at least ``margin`` from its border; all in meters."""
        x_max, y_max = self.x_min + self.columns * self.resolution, self.y_min + self.rows * self.resolution
        on_columns = self.x_min <= x - margin and x + margin < x_max
        return on_columns and self.y_min <= y - margin and y + margin < y_max

    def window(self, row: int, column: int, size_px: int) -> Grid:
        """Return the square grid of ``size_px`` cells that starts at (row, column); it may extend beyond this one."""
        x_min = self.x_min + column * self.resolution
        y_min = self.y_min + row * self.resolution
        return Grid(x_min, y_min, size_px, size_px, self.resolution)


@dataclass(frozen=True, eq=False)
class Heightmap:
    """Orthographic top view of the workspace (paper, section 3).

    Attributes:
        color: (R, C, 3) uint8, RGB; 0 in cells that are not valid.
        height: (R, C) float32, meters above the table; 0 in cells that are not valid.
        valid: (R, C) bool, false where nothing was seen.
        grid: The cells.
        stamp: Seconds, ROS time of the frame that it was made from.
        fine_color: (k R, k C, 3) uint8, RGB at k x k points of each cell, 0 in cells that are not valid; or None.
    """

    color: NDArray[np.uint8]
    height: NDArray[np.float32]
    valid: NDArray[np.bool_]
    grid: Grid
    stamp: float = 0.0
    fine_color: NDArray[np.uint8] | None = None

    def window(self, row: int, column: int, size_px: int) -> Heightmap:
        """Return the square part of ``size_px`` cells that starts at (row, column); cells off the map are invalid."""
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
    """Return the part of ``first .. first + length`` that lies in ``0 .. available``; it may be empty."""
    start = min(max(first, 0), max(first + length, 0))
    return slice(start, max(start, min(first + length, available)))


class AttentionState(IntEnum):
    """What the attention module found (paper, algorithm 1)."""

    CLEAR = 0
    """Neither a target nor a cluster that could hide one is in view."""
    CANDIDATE = 1
    """No target in view; a cluster could hide one."""
    TARGET = 2
    """A target is in view."""


@dataclass(frozen=True)
class Cluster:
    """A dense group of objects.

    Attributes:
        center: (x, y) in meters of the middle of its highest pile.
        area: Footprint in m2.
        height: Meters above the table.
        hidden: Number of objects expected under and between those in view; NaN if that was not judged.
    """

    center: tuple[float, float]
    area: float
    height: float
    hidden: float = math.nan


@dataclass(frozen=True, eq=False)
class Attention:
    """Where to act next. In state CLEAR, only score, clusters and saliency are meaningful.

    Attributes:
        state: What was found.
        center: (x, y) in meters, base frame.
        crop: The 112 x 112 cells of the heightmap around the center.
        mask: (112, 112) bool on the crop: the target's cells, or all true around a candidate cluster.
        score: Confidence that a target is in view, 0..1; the decision threshold is 0.5.
        clusters: All dense groups, largest first.
        saliency: (R, C) float32 of the whole heightmap: raw VOCUS2 map; in mode ``objects`` the probability that the
            object of a cell is odd.
        unfamiliar: Whether a model of ordinary objects was taught, and most objects in view are unlike all of it.
        hidden: Probability that a target is hidden; NaN if that was not judged.
        odd: (x, y) in meters of odd cells in view, those of a target or too few for one; None if there are none, and in
            messages.
    """

    state: AttentionState
    center: tuple[float, float]
    crop: Heightmap
    mask: NDArray[np.bool_]
    score: float
    clusters: tuple[Cluster, ...]
    saliency: NDArray[np.float32]
    unfamiliar: bool = False
    hidden: float = math.nan
    odd: tuple[float, float] | None = None


class PrimitiveKind(IntEnum):
    """The two kinds of actions of the paper (section 3), and one that puts an object aside."""

    GRASP = 0
    PUSH = 1
    MOVE = 2


VALUED_KINDS = (PrimitiveKind.GRASP, PrimitiveKind.PUSH)
"""The kinds that value maps are about, in their order."""


@dataclass(frozen=True)
class Primitive:
    """One parameterized motion, in the base frame.

    Attributes:
        kind: Grasp, push or move.
        position: (x, y, z) in meters of the point between the closed fingertips; the start of a push.
        angle: Radians from the x axis; the closing axis of a grasp (180 degree symmetric), the direction of a push.
        length: Meters of travel of a push; 0 otherwise.
        opening: Meters between the fingers before they close; 0 for a push.
        q_value: The value that the actor expects of it.
        place: (x, y) in meters where an object that is moved is put down; (0, 0) otherwise.
    """

    kind: PrimitiveKind
    position: tuple[float, float, float]
    angle: float
    length: float
    opening: float
    q_value: float
    place: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def grasp(
        cls, position: tuple[float, float, float], angle: float, q_value: float = 0.0, opening: float = GRIPPER_STROKE
    ) -> Primitive:
        """Return a grasp at ``position`` (m) that closes along ``angle`` (rad), from an ``opening`` in meters."""
        return cls(PrimitiveKind.GRASP, position, angle, 0.0, opening, q_value)

    @classmethod
    def push(
        cls, position: tuple[float, float, float], angle: float, q_value: float = 0.0, length: float = PUSH_LENGTH
    ) -> Primitive:
        """Return a push with closed fingers from ``position`` (m) in direction ``angle`` (rad) over ``length`` (m)."""
        return cls(PrimitiveKind.PUSH, position, angle, length, 0.0, q_value)

    @classmethod
    def move(
        cls,
        position: tuple[float, float, float],
        angle: float,
        place: tuple[float, float],
        q_value: float = 0.0,
        opening: float = GRIPPER_STROKE,
    ) -> Primitive:
        """Return a grasp as :meth:`grasp` does, of an object that is put down at ``place`` (m) on the workspace."""
        return cls(PrimitiveKind.MOVE, position, angle, 0.0, opening, q_value, place)


class OutcomeStatus(Enum):
    """How a primitive ended as far as the robot knows (``docs/success.md``); numbers are those of ``Attempt.msg``."""

    HELD = 0
    """Grasp: an object was lifted, carried and released over the drop bin."""
    EMPTY = 1
    """Grasp or move: there was nothing between the fingers after closing or lifting."""
    DROPPED = 2
    """Grasp or move: lifted, but lost on the way."""
    PUSHED = 3
    """Push: the full stroke was traveled."""
    BLOCKED = 4
    """Push: the stroke was cut short by the force limit."""
    UNREACHABLE = 5
    """Refused before moving: there is no inverse kinematics solution."""
    OUT_OF_WORKSPACE = 6
    """Refused before moving: outside the workspace box or below the table."""
    COLLISION = 7
    """Refused before moving: the arm would touch something on its path."""
    MOVED = 8
    """Move: an object was lifted, carried and put down on the workspace."""


@dataclass(frozen=True)
class Outcome:
    """Result of a primitive; ``opening`` is in meters, at the last check of a grasp, and ``duration`` in seconds."""

    status: OutcomeStatus
    opening: float
    duration: float
    message: str = ""


@dataclass(frozen=True)
class Attempt:
    """A primitive that was executed and how it ended."""

    primitive: Primitive
    outcome: Outcome
