"""Configuration of an attention training. ``config/attention_training.yaml`` contains the shipped ones by name."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.learning.named_presets import load_named, preset_names
from impurity_grasp_ros.perception.object_network import ObjectNetworkConfig

ATTENTION_FILE = "config/attention_training.yaml"


@dataclass(frozen=True)
class AttentionTrainingConfig:
    """Everything that the result of a training depends on."""

    network: ObjectNetworkConfig
    seed: int = parameter("seed of all random choices", low=0, high=2**31)
    rounds: int = parameter("rounds, after each of which a checkpoint is written", low=1, high=10**5)
    batches_per_round: int = parameter("optimizer steps in a round", low=1, high=10**5)
    scenes_per_batch: int = parameter("simulated scenes in a batch", low=1, high=64)
    pairs_per_scene: int = parameter("pairs of views of each scene", low=1, high=64)
    learning_rate: float = parameter("largest step size", low=1e-7, high=1.0)
    warm_up: float = parameter("fraction of the training in which the step size rises", low=0.01, high=0.9)
    weight_decay: float = parameter("L2 penalty", low=0.0, high=0.1)
    segmented_from: float = parameter(
        "fraction of the training after which objects are also judged as a job finds them", low=0.0, high=1.0
    )
    replays: int = parameter("further steps, on the objects of earlier batches, after each step", low=0, high=100)
    replay_pairs: int = parameter("pairs of views in such a step", low=1, high=256)
    replay_memory: int = parameter("pairs of views whose objects are kept for it", low=1, high=4096)
    odd_weight: float = parameter("weight of the loss of what is odd, beside that of the outlines", low=0.0, high=100.0)
    kind_weight: float = parameter("weight of the loss of what is of one kind", low=0.0, high=100.0)
    temperature: float = parameter("scale of similarities in the loss of kinds", low=0.01, high=1.0)


def attention_training_names() -> list[str]:
    """Names of the shipped attention trainings, sorted."""
    return preset_names(ATTENTION_FILE)


def load_attention_training(name: str) -> AttentionTrainingConfig:
    """The shipped attention training of this name.

    Raises:
        ConfigError: The name is unknown, or a value in the file is invalid.
    """
    return load_named(AttentionTrainingConfig, ATTENTION_FILE, name)
