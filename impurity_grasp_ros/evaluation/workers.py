"""Work on several processes, as many tasks at a time as there are processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from impurity_grasp_ros.errors import DeviceFaultError

Task = TypeVar("Task")
Result = TypeVar("Result")

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment variables of the workers: one thread in each, since together they use all processors."""


def work_off(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    prepare: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """Call a function for every task, on several processes.

    An exception of the function is raised here. It ends the work, as does closing the iterator.

    Args:
        function: What to call; has to be importable.
        tasks: What to pass to it; have to be picklable, as do the results.
        workers: Number of processes.
        prepare: Called first in every process; has to be importable.

    Yields:
        Each result, in the order in which tasks end.

    Raises:
        DeviceFaultError: A process died.
    """
    with _environment_variables(ONE_THREAD):
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=prepare)
        try:
            for future in _ended(pool, function, tasks, workers):
                yield future.result()
        except BrokenProcessPool as error:
            raise DeviceFaultError(f"expected {workers} workers to live, one died: {error}") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _ended(
    pool: ProcessPoolExecutor, function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Future[Result]]:
    """Tasks as they end. No more are submitted than there are workers, so that an interrupt leaves no queue."""
    waiting = iter(tasks)
    running = {pool.submit(function, task) for task in islice(waiting, workers)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {pool.submit(function, task) for task in islice(waiting, len(done))}
        yield from done


@contextmanager
def _environment_variables(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
