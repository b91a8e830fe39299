"""The dispersion degree of a target, TCDD: the paper's equations 2 and 3 with the fingers 85 mm apart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from impurity_grasp_ros.simulation.dispersion import dispersion_degree

MIDDLE = np.array([0.5, 0.0])
places = st.floats(-0.2, 0.2)
surroundings = st.integers(1, 8).flatmap(lambda count: arrays(np.float64, (count, 2), elements=places))


def beside(*distances: float) -> NDArray[np.float64]:
    """Objects at these distances in meters from the middle, each in another direction."""
    turns = np.arange(len(distances)) * 2.0
    return MIDDLE + np.stack([np.cos(turns), np.sin(turns)], axis=1) * np.array(distances)[:, None]


@pytest.mark.parametrize(
    ("distances", "degree"),
    [
        ((0.0425,), 0.5),
        ((0.034, 0.051), 0.5),  # 0.4 and 0.6 of 85 mm
        ((0.0, 0.085), 0.5),
        ((0.017, 0.17), 0.6),  # 0.2, and 1 for what stands 170 mm away
        ((0.0,), 0.0),
        ((0.086, 0.3, 1.0), 1.0),
        ((0.068, 0.085, 0.4, 0.0425), 0.825),  # 0.8, 1, 1, 0.5
    ],
)
def test_it_is_the_mean_distance_in_parts_of_the_finger_opening_each_at_most_1(
    distances: tuple[float, ...], degree: float
) -> None:
    assert dispersion_degree(MIDDLE, beside(*distances)) == pytest.approx(degree, abs=1e-12)


def test_other_fingers_have_another_measure() -> None:
    assert dispersion_degree(MIDDLE, beside(0.055), finger_opening=0.11) == pytest.approx(0.5)  # the paper's RG2
    assert dispersion_degree(MIDDLE, beside(0.055, 0.2), 0.05) == pytest.approx(1.0)


def test_a_target_that_is_alone_is_isolated() -> None:
    assert dispersion_degree(MIDDLE, np.empty((0, 2))) == 1.0
    assert dispersion_degree(np.zeros(3), np.empty((0, 3))) == 1.0


def test_a_difference_in_height_counts_where_it_is_given() -> None:
    target, other = np.array([0.5, 0.0, 0.02]), np.array([[0.5, 0.03, 0.06]])  # 30 and 40 mm: 50 mm
    degree = dispersion_degree(target, other)
    assert degree == pytest.approx(0.05 / 0.085)
    assert type(degree) is float


@given(surroundings)
def test_it_is_the_papers_sum(others: NDArray[np.float64]) -> None:
    total = sum(min(math.dist(MIDDLE, other), 0.085) for other in others)
    assert dispersion_degree(MIDDLE, others) == pytest.approx(total / (len(others) * 0.085), abs=1e-9)


@given(surroundings, st.floats(1.0, 3.0))
def test_moving_everything_away_never_lowers_it(others: NDArray[np.float64], factor: float) -> None:
    near, far = (dispersion_degree(MIDDLE, MIDDLE + scale * others) for scale in (1.0, factor))
    assert 0.0 <= near <= far + 1e-12
    assert far <= 1.0 + 1e-12
