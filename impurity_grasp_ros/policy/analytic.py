"""The analytic actor: grasp where the fingers fit, otherwise push the target free. Needs no training.

It is a baseline for the learned actors and can replace them where PyTorch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Heightmap,
    Primitive,
    PrimitiveKind,
)
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.grasp_planner import GraspCandidate, GraspPlannerConfig, plan_grasps
from impurity_grasp_ros.policy.history import REFUSED, failed_grasps, is_similar
from impurity_grasp_ros.policy.push_planner import PushPlannerConfig, plan_push


@dataclass(frozen=True)
class AnalyticConfig:
    """When to grasp and when to push.

    Attributes:
        grasp: How grasps are planned.
        push: How pushes are planned.
    """

    grasp: GraspPlannerConfig
    push: PushPlannerConfig
    min_score: float = parameter("score from which on a grasp is tried at once", low=-5.0, high=1.0)
    max_pushes: int = parameter("pushes in a row after which any feasible grasp is tried", low=1, high=20)
    memory: int = parameter("number of latest pushes whose repetition costs", low=0, high=20)


class AnalyticActor:
    """``Actor`` protocol. Stateless: equal arguments give equal primitives."""

    def __init__(self, gripper: GripperModel, config: AnalyticConfig) -> None:
        self._gripper = gripper
        self._config = config

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose a grasp of the target with a sufficient score, otherwise a push, see ``protocols.Actor``."""
        if attention.state is not AttentionState.TARGET:
            return self.push(heightmap, None, attention.center, history)
        mask = target_mask(heightmap, attention)
        grasp = self._grasp(heightmap, mask, history)
        if grasp is not None and grasp.score >= self._threshold(history):
            return grasp.primitive
        try:
            return self.push(heightmap, mask, attention.center, history)
        except NoPrimitiveError:
            if grasp is None:
                raise
            return grasp.primitive

    def _grasp(
        self, heightmap: Heightmap, mask: NDArray[np.bool_], history: Sequence[Attempt]
    ) -> GraspCandidate | None:
        """Return the best grasp that is not similar to one that failed since the last success."""
        failed = failed_grasps(history)
        for candidate in plan_grasps(heightmap, mask, self._gripper, self._config.grasp):
            if not any(is_similar(candidate.primitive, other) for other in failed):
                return candidate
        return None

    def _threshold(self, history: Sequence[Attempt]) -> float:
        """Return the score that a grasp needs now; after many pushes in a row, any score is enough."""
        pushes = history[-self._config.max_pushes :]
        patient = len(pushes) < self._config.max_pushes or any(
            item.primitive.kind is PrimitiveKind.GRASP for item in pushes
        )
        return self._config.min_score if patient else -np.inf

    def push(
        self,
        heightmap: Heightmap,
        mask: NDArray[np.bool_] | None,
        center: tuple[float, float],
        history: Sequence[Attempt],
    ) -> Primitive:
        """Choose the best push; it ends close to the border only when no other push is possible.

        Args:
            heightmap: The view, whose grid is the workspace.
            mask: (R, C) bool, the target's cells; None to search a heap.
            center: (x, y) in meters, base frame: the middle of the target or of the heap.
            history: Attempts of this job, oldest first.

        Returns:
            The push.

        Raises:
            NoPrimitiveError: No push is possible.
        """
        pushes = [item for item in history if item.primitive.kind is PrimitiveKind.PUSH]
        recent = [item.primitive for item in pushes[len(pushes) - min(self._config.memory, len(pushes)) :]]
        refused = [item.primitive for item in pushes if item.outcome.status in REFUSED]
        careful = self._config.push
        for config in (careful, replace(careful, end_border=careful.start_border)):
            if (push := plan_push(heightmap, mask, center, recent, self._gripper, config, refused)) is not None:
                return push
        raise NoPrimitiveError(f"expected a push around {center} that stays on the workspace, found none")


def target_mask(heightmap: Heightmap, attention: Attention) -> NDArray[np.bool_]:
    """Place the target's mask, which is given on the crop, on the whole heightmap.

    Args:
        heightmap: The view.
        attention: The attention with that mask.

    Returns:
        (R, C) bool, the target's cells; those off the heightmap are left out.
    """
    grid, crop = heightmap.grid, attention.crop.grid
    row, column = (round(value) for value in grid.to_cell(*crop.to_meters(0, 0)))
    mask = np.zeros((grid.rows, grid.columns), np.bool_)
    rows = slice(max(row, 0), min(row + crop.rows, grid.rows))
    columns = slice(max(column, 0), min(column + crop.columns, grid.columns))
    mask[rows, columns] = attention.mask[
        rows.start - row : rows.stop - row, columns.start - column : columns.stop - column
    ]
    return mask
