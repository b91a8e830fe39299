"""What a training learns from, made by other processes while the network learns."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2

C = TypeVar("C")
T = TypeVar("T")

AHEAD = 3
"""Results of each worker that wait to be learned from."""


@contextmanager
def produced(make: Callable[[C, int], T], config: C, first: int, workers: int) -> Iterator[Iterator[T]]:
    """Call a function with the numbers from ``first`` on in other processes.

    Args:
        make: Makes what belongs to a number; it depends on the configuration and the number alone.
        config: Configuration of the training.
        first: The first number.
        workers: Processes.

    Yields:
        An iterator over the results in the order of their numbers, without end.
    """
    context = multiprocessing.get_context("spawn")  # a copy of a process with threads of torch would hang
    executor = ProcessPoolExecutor(workers, context, _start)
    try:
        yield _in_order(executor, make, config, first, AHEAD * workers)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _in_order(
    executor: ProcessPoolExecutor, make: Callable[[C, int], T], config: C, first: int, ahead: int
) -> Iterator[T]:
    waiting: deque[Future[T]] = deque()
    number = first
    while True:
        while len(waiting) < ahead:
            waiting.append(executor.submit(make, config, number))
            number += 1
        yield waiting.popleft().result()


def _start() -> None:
    """Keep a worker on one core, and below the process that learns."""
    cv2.setNumThreads(1)
    os.nice(1)
