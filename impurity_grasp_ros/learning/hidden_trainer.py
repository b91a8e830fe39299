"""Training of the network that expects hidden objects, from simulated scenes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from impurity_grasp_ros.learning.hidden_config import HiddenTrainingConfig
from impurity_grasp_ros.learning.hidden_views import HiddenView, HiddenViewSource, augmented
from impurity_grasp_ros.learning.network_trainer import PerceptionTrainer
from impurity_grasp_ros.learning.produced import produced
from impurity_grasp_ros.perception.hidden_network import HiddenNetwork, negative_log_likelihood

MEASURED_AT_ONCE = 16
"""Views that are measured at once."""

Scenes = list[list[HiddenView]]
"""The views of some scenes."""

_source: HiddenViewSource | None = None
"""The simulated cell of this process."""


@dataclass(frozen=True)
class HiddenReport:
    """Statistics of one round.

    Attributes:
        round: Number of the round, from 1 on.
        loss: Mean training loss.
        held_out_loss: Mean loss over the views that are held out; NaN without any.
        expected: Mean number of hidden objects that is expected in them.
        hidden: Mean number of objects that are hidden in them.
    """

    round: int
    loss: float
    held_out_loss: float
    expected: float
    hidden: float


def make_scenes(config: HiddenTrainingConfig, number: int) -> Scenes:
    """Make the views of one round; they depend on the seed and its number alone."""
    global _source
    _source = _source or HiddenViewSource()
    rng = np.random.default_rng([config.seed, number])
    return [_source.views(config.views_per_scene, rng) for _ in range(config.scenes_per_round)]


class HiddenTrainer(PerceptionTrainer[HiddenTrainingConfig, HiddenNetwork, HiddenReport]):
    """A training of the network that expects hidden objects; see the base class for its attributes."""

    def __init__(self, config: HiddenTrainingConfig, folder: Path, preset: str, commit: str) -> None:
        """Begin a training; for the arguments see the base class."""
        super().__init__(config, lambda: HiddenNetwork(config.network), config.steps_per_round, folder, preset, commit)
        self._learned: deque[HiddenView] = deque(maxlen=config.remembered)
        self._held_out: deque[HiddenView] = deque(maxlen=config.remembered)

    def run(
        self,
        workers: int,
        on_round: Callable[[HiddenReport], None],
        stop: Callable[[], bool],
        ray_address: str | None = None,
    ) -> None:
        """Train until the last round, or until told to stop; writes checkpoint, weights and progress.

        After a resumption, the views of earlier rounds are made anew.

        Args:
            workers: Processes that make views.
            on_round: Called with the statistics of every round.
            stop: Asked before every round; the training ends when it returns True.
            ray_address: A Ray cluster for the workers; None for this machine.
        """
        with produced(make_scenes, self.config, range(self.config.rounds), workers, ray_address) as source:
            for _ in self.reports:
                self._remember(next(source))
            while len(self.reports) < self.config.rounds and not stop():
                self._remember(next(source))
                loss = float(np.mean([self._step() for _ in range(self.config.steps_per_round)]))
                self.reports.append(HiddenReport(len(self.reports) + 1, loss, *self._measure()))
                self.save()
                on_round(self.reports[-1])

    def _remember(self, scenes: Scenes) -> None:
        """Keep the views; all those of a scene are either learned from or held out."""
        held_out = round(self.config.held_out * len(scenes))
        self._held_out.extend(chain(*scenes[:held_out]))
        self._learned.extend(chain(*scenes[held_out:]))

    def _step(self) -> float:
        chosen = self._rng.integers(0, len(self._learned), self.config.batch)
        views = [augmented(self._learned[index], self._rng, self.config.height_noise) for index in chosen]
        self.network.train()
        loss = negative_log_likelihood(*self._judged(views)).mean()
        self._descend(loss)
        self._schedule.step()
        return float(loss.detach())

    def _judged(self, views: Sequence[HiddenView]) -> tuple[Tensor, Tensor]:
        """What the network expects in views, as logarithms, and what is hidden in them, (n, r, c)."""
        height, seen = (
            torch.from_numpy(np.stack(planes).astype(np.float32))[:, None]
            for planes in ([view.height for view in views], [view.seen for view in views])
        )
        return self.network(height, seen), torch.from_numpy(np.stack([view.hidden for view in views])).float()

    @torch.inference_mode()
    def _measure(self) -> tuple[float, float, float]:
        """Means over the views that are held out: loss, objects expected and hidden; NaN without any."""
        self.network.eval()
        found = []
        views = list(self._held_out)
        for first in range(0, len(views), MEASURED_AT_ONCE):
            intensity, hidden = self._judged(views[first : first + MEASURED_AT_ONCE])
            loss = negative_log_likelihood(intensity, hidden)
            found.append(torch.stack([loss, intensity.exp().sum((1, 2)), hidden.sum((1, 2))], 1))
        if not found:
            return float("nan"), float("nan"), float("nan")
        loss, expected, hidden = torch.cat(found).mean(0).tolist()
        return loss, expected, hidden
