"""The share of random actions over a training: it halves again and again, but does not fall below its end."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.learning.schedule import ExplorationConfig, exploration
from impurity_grasp_ros.learning.training_config import load_training

SHIPPED = load_training("default").exploration


@pytest.mark.parametrize(
    ("attempts", "share"),
    [
        (0, 0.6),
        (300, 0.6 / math.sqrt(2.0)),
        (600, 0.3),
        (1200, 0.15),
        (1500, 0.6 / 2.0**2.5),
        (1552, 0.1),
        (1800, 0.1),
        (6000, 0.1),
    ],
)
def test_the_shipped_share_halves_every_six_hundred_attempts_down_to_a_tenth(attempts: int, share: float) -> None:
    assert exploration(SHIPPED, attempts) == pytest.approx(share, rel=1e-9)


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_the_share_never_rises_and_stays_within_its_bounds(first: int, second: int) -> None:
    early, late = (exploration(SHIPPED, attempts) for attempts in sorted((first, second)))
    assert 0.1 <= late <= early <= 0.6


def test_a_start_below_the_end_is_lifted_to_it() -> None:
    assert exploration(ExplorationConfig(0.1, 0.4, 100.0), 0) == 0.4
