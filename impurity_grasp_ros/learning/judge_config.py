"""Configuration of a training of the judge of actions. ``config/judge_training.yaml`` contains the shipped ones."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.learning.named_presets import load_named, preset_names
from impurity_grasp_ros.learning.trials import TrialsConfig
from impurity_grasp_ros.policy.judge_network import JudgeNetworkConfig

JUDGE_FILE = "config/judge_training.yaml"


@dataclass(frozen=True)
class JudgeAugmentation:
    """How far what is learned from may deviate from what the camera saw."""

    shift: float = parameter("m, maximum offset of the patch from the action", low=0.0, high=0.02)
    angle: float = parameter("rad, maximum turn of the patch from the action", low=0.0, high=0.3)
    color_mix: float = parameter("0: colors as seen, 1: any linear mixture of the channels", low=0.0, high=1.0)
    height_noise: float = parameter("m, maximum standard deviation of the height noise", low=0.0, high=0.01)
    hole_share: float = parameter("maximum fraction of the cells that are marked as not seen", low=0.0, high=0.5)


@dataclass(frozen=True)
class JudgeTrainingConfig:
    """Everything that the result of a training depends on."""

    network: JudgeNetworkConfig
    trials: TrialsConfig
    augmentation: JudgeAugmentation
    seed: int = parameter("seed of all random choices", low=0, high=2**31)
    rounds: int = parameter("rounds, after each of which a checkpoint is written", low=1, high=10**5)
    scenes_per_round: int = parameter("new scenes in a round", low=1, high=10**4)
    steps_per_round: int = parameter(
        "optimizer steps in a round, on trials of this and of earlier ones", low=1, high=10**5
    )
    batch: int = parameter("trials in a step", low=1, high=1024)
    learning_rate: float = parameter("largest step size", low=1e-7, high=1.0)
    warm_up: float = parameter("fraction of the training in which the step size rises", low=0.01, high=0.9)
    weight_decay: float = parameter("L2 penalty", low=0.0, high=0.5)
    company_weight: float = parameter("weight of the company beside the success in the loss", low=0.0, high=10.0)
    held_out: float = parameter("fraction of the scenes that are held out for validation", low=0.0, high=0.5)


def judge_training_names() -> list[str]:
    """Names of the shipped trainings, sorted."""
    return preset_names(JUDGE_FILE)


def load_judge_training(name: str) -> JudgeTrainingConfig:
    """The shipped training of this name.

    Raises:
        ConfigError: The name is unknown, or a value in the file is invalid.
    """
    return load_named(JudgeTrainingConfig, JUDGE_FILE, name)
