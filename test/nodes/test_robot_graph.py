"""The graph of the robot picks impurities through the real client libraries, from an emulated cell.

As ``scripts/emulated.sh`` starts it: shipped limits and rates, each node a process.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from dds import unused_domain
from graph import until
from served_cell import free_host

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.nodes.robot_graph import RobotGraph

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = {"scene": "random", "targets": 1, "blocks": 6}


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RobotGraph:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(unused_domain()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return RobotGraph(tmp_path, free_host(), {**SCENE, "seed": 3})


def test_the_target_ends_in_the_bin(graph: RobotGraph) -> None:
    with graph:
        graph.await_ready()
        result = graph.pick(PickImpurities.Goal(), timeout=200.0)
        assert result.error_code == ErrorCode.NONE, f"{result.error_msg}\n{graph.output()}"
        assert result.workspace_clear
        until(lambda: graph.scene.targets_in_bin == 1, "the target in the bin, by simulator body")
        state = graph.reset(**SCENE, seed=4)
        assert (state.seed, state.targets, state.targets_in_bin) == (4, 1, 0), "another scene under the resting arm"
