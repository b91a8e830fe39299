"""Supervised training of the grasp rectangle network (baseline S-RGM)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.learning.rectangle_config import RectangleTrainingConfig
from impurity_grasp_ros.learning.rectangle_records import Record, split_records, training_view
from impurity_grasp_ros.learning.trainer import WEIGHTS
from impurity_grasp_ros.policy.checkpoint import best_device, save_agent
from impurity_grasp_ros.policy.observation import encode
from impurity_grasp_ros.policy.rectangles import NUMBERS, Rectangle, RectangleNetwork, best_proposal
from impurity_grasp_ros.policy.weights_file import UNKNOWN, RectangleAgentConfig
from impurity_grasp_ros.tensor_file import Training
from impurity_grasp_ros.training_progress import PROGRESS
from impurity_grasp_ros.transform import angle_between

SHARED = 0.05
"""Weight of the mean loss of all proposals beside that of the nearest one, so that no proposal stays untrained."""

SCORE_WEIGHT = 0.1
"""Weight of the loss of the scores beside that of the numbers."""


@dataclass(frozen=True)
class RectangleReport:
    """Statistics of one round. Everything but ``loss`` is a mean over the validation records, NaN without any.

    Attributes:
        round: Number of the round, from 1 on.
        loss: Mean training loss.
        held_out_loss: Validation loss.
        center_mm: Distance between the predicted and the recorded center.
        angle_deg: Angle between the predicted and the recorded closing axis.
        opening_mm: Absolute difference of the openings.
    """

    round: int
    loss: float
    held_out_loss: float
    center_mm: float
    angle_deg: float
    opening_mm: float


class RectangleTrainer:
    """A training whose files are kept in a folder. The result depends on configuration and records only.

    Attributes:
        config: Configuration of the training.
        network: The network that is trained.
        reports: Statistics of the rounds so far.
    """

    def __init__(
        self,
        config: RectangleTrainingConfig,
        records: Sequence[Record],
        folder: Path,
        preset: str = UNKNOWN,
        commit: str = UNKNOWN,
    ) -> None:
        """Begin a training.

        Args:
            config: Configuration of the training.
            records: What to learn from, in the order in which it was recorded.
            folder: Where weights and progress are written.
            preset: Name of the configuration, which is written into the weights.
            commit: Version of the code, the same.
        """
        torch.manual_seed(config.seed)
        self.config = config
        self.network = RectangleNetwork(config.network).to(best_device())
        self.reports: list[RectangleReport] = []
        self._folder = folder
        self._preset = preset
        self._commit = commit
        self._rng = np.random.default_rng(config.seed)
        self._learned, self._held_out = split_records(records, config.held_out, self._rng)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )

    def run(self, on_round: Callable[[RectangleReport], None], stop: Callable[[], bool]) -> None:
        """Train until the last round, or until told to stop; writes weights and progress.

        Args:
            on_round: Called with the statistics of every round.
            stop: Asked before every round; the training ends when it returns True.
        """
        while len(self.reports) < self.config.rounds and not stop():
            self.reports.append(self._round())
            on_round(self.reports[-1])
        config = RectangleAgentConfig(self.config.network, self.config.decoding)
        training = Training(self._preset, self._commit, self.config.seed, len(self.reports))
        save_agent(self._folder / WEIGHTS, self.network, config, training)
        lines = "".join(json.dumps(asdict(report)) + "\n" for report in self.reports)
        write_atomically(self._folder / PROGRESS, lines.encode())

    def _round(self) -> RectangleReport:
        """One pass over the training records in random order."""
        self.network.train()
        order, losses = self._rng.permutation(len(self._learned)), []
        batches = max(1, len(order) // self.config.batch)  # nearly equal sizes, at least ``batch`` where possible
        for step, places in enumerate(np.array_split(order, batches)):
            progress = (len(self.reports) + step / batches) / self.config.rounds
            for group in self._optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self._rate(progress)
            views = [training_view(self._learned[place], self.config, self._rng) for place in places]
            loss = _loss(*self._predict(views))
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses.append(float(loss.detach()))
        return RectangleReport(len(self.reports) + 1, float(np.mean(losses)), *self._measure())

    def _rate(self, progress: float) -> float:
        """Factor on the step size; 1 at a progress of 0."""
        return self.config.final_rate + (1.0 - self.config.final_rate) * 0.5 * (1.0 + math.cos(math.pi * progress))

    def _predict(self, views: Sequence[tuple[NDArray[np.float32], Rectangle]]) -> tuple[Tensor, Tensor]:
        """Predicted proposals (n, proposals, 7) and recorded numbers (n, 6)."""
        device = next(self.network.parameters()).device
        states = torch.from_numpy(np.stack([state for state, _ in views])).to(device)
        numbers = torch.from_numpy(np.stack([rectangle.to_numbers() for _, rectangle in views])).to(device)
        return self.network(states), numbers

    @torch.inference_mode()
    def _measure(self) -> tuple[float, float, float, float]:
        """Validation loss and mean errors of center (mm), angle (degrees) and opening (mm)."""
        if not self._held_out:
            return math.nan, math.nan, math.nan, math.nan
        self.network.eval()
        found = []
        for record in self._held_out:
            focus = record.state.unpack()
            state = np.ascontiguousarray(encode(focus.crop, focus.mask).transpose(2, 0, 1))
            predicted, recorded = self._predict([(state, record.rectangle)])
            rectangle = Rectangle.from_numbers(best_proposal(predicted)[0].cpu().numpy())
            scale = 1000 * focus.crop.grid.resolution
            found.append((float(_loss(predicted, recorded)), *_errors(rectangle, record.rectangle, scale)))
        loss, center, angle, opening = np.mean(found, axis=0)
        return float(loss), float(center), float(angle), float(opening)


def _loss(predicted: Tensor, recorded: Tensor) -> Tensor:
    """Smooth L1 loss of the proposal nearest to the record, and cross-entropy of the scores with it as the class."""
    numbers, scores = predicted[..., :NUMBERS], predicted[..., NUMBERS]
    targets = recorded[:, None].expand_as(numbers)
    errors = nn.functional.smooth_l1_loss(numbers, targets, reduction="none", beta=0.1).mean(2)
    nearest = errors.detach().argmin(1)
    own = errors.gather(1, nearest[:, None]).mean()
    scoring = nn.functional.cross_entropy(scores, nearest)
    return (1.0 - SHARED) * own + SHARED * errors.mean() + SCORE_WEIGHT * scoring


def _errors(first: Rectangle, second: Rectangle, cell_mm: float) -> tuple[float, float, float]:
    """Distance of the centers (mm), angle between the axes (degrees), difference of the openings (mm)."""
    center = math.hypot(first.row - second.row, first.column - second.column) * cell_mm
    turn = angle_between(first.angle, second.angle, math.pi)
    return center, math.degrees(turn), abs(first.opening - second.opening) * 1000
