"""Batches come in the order of their numbers, whoever makes them, and depend on seed and number alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from drawn_pairs import TINY

from impurity_grasp_ros.learning import attention_batches
from impurity_grasp_ros.learning.attention_batches import _in_order, batches, make_batch
from impurity_grasp_ros.learning.attention_config import AttentionTrainingConfig
from impurity_grasp_ros.learning.attention_views import Pair


def content(batch: list[Pair]) -> np.ndarray:
    """The colors of a batch."""
    return np.stack([view.color for pair in batch for view in pair])


@pytest.mark.parametrize("first", [0, 7])
def test_batches_come_in_order_and_not_too_far_ahead(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    asked: list[int] = []

    def slow(config: AttentionTrainingConfig, number: int) -> int:
        asked.append(number)
        time.sleep(0.02 * (number % 3))
        return number

    monkeypatch.setattr(attention_batches, "make_batch", slow)
    with ThreadPoolExecutor(4) as executor:
        source: Iterator[object] = _in_order(executor, TINY, first, 5)  # type: ignore[arg-type]
        received = [next(source) for _ in range(9)]
    assert received == list(range(first, first + 9))
    assert sorted(asked) == list(range(first, first + 9 + 4))


@pytest.mark.sim
def test_a_batch_depends_on_the_seed_and_its_number_alone() -> None:
    two = replace(TINY, pairs_per_scene=2)
    first = make_batch(two, 1)
    assert len(first) == 2
    make_batch(TINY, 2)
    np.testing.assert_array_equal(content(make_batch(two, 1)), content(first))
    assert not np.array_equal(content(make_batch(TINY, 0)), content(first[:1]))
    assert not np.array_equal(content(make_batch(replace(two, seed=6), 1)), content(first))


@pytest.mark.sim
def test_another_process_makes_the_same_batch() -> None:
    with batches(TINY, 1, 1) as source:
        received = next(source)
    np.testing.assert_array_equal(content(received), content(make_batch(TINY, 1)))
