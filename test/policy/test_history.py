"""Similar primitives, failed grasps and recent pushes."""

import math

import pytest
from drawn_tables import GRID, MIDDLE, attempts, turn_between
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.constants import ROTATION_STEP
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.policy.history import failed_grasps, grasp_just_failed, is_similar, recent_pushes

angles = st.floats(-2 * math.pi, 2 * math.pi)


@given(angles, st.integers(-3, 3), st.floats(0.0, 0.0149), st.floats(-0.29, 0.29))
def test_similarity_depends_on_place_and_angle_and_a_grasp_is_the_same_after_half_a_turn(
    angle: float, turns: int, away: float, turn: float
) -> None:
    near = (MIDDLE[0] + away, MIDDLE[1], 0.05)
    for kind, period in ((Primitive.grasp, math.pi), (Primitive.push, 2 * math.pi)):
        first = kind((*MIDDLE, 0.01), angle)
        assert is_similar(first, kind(near, angle + turn + turns * period))
        assert not is_similar(first, kind(near, angle + period / 2))
        assert not is_similar(first, kind((MIDDLE[0] + 0.016, MIDDLE[1], 0.01), angle))
        assert not is_similar(first, kind(near, angle + ROTATION_STEP))
    assert not is_similar(Primitive.grasp((*MIDDLE, 0.01), angle), Primitive.push((*MIDDLE, 0.01), angle))
    assert turn_between(angle, angle + math.pi, 2 * math.pi) == pytest.approx(math.pi)


def test_similar_means_less_than_15_mm_apart_and_turned_by_less_than_0_3_rad() -> None:
    first = Primitive.push((0.5, 0.0, 0.01), 0.1)
    assert is_similar(first, Primitive.push((0.509, 0.0119, 0.2), 0.1))
    assert not is_similar(first, Primitive.push((0.509, 0.0121, 0.01), 0.1))
    assert is_similar(first, Primitive.push((0.5, 0.0, 0.01), 0.399))
    assert not is_similar(first, Primitive.push((0.5, 0.0, 0.01), 0.401))
    assert is_similar(first, Primitive.push((0.55, 0.0, 0.01), 1.0), distance=0.06, angle=1.0)


@given(angles, angles, st.floats(0.0, 0.03))
@settings(max_examples=50)
def test_similarity_does_not_depend_on_the_order(angle: float, other: float, away: float) -> None:
    for kind in (Primitive.grasp, Primitive.push):
        first, second = kind((*MIDDLE, 0.01), angle), kind((MIDDLE[0], away, 0.05), other)
        assert is_similar(first, second) == is_similar(second, first)


def test_failed_grasps_are_those_after_the_last_grasp_that_held() -> None:
    grasps = [Primitive.grasp((0.3 + 0.05 * step, 0.0, 0.01), 0.0) for step in range(4)]
    statuses = [OutcomeStatus.EMPTY, OutcomeStatus.HELD, OutcomeStatus.DROPPED, OutcomeStatus.COLLISION]
    history = [attempts([grasp], status)[0] for grasp, status in zip(grasps, statuses, strict=True)]
    assert failed_grasps(history) == grasps[2:]
    assert failed_grasps(history[:2]) == []
    assert failed_grasps(history[:1]) == grasps[:1]
    assert failed_grasps([]) == []


def test_a_push_is_not_a_failed_grasp() -> None:
    push, grasp = Primitive.push((0.4, 0.0, 0.01), 0.0), Primitive.grasp((0.4, 0.0, 0.01), 0.0)
    history = attempts([push], OutcomeStatus.PUSHED) + attempts([grasp], OutcomeStatus.EMPTY)
    assert failed_grasps([*history, *attempts([push], OutcomeStatus.BLOCKED)]) == [grasp]


@pytest.mark.parametrize("status", OutcomeStatus)
def test_a_grasp_has_just_failed_if_it_was_on_the_crop_and_the_latest_attempt(status: OutcomeStatus) -> None:
    crop = GRID.window(56, 56, 112)  # x from 388 to 612 mm, y from -112 to 112 mm
    inside, outside = (Primitive.grasp((x, 0.0, 0.01), 0.0) for x in (0.61, 0.614))
    push = Primitive.push((0.5, 0.0, 0.01), 0.0)
    assert grasp_just_failed(crop, attempts([outside, inside], status)) == (status is not OutcomeStatus.HELD)
    assert not grasp_just_failed(crop, attempts([inside, outside], status))
    assert not grasp_just_failed(crop, attempts([inside, push], status))
    assert not grasp_just_failed(crop, [])


def test_the_pushes_among_the_latest_three_attempts_are_recent() -> None:
    pushes = [Primitive.push((0.4 + 0.05 * step, 0.0, 0.01), 0.0) for step in range(4)]
    history = attempts(pushes, OutcomeStatus.BLOCKED)
    assert recent_pushes([]) == []
    assert recent_pushes(history[:2]) == pushes[:2]
    assert recent_pushes(history) == pushes[1:]
    grasp = attempts([Primitive.grasp((0.3, 0.2, 0.01), 0.0)], OutcomeStatus.EMPTY)
    assert recent_pushes([*history, *grasp]) == pushes[2:]
