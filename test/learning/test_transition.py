"""Snapshots keep what was seen, and an action's value is its reward and what can be earned after it."""

from dataclasses import replace

import drawn_transitions
import numpy as np
import pytest
from drawn_transitions import WORKSPACE
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.learning.transition import Focus, Snapshot, Transition


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_snapshot_gives_back_what_was_seen(seed: int, on_target: bool) -> None:
    rng = np.random.default_rng(seed)
    color = rng.integers(0, 256, (112, 112, 3)).astype(np.uint8)
    height = rng.uniform(0.0, 0.3, (112, 112)).astype(np.float32)
    valid, mask = rng.random((2, 112, 112)) < rng.random()
    crop = Heightmap(color, height, valid, WORKSPACE.window(int(rng.integers(-50, 160)), 7, 112))
    again = Snapshot.of(Focus(crop, mask, on_target)).unpack()
    np.testing.assert_array_equal(again.crop.color, color)
    np.testing.assert_array_equal(again.crop.valid, valid)
    np.testing.assert_array_equal(again.mask, mask)
    np.testing.assert_allclose(again.crop.height, height, rtol=0, atol=0.0001251)
    assert (again.crop.color.dtype, again.crop.height.dtype) == (np.uint8, np.float32)
    assert (again.crop.valid.dtype, again.mask.dtype) == (np.bool_, np.bool_)
    assert again.crop.grid == crop.grid
    assert again.on_target is on_target


def test_heights_are_kept_in_steps_of_a_quarter_millimeter() -> None:
    focus = drawn_transitions.focus(np.random.default_rng(0))
    height = np.zeros((112, 112), np.float32)
    height[0, :5] = 0.00025, 0.0003, 0.0004, 0.04, 3.0
    kept = Snapshot.of(replace(focus, crop=replace(focus.crop, height=height))).unpack().crop.height
    np.testing.assert_allclose(kept[0, :5], [0.00025, 0.00025, 0.0005, 0.04, 3.0], rtol=1e-6)
    assert not kept[1:].any()


def test_equal_views_give_equal_snapshots_and_others_do_not() -> None:
    first, second, other = (Snapshot.of(drawn_transitions.focus(np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_a_snapshot_takes_far_less_room_than_what_it_holds() -> None:
    snapshot = Snapshot.of(drawn_transitions.focus(np.random.default_rng(0)))
    assert len(snapshot.data) < 112 * 112


SOME = drawn_transitions.transition(np.random.default_rng(0))


def worth(reward: float, next_value: float, discount: float) -> float:
    """What the value of an action should be."""
    return Transition(SOME.state, SOME.action, reward, SOME.following, next_value, 0).target(discount)


@pytest.mark.parametrize(
    ("reward", "next_value", "discount", "value"),
    [
        (1.0, 0.0, 0.5, 1.0),
        (0.5, 1.0, 0.5, 1.0),
        (0.5, 0.6, 0.5, 0.8),
        (0.0, 2.0, 0.5, 1.0),
        (1.0, 2.0, 0.5, 2.0),
        (1.0, 99.0, 0.5, 2.0),
        (0.0, 2.1, 0.5, 1.0),
        (0.5, -0.4, 0.5, 0.3),
        (1.0, 99.0, 0.9, 10.0),
        (0.5, 3.0, 0.0, 0.5),
    ],
)
def test_a_value_is_the_reward_and_the_discounted_next_value_that_no_row_of_successes_exceeds(
    reward: float, next_value: float, discount: float, value: float
) -> None:
    assert worth(reward, next_value, discount) == pytest.approx(value)


@given(st.sampled_from([0.0, 0.5, 1.0]), st.floats(-5.0, 100.0))
def test_no_value_is_higher_than_that_of_a_success_at_every_step(reward: float, next_value: float) -> None:
    assert worth(reward, next_value, 0.5) <= 2.0
