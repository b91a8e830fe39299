"""Schedules: values that change during a training."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter


@dataclass(frozen=True)
class ExplorationConfig:
    """Probability of a random action; decays exponentially from ``start`` to ``end``."""

    start: float = parameter("initial probability of a random action", low=0.0, high=1.0)
    end: float = parameter("minimum probability", low=0.0, high=1.0)
    half_life: float = parameter("attempts after which the probability has halved", low=1.0, high=1e7)


def exploration(config: ExplorationConfig, attempts: int) -> float:
    """Probability of a random action after a number of attempts."""
    return max(config.end, config.start * 0.5 ** (attempts / config.half_life))
