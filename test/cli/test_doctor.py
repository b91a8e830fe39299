"""``impurity-grasp doctor`` finds what is wrong with computer, files, camera, robot and graph, and moves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dds import unused_domain
from graph import running_graph
from served_cell import free_host, served_cell

from impurity_grasp_ros.doctor import machine
from impurity_grasp_ros.doctor.finding import Level
from impurity_grasp_ros.doctor.machine import check_python, check_resources
from impurity_grasp_ros.doctor.shipped import check_cell
from impurity_grasp_ros.resources import resource

COMMAND = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import main; main()", "doctor", "--json"]


def doctor(*words: str, domain: int | None = None) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and findings by check."""
    variables = os.environ | {
        "ROS_DOMAIN_ID": str(unused_domain() if domain is None else domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    done = subprocess.run([*COMMAND, *words], env=variables, capture_output=True, text=True, timeout=120)
    findings = json.loads(done.stdout)
    assert all(finding["cure"] for finding in findings if finding["level"] != "ok"), findings
    return done.returncode, {finding["check"]: finding for finding in findings}


@pytest.mark.ros
def test_a_checkout_that_works_has_no_fault() -> None:
    code, found = doctor()
    assert code == 0, found
    assert all(finding["level"] != "fault" for finding in found.values())
    assert {"Python", "libraries", "disk", "memory", "cell", "weights: judge", "ROS 2", "middleware"} <= set(found)
    assert found["graph"]["found"] == "no node is running"


@pytest.mark.ros
def test_a_cell_that_is_wrong_is_a_fault(tmp_path: Path) -> None:
    cell = tmp_path / "cell.yaml"
    cell.write_text("workspace: 3\n")
    code, found = doctor("--cell-file", str(cell))
    assert code == 1
    assert found["cell"]["level"] == "fault"
    assert "cell.yaml" in found["cell"]["found"]


def test_the_calibration_of_the_simulation_is_none_for_a_real_camera() -> None:
    assert [finding.level for finding in check_cell("config/cell.yaml", is_real=False)] == [Level.OK, Level.OK]
    *_, finding = check_cell("config/cell.yaml", is_real=True)
    assert (finding.level, finding.cure) == (Level.FAULT, "impurity-grasp calibrate")


@pytest.mark.parametrize(
    ("error_px", "age_days", "level"),
    [("0.4", 10, Level.OK), ("1.3", 10, Level.WARNING), ("0.4", 300, Level.WARNING)],
)
def test_a_calibration_may_be_inexact_or_old(tmp_path: Path, error_px: str, age_days: int, level: Level) -> None:
    calibration = tmp_path / "camera_calibration.yaml"
    shutil.copy(resource("config/cell.yaml"), tmp_path / "cell.yaml")
    text = resource("config/camera_calibration.yaml").read_text(encoding="utf-8")
    assert "reprojection_error_px: 0.0" in text
    calibration.write_text(text.replace("reprojection_error_px: 0.0", f"reprojection_error_px: {error_px}"))
    changed = calibration.stat().st_mtime - 86400.0 * age_days
    os.utime(calibration, (changed, changed))
    *_, finding = check_cell(str(tmp_path / "cell.yaml"), is_real=True)
    assert (finding.check, finding.level) == ("calibration", level)
    assert f"{age_days} days old" in finding.found


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.NEEDED, "no_such_module", "no-such-package")
    finding = {item.check: item for item in check_python()}["libraries"]
    assert (finding.level, finding.found) == (Level.FAULT, "missing: no-such-package")
    monkeypatch.setattr(machine, "PYTHONS", ((3, 5), (3, 6)))
    assert next(check_python()).level is Level.FAULT


@pytest.mark.parametrize("name", ["LEAST_DISK", "LEAST_MEMORY", "LEAST_SHARED"])
def test_too_little_room_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr(machine, name, 1e9)
    low = [finding for finding in check_resources(tmp_path) if "expected at least 1e+09 GB free" in finding.found]
    assert [finding.level for finding in low] == [Level.WARNING]


# --- robot -----------------------------------------------------------------------------------------------------------


@pytest.mark.ros
def test_the_robot_is_read_and_left_alone() -> None:
    pytest.importorskip("rtde_control")
    with served_cell(free_host()) as cell:
        before = cell.do("state")
        code, found = doctor("--robot-ip", cell.host)
        after = cell.do("state")
        assert code == 1, "the shipped calibration is that of the simulated camera"
        assert [check for check, finding in found.items() if finding["level"] == "fault"] == ["calibration"]
        assert found["robot: software"]["found"].startswith("URSoftware 3.15")
        assert found["robot: modes"]["found"] == "the arm may move"
        assert found["robot: payload"]["level"] == "warning"
        assert after["joints"] == before["joints"]
        assert after["events"] == before["events"], "no program was started"

        cell.do("speed_slider", fraction=0.3)
        cell.do("remote_control", on=False)
        cell.do("emergency_stop")
        _, found = doctor("--robot-ip", cell.host)
        assert found["robot: speed slider"]["found"] == "it stands at 30%"
        assert found["robot: remote control"]["level"] == "fault"
        assert found["robot: modes"]["found"] == "the safety mode is ROBOT_EMERGENCY_STOP"

        cell.do("close", service="gripper")
        cell.do("close", service="rtde")
        _, found = doctor("--robot-ip", cell.host)
        assert found["robot: gripper"]["level"] == found["robot: RTDE"]["level"] == "fault"
        assert "robot: modes" not in found


# --- camera and graph ------------------------------------------------------------------------------------------------


@pytest.mark.ros
@pytest.mark.sim
def test_camera_and_nodes_of_a_running_graph_are_judged(tmp_path: Path) -> None:
    moved = tmp_path / "camera_calibration.yaml"
    text = resource("config/camera_calibration.yaml").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("translation:")]
    x, y, z = json.loads(line.partition(":")[2].partition("#")[0])
    moved.write_text(text.replace(line, f"translation: [{x}, {y}, {z + 0.08}]"))
    shutil.copy(resource("config/cell.yaml"), tmp_path / "cell.yaml")
    with running_graph(tmp_path, bullet_bridge_node={"scene": "random", "seed": 3, "targets": 1, "blocks": 4}) as graph:
        code, found = doctor("--camera", domain=graph.domain)
        assert found["camera: view"]["level"] == "ok", found
        assert "100% of the workspace is seen" in found["camera: view"]["found"]
        assert found["camera: depth"]["level"] == "ok"
        assert found["graph: picker_node"]["found"] == "active"
        assert code == 0, found

        code, found = doctor("--camera", "--cell-file", str(tmp_path / "cell.yaml"), domain=graph.domain)
        assert code == 1
        assert found["camera: view"]["level"] == "fault"
        assert found["camera: view"]["cure"].startswith("impurity-grasp calibrate")


@pytest.mark.ros
def test_without_a_camera_its_check_is_a_fault() -> None:
    code, found = doctor("--camera")
    assert code == 1
    assert found["camera"]["cure"] == "start the camera driver"
