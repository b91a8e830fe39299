"""All actors by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig
from impurity_grasp_ros.protocols import Actor
from impurity_grasp_ros.resources import resource


@dataclass(frozen=True)
class PolicyConfig:
    """Which actor decides, and how."""

    analytic: AnalyticConfig
    actor: str = parameter("the policy", choices=("learned", "analytic"))
    weights: str = parameter("file of the learned policy, shipped or anyone's; empty: decide analytically")


@lru_cache(maxsize=4)
def make_actor(config: PolicyConfig) -> Actor:
    """The actor that a configuration asks for; equal ones share it, as actors keep no state.

    Raises ConfigError for a name that is none, CheckpointError for weights that cannot be used.
    """
    if config.actor == "analytic" or (config.actor == "learned" and not config.weights):
        return AnalyticActor(config.analytic)
    if config.actor == "learned":
        return _learned(config.weights)
    raise ConfigError(f"actor: expected one of learned, analytic, received {config.actor!r}")


def _learned(weights: str) -> Actor:
    try:
        from impurity_grasp_ros.policy.checkpoint import load_agent  # torch takes its time
    except ImportError as error:
        raise CheckpointError(f"expected PyTorch and safetensors to be installed: {error}") from error
    try:
        path = resource(weights)
    except ConfigError as error:
        raise CheckpointError(str(error)) from error
    return load_agent(path)
