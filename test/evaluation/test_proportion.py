"""A share and its 95 % interval by Wilson's formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from impurity_grasp_ros.evaluation.proportion import Proportion


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


@settings(max_examples=60)
@given(st.integers(1, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_the_interval_is_that_of_scipy(case: tuple[int, int]) -> None:
    known = binomtest(*case).proportion_ci(0.95, method="wilson")
    assert Proportion(*case).interval() == pytest.approx((known.low, known.high), abs=1e-9)


def test_more_targets_than_actions_are_certain() -> None:
    """A grasp may bring two targets into the bin at once."""
    low, high = Proportion(5, 4).interval()
    assert (low, high) == (pytest.approx(Proportion(4, 4).interval()[0]), 1.0)
