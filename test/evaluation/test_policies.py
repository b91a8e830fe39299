"""Every policy by its name: which weights and which attention it acts with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from grippers import GRIPPER

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation import policies as policies_module
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.episode import run_episode
from impurity_grasp_ros.evaluation.oracle import Oracle
from impurity_grasp_ros.evaluation.policies import Policy, Setup, check_name, make_policy, names, setup_of, with_actor
from impurity_grasp_ros.evaluation.record import EpisodePlan
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig
from impurity_grasp_ros.policy.checkpoint import load_agent, load_judged_agent, load_rectangle_agent
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.judged import JudgedAgent
from impurity_grasp_ros.policy.judged_config import JudgedConfig
from impurity_grasp_ros.policy.overview import OverviewAgent
from impurity_grasp_ros.protocols import Actor
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.environment import Environment


def test_the_names_are_those_of_the_documentation() -> None:
    documented = (
        "analytic", "ours", "paper", "vpg", "s-vpg", "no-tsd", "no-oi", "no-t", "s-rgm", "no-belief",
        "no-refine", "no-company", "think", "no-aside", "oracle", "judged", "learned",
    )  # fmt: skip
    assert names() == documented
    for name in documented:
        check_name(name)


def test_an_actor_stands_behind_the_shipped_attention_unless_another_mode_is_named() -> None:
    assert setup_of("learned") == Setup(actor="learned", attention="outlier", weights="")
    assert setup_of("vocus2/analytic") == Setup(actor="analytic", attention="vocus2", weights="")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("moon/analytic", r"^mode: expected one of objects, outlier, .*, received 'moon'"),
        ("outlier/moon", r"^actor: expected one of judged, .*, received 'moon'"),
        ("outlier/oracle", r"^actor: expected one of judged, .*, received 'oracle'"),
    ],
)
def test_an_unknown_mode_or_actor_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_name(name)


@pytest.mark.parametrize("name", ["moon", "", "Ours"])
def test_an_unknown_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(
        ConfigError, match=f"expected a policy out of analytic, ours, .*, oracle, .*, received '{name}'"
    ):
        check_name(name)


@cache
def agent(name: str) -> QAgent:
    costs = packaged_parameters("policy_node", CostConfig, "vpg" if name == "vpg" else "learned")
    return load_agent(resource(f"models/{name}.safetensors"), GRIPPER, costs)


def judged(**changes: Any) -> JudgedAgent:
    config = replace(packaged_parameters("policy_node", JudgedConfig, "judged"), **changes)
    return load_judged_agent(resource("models/judge.safetensors"), agent("default"), config, analytic().grasp)


def overview(*, heeds_target: bool) -> OverviewAgent:
    made = agent("vpg")
    return OverviewAgent(made.network, GRIPPER, made.config, made.costs, heeds_target=heeds_target)


def analytic() -> AnalyticConfig:
    return packaged_parameters("policy_node", AnalyticConfig, "analytic")


def behind_full_attention(make: Callable[[], Actor]) -> Callable[[Environment], Policy]:
    return lambda environment: with_actor(environment, make())


def behind(attention: str, make: Callable[[], Actor]) -> Callable[[Environment], Policy]:
    return lambda environment: with_actor(environment, make(), attention)


MADE_BY_HAND: dict[str, Callable[[Environment], Policy]] = {
    "analytic": behind_full_attention(lambda: AnalyticActor(GRIPPER, analytic())),
    "ours": behind_full_attention(judged),
    "learned": behind_full_attention(lambda: agent("default")),
    "paper": behind_full_attention(lambda: agent("paper")),
    "no-t": behind_full_attention(lambda: agent("no_t")),
    "s-rgm": behind_full_attention(
        lambda: load_rectangle_agent(resource("models/s_rgm.safetensors"), GRIPPER, analytic())
    ),
    "vpg": behind("whole", lambda: overview(heeds_target=False)),
    "no-tsd": behind("whole", lambda: overview(heeds_target=False)),
    "s-vpg": behind("target-only", lambda: overview(heeds_target=True)),
    "no-oi": behind("no-inference", judged),
    "no-belief": behind("heights", judged),
    "no-refine": behind_full_attention(lambda: judged(refine=False)),
    "no-company": behind_full_attention(lambda: judged(product_actions=0.0)),
    "no-aside": behind_full_attention(lambda: judged(aside_after=0)),
}


@pytest.fixture(scope="module")
def frame(bench: Bench) -> RgbdFrame:
    """A scene with its targets in view, in which every policy would do something else."""
    bench.environment.reset(1001, "random")
    return bench.environment.observe()


def decide(policy: Policy, frame: RgbdFrame) -> Decision:
    policy.new_job()
    return policy.decide(frame, [])


@pytest.mark.sim
@pytest.mark.parametrize("name", MADE_BY_HAND)
def test_a_policy_acts_with_its_own_weights_and_attention(
    environment: Environment, frame: RgbdFrame, name: str
) -> None:
    decision = decide(make_policy(name, environment), frame)
    expected = decide(MADE_BY_HAND[name](environment), frame)
    assert decision.primitive is not None
    assert decision.primitive == expected.primitive
    assert decision.attention.state is expected.attention.state
    assert decision.attention.center == expected.attention.center


@pytest.mark.sim
def test_the_oracle_is_that_of_the_environment(environment: Environment) -> None:
    assert isinstance(make_policy("oracle", environment), Oracle)


@pytest.mark.sim
@pytest.mark.parametrize("resolution", [0.0015, 0.0022])
def test_jobs_work_with_cells_of_another_size(resolution: float) -> None:
    shipped = load_cell()
    size = 224 * resolution
    workspace = replace(shipped.workspace, x_min=0.5 - size / 2, y_min=-size / 2, resolution=resolution)
    bin_beside = replace(shipped.drop_bin, y=min(-0.44, -size / 2 - 0.13))
    with closing(Environment(replace(shipped, workspace=workspace, drop_bin=bin_beside))) as environment:
        record = run_episode(
            environment, make_policy("analytic", environment), EpisodePlan("analytic", "challenging", 3)
        )
        assert record.completed_after is not None, record.fault
        environment.reset(3, "challenging")
        for learned in ("ours", "vpg", "s-rgm"):
            with pytest.raises(ConfigError, match=r"learned actors expect cells of 0\.002 m"):
                make_policy(learned, environment).decide(environment.camera.capture(), [])


@pytest.mark.sim
@pytest.mark.parametrize(
    ("name", "changes"),
    [("ours", {}), ("no-refine", {"refine": False}), ("no-company", {"product_actions": 0.0}),
     ("no-aside", {"aside_after": 0}), ("think", {"think": 2.0})],
)  # fmt: skip
def test_an_ablation_changes_one_parameter_of_the_judged_actor(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, name: str, changes: dict[str, Any]
) -> None:
    made: list[PolicyNodeConfig] = []
    make = policies_module.make_thinking_actor

    def remembered(config: PolicyNodeConfig, cell: CellConfig) -> Actor:
        made.append(config)
        return make(config, cell)

    monkeypatch.setattr(policies_module, "make_thinking_actor", remembered)
    make_policy(name, environment)
    shipped = packaged_parameters("policy_node", PolicyNodeConfig)
    assert made == [replace(shipped, actor="judged", judged=replace(shipped.judged, **changes))]
