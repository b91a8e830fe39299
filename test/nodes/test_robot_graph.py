"""The graph of the robot picks impurities through the real client libraries, from an emulated cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from action_msgs.msg import GoalStatus
from graph import ROBOT, running_graph, until
from robot_client import PATIENT, Robot
from served_cell import free_host

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import ErrorCode

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]

STOP_LIMIT = 1.0
"""Seconds of the controller from a cancel to an arm at rest, on a busy machine; 0.3 on a free one."""


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    host = free_host()
    scene = {"host": host, "scene": "random", "seed": 3, "targets": 1, "blocks": 6}
    with running_graph(
        tmp_path_factory.mktemp("robot"), ROBOT, emulated_cell=scene, motion_node={"robot_ip": host, **PATIENT}
    ) as graph:
        running = Robot(graph, host)
        running.await_ready()
        yield running
        running.close()


def test_the_target_ends_in_the_bin(robot: Robot) -> None:
    answer = robot.client.result(robot.client.send(robot.client.pick, PickImpurities.Goal()), 240.0)
    assert (answer.status, answer.result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), answer.result
    assert answer.result.workspace_clear
    until(lambda: robot.client.scene.targets_in_bin == 1, "the target in the bin, by simulator body")


def test_a_cancel_stops_the_arm_at_once(robot: Robot) -> None:
    handle = robot.start()
    start = robot.cell.do("state")["time"]
    handle.cancel_goal_async()
    until(lambda: robot.speed() < 0.02, "rest")
    assert robot.cell.do("state")["time"] - start < STOP_LIMIT
    assert robot.client.result(handle).result.error_code == ErrorCode.CANCELED
    robot.assert_usable()
