"""Deep Q-learning on replayed transitions: Huber loss at the executed pixel, targets by a frozen copy (paper, 6.2)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Grid
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.learning.augmentation import AugmentationConfig, patch_of
from impurity_grasp_ros.learning.replay import RankReplay, Sample
from impurity_grasp_ros.learning.transition import Snapshot
from impurity_grasp_ros.policy.agent import greedy_value, masked_values, situation_of
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig


@dataclass(frozen=True)
class LearnerConfig:
    """Optimizer, batches and targets."""

    optimizer: str = parameter("optimization algorithm", choices=("adam", "sgd"))
    learning_rate: float = parameter("initial step size", low=1e-7, high=1.0)
    final_rate: float = parameter(
        "final step size as a fraction of the initial one, reached by cosine decay", low=0.0, high=1.0
    )
    momentum: float = parameter("momentum of sgd", low=0.0, high=0.999)
    weight_decay: float = parameter("L2 penalty", low=0.0, high=0.1)
    batch: int = parameter("transitions per update", low=1, high=1024)
    discount: float = parameter("gamma (paper, section 3)", low=0.0, high=0.99)
    refresh: int = parameter("maximum number of outdated next values that are re-estimated per update", low=0, high=64)


class Learner:
    """An online network, a frozen target network and an optimizer.

    Attributes:
        network: The online network.
        frozen: The target network.
        version: Number of updates of the target network.
    """

    def __init__(
        self,
        network: nn.Module,
        config: LearnerConfig,
        augmentation: AugmentationConfig,
        decoding: DecodingConfig,
        costs: CostConfig,
        workspace: Grid,
        gripper: GripperModel,
    ) -> None:
        """Make the target network a copy of ``network``.

        Args:
            network: The network to train, on its device.
            config: Optimizer, batches and targets.
            augmentation: Limits of the data augmentation.
            decoding: Geometry of the primitives, which decides what is feasible.
            costs: Costs of the actions.
            workspace: Grid of the whole workspace.
            gripper: The gripper.
        """
        self.network = network
        self.frozen = copy.deepcopy(network).eval()
        self.version = 0
        self._config = config
        self._augmentation = augmentation
        self._decoding = decoding
        self._costs = costs
        self._workspace = workspace
        self._gripper = gripper
        self._optimizer = _optimizer(network, config)

    def freeze(self) -> None:
        """Make the target network a copy of the online network."""
        self.frozen.load_state_dict(self.network.state_dict())
        self.version += 1

    def update(self, replay: RankReplay, progress: float, rng: np.random.Generator) -> float:
        """Take one optimizer step on a sample and update the sample's priorities.

        Args:
            replay: Memory to sample from.
            progress: Progress of the training from 0 to 1, which sets the step size.
            rng: Source of all random choices.

        Returns:
            The loss of the sample.

        Raises:
            ValueError: The memory is empty.
        """
        sample = replay.sample(self._config.batch, rng)
        self._refresh(replay, sample)
        self.network.train()
        values = self._values(sample, rng)
        targets = torch.tensor([item.target(self._config.discount) for item in sample.transitions])
        targets = targets.to(values)
        weights = torch.from_numpy(sample.weights).to(values)
        loss = (weights * nn.functional.smooth_l1_loss(values, targets, reduction="none")).mean()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate(progress)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        errors: NDArray[np.float64] = (values - targets).detach().cpu().double().numpy()
        replay.update(sample.indices, errors)
        return float(loss.detach())

    def value(self, following: Snapshot) -> float:
        """The target network's value of the greedy action in the next state; 0 when no action is feasible."""
        focus = following.unpack()
        situation = situation_of(
            focus.crop, focus.mask, focus.on_target, self._workspace, self._gripper, self._decoding, self._costs
        )
        return greedy_value(masked_values(self.frozen, situation), situation)

    def _values(self, sample: Sample, rng: np.random.Generator) -> Tensor:
        """Values (n,) of the executed actions; the gradient flows through the executed pixels alone."""
        patches = [patch_of(item.state.unpack(), item.action, self._augmentation, rng) for item in sample.transitions]
        device = next(self.network.parameters()).device
        views = torch.from_numpy(np.stack([patch.view for patch in patches]))
        maps = self.network(views.to(device, memory_format=torch.channels_last))
        kinds = [int(item.action.kind) for item in sample.transitions]
        rows, columns = [patch.row for patch in patches], [patch.column for patch in patches]
        return maps[torch.arange(len(patches)), kinds, rows, columns]

    def _refresh(self, replay: RankReplay, sample: Sample) -> None:
        """Re-estimate the most outdated next values of a sample, at most ``refresh`` of them."""
        by_age = sorted(range(len(sample.transitions)), key=lambda place: sample.transitions[place].version)
        for place in by_age[: self._config.refresh]:
            item = sample.transitions[place]
            if item.following is None or item.version == self.version:
                continue
            item = replace(item, next_value=self.value(item.following), version=self.version)
            sample.transitions[place] = item
            replay.replace(int(sample.indices[place]), item)

    def _rate(self, progress: float) -> float:
        cosine = 0.5 * (1.0 + np.cos(np.pi * min(max(progress, 0.0), 1.0)))
        part = self._config.final_rate + (1.0 - self._config.final_rate) * cosine
        return float(self._config.learning_rate * part)

    def get_state(self) -> dict[str, Any]:
        """Everything that :meth:`set_state` needs to continue from exactly this point."""
        return {
            "network": self.network.state_dict(),
            "frozen": self.frozen.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "version": self.version,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the state that :meth:`get_state` returned."""
        self.network.load_state_dict(state["network"])
        self.frozen.load_state_dict(state["frozen"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.version = state["version"]


def _optimizer(network: nn.Module, config: LearnerConfig) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), config.learning_rate, config.momentum, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
