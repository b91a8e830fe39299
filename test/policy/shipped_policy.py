"""The shipped configurations, the ranges of their parameters, and a network with known values."""

from typing import Any

import torch
from grippers import GRIPPER
from torch import Tensor, nn

from impurity_grasp_ros.config import packaged_parameters, parameter_specs
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.policy.checkpoint import load_agent
from impurity_grasp_ros.resources import resource

POLICY = packaged_parameters("policy_node", PolicyNodeConfig)
ANALYTIC, COSTS, NO_COSTS = POLICY.analytic, POLICY.learned, POLICY.vpg

DECODING = load_agent(resource("models/default.safetensors"), GRIPPER, COSTS, torch.device("cpu")).config
"""Geometry that the shipped weights of the learned actor were trained with."""

ANYTHING = load_agent(resource("models/vpg.safetensors"), GRIPPER, NO_COSTS, torch.device("cpu")).config
"""Geometry that the shipped weights of the target-agnostic actor were trained with."""


class FixedNetwork(nn.Module):
    """One value for all grasps and one for all pushes; a little higher toward the middle, so that ties are rare."""

    def __init__(self, grasp: float, push: float) -> None:
        super().__init__()
        self.levels = nn.Parameter(torch.tensor([grasp, push]))

    def forward(self, views: Tensor) -> Tensor:
        steps = torch.linspace(-1, 1, views.shape[2])
        bump = -0.01 * (steps[:, None] ** 2 + steps[None, :] ** 2)
        return (self.levels[:, None, None] + bump).expand(len(views), -1, -1, -1)


def ranges(config_type: type) -> dict[str, tuple[Any, ...]]:
    """The limited parameters of a configuration: lowest and highest value, or the choices."""
    limits = {spec.name: spec.choices or (spec.low, spec.high) for spec in parameter_specs(config_type)}
    return {name: limit for name, limit in limits.items() if limit != (None, None)}
