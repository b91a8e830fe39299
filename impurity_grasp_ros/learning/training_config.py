"""A training as data: ``config/training.yaml`` holds some under their names."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import from_mapping, parameter, read_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.learning.augmentation import AugmentationConfig
from impurity_grasp_ros.learning.learner import LearnerConfig
from impurity_grasp_ros.learning.play import PlayConfig
from impurity_grasp_ros.learning.replay import ReplayConfig
from impurity_grasp_ros.learning.schedule import ExplorationConfig
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig

TRAINING_FILE = "config/training.yaml"


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that a training's result depends on, the number of workers apart.

    A round collects attempts with the target network while the online network learns from the rounds before.
    """

    network: NetworkConfig
    exploration: ExplorationConfig
    replay: ReplayConfig
    learner: LearnerConfig
    augmentation: AugmentationConfig
    play: PlayConfig
    decoding: DecodingConfig
    costs: CostConfig
    seed: int = parameter("seed of everything random", low=0, high=2**31)
    rounds: int = parameter("rounds of collecting and learning", low=1, high=10**6)
    warm_up: int = parameter("rounds that only collect, at random", low=1, high=10**6)
    attempts_per_round: int = parameter("attempts of each worker in a round", low=1, high=10**5)
    updates_per_round: int = parameter("steps of gradient descent in a round", low=1, high=10**5)


def training_names() -> list[str]:
    """Names of the shipped trainings."""
    return sorted(read_yaml(TRAINING_FILE))


def load_training(name: str) -> TrainingConfig:
    """A shipped training; raises ConfigError."""
    if name not in training_names():
        raise ConfigError(f"expected a training out of {', '.join(training_names())}, received {name!r}")
    return from_mapping(TrainingConfig, read_yaml(TRAINING_FILE)[name], f"{name}.")
