"""Supervised learning of grasp rectangles (baseline S-RGM) from the grasps of another training that held."""

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

from impurity_grasp_ros.config import from_mapping, parameter, read_yaml
from impurity_grasp_ros.constants import CROP_SIZE_PX, ROTATION_STEP
from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.learning.augmentation import noisy, view_with
from impurity_grasp_ros.learning.trainer import CHECKPOINT, WEIGHTS, read_checkpoint
from impurity_grasp_ros.learning.transition import Snapshot, Transition
from impurity_grasp_ros.policy.checkpoint import RectangleAgentConfig, best_device, save_agent
from impurity_grasp_ros.policy.decoding import DecodingConfig, decode_grasps
from impurity_grasp_ros.policy.observation import CROP_MIDDLE, VIEW_SIZE_PX, encode, render
from impurity_grasp_ros.policy.rectangles import (
    NUMBERS,
    Rectangle,
    RectangleNetwork,
    RectangleNetworkConfig,
    best_proposal,
)
from impurity_grasp_ros.policy.rotation import View
from impurity_grasp_ros.training_progress import PROGRESS

RECTANGLES_FILE = "config/rectangles.yaml"
RUN = 10
"""Records in a row that are held out, or learned from, together: neighbours show the same scene."""

SHARED = 0.05
"""Part of the lesson that all proposals get and not the nearest alone, so that none is left behind."""

SCORE_WEIGHT = 0.1
"""Of the scores' loss beside that of the numbers."""


@dataclass(frozen=True)
class RectangleTrainingConfig:
    """Everything that the result depends on, the records apart."""

    network: RectangleNetworkConfig
    decoding: DecodingConfig
    seed: int = parameter("seed of everything random", low=0, high=2**31)
    rounds: int = parameter("passes over the records", low=1, high=10**5)
    batch: int = parameter("records per update", low=2, high=1024)
    learning_rate: float = parameter("step size at first", low=1e-7, high=1.0)
    final_rate: float = parameter("part of it that is left at the end, falling as a cosine", low=0.0, high=1.0)
    weight_decay: float = parameter("L2 penalty", low=0.0, high=0.1)
    held_out: float = parameter("part of the records that only measures", low=0.0, high=0.5)
    shift_px: int = parameter("pixels by which a crop is moved at most", low=0, high=32)
    color_mix: float = parameter("0: colours as seen, 1: any linear mixture of them", low=0.0, high=1.0)
    height_noise: float = parameter("m, standard deviation of heights at most", low=0.0, high=0.01)
    hole_share: float = parameter("part of the cells that go unseen at most", low=0.0, high=0.5)


@dataclass(frozen=True, eq=False)
class Record:
    """What was seen, and the rectangle of the grasp that held there."""

    state: Snapshot
    rectangle: Rectangle


@dataclass(frozen=True)
class RectangleReport:
    """One round in numbers. Errors are means over the records held out, NaN without any."""

    round: int
    loss: float
    held_out_loss: float
    center_mm: float
    angle_deg: float
    opening_mm: float


def rectangle_training_names() -> list[str]:
    """Names of the shipped trainings of rectangles."""
    return sorted(read_yaml(RECTANGLES_FILE))


def load_rectangle_training(name: str) -> RectangleTrainingConfig:
    """A shipped training of rectangles; raises ConfigError."""
    if name not in rectangle_training_names():
        raise ConfigError(f"expected one of {', '.join(rectangle_training_names())}, received {name!r}")
    return from_mapping(RectangleTrainingConfig, read_yaml(RECTANGLES_FILE)[name], f"{name}.")


def read_records(folder: Path, decoding: DecodingConfig) -> list[Record]:
    """The grasps that held, out of the checkpoint in a training's folder.

    Raises CheckpointError when there is none, ConfigError when not one of its grasps held.
    """
    transitions = read_checkpoint(folder / CHECKPOINT)["replay"]["transitions"]
    records = [record for item in transitions if (record := record_of(item, decoding)) is not None]
    if not records:
        raise ConfigError(f"{folder}: expected records with grasps that held, found none in {len(transitions)}")
    return records


def record_of(transition: Transition, decoding: DecodingConfig) -> Record | None:
    """The record of a grasp that held, None of anything else.

    A deed knows its place and rotation; opening and breadth follow from the target's outline, as they did when it was
    done. A grasp that took the target from beside it is left out: it shows no rectangle of that target.
    """
    deed = transition.deed
    if deed.kind is not PrimitiveKind.GRASP or transition.reward <= 0.0:
        return None
    focus = transition.state.unpack()
    angle, middle = deed.rotation * ROTATION_STEP, VIEW_SIZE_PX // 2
    view = view_with(deed.row, deed.column, angle, middle, middle, VIEW_SIZE_PX)
    mask = view.render(focus.mask.astype(np.uint8)) > 0
    resolution = focus.crop.grid.resolution
    grasps = decode_grasps(view.render(focus.crop.height), mask, resolution, decoding)
    if not grasps.feasible[middle, middle]:
        return None
    opening = float(grasps.opening[middle, middle])
    reach = round(opening / 2 / resolution)
    across = mask[:, middle - reach : middle + reach + 1].any(axis=1)
    return Record(transition.state, Rectangle(deed.row, deed.column, angle, opening, float(across.sum()) * resolution))


