"""What other processes make comes in the order of the numbers, and not too far ahead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import ray

from impurity_grasp_ros.learning.produced import _in_order, produced


@pytest.mark.parametrize("first", [0, 7])
def test_results_come_in_order_and_not_too_far_ahead(first: int) -> None:
    asked: list[tuple[str, int]] = []

    def slow(config: str, number: int) -> int:
        asked.append((config, number))
        time.sleep(0.02 * (number % 3))
        return number

    with ThreadPoolExecutor(4) as executor:
        source: Iterator[int] = _in_order(executor, slow, "tiny", range(first, first + 99), 5)  # type: ignore[arg-type]
        received = [next(source) for _ in range(9)]
    assert received == list(range(first, first + 9))
    assert sorted(asked) == [("tiny", number) for number in range(first, first + 9 + 4)]


@pytest.mark.parametrize("address", [None, "local"])
def test_a_cluster_makes_the_same_as_this_machine(address: str | None) -> None:
    with produced(pow, 3, range(2, 6), 2, address) as source:
        assert list(source) == [9, 27, 81, 243]
    assert not ray.is_initialized()
