"""All policies that a benchmark can run, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, RgbdFrame
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.ablations import (
    Impaired,
    WithDetectionAlone,
    WithoutAttention,
    WithoutInference,
)
from impurity_grasp_ros.evaluation.oracle import Oracle
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ViewConfig
from impurity_grasp_ros.pipeline import Decision, Pipeline
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig
from impurity_grasp_ros.protocols import Actor
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.environment import Environment

if TYPE_CHECKING:
    from impurity_grasp_ros.policy.agent import QAgent

DEFAULT_WEIGHTS = "models/default.safetensors"
AGNOSTIC_WEIGHTS = "models/vpg.safetensors"
RECTANGLE_WEIGHTS = "models/s_rgm.safetensors"


class Policy(Protocol):
    """Decides frame by frame within a job; ``Pipeline`` is one."""

    def new_job(self) -> None:
        """Forget the job before. The scene is in place by then: a policy that draws may seed itself from it."""
        ...

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """What to do, given this job's attempts, oldest first; no primitive to say that the workspace is clear."""
        ...


PolicyFactory = Callable[[Environment], Policy]
"""Makes a policy for a cell. Only an oracle asks the environment for more than the cell."""


def with_actor(environment: Environment, actor: Actor) -> Policy:
    """The shipped perception in front of an actor."""
    return Pipeline(
        Site.of(environment.cell),
        packaged_parameters("heightmap_node", ProjectionConfig, "projection"),
        packaged_parameters("heightmap_node", ViewConfig, "view"),
        packaged_parameters("attention_node", AttentionConfig),
        actor,
    )


def _analytic(environment: Environment) -> Policy:
    return with_actor(environment, AnalyticActor(packaged_parameters("policy_node", AnalyticConfig, "analytic")))


def _learned(weights: str) -> PolicyFactory:
    """Perception as shipped, an actor from shipped weights."""
    return lambda environment: with_actor(environment, _agent(weights))


def _without_inference(environment: Environment) -> Policy:
    return WithoutInference(environment.cell.workspace.grid, _agent(DEFAULT_WEIGHTS))


def _agnostic(attention: type[Impaired], *, heeds_target: bool = False) -> PolicyFactory:
    """A network that was trained without targets, and what tells it where to act."""

    def make(environment: Environment) -> Policy:
        from impurity_grasp_ros.policy.overview import OverviewAgent  # torch takes its time

        agent = _agent(AGNOSTIC_WEIGHTS)
        actor = OverviewAgent(agent.network, agent.config, heeds_target=heeds_target)
        return attention(environment.cell.workspace.grid, actor)

    return make


def _rectangles(environment: Environment) -> Policy:
    from impurity_grasp_ros.policy.checkpoint import load_rectangle_agent  # torch takes its time

    push = packaged_parameters("policy_node", AnalyticConfig, "analytic")
    return with_actor(environment, load_rectangle_agent(resource(RECTANGLE_WEIGHTS), push))


def _agent(weights: str) -> QAgent:
    from impurity_grasp_ros.policy.checkpoint import load_agent  # torch takes its time

    return load_agent(resource(weights))


POLICIES: dict[str, PolicyFactory] = {
    "analytic": _analytic,
    "ours": _learned(DEFAULT_WEIGHTS),
    "paper": _learned("models/paper.safetensors"),
    "vpg": _agnostic(WithoutAttention),
    "s-vpg": _agnostic(WithDetectionAlone, heeds_target=True),
    "no-tsd": _agnostic(WithoutAttention),  # the paper's too: what is left without it is target-agnostic
    "no-oi": _without_inference,
    "no-t": _learned("models/no_t.safetensors"),
    "s-rgm": _rectangles,
    "oracle": Oracle,
}


def make_policy(name: str, environment: Environment) -> Policy:
    """The policy of that name; raises ConfigError when there is none."""
    return factory_of(name)(environment)


def factory_of(name: str) -> PolicyFactory:
    """How to make the policy of that name; raises ConfigError when there is none."""
    if name not in POLICIES:
        raise ConfigError(f"expected a policy out of {', '.join(POLICIES)}, received {name!r}")
    return POLICIES[name]
