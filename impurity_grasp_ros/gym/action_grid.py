"""Numbers of actions: pushes and grasps at 16 angles, on a coarse grid of each view of the crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import ROTATIONS
from impurity_grasp_ros.datatypes import VALUED_KINDS, PrimitiveKind
from impurity_grasp_ros.policy.agent import Action, Situation
from impurity_grasp_ros.policy.observation import VIEW_SIZE_PX

STRIDE = 10
"""Pixels (of 2 mm) of a view, in rows and columns, that are one action."""

SIDE = VIEW_SIZE_PX // STRIDE
SHAPE = (len(VALUED_KINDS), ROTATIONS, SIDE, SIDE)
"""Kind (grasp, push), rotation, row and column of an action."""

COUNT = int(np.prod(SHAPE))


def action_mask(situation: Situation) -> NDArray[np.int8]:
    """Which actions can be executed.

    Args:
        situation: The crop with its primitives.

    Returns:
        (COUNT,) int8, 1 for those of which a pixel is feasible.
    """
    blocks = situation.feasible.reshape(*SHAPE[:3], STRIDE, SIDE, STRIDE)
    return blocks.any(axis=(3, 5)).astype(np.int8).reshape(-1)


def decode(situation: Situation, number: int) -> Action | None:
    """Find the primitive of an action: of its feasible pixels, that with the least misfit, then nearest to the middle.

    Args:
        situation: The crop with its primitives.
        number: The action, 0 to COUNT - 1.

    Returns:
        The pixel; None if none is feasible.
    """
    kind, rotation, row, column = (int(index) for index in np.unravel_index(number, SHAPE))
    option = situation.options[kind][rotation]
    rows, columns = (slice(first * STRIDE, (first + 1) * STRIDE) for first in (row, column))
    inside = np.argwhere(option.feasible[rows, columns])
    if len(inside) == 0:
        return None
    misfit = option.misfit[rows, columns][tuple(inside.T)]
    aside = np.linalg.norm(inside - (STRIDE - 1) / 2, axis=1)
    best = inside[np.lexsort((aside, misfit))[0]]
    return Action(PrimitiveKind(kind), rotation, row * STRIDE + int(best[0]), column * STRIDE + int(best[1]))
