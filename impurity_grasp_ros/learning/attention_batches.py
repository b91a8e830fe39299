"""Batches of labeled views, made by other processes while the network learns."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager

import cv2
import numpy as np

from impurity_grasp_ros.learning.attention_config import AttentionTrainingConfig
from impurity_grasp_ros.learning.attention_views import Pair, ViewSource

AHEAD = 3
"""Batches of each worker that wait to be learned from."""

_source: ViewSource | None = None
"""The simulated cell of a worker process."""


@contextmanager
def batches(config: AttentionTrainingConfig, first: int, workers: int) -> Iterator[Iterator[list[Pair]]]:
    """Make the batches of a training, in order. A batch depends on the seed and its number alone.

    Args:
        config: Configuration of the training.
        first: Number of the first batch.
        workers: Processes that make batches.

    Yields:
        An iterator over the batches, without end.
    """
    context = multiprocessing.get_context("spawn")  # a copy of a process with threads of torch would hang
    executor = ProcessPoolExecutor(workers, context, _start)
    try:
        yield _in_order(executor, config, first, AHEAD * workers)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def make_batch(config: AttentionTrainingConfig, number: int) -> list[Pair]:
    """Make one batch in this process."""
    global _source
    _source = _source or ViewSource()
    rng = np.random.default_rng([config.seed, number])
    return _source.pairs(config.scenes_per_batch, config.pairs_per_scene, rng)


def _in_order(
    executor: ProcessPoolExecutor, config: AttentionTrainingConfig, first: int, ahead: int
) -> Iterator[list[Pair]]:
    waiting: deque[Future[list[Pair]]] = deque()
    number = first
    while True:
        while len(waiting) < ahead:
            waiting.append(executor.submit(make_batch, config, number))
            number += 1
        yield waiting.popleft().result()


def _start() -> None:
    """Keep a worker on one core, and below the process that learns."""
    cv2.setNumThreads(1)
    os.nice(1)
