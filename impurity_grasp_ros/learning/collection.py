"""Collection of experience by Ray actors, on this machine or on a cluster.

A task contains everything that its result depends on. A worker that dies can therefore be replaced and its task
repeated, and the result of a training does not depend on the speed of the workers.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
import torch
from ray.exceptions import RayActorError

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.learning.agnosticplay import AgnosticPlay
from impurity_grasp_ros.learning.play import Play, PlayResult
from impurity_grasp_ros.learning.selfplay import SelfPlay
from impurity_grasp_ros.learning.training_config import TrainingConfig
from impurity_grasp_ros.policy.network import make_network
from impurity_grasp_ros.simulation.environment import Environment

MAX_REPLACEMENTS = 10
"""Number of workers in a row that may die on one task before the training gives up."""


@dataclass(frozen=True, eq=False)
class CollectionTask:
    """What a worker has to collect.

    Attributes:
        seed: Seed of the worker's random generator.
        weights: State of the network to play with.
        version: Version of these weights.
        attempts: Number of attempts to make.
        exploration: Probability of a random action.
    """

    seed: tuple[int, ...]
    weights: dict[str, torch.Tensor]
    version: int
    attempts: int
    exploration: float


class Collector:
    """A worker that plays in its own simulated cell."""

    def __init__(self, config: TrainingConfig) -> None:
        torch.set_num_threads(1)
        self._config = config
        self._network = make_network(config.network).eval()
        self._environment = Environment()

    def process_id(self) -> int:
        """ID of the process that this collector runs in."""
        return os.getpid()

    def collect(self, task: CollectionTask) -> list[PlayResult]:
        """Carry out a task; equal tasks give equal results."""
        self._network.load_state_dict(task.weights)
        kind: type[Play] = SelfPlay if self._config.play.aim == "target" else AgnosticPlay
        play = kind(
            self._environment,
            self._network,
            task.version,
            self._config.play,
            self._config.decoding,
            self._config.costs,
            np.random.default_rng(task.seed),
        )
        return list(play.play(task.attempts, task.exploration))


class LocalCollection:
    """Runs one collector in this process. The work is done in :meth:`gather`."""

    def __init__(self, config: TrainingConfig) -> None:
        self._collector = Collector(config)
        self._tasks: list[CollectionTask] = []

    def start(self, tasks: list[CollectionTask]) -> None:
        """Accept tasks."""
        self._tasks = tasks

    def gather(self) -> list[PlayResult]:
        """Carry out the tasks; returns all results in the order of the tasks."""
        return [result for task in self._tasks for result in self._collector.collect(task)]

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class RayCollection:
    """Runs one collector per Ray actor."""

    def __init__(self, config: TrainingConfig, workers: int, address: str | None = None) -> None:
        """Start the workers.

        Args:
            config: Configuration of the training.
            workers: Number of workers.
            address: An existing Ray cluster on which this package is installed; None for this machine.
        """
        options: dict[str, Any] = {"address": address} if address else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **options)
        self._actor = ray.remote(num_cpus=1)(Collector)
        self._config = config
        self._workers = [self._start_worker() for _ in range(workers)]
        self._tasks: list[CollectionTask] = []
        self._pending: list[Any] = []

    def _start_worker(self) -> Any:
        return self._actor.remote(self._config)

    def start(self, tasks: list[CollectionTask]) -> None:
        """Give each worker one task.

        Raises:
            ValueError: There are not exactly as many tasks as workers.
        """
        self._tasks = tasks
        self._pending = [worker.collect.remote(task) for worker, task in zip(self._workers, tasks, strict=True)]

    def gather(self) -> list[PlayResult]:
        """Wait for all results, in the order of the tasks.

        Raises:
            DeviceFaultError: ``MAX_REPLACEMENTS`` workers in a row died on one task.
        """
        return [
            result
            for index, (pending, task) in enumerate(zip(self._pending, self._tasks, strict=True))
            for result in self._answer(index, pending, "collect", task)
        ]

    def process_ids(self) -> list[int]:
        """Process IDs of the workers; waits for those that are at work.

        Raises:
            DeviceFaultError: ``MAX_REPLACEMENTS`` workers in a row died before they answered.
        """
        pending = [worker.process_id.remote() for worker in self._workers]
        return [self._answer(index, answer, "process_id") for index, answer in enumerate(pending)]

    def _answer(self, index: int, pending: Any, method: str, *arguments: Any) -> Any:
        """What a worker answers; one that dies, also during its start, is replaced and asked again."""
        for _ in range(MAX_REPLACEMENTS):
            try:
                return ray.get(pending)
            except RayActorError:
                self._workers[index] = self._start_worker()
                pending = getattr(self._workers[index], method).remote(*arguments)
        raise DeviceFaultError(f"expected worker {index} to answer, it died {MAX_REPLACEMENTS} times in a row")

    def close(self) -> None:
        """Stop the workers."""
        ray.shutdown()
