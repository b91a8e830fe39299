"""One table says which nodes a graph has and with which parameters; wrong values are refused by name."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from impurity_grasp_ros.cli.main import app
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.graphs import GRAPHS, Given, GraphNode


def started(graph: str, **given: str) -> dict[str, dict[str, object]]:
    """Parameters of the nodes that are started, by executable."""
    values = GRAPHS[graph].values(given)
    return {node.executable: node.resolved(values) for node in GRAPHS[graph].nodes if node.is_wanted(values)}


DECIDING = {"manager_node", "heightmap_node", "attention_node", "policy_node", "picker_node"}


@pytest.mark.parametrize(
    ("graph", "movers"),
    [("sim", {"bullet_bridge_node"}), ("real", {"motion_node"}), ("emulated", {"emulated_cell", "motion_node"})],
)
def test_graphs_differ_in_what_moves_the_arm(graph: str, movers: set[str]) -> None:
    nodes = started(graph)
    assert set(nodes) == DECIDING | movers
    assert {name for name, values in nodes.items() if values.get("autostart") is False} == set(nodes) - {
        *("manager_node", "emulated_cell"),
    }
    assert nodes["manager_node"]["mover"] == ("bullet_bridge_node" if graph == "sim" else "motion_node")


def test_values_reach_their_nodes_with_their_types() -> None:
    nodes = started("sim", scene="few", seed="7", gui="true")
    bridge = nodes["bullet_bridge_node"]
    assert (bridge["scene"], bridge["seed"], bridge["gui"], bridge["use_sim_time"]) == ("few", 7, True, True)
    assert nodes["heightmap_node"]["refuse_repeated"] is False, "the simulated camera has no noise"
    robot = started("emulated", robot_ip="127.0.0.9", controller="e-series")
    assert (robot["emulated_cell"]["host"], robot["motion_node"]["robot_ip"]) == ("127.0.0.9", "127.0.0.9")
    assert robot["emulated_cell"]["controller"] == "e-series"
    assert robot["heightmap_node"]["refuse_repeated"] is True


@pytest.mark.parametrize("graph", ["sim", "real", "emulated"])
def test_every_node_that_names_frames_gets_the_prefix(graph: str) -> None:
    nodes = started(graph, frame_prefix="left_")
    for name in ("heightmap_node", "attention_node", "policy_node"):
        assert nodes[name]["frame_prefix"] == "left_"


def test_a_taught_model_changes_the_mode(tmp_path: object) -> None:
    model = f"{tmp_path}/model.json"
    with open(model, "w") as file:
        file.write("{}")
    assert "mode" not in started("sim")["attention_node"]
    taught = started("sim", ordinary_model=model)["attention_node"]
    assert (taught["mode"], taught["objects.ordinary_model"]) == ("objects", model)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sed": "3"}, "sed: unknown launch argument, perhaps seed"),
        ({"seed": "x"}, "seed: expected a whole number"),
        ({"refuse_repeated": "true"}, "refuse_repeated: expected no value, it is always false here"),
    ],
)
def test_a_wrong_value_is_refused_by_name(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GRAPHS["sim"].values(given)


def test_conditions() -> None:
    both = GraphNode("x", unless_empty="a", if_empty="b")
    assert [both.is_wanted({"a": a, "b": b}) for a in ("", "1") for b in ("", "1")] == [False, False, True, False]
    assert GraphNode("x", {"n": Given("n", int)}, is_managed=False).resolved({"n": "4"}) == {"n": 4}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["moon"], "expected one of sim, real, emulated, received 'moon'"),
        (["sim", "seed=3"], "expected name:=value, received 'seed=3'"),
        (["real", "dry_run:=perhaps"], "dry_run: expected one of"),
    ],
)
def test_the_command_refuses_wrong_words(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["launch", *words])
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)


def test_the_command_shows_its_arguments() -> None:
    shown = CliRunner().invoke(app, ["launch", "emulated", "--show-args"], env={"COLUMNS": "200"}).stdout
    assert "cb3, e-series" in shown
    assert "refuse_repeated" in shown
