"""``profile --graph`` starts the graph, measures it, and ends it."""

from __future__ import annotations

import pytest
from dds import unused_domain
from typer.testing import CliRunner

from impurity_grasp_ros.cli.main import app

pytestmark = [pytest.mark.ros, pytest.mark.sim]


def test_every_node_is_measured_and_so_is_the_overhead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(unused_domain()))
    for name in ("SETTLING", "OBSERVED"):
        monkeypatch.setattr(f"impurity_grasp_ros.nodes.graph_profile.{name}", 0.5)
    done = CliRunner().invoke(app, ["profile", "--graph", "--seed", "3", "--decisions", "1"], terminal_width=200)
    assert done.exit_code == 0, done.output
    rows = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in done.output.splitlines() if "│" in line}
    nodes = ("bullet_bridge_node", "manager_node", "heightmap_node", "attention_node", "policy_node", "picker_node")
    for name in (*nodes, "all"):
        share, memory = rows[f"idle, {name}"].split(", ")
        assert 0.0 <= float(share.partition("%")[0]) < 1000.0
        assert 20.0 < float(memory.partition(" ")[0]) < 5000.0
    assert float(rows["start to the first accepted goal"].partition(" ")[0]) > 0.5
    assert rows["overhead"].endswith("%")
