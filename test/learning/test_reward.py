"""The target-centric dispersion degree and what a push earns by it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.learning.reward import (
    CHANGED_CELLS,
    DISPERSION_GAIN,
    PUSH_REWARD,
    change_reward,
    push_reward,
)
from impurity_grasp_ros.policy.dispersion import dispersion_degree

places = st.lists(st.tuples(*[st.floats(-0.3, 0.3)] * 3), min_size=1, max_size=20).map(np.array)


@given(places)
def test_the_degree_lies_between_zero_and_one(others: np.ndarray) -> None:
    assert 0.0 <= dispersion_degree(np.zeros(3), others) <= 1.0


def test_a_target_farther_from_all_than_the_finger_opening_is_isolated() -> None:
    assert dispersion_degree(np.zeros(2), np.array([[0.09, 0.0], [0.0, -0.2]]), finger_opening=0.085) == 1.0
    assert dispersion_degree(np.zeros(2), np.empty((0, 2))) == 1.0


def test_hand_computed_degrees() -> None:
    others = np.array([[0.03, 0.04], [0.0, 0.085], [0.5, 0.0], [0.0, -0.01]])
    expected = (0.05 + 0.085 + 0.085 + 0.01) / (4 * 0.085)
    assert dispersion_degree(np.zeros(2), others, finger_opening=0.085) == pytest.approx(expected)


@given(places, st.floats(-math.pi, math.pi))
def test_the_degree_does_not_depend_on_where_the_scene_lies(others: np.ndarray, angle: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    moved = others @ turn.T + [0.4, -0.1, 0.02]
    assert dispersion_degree(np.array([0.4, -0.1, 0.02]), moved) == pytest.approx(
        dispersion_degree(np.zeros(3), others), abs=1e-9
    )


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_push_earns_its_reward_exactly_when_it_disperses_enough(before: float, after: float) -> None:
    assert push_reward(before, after) == (PUSH_REWARD if after - before > DISPERSION_GAIN else 0.0)


@pytest.mark.parametrize(("cells", "earned"), [(CHANGED_CELLS, 0.0), (CHANGED_CELLS + 1, PUSH_REWARD)])
def test_a_change_counts_from_so_many_cells_on(cells: int, earned: float) -> None:
    before = np.zeros((224, 224), np.float32)
    after = before.copy()
    after.flat[:cells] = 0.03
    assert change_reward(before, after) == change_reward(after, before) == earned
    assert change_reward(before, before + np.float32(0.005)) == 0.0, "noise is no change"
