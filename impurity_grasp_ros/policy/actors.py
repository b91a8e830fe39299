"""All actors by name."""

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig
from impurity_grasp_ros.protocols import Actor


@dataclass(frozen=True)
class PolicyConfig:
    """Which actor decides, and how."""

    analytic: AnalyticConfig
    actor: str = parameter("the policy", choices=("analytic",))


def make_actor(config: PolicyConfig) -> Actor:
    """The actor that a configuration asks for; raises ConfigError for a name that is none."""
    if config.actor != "analytic":
        raise ConfigError(f"actor: expected one of analytic, received {config.actor!r}")
    return AnalyticActor(config.analytic)
