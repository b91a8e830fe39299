"""Missing, damaged and implausible files, named pipes, and full disks."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from cell_files import write_cell
from dds import unused_domain
from fault_table import Verdict, fault

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.learning.trainer import CHECKPOINT, read_checkpoint
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.tensor_file import read_tensors, to_bytes

pytestmark = [pytest.mark.ros]

TIMEOUT = 120.0
MAIN = "from impurity_grasp_ros.cli.main import main; main()"


def run(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a separate process and DDS domain."""
    variables = os.environ | {
        "ROS_DOMAIN_ID": str(unused_domain()),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(folder / "log"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "300",
    }
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=TIMEOUT)


def refused(verdict: Verdict, folder: Path, done: subprocess.CompletedProcess[str], status: int, code: str) -> None:
    """Check that a program ended with an exit status and one line that names the error."""
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    name, _, said = done.stderr.strip().splitlines()[-1].partition(": ")
    verdict.expect(name, code, said.replace(str(folder), "…"))


def start(folder: Path, node: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Start a node with arguments after ``--ros-args``."""
    code = f"from impurity_grasp_ros.nodes.start import {node}; {node}()"
    return run(folder, code, "--ros-args", *words)


def weights(value: float) -> Callable[[Path], Path]:
    """The shipped weights with one value replaced."""

    def write(folder: Path) -> Path:
        tensors, metadata = read_tensors(resource("models/default.safetensors"))
        next(tensor for tensor in tensors.values() if tensor.dtype == torch.float32).view(-1)[0] = value
        (folder / "weights.safetensors").write_bytes(to_bytes(tensors, metadata))
        return folder / "weights.safetensors"

    return write


def calibration(**changes: Any) -> Callable[[Path], Path]:
    """A cell with the shipped calibration, some of its values replaced."""

    return partial(write_cell, camera=changes)


def text(content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "scene.yaml").write_text(content, encoding="utf-8")
        return folder / "scene.yaml"

    return write


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.yaml")
    return folder / "pipe.yaml"


CALIBRATE = "`impurity-grasp calibrate`"


@pytest.mark.parametrize(
    ("node", "parameter", "file", "expected"),
    [
        pytest.param("policy_node", "weights", weights(math.nan), "INVALID_WEIGHTS", id="nan", marks=fault(
            "one of the weights is not a number", "use other weights, or train again")),
        pytest.param("policy_node", "weights", weights(1e20), "INVALID_WEIGHTS", id="magnitude", marks=fault(
            "one of the weights is implausibly large", "use other weights, or train again")),
        pytest.param("policy_node", "weights", pipe, "INVALID_WEIGHTS", id="pipe", marks=fault(
            "the weights file is a named pipe", "give the path of a regular file")),
        pytest.param("heightmap_node", "cell_file", calibration(quaternion_xyzw=[0.0] * 4), "INVALID_CONFIG",
            id="quaternion", marks=fault("the calibration's quaternion is zero", CALIBRATE)),
        pytest.param("heightmap_node", "cell_file", calibration(quaternion_xyzw=[0.0, 0.0, 0.0, 1.0]),
            "INVALID_CONFIG", id="up", marks=fault("the calibrated camera looks upward", CALIBRATE)),
        pytest.param("heightmap_node", "cell_file", calibration(translation=[0.5, 0.0, -0.72]),
            "INVALID_CONFIG", id="below", marks=fault("the calibrated camera is below the table", CALIBRATE)),
        pytest.param("heightmap_node", "cell_file", calibration(reprojection_error_px=99.0),
            "INVALID_CONFIG", id="error", marks=fault("the calibration has a reprojection error of 99 px", CALIBRATE)),
        pytest.param("heightmap_node", "cell_file", calibration(fx_px=20.0, fy_px=20.0),
            "INVALID_CONFIG", id="lens", marks=fault("the calibration has an impossible focal length", CALIBRATE)),
        pytest.param("bullet_bridge_node", "scene", text("objects: [{shape: [1]}]\ndescription: A test.\n"),
            "INVALID_CONFIG", id="preset", marks=fault("a preset has a malformed object", "correct the object")),
        pytest.param("bullet_bridge_node", "scene", text("a: " + "[" * 20_000), "INVALID_CONFIG",
            id="nested", marks=fault("a preset is nested too deeply", "give another preset")),
        pytest.param("bullet_bridge_node", "scene", pipe, "INVALID_CONFIG",
            id="scene-pipe", marks=fault("a preset is a named pipe", "give the path of a regular file")),
    ],
)  # fmt: skip
def test_a_node_does_not_start_with_an_invalid_file(
    tmp_path: Path, verdict: Verdict, node: str, parameter: str, file: Callable[[Path], Path], expected: str
) -> None:
    done = start(tmp_path, node, "-p", f"{parameter}:={file(tmp_path)}")
    refused(verdict, tmp_path, done, 1, expected)


@fault("the parameter file of a node is missing", "give the path of an existing file")
def test_a_node_does_not_start_without_its_parameter_file(tmp_path: Path, verdict: Verdict) -> None:
    refused(verdict, tmp_path, start(tmp_path, "picker_node", "--params-file", "/nowhere.yaml"), 1, "INVALID_CONFIG")


@fault("the checkpoint of a training run is damaged", "resume another training run, or start a new one")
def test_a_damaged_checkpoint_is_not_resumed(tmp_path: Path, verdict: Verdict) -> None:
    torch.save({"round": 3, "replay": [0.0] * 1000}, tmp_path / CHECKPOINT)
    content = bytearray((tmp_path / CHECKPOINT).read_bytes())
    content[len(content) // 2] ^= 0x10
    (tmp_path / CHECKPOINT).write_bytes(bytes(content))
    with pytest.raises(CheckpointError) as raised:
        read_checkpoint(tmp_path / CHECKPOINT)
    said = str(raised.value).replace(str(tmp_path), "…")
    verdict.expect(raised.value.code.name, "INVALID_WEIGHTS", said)


@fault("the records of a benchmark contain text instead of numbers", "remove the line")
def test_a_report_of_malformed_records_is_refused(tmp_path: Path, verdict: Verdict) -> None:
    (tmp_path / "records.jsonl").write_text('{"policy": "analytic", "seed": "<script>"}\n', encoding="utf-8")
    refused(verdict, tmp_path, run(tmp_path, MAIN, "report", str(tmp_path)), 2, "INVALID_CONFIG")


FULL_DISK = """
import resource
from impurity_grasp_ros.cli.main import main
from impurity_grasp_ros.nodes.composition import SimulatedSystem

pick = SimulatedSystem.pick

def with_a_full_disk(*arguments, **limits):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # a picture takes more, a summary less
    return pick(*arguments, **limits)

SimulatedSystem.pick = with_a_full_disk
main()
"""
JOB = ("sim", "--scene", "random", "--seed", "3", "--targets", "1", "--blocks", "4")


def recorded_no_more(verdict: Verdict, done: subprocess.CompletedProcess[str]) -> None:
    """Check that the job was done, and that log and output both say once that it was not recorded."""
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.count("the job continues without recording") == 1
    assert "Traceback" not in done.stderr
    (said,) = [line for line in done.stdout.splitlines() if line.startswith("not recorded")]
    verdict.expect("NONE", "NONE", said.partition(" '")[0])


@pytest.mark.sim
@fault("the disk is full during a job", "free disk space; the job is done, its pictures are missing")
def test_the_disk_is_full(tmp_path: Path, verdict: Verdict) -> None:
    done = run(tmp_path, FULL_DISK, *JOB)
    recorded_no_more(verdict, done)
    (summary,) = tmp_path.glob("runs/*/summary.json")
    (row,) = json.loads(summary.read_text(encoding="utf-8"))
    assert (row["complete"], row["recorded"]) == (True, False)
    assert not list(tmp_path.glob("runs/*/*.png"))


@pytest.mark.sim
@fault(
    "the folder for recordings is not writable",
    "give another folder; the job is done, its pictures and summary are missing",
)
def test_the_folder_for_recordings_is_read_only(tmp_path: Path, verdict: Verdict) -> None:
    recorded_no_more(verdict, run(tmp_path, MAIN, *JOB, "--output", "/proc/self/runs"))
