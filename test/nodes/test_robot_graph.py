"""The graph of the robot picks impurities through the real client libraries, from an emulated cell."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from action_msgs.msg import GoalStatus
from graph import ROBOT, running_graph, until
from robot_client import PATIENT, Robot
from served_cell import free_host

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import ErrorCode

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]


def test_the_target_ends_in_the_bin(tmp_path: Path) -> None:
    host = free_host()
    scene = {"host": host, "scene": "random", "seed": 3, "targets": 1, "blocks": 6}
    node = {"robot_ip": host, **PATIENT}
    with (
        running_graph(tmp_path, ROBOT, emulated_cell=scene, motion_node=node) as graph,
        closing(Robot(graph, host)) as robot,
    ):
        robot.await_ready()
        client = graph.client
        answer = client.result(client.send(client.pick, PickImpurities.Goal()), 240.0)
        assert (answer.status, answer.result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), answer.result
        assert answer.result.workspace_clear
        until(lambda: client.scene.targets_in_bin == 1, "the target in the bin, by simulator body")
