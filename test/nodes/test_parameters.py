"""ROS parameters are the configuration dataclasses: same defaults, same ranges, refused changes change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import rclpy
from dds import unused_domain
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from impurity_grasp_ros.config import flatten, packaged_parameters
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.nodes.bullet_bridge_node import BulletBridgeConfig
from impurity_grasp_ros.nodes.camera_views import HeightmapNodeConfig
from impurity_grasp_ros.nodes.manager_node import ManagerNodeConfig
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.picker_node import PickerConfig
from impurity_grasp_ros.nodes.recording_node import RecordingConfig
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.policy.actors import PolicyNodeConfig

pytestmark = pytest.mark.ros

NODES = {
    "heightmap_node": HeightmapNodeConfig,
    "attention_node": AttentionConfig,
    "policy_node": PolicyNodeConfig,
    "picker_node": PickerConfig,
    "recording_node": RecordingConfig,
    "manager_node": ManagerNodeConfig,
    "bullet_bridge_node": BulletBridgeConfig,
}


@pytest.fixture
def context() -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    yield context
    context.try_shutdown()


def node(context: Context, **overrides: object) -> Node:
    parameters = [Parameter(name.replace("__", "."), value=value) for name, value in overrides.items()]
    return Node("some_node", context=context, parameter_overrides=parameters)


@pytest.mark.parametrize("name", NODES)
def test_a_node_declares_the_shipped_values(context: Context, name: str) -> None:
    some_node = node(context)
    parameters = NodeParameters(some_node, name, NODES[name])
    assert parameters.value == packaged_parameters(name, NODES[name])
    assert all(some_node.has_parameter(leaf) for leaf in flatten(parameters.value))


def test_every_parameter_has_a_description_and_numbers_have_a_range(context: Context) -> None:
    some_node = node(context)
    NodeParameters(some_node, "policy_node", PolicyNodeConfig)
    for name in flatten(packaged_parameters("policy_node", PolicyNodeConfig)):
        descriptor = some_node.describe_parameter(name)
        assert descriptor.description
        value = some_node.get_parameter(name).value
        if isinstance(value, float):
            assert descriptor.floating_point_range
        if type(value) is int:
            assert descriptor.integer_range


def test_a_value_given_at_the_start_is_taken(context: Context) -> None:
    parameters = NodeParameters(node(context, analytic__grasp__depth=0.02), "policy_node", PolicyNodeConfig)
    assert parameters.value.analytic.grasp.depth == 0.02


@pytest.mark.parametrize("value", [5.0, "deep"], ids=["out of range", "wrong type"])
def test_a_bad_value_given_at_the_start_is_an_error_by_name(context: Context, value: object) -> None:
    with pytest.raises(ConfigError, match=r"analytic\.grasp\.depth"):
        NodeParameters(node(context, analytic__grasp__depth=value), "policy_node", PolicyNodeConfig)


def test_a_change_is_taken_while_running(context: Context) -> None:
    some_node = node(context)
    parameters = NodeParameters(some_node, "policy_node", PolicyNodeConfig)
    assert some_node.set_parameters([Parameter("analytic.max_pushes", value=7)])[0].successful
    assert some_node.set_parameters([Parameter("analytic.push.start_offsets", value=[0.0, 0.01])])[0].successful
    assert some_node.set_parameters([Parameter("learned.push_cost", value=0.9)])[0].successful
    assert parameters.value.analytic.max_pushes == 7
    assert (parameters.value.learned.push_cost, parameters.value.vpg.push_cost) == (0.9, 0.0)
    assert parameters.value.analytic.push.start_offsets == (0.0, 0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("analytic.max_pushes", 0),
        ("learned.misfit_cost", 2000.1),
        ("vpg.failure_cost", -0.1),
        ("analytic.grasp.depth", -1.0),
        ("analytic.push.start_offsets", [0.0, 9.0]),
        ("actor", "oracle"),
    ],
)
def test_a_bad_change_is_refused_with_the_reason_and_changes_nothing(
    context: Context, name: str, value: object
) -> None:
    some_node = node(context)
    parameters = NodeParameters(some_node, "policy_node", PolicyNodeConfig)
    before = parameters.value
    result = some_node.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful
    assert result.reason
    assert parameters.value == before


def test_parameters_of_others_are_left_alone(context: Context) -> None:
    some_node = node(context)
    NodeParameters(some_node, "picker_node", PickerConfig)
    some_node.declare_parameter("anything", 1)
    assert some_node.set_parameters([Parameter("anything", value=2)])[0].successful


def test_flatten_names_leaves_by_their_dotted_path() -> None:
    @dataclass(frozen=True)
    class Inner:
        b: int

    @dataclass(frozen=True)
    class Outer:
        a: int
        inner: Inner

    assert flatten(Outer(1, Inner(2))) == {"a": 1, "inner.b": 2}
