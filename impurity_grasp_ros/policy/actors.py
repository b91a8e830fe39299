"""Registry of actors. Other packages can add actors by an entry point of the group ``impurity_grasp.actors``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.judged_config import JudgedConfig
from impurity_grasp_ros.protocols import Actor
from impurity_grasp_ros.registry import Registry
from impurity_grasp_ros.resources import resource


@dataclass(frozen=True)
class PolicyConfig:
    """Which actor decides, and how.

    Attributes:
        judged: How the actor ``judged`` chooses among what ``learned`` proposes.
        learned: Costs of the actions of the actor ``learned``.
        vpg: Costs of the actions of the actors ``vpg`` and ``s-vpg``.
        analytic: The analytic actor; ``s-rgm`` pushes in the same way.
        actor: Name of the actor.
        weights: File with its weights; empty for the shipped ones.
    """

    judged: JudgedConfig
    learned: CostConfig
    vpg: CostConfig
    analytic: AnalyticConfig
    actor: str = parameter("the actor: judged, learned, analytic, s-rgm, vpg, s-vpg, or one from another package")
    weights: str = parameter("file with the weights of a learned actor; empty: the shipped ones")

    def __post_init__(self) -> None:
        ACTORS.check(self.actor)


@dataclass(frozen=True)
class PolicyNodeConfig(PolicyConfig):
    """All parameters of ``policy_node``: the policy, and the cell whose gripper carries out what it decides."""

    cell_file: str = parameter("the cell; a path, or relative to the package")


ActorFactory = Callable[[PolicyConfig, GripperModel], Actor]
"""Makes an actor for a gripper."""


DEFAULT_WEIGHTS = "models/default.safetensors"
JUDGE_WEIGHTS = "models/judge.safetensors"
VPG_WEIGHTS = "models/vpg.safetensors"
RECTANGLE_WEIGHTS = "models/s_rgm.safetensors"


@lru_cache(maxsize=4)
def make_actor(config: PolicyConfig, gripper: GripperModel) -> Actor:
    """Make the actor of a configuration; equal configurations share one, as actors keep no state.

    Args:
        config: Name, weights and parameters.
        gripper: The gripper that carries out its primitives.

    Returns:
        The actor.

    Raises:
        ConfigError: The name is unknown.
        CheckpointError: Its weights cannot be used.
    """
    return ACTORS.find(config.actor)(config, gripper)


def _learned(config: PolicyConfig, gripper: GripperModel) -> Actor:
    weights = _weights(config.weights, DEFAULT_WEIGHTS)
    from impurity_grasp_ros.policy.checkpoint import load_agent  # importing torch takes time

    return load_agent(weights, gripper, config.learned)


def _judged(config: PolicyConfig, gripper: GripperModel) -> Actor:
    weights = _weights(config.judged.weights, JUDGE_WEIGHTS)
    from impurity_grasp_ros.policy.checkpoint import load_agent, load_judged_agent

    proposer = load_agent(_weights(config.weights, DEFAULT_WEIGHTS), gripper, config.learned)
    return load_judged_agent(weights, proposer, config.judged, config.analytic.grasp)


def _overview(config: PolicyConfig, gripper: GripperModel, *, heeds_target: bool) -> Actor:
    weights = _weights(config.weights, VPG_WEIGHTS)
    from impurity_grasp_ros.policy.checkpoint import load_agent
    from impurity_grasp_ros.policy.overview import OverviewAgent

    agent = load_agent(weights, gripper, config.vpg)
    return OverviewAgent(agent.network, gripper, agent.config, agent.costs, heeds_target=heeds_target)


def _rectangles(config: PolicyConfig, gripper: GripperModel) -> Actor:
    weights = _weights(config.weights, RECTANGLE_WEIGHTS)
    from impurity_grasp_ros.policy.checkpoint import load_rectangle_agent

    return load_rectangle_agent(weights, gripper, config.analytic)


def weights_in_use(config: PolicyConfig) -> dict[str, Path]:
    """Return the files of weights that the shipped actor of a configuration uses, by what they are for.

    Raises:
        CheckpointError: One does not exist.
    """
    chosen = {
        "learned": {"value maps": (config.weights, DEFAULT_WEIGHTS)},
        "judged": {"value maps": (config.weights, DEFAULT_WEIGHTS), "judge": (config.judged.weights, JUDGE_WEIGHTS)},
        "vpg": {"value maps": (config.weights, VPG_WEIGHTS)},
        "s-vpg": {"value maps": (config.weights, VPG_WEIGHTS)},
        "s-rgm": {"rectangles": (config.weights, RECTANGLE_WEIGHTS)},
    }
    return {name: _weights(*files) for name, files in chosen.get(config.actor, {}).items()}


def _weights(chosen: str, shipped: str) -> Path:
    """Return the path of the weights; raises CheckpointError when it does not exist or PyTorch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise CheckpointError(f"expected PyTorch to be installed: {error}") from error
    try:
        return resource(chosen or shipped)
    except ConfigError as error:
        raise CheckpointError(str(error)) from error


ACTORS: Registry[ActorFactory] = Registry(
    "actor",
    "impurity_grasp.actors",
    {
        "judged": _judged,
        "learned": _learned,
        "analytic": lambda config, gripper: AnalyticActor(gripper, config.analytic),
        "s-rgm": _rectangles,
        "vpg": partial(_overview, heeds_target=False),
        "s-vpg": partial(_overview, heeds_target=True),
    },
)
"""All actors by name."""
