"""Rank-based prioritized replay: what is drawn how often, and what is forgotten."""

from dataclasses import replace

import drawn_transitions
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.learning.replay import RankReplay, ReplayConfig
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.learning.transition import Transition

SOME = drawn_transitions.transition(np.random.default_rng(0))


def earning(reward: float) -> Transition:
    """An experience that is told from others by its reward."""
    return replace(SOME, reward=reward)


def filled(size: int, capacity: int = 100, exponent: float = 1.0) -> RankReplay:
    replay = RankReplay(ReplayConfig(capacity, exponent, 1.0))
    for index in range(size):
        replay.add(earning(float(index)))
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
    replay.add(drawn_transitions.transition(np.random.default_rng(5)))
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


def rewards(replay: RankReplay) -> list[float]:
    """Of all that is remembered, place by place."""
    return [item.reward for item in replay.get_state()["transitions"]]


def test_the_memory_is_a_ring() -> None:
    replay = filled(0, capacity=3)
    assert len(replay) == 0
    for index in range(5):
        replay.add(earning(float(index)))
        assert len(replay) == min(index + 1, 3)
    assert rewards(replay) == [3.0, 4.0, 2.0]


def test_what_takes_the_place_of_the_oldest_is_new_and_so_has_the_first_rank() -> None:
    replay = filled(3, capacity=3)
    replay.update(np.arange(3), np.array([9.0, 8.0, 7.0]))
    replay.add(earning(3.0))
    replay.add(earning(4.0))
    assert replay.get_state()["errors"].tolist() == [np.inf, np.inf, 7.0]


@pytest.mark.parametrize(("errors", "shares"), [([3.0, 1.0, 2.0], [6, 2, 3]), ([-5.0, 0.0, 5.5], [3, 2, 6])])
def test_a_probability_is_one_over_the_rank_of_the_size_of_the_error(errors: list[float], shares: list[int]) -> None:
    replay = filled(3)
    replay.update(np.arange(3), np.array(errors))
    np.testing.assert_allclose(replay.probabilities(), np.array(shares) / 11)


def test_equal_errors_rank_in_the_order_of_their_places() -> None:
    replay = filled(100)
    replay.update(np.arange(0, 100, 2), np.ones(50))
    ranks = np.concatenate([np.arange(51, 101)[:, None], np.arange(1, 51)[:, None]], axis=1).ravel()
    np.testing.assert_allclose(replay.probabilities() * ranks, replay.probabilities()[1])


def test_the_shipped_memory_prefers_surprises_by_the_power_of_seven_tenths_and_corrects_half_of_it() -> None:
    config = load_training("default").replay
    assert config == ReplayConfig(12_000, 0.7, 0.5)
    replay = RankReplay(config)
    for index in range(3):
        replay.add(earning(float(index)))
    replay.update(np.arange(3), np.array([3.0, 2.0, 1.0]))
    share = np.array([1.0, 2.0**-0.7, 3.0**-0.7])
    np.testing.assert_allclose(replay.probabilities(), share / share.sum())
    sample = replay.sample(50, np.random.default_rng(0))
    assert set(sample.indices) == {0, 1, 2}
    rank = sample.indices + 1.0
    np.testing.assert_allclose(sample.weights, (rank / 3.0) ** 0.35, rtol=1e-6)
    assert sample.weights.dtype == np.float32
    assert [item.reward for item in sample.transitions] == sample.indices.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_single_draw_has_the_weight_one(seed: int) -> None:
    assert filled(4).sample(1, np.random.default_rng(seed)).weights.tolist() == [1.0]


def test_an_empty_memory_gives_nothing() -> None:
    with pytest.raises(ValueError, match="a"):
        filled(0).sample(1, np.random.default_rng(0))


def test_a_better_estimate_takes_the_place_and_keeps_the_error() -> None:
    replay = filled(4)
    replay.update(np.arange(4), np.array([4.0, 3.0, 2.0, 1.0]))
    before = replay.probabilities()
    replay.replace(2, earning(9.0))
    assert rewards(replay) == [0.0, 1.0, 9.0, 3.0]
    np.testing.assert_array_equal(replay.probabilities(), before)


def test_only_the_errors_of_what_was_drawn_change_and_they_are_never_negative() -> None:
    replay = filled(4)
    replay.update(np.arange(4), np.array([4.0, 3.0, 2.0, 1.0]))
    replay.update(np.array([3, 1]), np.array([-9.0, 0.5]))
    assert replay.get_state()["errors"][:4].tolist() == [4.0, 0.5, 2.0, 9.0]


def test_a_restored_memory_forgets_the_same_and_shares_nothing_with_its_state() -> None:
    replay, other = filled(7, capacity=5), filled(2, capacity=5)
    state = replay.get_state()
    other.set_state(state)
    for memory in (replay, other):
        memory.add(earning(7.0))
        memory.update(np.array([0]), np.array([0.5]))
    assert rewards(replay) == rewards(other) == [5.0, 6.0, 7.0, 3.0, 4.0]
    assert state["next"] == 2
    assert [item.reward for item in state["transitions"]] == [5.0, 6.0, 2.0, 3.0, 4.0]
    assert state["errors"].tolist() == [np.inf] * 5
    again = filled(0, capacity=5)
    again.set_state(state)
    assert rewards(again) == [5.0, 6.0, 2.0, 3.0, 4.0]
