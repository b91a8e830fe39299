"""Collection of experience by Ray actors, on this machine or on a cluster.

An order says everything that its result depends on. A worker that dies is therefore replaced and given its order again,
and a training does not depend on which worker was when how fast.
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
from impurity_grasp_ros.learning.play import Attempted, Play
from impurity_grasp_ros.learning.selfplay import SelfPlay
from impurity_grasp_ros.learning.training_config import TrainingConfig
from impurity_grasp_ros.policy.network import make_network
from impurity_grasp_ros.simulation.environment import Environment

MAX_REPLACEMENTS = 10
"""Workers in a row that may die on one order before the training gives up."""


@dataclass(frozen=True, eq=False)
class Order:
    """What a worker has to collect. weights: state of the network to play with."""

    seed: tuple[int, ...]
    weights: dict[str, torch.Tensor]
    version: int
    attempts: int
    exploration: float


class Collector:
    """Plays with a simulated cell of its own."""

    def __init__(self, config: TrainingConfig) -> None:
        torch.set_num_threads(1)
        self._config = config
        self._network = make_network(config.network).eval()
        self._environment = Environment()

    def process_id(self) -> int:
        """Of the process that this collector runs in."""
        return os.getpid()

    def collect(self, order: Order) -> list[Attempted]:
        """The attempts of an order; equal orders give equal attempts."""
        self._network.load_state_dict(order.weights)
        kind: type[Play] = SelfPlay if self._config.play.aim == "target" else AgnosticPlay
        play = kind(
            self._environment,
            self._network,
            order.version,
            self._config.play,
            self._config.decoding,
            self._config.costs,
            np.random.default_rng(order.seed),
        )
        return list(play.play(order.attempts, order.exploration))


class LocalCollection:
    """One collector in this process, which works when its results are asked for."""

    def __init__(self, config: TrainingConfig) -> None:
        self._collector = Collector(config)
        self._orders: list[Order] = []

    def start(self, orders: list[Order]) -> None:
        """Take orders."""
        self._orders = orders

    def gather(self) -> list[Attempted]:
        """All attempts, order by order."""
        return [attempted for order in self._orders for attempted in self._collector.collect(order)]

    def close(self) -> None:
        """Nothing to give back."""


class RayCollection:
    """One Ray actor per worker. address: an existing cluster, where this package is installed; None: this machine."""

    def __init__(self, config: TrainingConfig, workers: int, address: str | None = None) -> None:
        options: dict[str, Any] = {"address": address} if address else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **options)
        self._actor = ray.remote(num_cpus=1)(Collector)
        self._config = config
        self._workers = [self._hire() for _ in range(workers)]
        self._process_ids: list[int] = ray.get([worker.process_id.remote() for worker in self._workers])
        self._orders: list[Order] = []
        self._results: list[Any] = []

    def _hire(self) -> Any:
        return self._actor.remote(self._config)

    def start(self, orders: list[Order]) -> None:
        """Give each worker an order; as many as there are workers."""
        self._orders = orders
        self._results = [worker.collect.remote(order) for worker, order in zip(self._workers, orders, strict=True)]

    def gather(self) -> list[Attempted]:
        """All attempts, order by order. Raises DeviceFaultError when workers die again and again."""
        return [attempted for index in range(len(self._orders)) for attempted in self._gather(index)]

    def _gather(self, index: int) -> list[Attempted]:
        for _ in range(MAX_REPLACEMENTS):
            try:
                return ray.get(self._results[index])
            except RayActorError:
                self._workers[index] = self._hire()
                self._results[index] = self._workers[index].collect.remote(self._orders[index])
        raise DeviceFaultError(f"expected worker {index} to collect, it died {MAX_REPLACEMENTS} times in a row")

    def process_ids(self) -> list[int]:
        """Of the workers that were hired first."""
        return list(self._process_ids)

    def close(self) -> None:
        """Dismiss the workers."""
        ray.shutdown()
