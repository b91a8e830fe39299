"""What earlier views and actions of a job tell about hidden objects, beyond what the present view shows.

A pile that was pushed again and again hides less and less. A group of cells that moved as one is more likely a single
object than a pile, and what the gripper has lifted and put down hides nothing.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
from impurity_grasp_ros.perception.hidden_config import HiddenConfig
from impurity_grasp_ros.perception.moved_pieces import follow, pieces
from impurity_grasp_ros.transform import distance_to_stroke

NEAR = 0.07
"""Meters from the stroke of a push within which a pile was pushed."""


@dataclass(frozen=True, eq=False)
class Belief:
    """What is known beside the view; None if nothing is.

    Attributes:
        pushes: (R, C) int64, number of pushes of candidates near each cell that brought no target into view, since a
            target was acted on.
        odds: (R, C) float32, factor on the odds that the piece on a cell hides anything.
        missing: (x, y) in meters where odd cells were seen last, if nothing has been picked since.
    """

    pushes: NDArray[np.int64] | None = None
    odds: NDArray[np.float32] | None = None
    missing: tuple[float, float] | None = None

    def doubt(self, cells: NDArray[np.bool_], weights: NDArray[np.float32], config: HiddenConfig) -> float:
        """Factor on the odds that anything is hidden in some cells.

        Args:
            cells: (R, C) bool, the cells of a piece, at least one.
            weights: (R, C) how much is expected where, not negative.
            config: How much an action tells.
        """
        single = 1.0 if self.odds is None else float(self.odds[cells].max())
        if self.pushes is None:
            return single
        weight = weights[cells] + np.float32(1e-12)
        return single * float(np.average(config.doubt ** self.pushes[cells], weights=weight))

    def doubt_at(self, place: tuple[float, float], grid: Grid, config: HiddenConfig) -> float:
        """Factor on the odds that odd cells that were seen at a place (x, y), in meters, are those of a target."""
        if self.pushes is None:
            return 1.0
        row, column = (round(value) for value in grid.to_cell(*place))
        inside = 0 <= row < grid.rows and 0 <= column < grid.columns
        return float(config.doubt ** self.pushes[row, column]) if inside else 1.0

    def applied(
        self, expected: NDArray[np.float32], heightmap: Heightmap, config: HiddenConfig, min_height: float
    ) -> NDArray[np.float32]:
        """Correct expected numbers of hidden objects, piece by piece.

        Args:
            expected: (R, C) numbers expected from the view alone.
            heightmap: The view.
            config: How much an action tells.
            min_height: Meters above the table; higher cells carry an object.

        Returns:
            (R, C) float32.
        """
        if self.pushes is None and self.odds is None:
            return expected
        corrected = expected.copy()
        for piece in pieces(heightmap, min_height):
            number = float(expected[piece].sum())
            if number > 0.0:
                corrected[piece] *= doubted(number, self.doubt(piece, expected, config)) / number
        return corrected

    def after(
        self,
        attempt: Attempt,
        seen: Attention,
        views: tuple[Heightmap, Heightmap],
        config: HiddenConfig,
        min_height: float,
    ) -> Belief:
        """Return the belief after an action.

        Args:
            attempt: The action.
            seen: Why it was taken.
            views: What was seen before and after it.
            config: How much an action tells.
            min_height: Meters above the table; higher cells carry an object.
        """
        before, after = views
        missing = None if attempt.outcome.status is OutcomeStatus.HELD else seen.odd or self.missing
        if before.grid != after.grid:
            return Belief(missing=missing)
        odds = np.ones(after.height.shape, np.float32)
        for piece in follow(before, after, min_height):
            known = 1.0 if self.odds is None else float(self.odds[piece.before].max())
            odds[piece.after] = min(known, config.together) if piece.moved else known
        if attempt.outcome.status is OutcomeStatus.MOVED:
            odds[_piece_at(after, attempt.primitive.place, min_height)] = config.lifted
        pushes = np.zeros(after.height.shape, np.int64) if self.pushes is None else self.pushes
        if seen.state is not AttentionState.CANDIDATE:
            pushes = np.zeros_like(pushes)
        elif attempt.primitive.kind is PrimitiveKind.PUSH:
            pushes = pushes + _near_stroke(after.grid, attempt.primitive)
        return Belief(pushes, odds, missing)


def doubted(number: float, factor: float) -> float:
    """Expected number of hidden objects when the odds that there is one, exp(number) - 1, are multiplied.

    log(1 + factor (exp(number) - 1)), in a form in which large numbers do not overflow.
    """
    return number + math.log(max(factor + (1.0 - factor) * math.exp(-number), sys.float_info.min))


def _near_stroke(grid: Grid, push: Primitive) -> NDArray[np.bool_]:
    """Cells (R, C) near the stroke of a push."""
    places = np.stack(grid.to_meters(*np.indices((grid.rows, grid.columns))), axis=-1)
    return np.asarray(distance_to_stroke(places, push.position[:2], push.angle, push.length) <= NEAR)


def _piece_at(heightmap: Heightmap, place: tuple[float, float], min_height: float) -> NDArray[np.bool_]:
    """The cells of the piece at a place (x, y) in meters; none if there is none."""
    row, column = (round(value) for value in heightmap.grid.to_cell(*place))
    shape = heightmap.height.shape
    if 0 <= row < shape[0] and 0 <= column < shape[1]:
        for piece in pieces(heightmap, min_height):
            if piece[row, column]:
                return piece
    return np.zeros(shape, np.bool_)
