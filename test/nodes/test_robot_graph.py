"""The graph of the robot picks impurities through the real client libraries, from an emulated cell.

By the script that users start: shipped limits and rates, each node a process.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from dds import unused_domain
from served_cell import free_host

from impurity_grasp_ros.resources import resource

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = ["--scene", "random", "--seed", "3", "--targets", "1", "--blocks", "6"]


def test_the_targets_end_in_the_bin(tmp_path: Path) -> None:
    """Of two scenes: the second one is put under the resting arm."""
    command = ["bash", str(resource("scripts/emulated.sh")), *SCENE, "--episodes", "2"]
    environment = os.environ | {"ROS_DOMAIN_ID": str(unused_domain()), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [*command, "--host", free_host(), "--output", str(tmp_path)], env=environment, capture_output=True, text=True
    )
    (folder,) = tmp_path.iterdir()
    said = run.stdout + "".join(path.read_text(errors="replace") for path in folder.glob("*.txt"))
    assert run.returncode == 0, said
    jobs = json.loads((folder / "summary.json").read_text())
    assert [(job["seed"], job["targets"], job["targets_in_bin"]) for job in jobs] == [(3, 1, 1), (4, 1, 1)], said
    assert all(job["complete"] for job in jobs)
