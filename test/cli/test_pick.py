"""``impurity-grasp pick`` follows a job of a running graph, stops it on Ctrl-C, and has exit codes."""

from __future__ import annotations

import json
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

pytestmark = [pytest.mark.ros, pytest.mark.sim]

COMMAND = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import main; main()", "pick"]
SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 4}
LIMIT = 120.0


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph whose arm moves at the speed of a real one, so that there is time to interrupt it."""
    bridge = SCENE | {"real_time": True}
    with running_graph(tmp_path_factory.mktemp("graph"), bullet_bridge_node=bridge) as running:
        yield running


@pytest.fixture
def scene(graph: Graph) -> None:
    """The same scene for every test."""
    response = graph.client.call(graph.client.reset, ResetScene.Request(**SCENE))
    assert response.error_code == 0, response.error_msg
    graph.client.feedback.clear()


def pick(*words: str, domain: int) -> subprocess.Popen[str]:
    variables = os.environ | {"ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return subprocess.Popen(
        [*COMMAND, *words], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, output and errors."""
    try:
        output, errors = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    return process.returncode, output, errors


@pytest.mark.usefixtures("scene")
def test_a_job_is_shown_until_it_succeeds(graph: Graph) -> None:
    code, output, errors = finished(pick("--max-targets", "1", domain=graph.domain))
    assert code == 0, output + errors
    *told, last = output.splitlines()
    assert re.search(r"\d\.\d s  picked 0, grasps 0, pushes 0, moves 0$", told[0])
    assert re.fullmatch(r"picked 1, grasps \d+, pushes \d+, moves \d+", last)


@pytest.mark.usefixtures("scene")
def test_the_result_as_json(graph: Graph) -> None:
    code, output, errors = finished(pick("--max-actions", "1", "--json", domain=graph.domain))
    result = json.loads(output)
    assert code == {"NONE": 0, "ACTION_LIMIT": 1}[result["error"]], output + errors
    (attempt,) = result["attempts"]
    assert attempt["primitive"]["kind"] in ("GRASP", "PUSH", "MOVE")
    assert len(attempt["primitive"]["position"]) == 3
    assert isinstance(attempt["outcome"]["status"], str)
    assert attempt["outcome"]["duration"] > 0.0


@pytest.mark.usefixtures("scene")
@pytest.mark.parametrize(
    ("words", "number", "expected"),
    [((), signal.SIGINT, 130), ((), signal.SIGTERM, 130), (("--continuous",), signal.SIGINT, 0)],
)
def test_a_signal_stops_the_arm(graph: Graph, words: tuple[str, ...], number: signal.Signals, expected: int) -> None:
    home = graph.client.fresh_joints()
    process = pick(*words, domain=graph.domain)
    until(lambda: graph.client.feedback, "the job")
    graph.client.await_motion(home, 0.2)
    process.send_signal(number)
    code, output, errors = finished(process)
    assert code == expected, output + errors
    assert "canceling: the arm stops where it is" in output
    assert "CANCELED: " in output
    stopped = graph.client.fresh_joints()
    time.sleep(1.0)
    assert np.allclose(graph.client.fresh_joints(), stopped, atol=2e-3)
    assert not np.allclose(stopped, home, atol=0.1)


def test_without_a_graph_there_is_no_job(tmp_path: Path) -> None:
    code, output, errors = finished(pick("--timeout", "0.5", domain=unused_domain()))
    assert (code, output) == (2, "")
    assert errors.startswith("PEER_UNAVAILABLE: expected pick_impurities to appear within 0.5 s")
