"""``motion_node`` with driver ``ros2_control`` moves the arm of the emulated cell, and stops it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from graph import Client, Graph, running_graph, until
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt, ErrorCode
from impurity_grasp_ros.datatypes import Primitive

pytestmark = [pytest.mark.ros, pytest.mark.sim]

DRIVER = {"driver": "ros2_control"}
PATIENT = {"ros2_control.stale_after": 2.0, "watch_sender": False}
"""The machine may be busy."""

PUSH = Primitive.push((0.42, -0.16, 0.012), 0.0)
"""A push at the border of the workspace, where there are no blocks."""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("ros2_control")
    scene = {"scene": "random", "seed": 3, "targets": 1, "blocks": 2}
    nodes = ("emulated_cell", "motion_node")
    with running_graph(folder, nodes, ready, emulated_cell=DRIVER | scene, motion_node=DRIVER | PATIENT) as running:
        until(lambda: home(running).success, "the robot")
        yield running


def ready(client: Client) -> None:
    until(client.execute.server_is_ready, "execute_primitive")


def home(graph: Graph) -> Trigger.Response:
    client = graph.client.node.create_client(Trigger, "home")
    until(client.service_is_ready, "home")
    return graph.client.call(client, Trigger.Request())


def execute(graph: Graph, primitive: Primitive) -> tuple[int, ExecutePrimitive.Result]:
    client = graph.client
    answer = client.result(client.send(client.execute, client.primitive_goal(primitive)))
    return answer.status, answer.result


def test_a_push_and_a_grasp_of_nothing(graph: Graph) -> None:
    status, result = execute(graph, PUSH)
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), result.error_msg
    assert result.attempt.status == Attempt.PUSHED
    status, result = execute(graph, Primitive.grasp((0.42, -0.16, 0.012), 0.0))
    assert (status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), result.error_msg
    assert result.attempt.status == Attempt.EMPTY


def test_a_cancel_ends_the_running_trajectory(graph: Graph) -> None:
    client = graph.client
    speeds: list[float] = []
    subscription = client.node.create_subscription(
        JointState, "joint_states", lambda message: speeds.append(max(map(abs, message.velocity))), 10
    )
    handle = client.send(client.execute, client.primitive_goal(PUSH))
    until(lambda: speeds and speeds[-1] > 0.1, "motion")
    handle.cancel_goal_async()
    assert client.result(handle).result.error_code == ErrorCode.CANCELED
    until(lambda: speeds[-1] < 1e-3, "rest", 2.0)
    place = client.fresh_joints()
    np.testing.assert_allclose(client.fresh_joints(), place, atol=1e-3)
    client.node.destroy_subscription(subscription)
    assert home(graph).success


def test_only_the_broadcaster_publishes_joint_states(graph: Graph) -> None:
    until(lambda: "controller_manager" in publishers(graph, "joint_states"), "joint states")
    until(lambda: "motion_node" in publishers(graph, "execute_primitive/alive"), "motion_node")
    assert publishers(graph, "joint_states") == ["controller_manager"]


def publishers(graph: Graph, topic: str) -> list[str]:
    """Names of the nodes that publish a topic, whose last part is given."""
    node = graph.client.node
    full = [name for name, _kinds in node.get_topic_names_and_types() if name.endswith(f"/{topic}")]
    return [item.node_name for name in full for item in node.get_publishers_info_by_topic(name)]
