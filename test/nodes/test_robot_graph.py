"""The graph of the robot picks impurities through the real client libraries, from an emulated cell."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from graph import ROBOT, Graph, running_graph, until
from served_cell import ServedCell, free_host
from std_srvs.srv import Trigger

from impurity_grasp.action import ExecutePrimitive, PickImpurities
from impurity_grasp.msg import ErrorCode
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.nodes.conversions import to_primitive

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]

PATIENT = {"arm.stale_after": 1.0, "arm.watchdog_frequency": 2.0}
"""A busy test machine may hold processes up for longer than a robot's computer."""

STOP_LIMIT = 1.0
"""Seconds of the controller from a cancel to an arm at rest, on a busy machine; 0.3 on a free one."""


class Robot:
    """A running graph of the robot, and a line to the emulated cell behind it."""

    def __init__(self, graph: Graph, host: str) -> None:
        self.client = graph.client
        self.cell = ServedCell(host)
        self.status: dict[str, DiagnosticStatus] = {}
        self.client.node.create_subscription(DiagnosticArray, "diagnostics", self._on_diagnostics, 10)
        self.recover = self.client.node.create_client(Trigger, "recover")
        self.home = self.client.node.create_client(Trigger, "home")
        self.await_ready()

    def await_ready(self) -> None:
        """Wait until diagnostics that arrive from now on say so."""
        self.status = {}
        until(self.is_ready, "arm and gripper")

    def is_ready(self) -> bool:
        levels = [status.level for status in self.status.values()]
        return levels == [DiagnosticStatus.OK] * 2

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.status = {status.name.split(": ")[1]: status for status in message.status}

    def joints(self) -> list[float]:
        return list(self.cell.do("state")["joints"])


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    host = free_host()
    scene = {"host": host, "scene": "random", "seed": 3, "targets": 1, "blocks": 6}
    with running_graph(
        tmp_path_factory.mktemp("robot"), ROBOT, emulated_cell=scene, motion_node={"robot_ip": host, **PATIENT}
    ) as graph:
        yield Robot(graph, host)


PUSH = to_primitive(Primitive.push((0.42, -0.16, 0.012), 0.0))


def start_push(robot: Robot) -> object:
    """A push at the border of the workspace, under way."""
    handle = robot.client.send(robot.client.execute, ExecutePrimitive.Goal(primitive=PUSH))
    until(lambda: max(map(abs, robot.cell.do("state")["speeds"])) > 0.1, "motion")
    return handle


def finish_recovery(robot: Robot) -> None:
    """Recover, and see that the next goal works."""
    answer = robot.client.call(robot.recover, Trigger.Request())
    assert answer.success, answer.message
    before = robot.joints()
    time.sleep(1.0)
    np.testing.assert_allclose(robot.joints(), before, atol=1e-3)
    robot.await_ready()
    answer = robot.client.call(robot.home, Trigger.Request())
    assert answer.success, answer.message


def test_the_target_ends_in_the_bin(robot: Robot) -> None:
    answer = robot.client.result(robot.client.send(robot.client.pick, PickImpurities.Goal()), 240.0)
    assert (answer.status, answer.result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), answer.result
    assert answer.result.workspace_clear
    until(lambda: robot.client.scene.targets_in_bin == 1, "the target in the bin, by simulator body")


def test_a_cancel_stops_the_arm_at_once(robot: Robot) -> None:
    handle = start_push(robot)
    start = robot.cell.do("state")["time"]
    handle.cancel_goal_async()
    until(lambda: max(map(abs, robot.cell.do("state")["speeds"])) < 0.02, "rest")
    assert robot.cell.do("state")["time"] - start < STOP_LIMIT
    assert robot.client.result(handle).result.error_code == ErrorCode.CANCELED
    assert robot.client.call(robot.home, Trigger.Request()).success


def test_a_protective_stop_ends_the_goal_and_waits_for_a_person(robot: Robot) -> None:
    handle = start_push(robot)
    robot.cell.do("protective_stop")
    result = robot.client.result(handle).result
    assert result.error_code == ErrorCode.DEVICE_FAULT
    assert "PROTECTIVE_STOP" in result.error_msg
    until(lambda: "arm" in robot.status and "PROTECTIVE_STOP" in robot.status["arm"].message, "diagnostics")
    refused = robot.client.result(robot.client.send(robot.client.execute, ExecutePrimitive.Goal(primitive=PUSH)))
    assert refused.result.error_code == ErrorCode.DEVICE_FAULT
    assert not robot.client.call(robot.recover, Trigger.Request()).success, "too early"
    time.sleep(5.2)
    finish_recovery(robot)


def test_a_lost_link_ends_the_goal_and_the_next_one_works(robot: Robot) -> None:
    handle = start_push(robot)
    robot.cell.do("drop", service="rtde")
    assert robot.client.result(handle).result.error_code == ErrorCode.DEVICE_FAULT
    robot.await_ready()
    assert robot.client.call(robot.home, Trigger.Request()).success
