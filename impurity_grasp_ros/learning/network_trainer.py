"""What trainings from simulated scenes have in common: optimizer, schedule, files."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.learning.trainer import CHECKPOINT, WEIGHTS, config_hash, read_archive
from impurity_grasp_ros.perception.network_weights import Config, Network, weights_of, write_network_weights
from impurity_grasp_ros.tensor_file import Training
from impurity_grasp_ros.training_progress import PROGRESS

MAX_GRADIENT = 2.0
"""Norm to which gradients are clipped."""


class NetworkTrainingConfig(Protocol):
    """What the configuration of every such training has."""

    @property
    def seed(self) -> int: ...
    @property
    def rounds(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


C = TypeVar("C", bound=NetworkTrainingConfig)
N = TypeVar("N", bound=nn.Module)
R = TypeVar("R")


class NetworkTrainer(ABC, Generic[C, N, R]):
    """A training whose files are kept in a folder. The result depends on the configuration only.

    Attributes:
        config: Configuration of the training.
        network: The network that is trained.
        reports: Statistics of the rounds so far.
    """

    def __init__(
        self, config: C, make: Callable[[], N], steps_per_round: int, folder: Path, preset: str, commit: str
    ) -> None:
        """Begin a training.

        Args:
            config: Configuration of the training.
            make: Makes the network with random weights.
            steps_per_round: Changes of the step size in a round.
            folder: Where checkpoint, weights and progress are written.
            preset: Name of the configuration, which is written into the weights.
            commit: Version of the code, the same.
        """
        torch.manual_seed(config.seed)
        self.config = config
        self.network = make()
        self.reports: list[R] = []
        self._folder, self._preset, self._commit = folder, preset, commit
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            config.learning_rate,
            total_steps=config.rounds * steps_per_round,
            pct_start=config.warm_up,
        )
        self._rng = np.random.default_rng(config.seed)

    def _descend(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT)
        self._optimizer.step()

    def save(self) -> None:
        """Write checkpoint, weights and progress, each file atomically."""
        buffer = io.BytesIO()
        torch.save(self._state(), buffer)
        write_atomically(self._folder / CHECKPOINT, buffer.getvalue())
        training = Training(self._preset, self._commit, self.config.seed, len(self.reports))
        self._write_weights(self._folder / WEIGHTS, training)
        lines = "".join(json.dumps(asdict(report)) + "\n" for report in self.reports)  # type: ignore[call-overload]
        write_atomically(self._folder / PROGRESS, lines.encode())

    @abstractmethod
    def _write_weights(self, path: Path, training: Training) -> None:
        """Write the weights into a file, atomically."""

    def _state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "config": config_hash(self.config),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "rng": self._rng.bit_generator.state,
            "reports": self.reports,
        }

    def resume(self) -> None:
        """Continue from exactly the point at which the checkpoint in the folder was written.

        Raises:
            CheckpointError: There is no valid checkpoint, or it belongs to another configuration.
        """
        path = self._folder / CHECKPOINT
        state = read_archive(path)
        if lacking := sorted(set(self._state()) - set(state)):
            raise CheckpointError(f"{path}: expected the checkpoint of a training, it lacks {', '.join(lacking)}")
        if state["config"] != config_hash(self.config):
            raise CheckpointError(f"{path}: expected config {config_hash(self.config)}, received {state['config']}")
        try:
            self._restore(state)
        except Exception as error:  # torch and numpy reject values of a wrong type with any kind of error
            raise CheckpointError(f"{path}: expected the state of a training: {error!r}") from error

    def _restore(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds; any error means that it is not valid."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._rng.bit_generator.state = state["rng"]
        self.reports = list(state["reports"])


class PerceptionTrainingConfig(NetworkTrainingConfig, Protocol):
    """What the configuration of a training of perception has."""

    @property
    def network(self) -> Config: ...


PC = TypeVar("PC", bound=PerceptionTrainingConfig)
PN = TypeVar("PN", bound=Network)


class PerceptionTrainer(NetworkTrainer[PC, PN, R]):
    """A training of a network of perception; see the base class."""

    def _write_weights(self, path: Path, training: Training) -> None:
        write_network_weights(path, weights_of(self.network, self.config.network, training))
