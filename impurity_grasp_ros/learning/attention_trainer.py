"""Training of the network of attention mode ``objects``, self-supervised in simulation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impurity_grasp_ros.learning.attention_batches import make_batch
from impurity_grasp_ros.learning.attention_config import AttentionTrainingConfig
from impurity_grasp_ros.learning.attention_loss import JudgeLosses, job_view, judge_losses, losses
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.learning.comparisons import PooledPair
from impurity_grasp_ros.learning.network_trainer import PerceptionTrainer
from impurity_grasp_ros.learning.produced import produced
from impurity_grasp_ros.perception.object_network import ObjectNetwork


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


class AttentionTrainer(PerceptionTrainer[AttentionTrainingConfig, ObjectNetwork, AttentionReport]):
    """A training of mode ``objects``; see the base class for its attributes."""

    def __init__(self, config: AttentionTrainingConfig, folder: Path, preset: str, commit: str) -> None:
        """Begin a training; for the arguments see the base class."""

        def make() -> ObjectNetwork:
            return ObjectNetwork(config.network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        super().__init__(config, make, config.batches_per_round, folder, preset, commit)
        self._objects: deque[PooledPair] = deque(maxlen=config.replay_memory)
        self._job = job_view()

    def run(
        self,
        workers: int,
        on_round: Callable[[AttentionReport], None],
        stop: Callable[[], bool],
        ray_address: str | None = None,
    ) -> None:
        """Train until the last round, or until told to stop; writes checkpoint, weights and progress.

        Args:
            workers: Processes that make batches.
            on_round: Called with the statistics of every round.
            stop: Asked before every round; the training ends when it returns True.
            ray_address: A Ray cluster for the workers; None for this machine.
        """
        per_round = self.config.batches_per_round
        batches = range(len(self.reports) * per_round, self.config.rounds * per_round)
        with produced(make_batch, self.config, batches, workers, ray_address) as source:
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

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "objects": list(self._objects)}

    def _restore(self, state: dict[str, Any]) -> None:
        super()._restore(state)
        self._objects = deque(state["objects"], self.config.replay_memory)
