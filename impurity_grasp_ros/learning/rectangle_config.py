"""Configuration of a grasp rectangle training. ``config/rectangles.yaml`` contains the shipped ones by name."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.learning.named_presets import load_named, preset_names
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.rectangles import RectangleNetworkConfig

RECTANGLES_FILE = "config/rectangles.yaml"


@dataclass(frozen=True)
class RectangleTrainingConfig:
    """Everything that the result of a training depends on, except for the records."""

    network: RectangleNetworkConfig
    decoding: DecodingConfig
    seed: int = parameter("seed of all random choices", low=0, high=2**31)
    rounds: int = parameter("passes over the records", low=1, high=10**5)
    batch: int = parameter("records per update", low=2, high=1024)
    learning_rate: float = parameter("initial step size", low=1e-7, high=1.0)
    final_rate: float = parameter(
        "final step size as a fraction of the initial one, reached by cosine decay", low=0.0, high=1.0
    )
    weight_decay: float = parameter("L2 penalty", low=0.0, high=0.1)
    held_out: float = parameter("fraction of the records that are held out for validation", low=0.0, high=0.5)
    shift_px: int = parameter("maximum shift of a crop in pixels", low=0, high=32)
    color_mix: float = parameter("0: colors as seen, 1: any linear mixture of the channels", low=0.0, high=1.0)
    height_noise: float = parameter("m, maximum standard deviation of the height noise", low=0.0, high=0.01)
    hole_share: float = parameter("maximum fraction of the cells that are marked as not seen", low=0.0, high=0.5)


def rectangle_training_names() -> list[str]:
    """Names of the shipped rectangle trainings, sorted."""
    return preset_names(RECTANGLES_FILE)


def load_rectangle_training(name: str) -> RectangleTrainingConfig:
    """The shipped rectangle training of this name.

    Raises:
        ConfigError: The name is unknown, or a value in the file is invalid.
    """
    return load_named(RectangleTrainingConfig, RECTANGLES_FILE, name)
