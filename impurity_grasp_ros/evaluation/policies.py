"""The policies that a benchmark can run, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, RgbdFrame
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.oracle import Oracle
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.perception.attention import ATTENTIONS, AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ViewConfig
from impurity_grasp_ros.pipeline import Decision, Pipeline, StepWrapper, plain
from impurity_grasp_ros.policy.actors import ACTORS, PolicyNodeConfig
from impurity_grasp_ros.protocols import Actor
from impurity_grasp_ros.simulation.environment import Environment


class Policy(Protocol):
    """Decides frame by frame within a job. ``Pipeline`` satisfies it."""

    def new_job(self) -> None:
        """Forget the last job. The new scene is in place by then: a policy that draws may seed itself from it."""
        ...

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """Decide what to do next.

        Args:
            frame: The camera's current view.
            history: Attempts of this job, oldest first.

        Returns:
            The decision; without a primitive to say that the workspace is clear.
        """
        ...


@dataclass(frozen=True)
class Setup:
    """Parameters of the graph that make up a policy.

    Attributes:
        actor: Name of the actor.
        attention: Mode of attention.
        weights: Weights of the actor, a shipped file; empty for the actor's default.
        judged: Parameters of the judged actor that differ from the shipped ones.
    """

    actor: str = "learned"
    attention: str = "outlier"
    weights: str = ""
    judged: Mapping[str, Any] = field(default_factory=dict)


SETUPS = {
    "analytic": Setup("analytic"),
    "ours": Setup("judged"),
    "paper": Setup(weights="models/paper.safetensors"),
    "vpg": Setup("vpg", "whole"),
    "s-vpg": Setup("s-vpg", "target-only"),
    "no-tsd": Setup("vpg", "whole"),  # as in the paper: without target saliency detection the policy is target-agnostic
    "no-oi": Setup("judged", "no-inference"),
    "no-t": Setup(weights="models/no_t.safetensors"),
    "s-rgm": Setup("s-rgm"),
    "no-belief": Setup("judged", "heights"),
    "no-refine": Setup("judged", judged={"refine": False}),
    "no-company": Setup("judged", judged={"product_actions": 0.0}),
    "think": Setup("judged", judged={"think": 2.0}),
    "no-aside": Setup("judged", judged={"aside_after": 0}),
}

ORACLE = "oracle"


def names() -> tuple[str, ...]:
    """All names of policies except those of the form ``attention/actor``."""
    return (*SETUPS, ORACLE, *(name for name in ACTORS.names() if name not in SETUPS))


def check_name(name: str) -> None:
    """Check that there is a policy of that name.

    Raises:
        ConfigError: There is none.
    """
    if name != ORACLE:
        setup_of(name)


def setup_of(name: str) -> Setup:
    """Look up the setup of a policy.

    Args:
        name: A policy of the paper, an actor (behind the shipped attention), or a mode of attention and an actor, such
            as ``vocus2/analytic``.

    Returns:
        The setup.

    Raises:
        ConfigError: There is no such policy, mode or actor.
    """
    if name in SETUPS:
        return SETUPS[name]
    attention, slash, actor = name.rpartition("/")
    if slash:
        ATTENTIONS.check(attention)
        ACTORS.check(actor)
        return Setup(actor, attention)
    if name not in ACTORS.names():
        raise ConfigError(f"expected a policy out of {', '.join(names())}, or attention/actor, received {name!r}")
    return Setup(name)


def make_policy(name: str, environment: Environment) -> Policy:
    """Make a policy.

    Args:
        name: One of :func:`names`, or ``attention/actor``.
        environment: The simulated cell that it is to act in.

    Returns:
        The policy.

    Raises:
        ConfigError: There is no such policy.
    """
    if name == ORACLE:
        return Oracle(environment)
    setup = setup_of(name)
    shipped = packaged_parameters("policy_node", PolicyNodeConfig)
    judged = replace(shipped.judged, **setup.judged)
    config = replace(shipped, actor=setup.actor, weights=setup.weights, judged=judged)
    actor = make_thinking_actor(config, environment.cell)
    return with_actor(environment, actor, setup.attention)


def with_actor(
    environment: Environment, actor: Actor, attention: str = "outlier", stage: StepWrapper = plain
) -> Pipeline:
    """Make a pipeline of the shipped perception and an actor.

    Args:
        environment: The simulated cell that the pipeline is to act in.
        actor: Decides.
        attention: Mode of attention.
        stage: Wraps each stage of a decision, for example to time it.

    Returns:
        The pipeline.
    """
    return Pipeline(
        Site.of(environment.cell),
        packaged_parameters("heightmap_node", ProjectionConfig, "projection"),
        packaged_parameters("heightmap_node", ViewConfig, "view"),
        replace(packaged_parameters("attention_node", AttentionConfig), mode=attention),
        actor,
        stage,
    )
