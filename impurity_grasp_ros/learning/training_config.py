"""Configuration of a training. ``config/training.yaml`` contains the shipped ones by name."""

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
    """Everything that the result of a training depends on, except for the number of workers.

    A round collects attempts with the target network while the online network learns from the previous rounds.
    """

    network: NetworkConfig
    exploration: ExplorationConfig
    replay: ReplayConfig
    learner: LearnerConfig
    augmentation: AugmentationConfig
    play: PlayConfig
    decoding: DecodingConfig
    costs: CostConfig
    seed: int = parameter("seed of all random choices", low=0, high=2**31)
    rounds: int = parameter("rounds of collecting and learning", low=1, high=10**6)
    warm_up: int = parameter("initial rounds that only collect, with random actions", low=1, high=10**6)
    attempts_per_round: int = parameter("attempts of each worker per round", low=1, high=10**5)
    updates_per_round: int = parameter("optimizer steps in a round", low=1, high=10**5)


def training_names() -> list[str]:
    """Names of the shipped trainings, sorted."""
    return sorted(read_yaml(TRAINING_FILE))


def load_training(name: str) -> TrainingConfig:
    """The shipped training of this name.

    Raises:
        ConfigError: The name is unknown, or a value in the file is invalid.
    """
    if name not in training_names():
        raise ConfigError(f"expected a training out of {', '.join(training_names())}, received {name!r}")
    return from_mapping(TrainingConfig, read_yaml(TRAINING_FILE)[name], f"{name}.")
