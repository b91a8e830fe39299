"""Rank-based prioritized replay: what is drawn how often, and what is forgotten."""

import drawn_deeds
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.learning.replay import RankReplay, ReplayConfig


def filled(size: int, capacity: int = 100, exponent: float = 1.0) -> RankReplay:
    rng = np.random.default_rng(0)
    replay = RankReplay(ReplayConfig(capacity, exponent, 1.0))
    for index in range(size):
        replay.add(drawn_deeds.transition(rng, float(index)))
    return replay


@given(st.integers(1, 12), st.floats(0.0, 2.0))
def test_probabilities_sum_to_one_and_fall_with_the_rank(size: int, exponent: float) -> None:
    replay = filled(size, exponent=exponent)
    errors = np.random.default_rng(size).permutation(size).astype(float)
    replay.update(np.arange(size), errors)
    probabilities = replay.probabilities()
    assert probabilities.sum() == pytest.approx(1.0)
    assert (np.diff(probabilities[np.argsort(-errors)]) <= 1e-12).all()
    if exponent == 0.0:
        np.testing.assert_allclose(probabilities, 1.0 / size)


def test_draws_follow_one_over_rank() -> None:
    replay = filled(4)
    replay.update(np.arange(4), np.array([0.1, -4.0, 2.0, 0.5]))
    drawn = replay.sample(40_000, np.random.default_rng(1)).indices
    share = np.bincount(drawn, minlength=4) / len(drawn)
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    np.testing.assert_allclose(share, np.array([1 / 4, 1, 1 / 2, 1 / 3]) / harmonic, atol=0.01)


def test_weights_undo_the_preference_and_never_exceed_one() -> None:
    replay = filled(4)
    replay.update(np.arange(4), np.array([0.1, 4.0, 2.0, 0.5]))
    sample = replay.sample(1000, np.random.default_rng(1))
    assert sample.weights.max() == 1.0
    products = sample.weights * replay.probabilities()[sample.indices]
    np.testing.assert_allclose(products, products[0], rtol=1e-5)


def test_a_new_experience_has_the_first_rank() -> None:
    replay = filled(3)
    replay.update(np.arange(3), np.array([9.0, 8.0, 7.0]))
    replay.add(drawn_deeds.transition(np.random.default_rng(5)))
    assert replay.probabilities().argmax() == 3


def test_the_oldest_is_forgotten_first() -> None:
    replay = filled(7, capacity=5)
    rewards = {item.reward for item in replay.sample(500, np.random.default_rng(0)).transitions}
    assert rewards == {2.0, 3.0, 4.0, 5.0, 6.0}


def test_a_restored_memory_draws_the_same() -> None:
    replay, other = filled(6), filled(0)
    replay.update(np.arange(6), np.arange(6.0))
    other.set_state(replay.get_state())
    first, second = (memory.sample(50, np.random.default_rng(3)) for memory in (replay, other))
    np.testing.assert_array_equal(first.indices, second.indices)
    assert first.transitions == second.transitions
