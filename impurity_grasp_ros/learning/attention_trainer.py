"""Training of the network of attention mode ``objects``, self-supervised in simulation."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.learning.attention_batches import batches
from impurity_grasp_ros.learning.attention_config import AttentionTrainingConfig
from impurity_grasp_ros.learning.attention_loss import JudgeLosses, job_view, judge_losses, losses
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.learning.comparisons import PooledPair
from impurity_grasp_ros.learning.trainer import CHECKPOINT, WEIGHTS, config_hash, read_archive
from impurity_grasp_ros.perception.object_network import ObjectNetwork
from impurity_grasp_ros.perception.object_weights import ObjectWeights, write_object_weights
from impurity_grasp_ros.tensor_file import Training
from impurity_grasp_ros.training_progress import PROGRESS

MAX_GRADIENT = 2.0
"""Norm to which gradients are clipped."""


@dataclass(frozen=True)
class AttentionReport:
    """Means over the batches of one round.

    Attributes:
        round: Number of the round, from 1 on.
        loss: Training loss.
        outline: Loss of the outlines.
        odd: Cross-entropy of what is odd.
        kind: Contrastive loss of kinds.
        found: Share of the views with an odd object in which the one judged to be most odd is odd.
    """

    round: int
    loss: float
    outline: float
    odd: float
    kind: float
    found: float


class AttentionTrainer:
    """A training whose files are kept in a folder. The result depends on the configuration only.

    Attributes:
        config: Configuration of the training.
        network: The network that is trained.
        reports: Statistics of the rounds so far.
    """

    def __init__(self, config: AttentionTrainingConfig, folder: Path, preset: str, commit: str) -> None:
        """Begin a training.

        Args:
            config: Configuration of the training.
            folder: Where checkpoint, weights and progress are written.
            preset: Name of the configuration, which is written into the weights.
            commit: Version of the code, the same.
        """
        torch.manual_seed(config.seed)
        self.config = config
        self.network = ObjectNetwork(config.network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.reports: list[AttentionReport] = []
        self._folder, self._preset, self._commit = folder, preset, commit
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            config.learning_rate,
            total_steps=config.rounds * config.batches_per_round,
            pct_start=config.warm_up,
        )
        self._rng = np.random.default_rng(config.seed)
        self._objects: deque[PooledPair] = deque(maxlen=config.replay_memory)
        self._job = job_view()

    def run(self, workers: int, on_round: Callable[[AttentionReport], None], stop: Callable[[], bool]) -> None:
        """Train until the last round, or until told to stop; writes checkpoint, weights and progress.

        Args:
            workers: Processes that make batches.
            on_round: Called with the statistics of every round.
            stop: Asked before every round; the training ends when it returns True.
        """
        first = len(self.reports) * self.config.batches_per_round
        with batches(self.config, first, workers) as source:
            while len(self.reports) < self.config.rounds and not stop():
                steps = [self._step(next(source)) for _ in range(self.config.batches_per_round)]
                means = (float(value) for value in np.nanmean(steps, axis=0))
                self.reports.append(AttentionReport(len(self.reports) + 1, *means))
                self.save()
                on_round(self.reports[-1])

    def _step(self, pairs: list[Pair]) -> tuple[float, ...]:
        config = self.config
        progress = self._schedule.last_epoch / (config.rounds * config.batches_per_round)
        job = self._job if progress >= config.segmented_from else None
        found = losses(self.network, pairs, config.temperature, self._rng, job)
        loss = found.outline + self._weighted(found.judge)
        self._descend(loss)
        self._replay(found.objects)
        self._schedule.step()
        parts = (loss, found.outline, found.judge.odd, found.judge.kind)
        return (*(float(part.detach()) for part in parts), found.judge.found)

    def _replay(self, new: list[PooledPair]) -> None:
        """Learn again from objects of the latest batches: to describe and compare them costs little."""
        for pair in new:
            first, second = (replace(view, statistics=view.statistics.detach()) for view in pair)
            self._objects.append((first, second))
        for _ in range(self.config.replays):
            count = min(self.config.replay_pairs, len(self._objects))
            chosen = self._rng.choice(len(self._objects), count, replace=False)
            pairs = [self._objects[index] for index in chosen]
            self._descend(self._weighted(judge_losses(self.network, pairs, self.config.temperature, self._rng)))

    def _weighted(self, found: JudgeLosses) -> Tensor:
        return self.config.odd_weight * found.odd + self.config.kind_weight * found.kind

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
        config = self.config
        training = Training(self._preset, self._commit, config.seed, len(self.reports))
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.network.state_dict().items()}
        write_object_weights(self._folder / WEIGHTS, ObjectWeights(config.network, tensors, training))
        lines = "".join(json.dumps(asdict(report)) + "\n" for report in self.reports)
        write_atomically(self._folder / PROGRESS, lines.encode())

    def _state(self) -> dict[str, Any]:
        return {
            "config": config_hash(self.config),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "rng": self._rng.bit_generator.state,
            "objects": list(self._objects),
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
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            self._rng.bit_generator.state = state["rng"]
            self._objects = deque(state["objects"], self.config.replay_memory)
            self.reports = list(state["reports"])
        except Exception as error:  # torch and numpy reject values of a wrong type with any kind of error
            raise CheckpointError(f"{path}: expected the state of a training: {error!r}") from error
