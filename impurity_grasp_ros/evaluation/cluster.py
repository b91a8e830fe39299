"""Work on a Ray cluster, as many tasks at a time as were asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import ray
from ray.exceptions import RayTaskError, WorkerCrashedError

from impurity_grasp_ros.errors import DeviceFaultError

Task = TypeVar("Task")
Result = TypeVar("Result")


def work_off_on(
    address: str,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    prepare: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    """Call a function for every task, on a cluster on which this package is installed.

    An exception of the function is raised here. It ends the work, as does closing the iterator.

    Args:
        address: Of the cluster, such as ``10.0.0.7:6379``.
        function: What to call; has to be importable.
        tasks: What to pass to it; have to be picklable, as do the results.
        workers: Number of tasks at a time, one processor each.
        prepare: Called first for every task; has to be importable.

    Yields:
        Each result, in the order in which tasks end.

    Raises:
        DeviceFaultError: A process died again and again on one task.
    """
    ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    try:
        yield from _ended(partial(_prepared, function, prepare), tasks, workers)
    except RayTaskError as error:
        raise error.cause or error from error
    except WorkerCrashedError as error:
        raise DeviceFaultError(f"expected the workers at {address} to live, one died: {error}") from error
    finally:
        ray.shutdown()


def _prepared(function: Callable[[Task], Result], prepare: Callable[[], None] | None, task: Task) -> Result:
    if prepare:
        prepare()
    return function(task)


def _ended(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Results of tasks as they end. No more are submitted than there are workers."""
    call: Any = ray.remote(num_cpus=1)(lambda task: function(task))
    waiting = iter(tasks)
    running = [call.remote(task) for task in islice(waiting, workers)]
    while running:
        (done,), running = ray.wait(running)
        running += [call.remote(task) for task in islice(waiting, 1)]
        yield ray.get(done)
