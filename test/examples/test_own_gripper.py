"""The example of a gripper of one's own picks in simulation, run as its first lines say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from dds import unused_domain
from xacro_files import description

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.gripper import load_gripper
from impurity_grasp_ros.resources import resource

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "own_gripper"


def test_the_description_is_what_xacro_makes_of_the_dimensions() -> None:
    made = description(gripper="long_tips", folder=str(FOLDER))
    shipped = (FOLDER / "ur5_long_tips.urdf").read_text(encoding="utf-8")
    assert ET.canonicalize(shipped, strip_text=True) == ET.canonicalize(made, strip_text=True)


def test_the_tips_are_three_centimeters_longer() -> None:
    mine, shipped = load_cell(str(FOLDER / "cell.yaml")).gripper_model, load_gripper("robotiq_2f85")
    assert mine.tool_length - shipped.tool_length == pytest.approx(0.03)
    assert mine.tip_length - shipped.tip_length == pytest.approx(0.03)
    assert Path(mine.urdf) == FOLDER / "ur5_long_tips.urdf"


def test_the_cell_is_the_shipped_one_but_for_the_gripper() -> None:
    mine, shipped = (
        yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in (FOLDER / "cell.yaml", resource("config/cell.yaml"))
    )
    assert {key for key in shipped if mine[key] != shipped[key]} == {"camera_calibration", "gripper"}


@pytest.mark.ros
@pytest.mark.sim
def test_the_graph_picks_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import app; app()", "sim"]
    command += ["--cell-file", str(FOLDER / "cell.yaml"), "--targets", "1", "--blocks", "4", "--seed", "3"]
    environment = os.environ | {"ROS_DOMAIN_ID": str(unused_domain()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    done = subprocess.run(
        [*command, "--output", str(tmp_path)], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (summary,) = tmp_path.glob("*/summary.json")
    (row,) = json.loads(summary.read_text(encoding="utf-8"))
    assert (row["targets_in_bin"], row["workspace_clear"]) == (1, True)
