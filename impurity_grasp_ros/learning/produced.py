"""What a training learns from, made by other processes while the network learns."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol, TypeVar

import cv2

C = TypeVar("C")
T = TypeVar("T")

AHEAD = 3
"""Results of each worker that wait to be learned from."""


class _Executor(Protocol):
    """Calls functions elsewhere."""

    def submit(self, function: Callable[[C, int], T], config: C, number: int, /) -> Future[T]: ...


@contextmanager
def produced(
    make: Callable[[C, int], T], config: C, numbers: range, workers: int, ray_address: str | None = None
) -> Iterator[Iterator[T]]:
    """Call a function with numbers in other processes.

    Args:
        make: Makes what belongs to a number; it depends on the configuration and the number alone.
        config: Configuration of the training.
        numbers: The numbers.
        workers: Processes.
        ray_address: A Ray cluster on which this package is installed; None for this machine.

    Yields:
        An iterator over the results in the order of the numbers.
    """
    with _on_cluster(ray_address) if ray_address else _on_this_machine(workers) as executor:
        yield _in_order(executor, make, config, numbers, AHEAD * workers)


@contextmanager
def _on_this_machine(workers: int) -> Iterator[_Executor]:
    context = multiprocessing.get_context("spawn")  # a copy of a process with threads of torch would hang
    executor = ProcessPoolExecutor(workers, context, _start)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _on_cluster(address: str) -> Iterator[_Executor]:
    import ray  # slow to import, and not needed otherwise

    ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    try:
        yield _Cluster(ray.remote(num_cpus=1)(_called))
    finally:
        ray.shutdown()


class _Cluster:
    """Calls functions as tasks of a Ray cluster, which repeats those whose process dies."""

    def __init__(self, called: Any) -> None:
        self._called = called

    def submit(self, function: Callable[[C, int], T], config: C, number: int, /) -> Future[T]:
        future: Future[T] = self._called.remote(function, config, number).future()
        return future


def _called(function: Callable[[C, int], T], config: C, number: int) -> T:
    cv2.setNumThreads(1)
    return function(config, number)


def _in_order(executor: _Executor, make: Callable[[C, int], T], config: C, numbers: range, ahead: int) -> Iterator[T]:
    left = iter(numbers)
    waiting = deque(executor.submit(make, config, number) for number in islice(left, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(executor.submit(make, config, number) for number in islice(left, 1))


def _start() -> None:
    """Keep a worker on one core, and below the process that learns."""
    cv2.setNumThreads(1)
    os.nice(1)
