"""The analytic actor: grasp where the fingers fit, otherwise push the target free. Needs no training.

It is the baseline of the learned policy and its stand-in when no weights are given.
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
    OutcomeStatus,
    Primitive,
    PrimitiveKind,
)
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.grasp_planner import GraspCandidate, GraspPlannerConfig, plan_grasps
from impurity_grasp_ros.policy.push_planner import PushPlannerConfig, is_similar, plan_push

REFUSED = (OutcomeStatus.UNREACHABLE, OutcomeStatus.OUT_OF_WORKSPACE, OutcomeStatus.COLLISION)
"""A push that ended so has changed nothing and would be refused again."""


@dataclass(frozen=True)
class AnalyticConfig:
    """When to grasp and when to push."""

    grasp: GraspPlannerConfig
    push: PushPlannerConfig
    min_score: float = parameter("score from which on a grasp is tried at once", low=-5.0, high=1.0)
    max_pushes: int = parameter("pushes in a row after which any feasible grasp is tried", low=1, high=20)
    memory: int = parameter("recent pushes whose repetition costs", low=0, high=20)


class AnalyticActor:
    """``Actor`` protocol. Stateless: equal arguments give equal primitives."""

    def __init__(self, gripper: GripperModel, config: AnalyticConfig) -> None:
        self._gripper = gripper
        self._config = config

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """A grasp of the target if one looks good, else a push; raises NoPrimitiveError when neither is possible."""
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
        """The best grasp that has not failed since the last success."""
        failed = failed_grasps(history)
        for candidate in plan_grasps(heightmap, mask, self._gripper, self._config.grasp):
            if not any(is_similar(candidate.primitive, other) for other in failed):
                return candidate
        return None

    def _threshold(self, history: Sequence[Attempt]) -> float:
        """Score that a grasp needs now: any will do after many pushes in a row."""
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
        """The best push around ``center`` (x, y) in metres; one that ends close to the border only where no other is.

        mask: (R, C) bool, the target's cells, None to search for one. Raises NoPrimitiveError when none is possible.
        """
        pushes = [item for item in history if item.primitive.kind is PrimitiveKind.PUSH]
        recent = [item.primitive for item in pushes[len(pushes) - min(self._config.memory, len(pushes)) :]]
        refused = [item.primitive for item in pushes if item.outcome.status in REFUSED]
        careful = self._config.push
        for config in (careful, replace(careful, end_border=careful.start_border)):
            if (push := plan_push(heightmap, mask, center, recent, self._gripper, config, refused)) is not None:
                return push
        raise NoPrimitiveError(f"expected a push around {center} that stays on the workspace, found none")


def failed_grasps(history: Sequence[Attempt]) -> list[Primitive]:
    """Grasps that failed since the last one that held."""
    failed: list[Primitive] = []
    for item in history:
        if item.outcome.status is OutcomeStatus.HELD:
            failed.clear()
        elif item.primitive.kind is PrimitiveKind.GRASP:
            failed.append(item.primitive)
    return failed


def target_mask(heightmap: Heightmap, attention: Attention) -> NDArray[np.bool_]:
    """The attention's mask (112, 112) laid out on the whole heightmap (R, C)."""
    grid, crop = heightmap.grid, attention.crop.grid
    row, column = (round(value) for value in grid.to_cell(*crop.to_metres(0, 0)))
    mask = np.zeros((grid.rows, grid.columns), np.bool_)
    rows = slice(max(row, 0), min(row + crop.rows, grid.rows))
    columns = slice(max(column, 0), min(column + crop.columns, grid.columns))
    mask[rows, columns] = attention.mask[
        rows.start - row : rows.stop - row, columns.start - column : columns.stop - column
    ]
    return mask
