"""Training loop: rounds of collecting and learning, with checkpoints.

Transitions collected in a round are learned from in later rounds only. So collecting and learning run at the same time,
and the result depends on nothing but the configuration, its seed and the number of workers.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.files import check_readable, write_atomically
from impurity_grasp_ros.learning.collection import CollectionTask
from impurity_grasp_ros.learning.learner import Learner
from impurity_grasp_ros.learning.play import PlayResult
from impurity_grasp_ros.learning.replay import RankReplay
from impurity_grasp_ros.learning.schedule import exploration
from impurity_grasp_ros.learning.training_config import TrainingConfig
from impurity_grasp_ros.policy.checkpoint import best_device, save_agent
from impurity_grasp_ros.policy.network import make_network
from impurity_grasp_ros.policy.weights_file import UNKNOWN, AgentConfig
from impurity_grasp_ros.tensor_file import Training
from impurity_grasp_ros.training_progress import PROGRESS, RoundReport

CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.safetensors"
ROUNDS_PER_CHECKPOINT = 5
MAX_CHECKPOINT_BYTES = 20_000_000_000


class Collection(Protocol):
    """Carries out collection tasks."""

    def start(self, tasks: list[CollectionTask]) -> None:
        """Start to work on the tasks."""
        ...

    def gather(self) -> list[PlayResult]:
        """Wait for all results; they come in the order of the tasks."""
        ...


class Trainer:
    """A training whose files are kept in a folder."""

    def __init__(
        self, config: TrainingConfig, folder: Path, workers: int, preset: str = UNKNOWN, commit: str = UNKNOWN
    ) -> None:
        """Begin a training.

        Args:
            config: Configuration of the training.
            folder: Where checkpoint, weights and progress are written.
            workers: Number of collection tasks per round.
            preset: Name of the configuration, which is written into the weights.
            commit: Version of the code, the same.
        """
        torch.manual_seed(config.seed)
        self._config = config
        self._folder = folder
        self._workers = workers
        self._preset = preset
        self._commit = commit
        network = make_network(config.network).to(best_device())
        cell = load_cell()
        self.learner = Learner(
            network,
            config.learner,
            config.augmentation,
            config.decoding,
            config.costs,
            cell.workspace.grid,
            cell.gripper_model,
        )
        self.replay = RankReplay(config.replay)
        self.rng = np.random.default_rng(config.seed)
        self.round = 0
        self.attempts = 0
        self.reports: list[RoundReport] = []

    def run(self, collection: Collection, on_round: Callable[[RoundReport], None], stop: Callable[[], bool]) -> None:
        """Train until the last round, or until told to stop; writes checkpoint, weights and progress.

        Args:
            collection: Carries out the collection tasks.
            on_round: Called with the statistics of every round.
            stop: Asked before every round; the training ends when it returns True.
        """
        while self.round < self._config.rounds and not stop():
            report = self._play_round(collection)
            self.reports.append(report)
            on_round(report)
            if self.round % ROUNDS_PER_CHECKPOINT == 0:
                self.save()
        self.save()

    def _play_round(self, collection: Collection) -> RoundReport:
        warming_up = self.round < self._config.warm_up
        share = 1.0 if warming_up else exploration(self._config.exploration, self.attempts)
        collection.start([self._task(worker, share) for worker in range(self._workers)])
        losses = [] if warming_up else [self._update() for _ in range(self._config.updates_per_round)]
        results = collection.gather()
        for transition in (transition for item in results for transition in item.transitions):
            self.replay.add(transition)
        self.learner.freeze()
        self.round += 1
        self.attempts += len(results)
        return RoundReport(
            self.round,
            self.attempts,
            len(self.replay),
            share,
            float(np.mean(losses)) if losses else float("nan"),
            _success(results, PrimitiveKind.GRASP),
            _success(results, PrimitiveKind.PUSH),
        )

    def _update(self) -> float:
        return self.learner.update(self.replay, self.round / self._config.rounds, self.rng)

    def _task(self, worker: int, share: float) -> CollectionTask:
        weights = {name: tensor.detach().cpu() for name, tensor in self.learner.frozen.state_dict().items()}
        seed = (self._config.seed, self.round, worker)
        return CollectionTask(seed, weights, self.learner.version, self._config.attempts_per_round, share)

    def save(self) -> None:
        """Write checkpoint, weights and progress, each file atomically."""
        buffer = io.BytesIO()
        torch.save(self._state(), buffer)
        write_atomically(self._folder / CHECKPOINT, buffer.getvalue())
        agent = AgentConfig(self._config.network, self._config.decoding)
        training = Training(self._preset, self._commit, self._config.seed, self.round)
        save_agent(self._folder / WEIGHTS, self.learner.frozen, agent, training, self._config.costs)
        lines = "".join(json.dumps(asdict(report)) + "\n" for report in self.reports)
        write_atomically(self._folder / PROGRESS, lines.encode())

    def _state(self) -> dict[str, Any]:
        return {
            "config": config_hash(self._config),
            "workers": self._workers,
            "learner": self.learner.get_state(),
            "replay": self.replay.get_state(),
            "rng": self.rng.bit_generator.state,
            "round": self.round,
            "attempts": self.attempts,
            "reports": self.reports,
        }

    def resume(self) -> None:
        """Continue from exactly the point at which the checkpoint in the folder was written.

        Raises:
            CheckpointError: There is no valid checkpoint, or it belongs to another configuration or number of workers.
        """
        path = self._folder / CHECKPOINT
        state = read_checkpoint(path)
        if lacking := sorted(set(self._state()) - set(state)):
            raise CheckpointError(f"{path}: expected the checkpoint of a training, it lacks {', '.join(lacking)}")
        for name, own in (("config", config_hash(self._config)), ("workers", self._workers)):
            if state[name] != own:
                raise CheckpointError(f"{path}: expected {name} {own}, received {state[name]}")
        try:
            self._set_state(state)
        except Exception as error:  # torch, numpy and Python reject values of a wrong type with any kind of error
            raise CheckpointError(f"{path}: expected the state of a training: {error!r}") from error

    def _set_state(self, state: dict[str, Any]) -> None:
        self.learner.set_state(state["learner"])
        self.replay.set_state(state["replay"])
        self.rng.bit_generator.state = state["rng"]
        self.round, self.attempts, self.reports = int(state["round"]), int(state["attempts"]), list(state["reports"])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Load the checkpoint of a training, with its tensors on the CPU.

    Raises:
        CheckpointError: The file is missing, damaged or not a checkpoint of a training.
    """
    state = read_archive(path)
    if "replay" not in state:
        raise CheckpointError(f"{path}: expected the checkpoint of a training, found a dict")
    return state


def read_archive(path: Path) -> dict[str, Any]:
    """Load a checkpoint of any training, with its tensors on the CPU.

    Security: a checkpoint is unpickled and can run code, so load only files from a source that you trust.

    Raises:
        CheckpointError: The file is missing, damaged or not a checkpoint.
    """
    try:
        check_readable(path, MAX_CHECKPOINT_BYTES)
        _check_sums(path)
        state = torch.load(path, map_location="cpu", weights_only=False)  # it holds more than tensors
    except Exception as error:  # unpickling damaged bytes can raise any kind of error
        raise CheckpointError(f"{path}: expected the checkpoint of a training: {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: expected the checkpoint of a training, found a {type(state).__name__}")
    return state


def _check_sums(path: Path) -> None:
    """Raise ValueError unless all checksums of the archive match; ``torch.load`` does not verify them."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} is damaged")


def config_hash(config: Any) -> str:
    """First twelve hexadecimal digits of the SHA-256 hash of a configuration."""
    return hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode()).hexdigest()[:12]


def _success(results: list[PlayResult], kind: PrimitiveKind) -> float:
    outcomes = [item.success for item in results if item.kind is kind and not item.explored]
    return float(np.mean(outcomes)) if outcomes else float("nan")
