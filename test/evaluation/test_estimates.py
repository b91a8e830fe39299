"""Proportions by Wilson's formula, ratios by bootstrap over episodes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.evaluation.estimates import Proportion, Ratio


def test_a_share_is_hits_per_trial() -> None:
    assert Proportion(3, 4).value == 0.75
    assert math.isnan(Proportion(0, 0).value)


def test_without_a_trial_nothing_is_known() -> None:
    assert Proportion(0, 0).interval() == (0.0, 1.0)


def test_half_of_four_by_hand() -> None:
    """With z2 = 3.8415 the middle is 1/2, and the half width sqrt(z2 / (4 * (4 + z2))) = 0.34996."""
    assert Proportion(2, 4).interval() == pytest.approx((0.15004, 0.84996), abs=1e-5)


def test_one_of_one_by_hand() -> None:
    """All of one trial: from 1 / (1 + z2) to 1."""
    assert Proportion(1, 1).interval() == pytest.approx((0.206549, 1.0), abs=1e-6)


def test_counts_are_told() -> None:
    assert Proportion(3, 4).counts == "3 of 4"
    assert Ratio(((2, 3), (1, 4))).counts == "3 per 7"
    assert Ratio(()).counts == "0 per 0"


def test_a_ratio_is_the_sum_per_the_sum() -> None:
    assert Ratio(((2, 3), (1, 5))).value == 3 / 8
    assert math.isnan(Ratio(()).value)
    assert math.isnan(Ratio(((0, 0),)).value)


@pytest.mark.parametrize("parts", [(), ((2, 3),), ((2, 3), (0, 0))])
def test_of_one_episode_no_interval_is_known(parts: tuple[tuple[int, int], ...]) -> None:
    assert Ratio(parts).interval() == (0.0, 1.0)


def test_equal_episodes_leave_no_doubt() -> None:
    assert Ratio(((1, 2),) * 5).interval() == (0.5, 0.5)


def test_two_different_episodes_reach_from_one_to_the_other() -> None:
    """A quarter of all resamples are twice the same episode, so the 95 % interval holds both."""
    assert Ratio(((2, 2), (2, 8))).interval() == (0.25, 1.0)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20)), min_size=2, max_size=30))
def test_the_interval_lies_between_the_worst_and_the_best_episode(parts: list[tuple[int, int]]) -> None:
    ratio = Ratio(tuple(parts))
    low, high = ratio.interval()
    shares = [top / bottom for top, bottom in parts]
    assert min(shares) - 1e-12 <= low <= high <= max(shares) + 1e-12
    assert ratio.interval() == (low, high)


def test_more_episodes_make_it_surer() -> None:
    few, many = (Ratio(((2, 4), (2, 6), (1, 15)) * count).interval() for count in (3, 30))
    assert many[1] - many[0] < 0.5 * (few[1] - few[0])
