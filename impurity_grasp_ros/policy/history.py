"""Earlier attempts: which grasps have failed, which pushes are recent, and which primitives repeat one another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from impurity_grasp_ros.datatypes import Attempt, Grid, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.transform import angle_between

REFUSED = (OutcomeStatus.UNREACHABLE, OutcomeStatus.OUT_OF_WORKSPACE, OutcomeStatus.COLLISION)
"""Outcomes of primitives that were refused before the arm moved; the same primitive would be refused again."""

MEMORY = 3
"""Number of latest attempts whose pushes count as recent."""


def is_similar(first: Primitive, second: Primitive, distance: float = 0.015, angle: float = 0.3) -> bool:
    """Whether two primitives are of the same kind and start close to each other, at nearly the same angle.

    Heights do not matter. A grasp or a move is the same after half a turn.

    Args:
        first: One primitive.
        second: The other one.
        distance: Limit of the horizontal distance between their positions in meters.
        angle: Limit of the angle between them in radians.

    Returns:
        True when both are below their limits.
    """
    if first.kind is not second.kind:
        return False
    period = 2 * math.pi if first.kind is PrimitiveKind.PUSH else math.pi
    turn = angle_between(first.angle, second.angle, period)
    return math.dist(first.position[:2], second.position[:2]) < distance and turn < angle


def failed_grasps(history: Sequence[Attempt]) -> list[Primitive]:
    """Return the grasps that have failed since the last one that held.

    Args:
        history: Attempts of this job, oldest first.

    Returns:
        The grasps, oldest first.
    """
    failed: list[Primitive] = []
    for item in history:
        if item.outcome.status is OutcomeStatus.HELD:
            failed.clear()
        elif item.primitive.kind is PrimitiveKind.GRASP:
            failed.append(item.primitive)
    return failed


def failures_in_a_row(history: Sequence[Attempt]) -> int:
    """Count the latest attempts in a row that were grasps and did not hold.

    Args:
        history: Attempts of this job, oldest first.

    Returns:
        Their number; 0 after a push, which changes the scene.
    """
    count = 0
    for attempt in reversed(history):
        if attempt.primitive.kind is not PrimitiveKind.GRASP or attempt.outcome.status is OutcomeStatus.HELD:
            break
        count += 1
    return count


def grasp_just_failed(crop: Grid, history: Sequence[Attempt]) -> bool:
    """Whether the latest attempt was a grasp on a crop that did not hold.

    Args:
        crop: Cells of the crop.
        history: Attempts of this job, oldest first.

    Returns:
        False also when there has been no attempt.
    """
    if not history:
        return False
    primitive, status = history[-1].primitive, history[-1].outcome.status
    is_failed_grasp = primitive.kind is PrimitiveKind.GRASP and status is not OutcomeStatus.HELD
    return is_failed_grasp and crop.contains(*primitive.position[:2])


def recent_pushes(history: Sequence[Attempt]) -> list[Primitive]:
    """Return the pushes among the latest attempts; repeating one would change little.

    Args:
        history: Attempts of this job, oldest first.

    Returns:
        The pushes among the last ``MEMORY`` attempts, oldest first.
    """
    latest = history[max(len(history) - MEMORY, 0) :]
    return [item.primitive for item in latest if item.primitive.kind is PrimitiveKind.PUSH]
