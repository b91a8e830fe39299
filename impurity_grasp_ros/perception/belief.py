"""What earlier views and actions of a job tell about hidden objects, beyond what the present view shows.

A pile that was pushed again and again hides less and less. A group of cells that moved as one is more likely a single
object than a pile, and what the gripper has lifted and put down hides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attempt, AttentionState, Heightmap, OutcomeStatus, PrimitiveKind
from impurity_grasp_ros.perception.hidden_config import HiddenConfig
from impurity_grasp_ros.perception.moved_pieces import follow, pieces


@dataclass(frozen=True, eq=False)
class Belief:
    """What is known beside the view.

    Attributes:
        fruitless: Number of latest pushes of candidates that brought no target into view.
        odds: (R, C) float32, factor on the odds that the piece on a cell hides anything; None if no piece is known.
    """

    fruitless: int = 0
    odds: NDArray[np.float32] | None = None

    def applied(self, expected: NDArray[np.float32], heightmap: Heightmap, min_height: float) -> NDArray[np.float32]:
        """Correct the expected numbers of hidden objects for what is known of the pieces in view.

        The odds that anything is hidden, of which a number n is expected, are exp(n) - 1.

        Args:
            expected: (R, C) numbers expected from the view alone.
            heightmap: The view.
            min_height: Meters above the table; higher cells carry an object.

        Returns:
            (R, C) float32.
        """
        if self.odds is None:
            return expected
        corrected = expected.copy()
        for piece in pieces(heightmap, min_height):
            number, factor = float(expected[piece].sum()), float(self.odds[piece].max())
            if number > 0.0 and factor < 1.0:
                corrected[piece] *= np.log1p(np.expm1(number) * factor) / number
        return corrected

    def after(
        self,
        attempt: Attempt,
        state: AttentionState,
        views: tuple[Heightmap, Heightmap],
        config: HiddenConfig,
        min_height: float,
    ) -> Belief:
        """Return the belief after an action.

        Args:
            attempt: The action.
            state: Why it was taken.
            views: What was seen before and after it.
            config: How much an action tells.
            min_height: Meters above the table; higher cells carry an object.
        """
        before, after = views
        odds = np.ones(after.height.shape, np.float32)
        for piece in follow(before, after, min_height) if before.grid == after.grid else ():
            known = 1.0 if self.odds is None else float(self.odds[piece.before].max())
            odds[piece.after] = min(known, config.together) if piece.moved else known
        if attempt.outcome.status is OutcomeStatus.MOVED:
            odds[_piece_at(after, attempt.primitive.place, min_height)] = config.lifted
        pushed = attempt.primitive.kind is PrimitiveKind.PUSH
        return Belief(self.fruitless + pushed if state is AttentionState.CANDIDATE else 0, odds)


def _piece_at(heightmap: Heightmap, place: tuple[float, float], min_height: float) -> NDArray[np.bool_]:
    """The cells of the piece at a place (x, y) in meters; none if there is none."""
    row, column = (round(value) for value in heightmap.grid.to_cell(*place))
    shape = heightmap.height.shape
    if 0 <= row < shape[0] and 0 <= column < shape[1]:
        for piece in pieces(heightmap, min_height):
            if piece[row, column]:
                return piece
    return np.zeros(shape, np.bool_)