def training_view(
    record: Record, config: RectangleTrainingConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], Rectangle]:
    """A record turned by any angle, moved, maybe mirrored and recoloured: state (8, 112, 112) and its rectangle."""
    focus = record.state.unpack()
    crop = noisy(focus.crop, config.color_mix, config.height_noise, config.hole_share, rng)
    row, column = CROP_MIDDLE + rng.uniform(-config.shift_px, config.shift_px, 2)
    view = View(float(row), float(column), rng.uniform(-math.pi, math.pi), CROP_SIZE_PX)
    image, rectangle = render(encode(crop, focus.mask), view), seen_in(view, record.rectangle)
    if rng.random() < 0.5:
        image, rectangle = image[:, ::-1], mirrored(rectangle)
    return np.ascontiguousarray(image), rectangle


def seen_in(view: View, rectangle: Rectangle) -> Rectangle:
    """The rectangle on the pixels of a view instead of the crop's cells."""
    middle = (view.size - 1) / 2
    back = View(middle, middle, -view.angle, view.size)
    row, column = back.to_cell(rectangle.row - view.row + middle, rectangle.column - view.column + middle)
    return Rectangle(row, column, rectangle.angle - view.angle, rectangle.opening, rectangle.height)


def mirrored(rectangle: Rectangle) -> Rectangle:
    """The rectangle on a crop whose rows are in reverse."""
    row = CROP_SIZE_PX - 1 - rectangle.row
    return Rectangle(row, rectangle.column, -rectangle.angle, rectangle.opening, rectangle.height)


class RectangleTrainer:
    """A training in a folder. The result depends on configuration and records alone."""

    def __init__(self, config: RectangleTrainingConfig, records: Sequence[Record], folder: Path) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.network = RectangleNetwork(config.network).to(best_device())
        self.reports: list[RectangleReport] = []
        self._folder = folder
        self._rng = np.random.default_rng(config.seed)
        self._learned, self._held_out = _split(records, config.held_out, self._rng)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )

    def run(self, on_round: Callable[[RectangleReport], None], stop: Callable[[], bool]) -> None:
        """Train to the end, or until ``stop`` says so between two rounds; leaves weights and progress."""
        while len(self.reports) < self.config.rounds and not stop():
            self.reports.append(self._round())
            on_round(self.reports[-1])
        config = RectangleAgentConfig(self.config.network, self.config.decoding)
        save_agent(self._folder / WEIGHTS, self.network, config)
        lines = "".join(json.dumps(asdict(report)) + "\n" for report in self.reports)
        write_atomically(self._folder / PROGRESS, lines.encode())

    def _round(self) -> RectangleReport:
        """One pass over the records in a random order."""
        self.network.train()
        order, losses = self._rng.permutation(len(self._learned)), []
        batches = max(1, len(order) // self.config.batch)  # all equally large, and none too small
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
        """Part of the step size, 1 at a progress of 0."""
        return self.config.final_rate + (1.0 - self.config.final_rate) * 0.5 * (1.0 + math.cos(math.pi * progress))

    def _predict(self, views: Sequence[tuple[NDArray[np.float32], Rectangle]]) -> tuple[Tensor, Tensor]:
        """Proposals (n, proposals, 7) and numbers (n, 6) as recorded."""
        device = next(self.network.parameters()).device
        states = torch.from_numpy(np.stack([state for state, _ in views])).to(device)
        numbers = torch.from_numpy(np.stack([rectangle.to_numbers() for _, rectangle in views])).to(device)
        return self.network(states), numbers

    @torch.inference_mode()
    def _measure(self) -> tuple[float, float, float, float]:
        """Loss and mean errors of centre (mm), angle (degrees) and opening (mm) on what is held out."""
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


def _split(records: Sequence[Record], held_out: float, rng: np.random.Generator) -> tuple[list[Record], list[Record]]:
    """Records to learn from and records to measure with, in runs of neighbours."""
    runs = rng.permutation(math.ceil(len(records) / RUN))
    apart = set(runs[: int(held_out * len(runs))].tolist())
    learned = [record for place, record in enumerate(records) if place // RUN not in apart]
    return learned, [record for place, record in enumerate(records) if place // RUN in apart]


def _loss(predicted: Tensor, recorded: Tensor) -> Tensor:
    """The nearest proposal learns the numbers, nearly by absolute error, and all learn which one was the nearest."""
    numbers, scores = predicted[..., :NUMBERS], predicted[..., NUMBERS]
    targets = recorded[:, None].expand_as(numbers)
    errors = nn.functional.smooth_l1_loss(numbers, targets, reduction="none", beta=0.1).mean(2)
    nearest = errors.detach().argmin(1)
    own = errors.gather(1, nearest[:, None]).mean()
    scoring = nn.functional.cross_entropy(scores, nearest)
    return (1.0 - SHARED) * own + SHARED * errors.mean() + SCORE_WEIGHT * scoring


def _errors(first: Rectangle, second: Rectangle, cell_mm: float) -> tuple[float, float, float]:
    """Distance of the centres (mm), angle between the axes (degrees), difference of the openings (mm)."""
    center = math.hypot(first.row - second.row, first.column - second.column) * cell_mm
    turn = abs((first.angle - second.angle + math.pi / 2) % math.pi - math.pi / 2)
    return center, math.degrees(turn), abs(first.opening - second.opening) * 1000
