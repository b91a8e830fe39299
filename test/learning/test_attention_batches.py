"""Batches depend on seed and number alone, whoever makes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_pairs import TINY

from impurity_grasp_ros.learning.attention_batches import make_batch
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.learning.produced import produced


def content(batch: list[Pair]) -> np.ndarray:
    """The colors of a batch."""
    return np.stack([view.color for pair in batch for view in pair])


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
    with produced(make_batch, TINY, range(1, 2), 1) as source:
        received = next(source)
    np.testing.assert_array_equal(content(received), content(make_batch(TINY, 1)))
