"""Parameters of the belief in hidden objects; importing them does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter

LEARNED, HEIGHT = "learned", "height"


@dataclass(frozen=True)
class HiddenConfig:
    """When a target may be hidden."""

    method: str = parameter(
        "learned: the network expects objects that are hidden; height: a group is high enough, as published",
        choices=(LEARNED, HEIGHT),
    )
    weights: str = parameter("path of the network's weights; empty for the shipped ones")
    target_share: float = parameter("fraction of the hidden objects that are targets", low=0.001, high=1.0)
    trace: float = parameter(
        "number of hidden objects that odd cells stand for if they are too few for a target; 0: none",
        low=0.0,
        high=10.0,
    )
    max_probability: float = parameter(
        "probability of a hidden target below which the workspace is clear", low=0.0001, high=0.5
    )
    doubt: float = parameter(
        "factor on the odds of hidden objects for each push near a pile that brought no target into view",
        low=0.1,
        high=1.0,
    )

    together: float = parameter(
        "factor on the odds that a piece which was pushed, and moved as one, hides anything", low=0.0, high=1.0
    )
    lifted: float = parameter("the same for what was lifted and put down on the workspace", low=0.0, high=1.0)
