"""Numbers that change over a training."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter


@dataclass(frozen=True)
class ExplorationConfig:
    """How often a random action is tried, falling geometrically from ``start`` to ``end``."""

    start: float = parameter("probability of a random action at first", low=0.0, high=1.0)
    end: float = parameter("probability from which on it stays", low=0.0, high=1.0)
    half_life: float = parameter("attempts after which it has halved", low=1.0, high=1e7)


def exploration(config: ExplorationConfig, attempts: int) -> float:
    """Probability of a random action after so many attempts."""
    return max(config.end, config.start * 0.5 ** (attempts / config.half_life))
