"""The example programs do what examples/README.md says, run as a user runs them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dds import unused_domain
from graph import Graph, running_graph, until

from impurity_grasp.srv import ResetScene

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120.0
SMALL_SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 4}


def start(*words: str, domain: int | None = None, **variables: str) -> subprocess.Popen[str]:
    """Start a Python program at the root of the repository."""
    environment = os.environ | variables | {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    environment["ROS_DOMAIN_ID"] = str(unused_domain() if domain is None else domain)
    return subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    """Exit code, lines of the output, and the errors, of a program that ends by itself."""
    try:
        output, errors = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    return process.returncode, output.splitlines(), errors


def test_the_table_names_every_example_and_links_to_it() -> None:
    table = (ROOT / "examples/README.md").read_text(encoding="utf-8")
    links = set(re.findall(r"^\| \[`([\w.]+)`\]\(\1(?:/[\w.]+)?\)", table, re.M))
    ignored = {"README.md", "__pycache__"}
    assert links == {path.name for path in (ROOT / "examples").iterdir()} - ignored


# --- without ROS ---------------------------------------------------------------------------------------------------


@pytest.mark.sim
def test_the_loop_without_ros_clears_the_own_scene(tmp_path: Path) -> None:
    for name in ("rclpy", "impurity_grasp"):  # it would find these first
        (tmp_path / f"{name}.py").write_text("raise ImportError('hidden')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = ("examples/pick_without_ros.py", "--scene", "examples/own_scene.yaml")
    code, lines, errors = finished(start(*words, PYTHONPATH=path))
    assert code == 0, (lines, errors)
    *actions, last = lines
    assert last.startswith("clear: True, in the bin: 2 of 2 targets")
    pattern = r"(\d+)\. (TARGET|CANDIDATE) -> (GRASP|PUSH) at x 0\.\d\d m, y -?0\.\d\d m: [A-Z_]+"
    found = [re.fullmatch(pattern, line) for line in actions]
    assert all(found), actions
    assert [int(match[1]) for match in found if match] == list(range(1, len(actions) + 1))
    assert sum(line.endswith("GRASP") or ": HELD" in line for line in actions) >= 2


@pytest.mark.sim
def test_the_loop_without_ros_says_when_it_is_not_done() -> None:
    words = ("--scene", "examples/own_scene.yaml", "--actor", "analytic", "--max-actions", "1")
    code, lines, errors = finished(start("examples/pick_without_ros.py", *words))
    assert code == 1, (lines, errors)
    assert len(lines) == 2
    assert lines[-1].startswith("clear: False, in the bin: ")


@pytest.mark.sim
def test_the_loop_without_ros_names_a_fault() -> None:
    code, lines, errors = finished(start("examples/pick_without_ros.py", "--scene", "moon"))
    assert (code, lines) == (1, [])
    assert errors.startswith("UNKNOWN_SCENE: ")
    assert "'moon'" in errors


# --- a scene -------------------------------------------------------------------------------------------------------


@pytest.mark.ros
@pytest.mark.sim
def test_the_graph_clears_the_own_scene(tmp_path: Path) -> None:
    verb = "from impurity_grasp_ros.cli.main import main; main()"
    code, lines, errors = finished(
        start("-c", verb, "sim", "--scene", "examples/own_scene.yaml", "--output", str(tmp_path))
    )
    assert code == 0, (lines, errors)
    assert any("2 targets among 8 blocks" in line for line in lines)


# --- a client ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph whose arm moves at the speed of a real one, so that there is time to interrupt it."""
    bridge = SMALL_SCENE | {"real_time": True}
    with running_graph(tmp_path_factory.mktemp("graph"), bullet_bridge_node=bridge) as running:
        yield running


@pytest.fixture
def scene(graph: Graph) -> None:
    """The same scene for every test."""
    response = graph.client.call(graph.client.reset, ResetScene.Request(**SMALL_SCENE))
    assert response.error_code == 0, response.error_msg


def client(graph: Graph, *words: str) -> subprocess.Popen[str]:
    return start("examples/pick_client.py", *words, domain=graph.domain)


@pytest.mark.ros
@pytest.mark.sim
@pytest.mark.usefixtures("scene")
def test_the_client_shows_how_a_job_goes_and_ends_with_its_success(graph: Graph) -> None:
    code, lines, errors = finished(client(graph, "--max-targets", "1"))
    assert code == 0, (lines, errors)
    *feedback, counts, result = lines
    assert counts.startswith("picked 1, grasps ")
    assert result == "NONE"
    assert any(re.fullmatch(r" *\d+\.\d s  execute: picked 0, grasps \d+, pushes \d+", line) for line in feedback)
    assert len(set(feedback)) == len(feedback)
    until(lambda: graph.client.scene and graph.client.scene.targets_in_bin == 1, "the target in the bin")


@pytest.mark.ros
@pytest.mark.sim
@pytest.mark.usefixtures("scene")
def test_an_interrupted_client_stops_the_arm_and_says_so(graph: Graph) -> None:
    home = graph.client.fresh_joints()
    graph.client.feedback.clear()
    process = client(graph)
    until(lambda: graph.client.feedback, "the job")  # not the reset's motion
    graph.client.await_motion(home, 0.2)

    process.send_signal(signal.SIGINT)
    code, lines, errors = finished(process)
    assert (code, errors) == (1, "")
    assert "canceling" in lines
    assert lines[-1].startswith("CANCELED ")
    stopped = graph.client.fresh_joints()
    time.sleep(1.0)
    assert np.allclose(graph.client.fresh_joints(), stopped, atol=2e-3)
    assert not np.allclose(stopped, home, atol=0.1), "expected the arm to stop where it was, not at home"


@pytest.mark.ros
@pytest.mark.sim
def test_the_client_ends_with_the_reason_of_a_failed_job(graph: Graph) -> None:
    code, lines, _ = finished(client(graph, "--max-actions", "-1"))
    assert code == 1
    assert lines[-1] == "INVALID_GOAL max_actions: expected 0 (no limit) or more, received -1"


@pytest.mark.ros
def test_the_client_says_when_there_is_no_graph() -> None:
    code, lines, errors = finished(start("examples/pick_client.py", "--timeout", "0.5"))
    assert (code, lines) == (1, [])
    assert errors == "PEER_UNAVAILABLE: expected pick_impurities to appear within 0.5 s\n"


# --- reinforcement learning ------------------------------------------------------------------------------------------


@pytest.mark.sim
def test_a_library_trains_in_the_gymnasium_environment(tmp_path: Path) -> None:
    scene, output = "examples/own_scene.yaml", tmp_path / "policy.zip"
    words = ("--scene", scene, "--steps", "4", "--rollout", "4", "--output", str(output))
    code, lines, errors = finished(start("examples/train_with_gymnasium.py", *words))
    assert code == 0, (lines, errors)
    assert lines[-1].startswith(("0 episodes", "1 episodes"))
    assert output.stat().st_size > 100_000
