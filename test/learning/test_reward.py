"""The target-centric dispersion degree, and what grasps and pushes earn: 1, 0.5 or nothing (paper, section 5.2.3)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.learning.reward import GRASP_REWARD, PUSH_REWARD, change_reward, push_reward
from impurity_grasp_ros.simulation.dispersion import dispersion_degree

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


def test_a_grasp_earns_one_and_a_push_half_of_it() -> None:
    assert GRASP_REWARD == 1.0
    assert PUSH_REWARD == 0.5


@pytest.mark.parametrize(
    ("before", "after", "earned"),
    [
        (0.0, 0.005, 0.0),
        (0.5, 0.5049, 0.0),
        (0.5, 0.5051, 0.5),
        (0.5, 1.0, 0.5),
        (0.5, 0.5, 0.0),
        (0.5, 0.4, 0.0),
        (1.0, 1.0, 0.0),
    ],
)
def test_a_push_earns_its_reward_from_a_rise_of_the_degree_by_more_than_five_thousandths_on(
    before: float, after: float, earned: float
) -> None:
    assert push_reward(before, after) == earned


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_push_earns_half_or_nothing_and_never_both_ways(before: float, after: float) -> None:
    assert {push_reward(before, after), push_reward(after, before)} in ({0.0}, {0.0, 0.5})


def test_a_push_that_sets_a_target_free_of_its_neighbor_is_rewarded() -> None:
    target, near, apart = np.zeros(3), np.array([[0.05, 0.0, 0.0]]), np.array([[0.051, 0.0, 0.0]])
    before, after = dispersion_degree(target, near), dispersion_degree(target, apart)
    assert (before, after) == pytest.approx((50 / 85, 51 / 85)), "the fingers open 85 mm"
    assert push_reward(before, after) == 0.5, "one millimeter of 85 is more than five thousandths"
    assert push_reward(after, before) == 0.0


def scene_with(change: float, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Heights of a scene of blocks of 0.4 m and of the same scene with so many cells changed by so many meters."""
    before = np.full((224, 224), 0.4, np.float32)
    after = before.copy()
    after.flat[5000 : 5000 + cells] += np.float32(change)
    return before, after


@pytest.mark.parametrize(("cells", "earned"), [(0, 0.0), (300, 0.0), (301, 0.5), (20_000, 0.5)])
def test_a_change_counts_when_more_than_three_hundred_cells_have_changed(cells: int, earned: float) -> None:
    before, after = scene_with(0.03, cells)
    assert change_reward(before, after) == earned
    assert change_reward(after, before) == earned, "a cell that has sunk has changed, too"


@pytest.mark.parametrize(
    ("change", "earned"), [(0.005, 0.0), (0.0098, 0.0), (0.0102, 0.5), (0.1, 0.5), (0.298, 0.5), (0.302, 0.0)]
)
def test_a_cell_has_changed_by_more_than_a_centimeter_and_less_than_thirty(change: float, earned: float) -> None:
    for before, after in (scene_with(change, 400), scene_with(-change, 400)):
        assert change_reward(before, after) == earned


@pytest.mark.parametrize("bound", [0.01, 0.3])
def test_a_change_of_exactly_a_bound_does_not_count(bound: float) -> None:
    bare = np.zeros((224, 224), np.float32)
    assert change_reward(bare, np.full_like(bare, bound)) == 0.0


def test_small_and_great_changes_do_not_make_up_for_missing_cells() -> None:
    before, after = scene_with(0.03, 300)
    after.flat[:400] += np.float32(0.005)
    after.flat[400:800] += np.float32(0.35)
    assert change_reward(before, after) == 0.0
    after.flat[801] += np.float32(0.03)
    assert change_reward(before, after) == 0.5
