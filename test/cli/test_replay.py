"""``impurity-grasp replay`` decides again on recorded jobs: the same with the same parameters, and it shows changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from graph import SIMULATED, running_graph

from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.client import PickClient
from impurity_grasp_ros.recording.job_file import JobFile, Kind

pytestmark = [pytest.mark.ros, pytest.mark.sim]

COMMAND = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import main; main()", "replay"]
SCENE = {"scene": "random", "targets": 1, "blocks": 6}
SEEDS = (3, 4, 5)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Jobs of an actor other than the shipped one."""
    folder = tmp_path_factory.mktemp("recordings")
    nodes = (*SIMULATED, "recording_node")
    with (
        running_graph(
            tmp_path_factory.mktemp("graph"),
            nodes,
            bullet_bridge_node=SCENE | {"seed": 0},
            recording_node={"folder": str(folder)},
            policy_node={"actor": "analytic"},
        ) as graph,
        PickClient(node=graph.client.node) as client,
    ):
        graph.client.await_graph()
        for path in folder.glob("*.mcap"):  # the dry run with which the test began
            path.unlink()
        for seed in SEEDS:
            answer = graph.client.call(graph.client.reset, ResetScene.Request(**SCENE, seed=seed))
            assert answer.error_code == 0, answer.error_msg
            client.start().wait(120.0)
    return folder


def replay(*words: str) -> tuple[int, str, str]:
    """Exit code, output and errors."""
    variables = os.environ | {"COLUMNS": "200"}
    done = subprocess.run([*COMMAND, *words], env=variables, capture_output=True, text=True, timeout=240)
    return done.returncode, done.stdout, done.stderr


def test_with_the_recorded_parameters_nothing_has_changed(recordings: Path) -> None:
    code, output, errors = replay(str(recordings))
    assert code == 0, output + errors
    *jobs, total = output.splitlines()
    counts = [int(match[1]) for line in jobs if (match := re.search(r"\.mcap: (\d+) decisions, 0 changed$", line))]
    assert len(counts) == len(SEEDS)
    assert total == f"{len(SEEDS)} jobs, {sum(counts)} decisions, 0 changed"
    assert sum(counts) >= 2 * len(SEEDS)


def test_changed_decisions_are_listed_with_pictures(recordings: Path, tmp_path: Path) -> None:
    code, output, errors = replay(str(recordings), "--shipped", "--output", str(tmp_path))
    assert code == 1, output + errors
    told = re.findall(r"^  decision \d+: chosen \w+ at \(.*\) m, -?\d+ deg, recorded \w+ at ", output, re.M)
    pictures = list(tmp_path.glob("*_decision_*.png"))
    assert len(told) == len(pictures) > 0
    assert cv2.imread(str(pictures[0])).std() > 10.0


def test_what_is_no_recording_of_a_job_is_refused(tmp_path: Path) -> None:
    with JobFile(tmp_path / "other.mcap", 10**6) as file:
        file.add("text", Kind("std_msgs/msg/String", "string data"), b"", 0)
    code, output, errors = replay(str(tmp_path / "other.mcap"))
    assert (code, output) == (2, "")
    assert errors.startswith("INVALID_RECORDING: ")
    code, _, errors = replay(str(tmp_path / "nothing"))
    assert code == 2
    assert "nothing: expected a recording" in errors
    (tmp_path / "empty").mkdir()
    code, _, errors = replay(str(tmp_path / "empty"))
    assert code == 2
    assert "expected recordings (*.mcap), found none" in errors
