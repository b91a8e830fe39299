"""Configuration of a training of hidden objects. ``config/hidden_training.yaml`` contains the shipped ones by name."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.learning.named_presets import load_named, preset_names
from impurity_grasp_ros.perception.hidden_network import HiddenNetworkConfig

HIDDEN_FILE = "config/hidden_training.yaml"


@dataclass(frozen=True)
class HiddenTrainingConfig:
    """Everything that the result of a training depends on."""

    network: HiddenNetworkConfig
    seed: int = parameter("seed of all random choices", low=0, high=2**31)
    rounds: int = parameter("rounds, after each of which a checkpoint is written", low=1, high=10**5)
    scenes_per_round: int = parameter("new simulated scenes in a round", low=1, high=10**4)
    views_per_scene: int = parameter("views of each scene, between which objects are moved or removed", low=1, high=100)
    steps_per_round: int = parameter(
        "optimizer steps in a round, on views of this and of earlier ones", low=1, high=10**5
    )
    remembered: int = parameter("views of earlier rounds that are learned from again", low=1, high=10**6)
    batch: int = parameter("views in a step", low=1, high=1024)
    learning_rate: float = parameter("largest step size", low=1e-7, high=1.0)
    warm_up: float = parameter("fraction of the training in which the step size rises", low=0.01, high=0.9)
    weight_decay: float = parameter("L2 penalty", low=0.0, high=0.1)
    height_noise: float = parameter("m, maximum standard deviation of the height noise", low=0.0, high=0.01)
    held_out: float = parameter("fraction of the scenes that are held out for validation", low=0.0, high=0.5)


def hidden_training_names() -> list[str]:
    """Names of the shipped trainings, sorted."""
    return preset_names(HIDDEN_FILE)


def load_hidden_training(name: str) -> HiddenTrainingConfig:
    """The shipped training of this name.

    Raises:
        ConfigError: The name is unknown, or a value in the file is invalid.
    """
    return load_named(HiddenTrainingConfig, HIDDEN_FILE, name)
