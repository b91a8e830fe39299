"""The configuration names the actor; an unknown name is refused."""

from dataclasses import replace
from typing import Any

import pytest
from drawn_tables import Block, on_target, table
from grippers import GRIPPER

from impurity_grasp_ros.config import from_mapping, packaged_parameters, read_yaml
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.policy import agent, overview
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, make_actor
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.analytic import AnalyticActor
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.judged import JudgedAgent
from impurity_grasp_ros.policy.overview import OverviewAgent
from impurity_grasp_ros.policy.rectangles import RectangleActor
from impurity_grasp_ros.protocols import Actor

SHIPPED = read_yaml("config/impurity_grasp.yaml")["/**/policy_node"]["ros__parameters"]


def test_the_shipped_configuration_makes_the_judged_actor_from_shipped_weights() -> None:
    config = packaged_parameters("policy_node", PolicyNodeConfig)
    assert config.actor == "judged"
    assert isinstance(make_actor(config, GRIPPER), JudgedAgent)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("judged", JudgedAgent),
        ("learned", QAgent),
        ("analytic", AnalyticActor),
        ("s-rgm", RectangleActor),
        ("vpg", OverviewAgent),
        ("s-vpg", OverviewAgent),
    ],
)
def test_every_actor_ships_with_what_it_needs(name: str, kind: type[Actor]) -> None:
    config = replace(packaged_parameters("policy_node", PolicyNodeConfig), actor=name)
    assert config.weights == ""
    assert type(make_actor(config, GRIPPER)) is kind


@pytest.mark.parametrize("name", ["learned", "vpg", "s-vpg"])
def test_an_actor_has_the_costs_of_its_own_section(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learned, vpg = CostConfig(100.0, 0.5, 0.1), CostConfig(200.0, 0.6, 0.2)
    config = replace(packaged_parameters("policy_node", PolicyNodeConfig), actor=name, learned=learned, vpg=vpg)
    seen: list[CostConfig] = []
    monkeypatch.setattr(agent, "situation_of", lambda *arguments: seen.append(arguments[-1]))
    monkeypatch.setattr(overview, "situation_of", lambda *arguments: seen.append(arguments[-1]))
    heightmap = table(Block())
    with pytest.raises(AttributeError):  # it cannot go on without a situation
        make_actor(config, GRIPPER).select(heightmap, on_target(heightmap, Block().cells), [])
    assert seen == [learned if name == "learned" else vpg]


@pytest.mark.parametrize("name", ["judged", "learned", "vpg", "s-rgm"])
def test_weights_of_another_kind_are_refused(name: str) -> None:
    other = "models/default.safetensors" if name == "s-rgm" else "models/s_rgm.safetensors"
    config = replace(packaged_parameters("policy_node", PolicyNodeConfig), actor=name, weights=other)
    with pytest.raises(CheckpointError, match="expected the configuration of"):
        make_actor(config, GRIPPER)


def test_a_judge_that_is_none_or_knows_another_geometry_is_refused() -> None:
    config = replace(packaged_parameters("policy_node", PolicyNodeConfig), actor="judged")
    with pytest.raises(CheckpointError, match="expected the configuration of judge_agent"):
        make_actor(replace(config, judged=replace(config.judged, weights="models/default.safetensors")), GRIPPER)
    with pytest.raises(CheckpointError, match="expected the geometry"):
        make_actor(replace(config, weights="models/vpg.safetensors"), GRIPPER)


@pytest.mark.parametrize("name", ["", "Analytic", "clairvoyant"])
def test_an_unknown_actor_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^actor: expected one of .*analytic.*, received '{name}'"):
        from_mapping(PolicyNodeConfig, {**SHIPPED, "actor": name})
    with pytest.raises(ConfigError, match=rf"^actor: expected one of .*analytic.*, received '{name}'"):
        make_actor(replace(packaged_parameters("policy_node", PolicyNodeConfig), actor=name), GRIPPER)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("analytic", "memory"), -1),
        (("analytic", "max_pushes"), 0),
        (("analytic", "grasp", "angles"), 3),
        (("analytic", "grasp", "depth"), 0.2),
        (("analytic", "push", "start_distances"), [0.03, 0.5]),
        (("analytic", "push", "end_border"), "wide"),
        (("learned", "push_cost"), 2.5),
        (("learned", "misfit_cost"), "much"),
        (("vpg", "failure_cost"), -0.1),
    ],
    ids=lambda item: ".".join(item) if isinstance(item, tuple) else "",
)
def test_a_value_out_of_range_is_refused_by_its_dotted_name(path: tuple[str, ...], value: Any) -> None:
    with pytest.raises(ConfigError, match="^" + r"\.".join(path) + ": expected"):
        from_mapping(PolicyNodeConfig, changed(SHIPPED, path, value))


def changed(values: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Nested mappings with one leaf replaced."""
    first, *rest = path
    return {**values, first: changed(values[first], tuple(rest), value) if rest else value}
