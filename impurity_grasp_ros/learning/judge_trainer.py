"""Training of the judge of actions, on actions that were tried in copies of the simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.learning.augmentation import noisy
from impurity_grasp_ros.learning.judge_config import JudgeAugmentation, JudgeTrainingConfig
from impurity_grasp_ros.learning.network_trainer import NetworkTrainer
from impurity_grasp_ros.learning.produced import produced
from impurity_grasp_ros.learning.trainer import config_hash
from impurity_grasp_ros.learning.transition import Snapshot
from impurity_grasp_ros.learning.trial_file import Scenes, read_trials, write_trials
from impurity_grasp_ros.learning.trials import Trial, Tryout
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, make_actor
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.checkpoint import save_agent
from impurity_grasp_ros.policy.judge_network import JudgeNetwork, numbers_of, patch, role
from impurity_grasp_ros.policy.observation import encode
from impurity_grasp_ros.policy.weights_file import JudgeAgentConfig
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.tensor_file import Training

TRIALS = "trials"
"""Folder of the files of tried actions, in the folder of a training."""

MEASURED_AT_ONCE = 32
"""States whose trials are measured at once."""

_environment: Environment | None = None
"""The simulated cell of this process."""


TOGETHER = 4
"""Trials of one state that are learned from together, with the same noise: to draw the noise takes most of the time."""


class Examples(NamedTuple):
    """Trials from one state, with what was seen before them."""

    snapshot: Snapshot
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class JudgeReport:
    """Statistics of one round.

    Attributes:
        round: Number of the round, from 1 on.
        trials: Number of trials so far.
        loss: Mean training loss.
        held_out_loss: Mean loss over the trials that are held out; NaN without any.
        right: Fraction of these whose success was told with a probability on the right side of one half.
    """

    round: int
    trials: int
    loss: float
    held_out_loss: float
    right: float


def proposer() -> QAgent:
    """Make the actor whose actions are tried: the shipped Q-network."""
    config = replace(packaged_parameters("policy_node", PolicyNodeConfig), actor="learned", weights="")
    agent = make_actor(config, load_cell().gripper_model)
    assert isinstance(agent, QAgent)
    return agent


def try_scenes(config: JudgeTrainingConfig, number: int) -> Scenes:
    """Try actions in the scenes of one round; they depend on the seed and its number alone."""
    global _environment
    torch.set_num_threads(1)  # copies of a process have a single thread
    cv2.setNumThreads(1)
    _environment = _environment or Environment()
    tryout = Tryout(_environment, proposer(), config.trials, np.random.default_rng([config.seed, number]))
    return [tryout.scene() for _ in range(config.scenes_per_round)]


class JudgeTrainer(NetworkTrainer[JudgeTrainingConfig, JudgeNetwork, JudgeReport]):
    """A training of the judge of actions; see the base class for its attributes."""

    def __init__(self, config: JudgeTrainingConfig, folder: Path, preset: str, commit: str) -> None:
        """Begin a training; for the arguments see the base class."""
        super().__init__(config, lambda: JudgeNetwork(config.network), config.steps_per_round, folder, preset, commit)
        self._learned: list[Examples] = []
        self._held_out: list[Examples] = []
        self._scenes_hash = f"{config_hash(config.trials)}-{config.seed}-{config.scenes_per_round}"

    def run(
        self,
        workers: int,
        on_round: Callable[[JudgeReport], None],
        stop: Callable[[], bool],
        ray_address: str | None = None,
    ) -> None:
        """Train until the last round, or until told to stop; writes trials, checkpoint, weights and progress.

        Args:
            workers: Processes that try actions.
            on_round: Called with the statistics of every round.
            stop: Asked before every round; the training ends when it returns True.
            ray_address: A Ray cluster for the workers; None for this machine.
        """
        tried = 0
        while self._file(tried).exists():
            tried += 1
        with produced(try_scenes, self.config, range(tried, self.config.rounds), workers, ray_address) as source:
            for number in range(len(self.reports)):
                self._remember(read_trials(self._file(number), self._scenes_hash))
            while (number := len(self.reports)) < self.config.rounds and not stop():
                if number >= tried:
                    write_trials(self._file(number), next(source), self._scenes_hash)
                self._remember(read_trials(self._file(number), self._scenes_hash))
                torch.manual_seed(self.config.seed + number)  # of dropout; a resumed training goes on alike
                loss = float(np.mean([self._step() for _ in range(self.config.steps_per_round)]))
                total = sum(len(item.trials) for item in (*self._learned, *self._held_out))
                self.reports.append(JudgeReport(number + 1, total, loss, *self._measure()))
                self.save()
                on_round(self.reports[-1])

    def _write_weights(self, path: Path, training: Training) -> None:
        save_agent(path, self.network, JudgeAgentConfig(self.config.network, proposer().config), training)

    def _file(self, number: int) -> Path:
        (self._folder / TRIALS).mkdir(parents=True, exist_ok=True)
        return self._folder / TRIALS / f"{number:04d}.npz"

    def _remember(self, scenes: Scenes) -> None:
        """Keep the trials; all those of a scene are either learned from or held out."""
        held_out = round(self.config.held_out * len(scenes))
        for memory, part in ((self._held_out, scenes[:held_out]), (self._learned, scenes[held_out:])):
            memory.extend(Examples(Snapshot.of(state.focus), state.trials) for state in chain(*part))

    def _step(self) -> float:
        counts = np.array([len(item.trials) for item in self._learned])
        number = max(1, self.config.batch // TOGETHER)
        chosen = self._rng.choice(len(self._learned), number, p=counts / counts.sum())
        self.network.train()
        loss = self._judged([self._drawn(self._learned[index]) for index in chosen], self._rng)[0].mean()
        self._descend(loss)
        self._schedule.step()
        return float(loss.detach())

    def _drawn(self, examples: Examples) -> Examples:
        """Some of the trials of a state."""
        order = self._rng.permutation(len(examples.trials))[:TOGETHER]
        return Examples(examples.snapshot, tuple(examples.trials[index] for index in order))

    def _judged(self, states: Sequence[Examples], rng: np.random.Generator | None) -> tuple[Tensor, Tensor]:
        """The loss (n,) of trials, and whether their success was told (n,); augmented if there is a generator."""
        inputs = [part for state in states for part in inputs_of(state, self.config.augmentation, rng)]
        patches, numbers, roles = (torch.from_numpy(np.stack(part)) for part in zip(*inputs, strict=True))
        success, company = self.network(patches, numbers, roles)
        trials = [trial for state in states for trial in state.trials]
        succeeded = torch.tensor([float(trial.success) for trial in trials])
        others = torch.tensor([float(trial.company) for trial in trials])
        loss = functional.binary_cross_entropy_with_logits(success, succeeded, reduction="none")
        poisson = functional.poisson_nll_loss(company, others, reduction="none")
        loss = loss + self.config.company_weight * torch.where(roles < 2, poisson, 0.0)
        return loss, (success > 0.0) == (succeeded > 0.5)

    @torch.inference_mode()
    def _measure(self) -> tuple[float, float]:
        """Means over the trials that are held out: loss, and how often success was told; NaN without any."""
        self.network.eval()
        parts = [
            self._judged(self._held_out[first : first + MEASURED_AT_ONCE], None)
            for first in range(0, len(self._held_out), MEASURED_AT_ONCE)
        ]
        if not parts:
            return float("nan"), float("nan")
        loss, right = (torch.cat(part).float().mean() for part in zip(*parts, strict=True))
        return float(loss), float(right)


Input = tuple[NDArray[np.float32], NDArray[np.float32], np.int64]
"""Patch, numbers and role of an action."""


def inputs_of(examples: Examples, config: JudgeAugmentation, rng: np.random.Generator | None) -> list[Input]:
    """Make the inputs of the network for trials.

    Args:
        examples: The trials.
        config: Limits of the augmentation.
        rng: Source of the augmentation; None for none.

    Returns:
        Patch, numbers and role of each.
    """
    focus = examples.snapshot.unpack()
    crop = noisy(focus.crop, config.color_mix, config.height_noise, config.hole_share, rng) if rng else focus.crop
    state = encode(crop, focus.mask)
    found = []
    for proposal in (trial.proposal for trial in examples.trials):
        primitive, angle = proposal.primitive, 0.0
        if rng:
            dx, dy = rng.uniform(-config.shift, config.shift, 2)
            x, y, z = primitive.position
            primitive = replace(primitive, position=(x + dx, y + dy, z))
            angle = rng.uniform(-config.angle, config.angle)
        view = patch(state, focus.crop.grid, primitive, angle)
        if rng:
            view = _mirrored(view, primitive.kind, rng)
        found.append((view, numbers_of(proposal), np.int64(role(primitive.kind, focus.on_target))))
    return found


def _mirrored(view: NDArray[np.float32], kind: PrimitiveKind, rng: np.random.Generator) -> NDArray[np.float32]:
    """Mirror a patch half of the time, and turn that of a grasp by 180 degrees half of the time."""
    if rng.random() < 0.5:
        view = view[:, ::-1]
    if kind is PrimitiveKind.GRASP and rng.random() < 0.5:
        view = view[:, ::-1, ::-1]
    return np.ascontiguousarray(view)
