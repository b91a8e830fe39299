"""``impurity-grasp replay`` decides again on recorded jobs: the same with the same parameters, and it shows changes."""

from __future__ import annotations

import array
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from graph import SIMULATED, running_graph

from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.client import PickClient
from impurity_grasp_ros.nodes.recorded_job import read_job
from impurity_grasp_ros.nodes.replay import Comparison, Replay
from impurity_grasp_ros.recording.job_file import JobFile, Kind

pytestmark = [pytest.mark.ros, pytest.mark.sim]

COMMAND = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import main; main()"]
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
    return run("replay", *words)


def run(*words: str) -> tuple[int, str, str]:
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
    assert total == f"{len(SEEDS)} jobs, {sum(counts)} decisions, 0 changed; 0 heightmaps are others now"
    assert sum(counts) >= 2 * len(SEEDS)


def test_changed_decisions_are_listed_with_pictures(recordings: Path, tmp_path: Path) -> None:
    code, output, errors = replay(str(recordings), "--shipped", "--output", str(tmp_path))
    assert code == 1, output + errors
    told = re.findall(r"^  decision \d+: chosen \w+ at \(.*\) m, -?\d+ deg, recorded \w+ at ", output, re.M)
    pictures = list(tmp_path.glob("*_decision_*.png"))
    assert len(told) == len(pictures) > 0
    assert cv2.imread(str(pictures[0])).std() > 10.0


def test_frames_are_perceived_again(recordings: Path) -> None:
    """If the camera were 3 mm farther away, every heightmap would be another one."""
    job = read_job(next(iter(sorted(recordings.glob("*.mcap")))))
    assert len(job.views) >= len(job.steps) >= 2
    assert job.joints
    player = Replay.as_recorded(job)
    assert player.compare(job) == Comparison()
    for images in job.views:
        depth = np.frombuffer(images.depth.data, np.float32).copy()
        depth[depth > 0.0] += 0.003
        images.depth.data = array.array("B", depth.tobytes())
    assert player.compare(job).views == len(job.steps)


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


# --- export ----------------------------------------------------------------------------------------------------------


def test_a_data_set_holds_every_decision_with_its_pictures(recordings: Path, tmp_path: Path) -> None:
    code, output, errors = run("export", str(recordings), "--output", str(tmp_path))
    assert code == 0, output + errors
    lines = [json.loads(line) for line in (tmp_path / "decisions.jsonl").read_text().splitlines()]
    assert output.startswith(f"{len(SEEDS)} jobs, {len(lines)} decisions: ")
    jobs = {path.stem: read_job(path) for path in recordings.glob("*.mcap")}
    assert len(lines) == sum(len(job.steps) for job in jobs.values())
    for line in lines:
        step = jobs[line["job"]].steps[line["index"] - 1]
        pictures = {
            name: cv2.imread(str(tmp_path / file), cv2.IMREAD_UNCHANGED) for name, file in line["images"].items()
        }
        assert np.array_equal(pictures["color"][..., ::-1], step.heightmap.color)
        assert np.allclose((pictures["height"] - 1000.0) * 1e-4, step.heightmap.height, atol=6e-5)
        assert np.array_equal(pictures["valid"] == 255, step.heightmap.valid)
        assert line["attention"]["state"] == step.attention.state.name
        if step.attempt is None:
            assert line["outcome"] is None
        else:
            assert line["outcome"]["status"] == step.attempt.outcome.status.name
            assert line["primitive"]["position"] == list(step.attempt.primitive.position)
            rows, columns = np.nonzero(pictures["mask"])
            grid, (x, y) = line["grid"], line["attention"]["center"]
            middle = grid["x_min"] + (columns.mean() + 0.5) * grid["resolution"]
            assert middle == pytest.approx(x, abs=0.03)
            assert grid["y_min"] + (rows.mean() + 0.5) * grid["resolution"] == pytest.approx(y, abs=0.03)
    code, _, errors = run("export", str(recordings), "--output", str(tmp_path))
    assert code == 2
    assert "expected a folder without a data set" in errors
    code, _, errors = run("export", str(recordings), "--output", str(tmp_path / "new"), "--to", "csv")
    assert code == 2
    assert "--to: expected one of jsonl, received 'csv'" in errors
