"""Costs of actions: what is subtracted from their values when actions are compared."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter


@dataclass(frozen=True)
class CostConfig:
    """Costs in units of value (expected discounted reward; a successful grasp has a reward of 1).

    The values that a network has learned do not include them. So, unlike the geometry of the primitives
    (``DecodingConfig``), they can be changed after training.
    """

    misfit_cost: float = parameter("value subtracted from a grasp per meter of its misfit", low=0.0, high=2000.0)
    push_cost: float = parameter("value subtracted from every push, as it only prepares a grasp", low=0.0, high=2.0)
    failure_cost: float = parameter(
        "value subtracted from every grasp for each grasp that failed since the last one that held", low=0.0, high=2.0
    )
