"""The command line: a whole run of seconds, its pictures, its summary and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from dds import unused_domain

pytestmark = [pytest.mark.ros, pytest.mark.sim]


COMMAND = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import main; main()"]


def environment(folder: Path) -> dict[str, str]:
    """Variables for the command line tool, with a ROS domain of its own."""
    return os.environ | {"ROS_DOMAIN_ID": str(unused_domain()), "ROS_LOG_DIR": str(folder), "COLUMNS": "200"}


def impurity_grasp(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line tool in a process of its own."""
    variables = environment(folder)
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=variables, capture_output=True, text=True, timeout=240
    )


def test_sim_picks_the_impurity_and_leaves_pictures_and_a_summary(tmp_path: Path) -> None:
    arguments = ("sim", "--scene", "random", "--seed", "3", "--targets", "1", "--blocks", "4", "--record")
    done = impurity_grasp(*arguments, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "workspace clear" in done.stdout
    (run,) = (tmp_path / "runs").iterdir()
    (recording,) = run.glob("*.mcap")
    assert recording.read_bytes().endswith(b"\x89MCAP0\r\n")
    (row,) = json.loads((run / "summary.json").read_text())
    assert (row["seed"], row["targets"], row["targets_in_bin"], row["result"]) == (3, 1, 1, "NONE")
    assert row["workspace_clear"]
    pictures = sorted(run.glob("decision_*.png"))
    assert len(pictures) == row["grasps"] + row["pushes"] + row["moves"] + 1
    for picture in pictures:
        image = cv2.imread(str(picture))
        assert image.shape[0] > 600
        assert image.std() > 10.0


def test_sim_fails_when_the_job_is_not_done(tmp_path: Path) -> None:
    arguments = ("sim", "--scene", "invisible", "--targets", "1", "--blocks", "7", "--max-actions", "1")
    done = impurity_grasp(*arguments, folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ACTION_LIMIT" in done.stdout


def test_an_unknown_scene_is_named_and_ends_with_exit_code_two(tmp_path: Path) -> None:
    done = impurity_grasp("sim", "--scene", "moon", folder=tmp_path)
    assert done.returncode == 2
    assert "UNKNOWN_SCENE" in done.stderr
    assert "moon" in done.stderr
    assert "Traceback" not in done.stderr


BESIDE_ANOTHER_GRAPH = """
import sys
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from impurity_grasp.msg import Decision
from impurity_grasp_ros.cli.main import main
from impurity_grasp_ros.nodes import composition

composition.DISCOVERY_TIME = 7.0  # on a busy machine announcements get lost, and are repeated every three seconds
context = Context()
rclpy.init(context=context)
node = Node("another_picker", context=context)
publisher = node.create_publisher(Decision, "decision", 10)
sys.argv[1:] = ["sim"]
main()
"""


def test_sim_does_not_start_beside_another_graph_of_its_domain(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BESIDE_ANOTHER_GRAPH]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "BUSY" in done.stderr
    assert "ROS_DOMAIN_ID" in done.stderr


def test_profile_prints_the_median_of_every_stage(tmp_path: Path) -> None:
    done = impurity_grasp("profile", "--decisions", "2", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for stage in ("render", "project", "saliency", "attention", "decide", "execute", "message"):
        assert stage in done.stdout
