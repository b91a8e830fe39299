"""What ``motion_node`` tells about the robot: batches that a digital input announces, and the force at the tool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from geometry_msgs.msg import WrenchStamped
from graph import Client, Graph, running_graph, until
from served_cell import ServedCell, free_host, served_cell
from std_msgs.msg import Empty

from impurity_grasp_ros.nodes.rising_edge import RisingEdge

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]

INPUT = 9


@pytest.fixture
def cell() -> Iterator[ServedCell]:
    with served_cell(free_host()) as served:
        yield served


def ready(client: Client) -> None:
    client.fresh_joints()


def test_each_rising_edge_is_announced_once(cell: ServedCell, tmp_path: Path) -> None:
    cell.do("digital_input", number=INPUT, on=True)  # high from the start: no edge
    parameters = {"robot_ip": cell.host, "batch_input": INPUT}
    with running_graph(tmp_path, ("motion_node",), ready, motion_node=parameters) as graph:
        announced: list[Empty] = []
        graph.client.node.create_subscription(Empty, "batch", announced.append, 10)
        until(lambda: graph.client.node.count_publishers("batch") == 1, "the publisher")
        for count in (1, 2):
            cell.do("digital_input", number=INPUT, on=False)
            cell.do("digital_input", number=INPUT - 1, on=True)
            seen(graph)
            cell.do("digital_input", number=INPUT, on=True)
            until(lambda count=count: len(announced) == count, "the announcement")
            seen(graph)
            assert len(announced) == count


def seen(graph: Graph) -> None:
    """Wait until the node has read the inputs several times."""
    for _ in range(10):
        graph.client.fresh_joints()


def test_the_force_at_the_tool_is_that_of_the_controller_in_the_base_frame(cell: ServedCell, tmp_path: Path) -> None:
    with running_graph(tmp_path, ("motion_node",), ready, motion_node={"robot_ip": cell.host}) as graph:
        told: list[WrenchStamped] = []
        graph.client.node.create_subscription(WrenchStamped, "tool_force", told.append, 10)
        cell.do("force", newtons=[3.0, 5.0, -20.0])
        until(lambda: told and told[-1].wrench.force.z == pytest.approx(-20.0), "the force")
        force = told[-1].wrench.force
        assert (force.x, force.y) == pytest.approx((-3.0, -5.0)), "the controller's frame is turned by half a turn"
        assert told[-1].header.frame_id == "base_link"


def test_a_signal_that_is_high_from_the_start_has_not_risen() -> None:
    edge = RisingEdge()
    assert [edge.is_at(level) for level in (True, True, False, True, True, False, True)] == [
        *(False, False, False, True, False, False, True)
    ]


def test_with_other_controllers_the_input_is_refused(tmp_path: Path) -> None:
    parameters = {"driver": "ros2_control", "batch_input": INPUT}
    with running_graph(tmp_path, ("motion_node",), lambda _client: None, motion_node=parameters) as graph:
        expected = "batch_input: expected -1 with driver ros2_control, received 9: publish on batch instead"
        until(lambda: expected in graph.output("motion_node"), "the refusal")
