"""The graph of the robot picks impurities through the real client libraries, from an emulated cell.

By the script that users start: shipped limits and rates, each node a process.
"""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from dds import unused_domain
from graph import until
from served_cell import free_host

from impurity_grasp_ros.resources import resource
from ur_emulator.testing import FaultClient

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = ["--scene", "random", "--seed", "3", "--targets", "1", "--blocks", "6"]


def two_scenes(folder: Path, host: str, disturb: Callable[[], None] = lambda: None) -> tuple[int, list[Any], str]:
    """Exit code, jobs, and what the command and the nodes said."""
    command = ["bash", str(resource("scripts/emulated.sh")), *SCENE, "--episodes", "2"]
    environment = os.environ | {"ROS_DOMAIN_ID": str(unused_domain()), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, "--host", host, "--output", str(folder)], env=environment, stdout=subprocess.PIPE, text=True
    ) as run:
        disturb()
        said, _ = run.communicate()
    (results,) = folder.iterdir()
    said += "".join(path.read_text(errors="replace") for path in results.glob("*.txt"))
    return run.returncode, json.loads((results / "summary.json").read_text()), said


def test_the_targets_end_in_the_bin(tmp_path: Path) -> None:
    """Of two scenes: the second one is put under the resting arm."""
    returncode, jobs, said = two_scenes(tmp_path, free_host())
    assert returncode == 0, said
    assert [(job["seed"], job["targets"], job["targets_in_bin"]) for job in jobs] == [(3, 1, 1), (4, 1, 1)], said
    assert all(job["complete"] for job in jobs)


def test_after_a_fault_the_robot_is_recovered_for_the_next_scene(tmp_path: Path) -> None:
    host = free_host()

    def stop_in_mid_motion() -> None:
        until(lambda: FaultClient.is_served(host), "the emulated controller", 120.0)
        with closing(FaultClient(host)) as cell:
            until(lambda: max(map(abs, cell.do("state")["speeds"])) > 0.3, "the first motion", 120.0)
            cell.do("stop_program")

    returncode, jobs, said = two_scenes(tmp_path, host, stop_in_mid_motion)
    assert returncode == 1, said
    assert [(job["result"], job["complete"]) for job in jobs] == [("DEVICE_FAULT", False), ("NONE", True)], said
    assert "jobs ended by a fault: 1" in said
