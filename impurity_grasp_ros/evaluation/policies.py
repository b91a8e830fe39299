"""All policies that a benchmark can run, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, RgbdFrame
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.oracle import Oracle
from impurity_grasp_ros.perception.attention import ATTENTIONS, AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ViewConfig
from impurity_grasp_ros.pipeline import Decision, Pipeline, Stage, plain
from impurity_grasp_ros.policy.actors import ACTORS, PolicyNodeConfig, make_actor
from impurity_grasp_ros.protocols import Actor
from impurity_grasp_ros.simulation.environment import Environment


class Policy(Protocol):
    """Decides frame by frame within a job; ``Pipeline`` is one."""

    def new_job(self) -> None:
        """Forget the job before. The scene is in place by then: a policy that draws may seed itself from it."""
        ...

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """What to do, given this job's attempts, oldest first; no primitive to say that the workspace is clear."""
        ...


@dataclass(frozen=True)
class Setup:
    """What the graph would be configured with. weights: empty for those that the actor ships with."""

    actor: str = "learned"
    attention: str = "outlier"
    weights: str = ""


SETUPS = {
    "analytic": Setup("analytic"),
    "ours": Setup(),
    "paper": Setup(weights="models/paper.safetensors"),
    "vpg": Setup("vpg", "whole"),
    "s-vpg": Setup("s-vpg", "target-only"),
    "no-tsd": Setup("vpg", "whole"),  # the paper's too: what is left without it is target-agnostic
    "no-oi": Setup(attention="no-inference"),
    "no-t": Setup(weights="models/no_t.safetensors"),
    "s-rgm": Setup("s-rgm"),
}

ORACLE = "oracle"


def names() -> tuple[str, ...]:
    """All names that :func:`make_policy` takes, without those of the form ``attention/actor``."""
    return (*SETUPS, ORACLE, *(name for name in ACTORS.names() if name not in SETUPS))


def check_name(name: str) -> None:
    """Raise ConfigError when there is no policy of that name."""
    if name != ORACLE:
        setup_of(name)


def setup_of(name: str) -> Setup:
    """What a name stands for: a published policy, an actor behind the shipped attention, or ``attention/actor``.

    Args:
        name: One of :func:`names`, or names of an attention mode and an actor, such as ``vocus2/analytic``.

    Returns:
        The set-up.

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
    """The policy of a name, see :func:`setup_of`; raises ConfigError when there is none."""
    if name == ORACLE:
        return Oracle(environment)
    setup = setup_of(name)
    shipped = packaged_parameters("policy_node", PolicyNodeConfig)
    config = replace(shipped, actor=setup.actor, weights=setup.weights)
    actor = make_actor(config, environment.cell.gripper_model)
    return with_actor(environment, actor, setup.attention)


def with_actor(environment: Environment, actor: Actor, attention: str = "outlier", stage: Stage = plain) -> Pipeline:
    """The shipped perception, with a mode of attention, in front of an actor."""
    return Pipeline(
        Site.of(environment.cell),
        packaged_parameters("heightmap_node", ProjectionConfig, "projection"),
        packaged_parameters("heightmap_node", ViewConfig, "view"),
        replace(packaged_parameters("attention_node", AttentionConfig), mode=attention),
        actor,
        stage,
    )
