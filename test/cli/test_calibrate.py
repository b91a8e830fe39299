"""``impurity-grasp calibrate`` solves a recording, writes what the nodes read, and refuses what is bad."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from chessboards import BOARD, INTRINSICS, T_BASE_CAMERA, drawn_board, tool_poses
from grippers import KINEMATICS
from recording_arm import RecordingArm
from rich.console import Console
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.calibration import load_calibration
from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.cell_parts import ObstaclesConfig
from impurity_grasp_ros.cli import calibrate as calibrate_module
from impurity_grasp_ros.cli.calibrate import CAMERA_FILE, PAIRS, calibrate, checked_stops, grid, record_pairs
from impurity_grasp_ros.errors import CalibrationError, CollisionError, ConfigError, RecoveryNeededError
from impurity_grasp_ros.motion.safety import check_pose
from impurity_grasp_ros.transform import tool_down


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording")
    lines = []
    for number, pose in enumerate(tool_poses(10)):
        cv2.imwrite(str(folder / f"{number}.png"), drawn_board(pose))
        lines.append(json.dumps({"image": f"{number}.png", "T_base_tool": pose.tolist()}))
    (folder / PAIRS).write_text("\n".join(lines))
    (folder / CAMERA_FILE).write_text(json.dumps(asdict(INTRINSICS)))
    return folder


def solve_recording(recording: Path, output: Path, **options: float) -> None:
    calibrate(pairs=recording, rows=BOARD.rows, columns=BOARD.columns, square=BOARD.square, output=output, **options)


def test_a_recording_gives_the_camera_within_two_millimeters(recording: Path, tmp_path: Path) -> None:
    output = tmp_path / "camera.yaml"
    solve_recording(recording, output)
    written = load_calibration(str(output))
    assert written.intrinsics == INTRINSICS
    assert np.linalg.norm(written.T_base_camera[:3, 3] - T_BASE_CAMERA[:3, 3]) < 0.002
    assert 0.0 < written.reprojection_error_px < 0.3


def test_a_bad_one_is_refused_and_nothing_is_written(recording: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (recording / PAIRS).read_text().splitlines()]
    lines[2]["T_base_tool"], lines[5]["T_base_tool"] = lines[5]["T_base_tool"], lines[2]["T_base_tool"]
    for line in lines:
        line["image"] = str(recording / line["image"])
    (tmp_path / PAIRS).write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / CAMERA_FILE).write_text((recording / CAMERA_FILE).read_text())
    output = tmp_path / "camera.yaml"
    output.write_text("what was there before")
    with pytest.raises(CalibrationError, match="at most 1 px"):
        solve_recording(tmp_path, output)
    assert output.read_text() == "what was there before"


def test_no_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=PAIRS):
        solve_recording(tmp_path, tmp_path / "camera.yaml")
    with pytest.raises(ConfigError, match="--robot-ip"):
        calibrate()


def test_the_grid_is_reachable_and_tilted_enough() -> None:
    cell = load_cell()
    poses = list(grid(cell))
    assert len(poses) >= 12
    for pose in poses:
        check_pose(pose, cell)
        assert KINEMATICS.nearest(pose, np.array(cell.home)) is not None
    attitudes = Rotation.from_matrix([pose[:3, :3] for pose in poses])
    assert max((attitudes[0].inv() * other).magnitude() for other in attitudes) > np.radians(25)


def test_all_stops_are_checked_before_the_first_motion(cell: CellConfig) -> None:
    arm = RecordingArm(np.array(cell.home))
    stops = checked_stops(arm, cell)  # type: ignore[arg-type]
    assert [number for number, _ in stops] == list(range(18))
    assert arm.commands == []
    lamp = ObstaclesConfig(("lamp",), (0.5, 0.0, 0.55), (0.1, 0.1, 0.1))
    with pytest.raises(CollisionError, match=r"motion to view \d+, the .* would touch the lamp"):
        checked_stops(arm, replace(cell, obstacles=lamp))  # type: ignore[arg-type]


def test_a_recording_does_not_start_from_where_the_way_up_is_not_free(cell: CellConfig) -> None:
    with pytest.raises(RecoveryNeededError, match="the table"):
        checked_stops(RecordingArm(np.zeros(6)), cell)  # type: ignore[arg-type]


@contextmanager
def pretended_camera() -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(capture=lambda: (np.zeros((4, 4, 3), np.uint8), INTRINSICS))


def test_a_recording_rises_first_and_then_goes_from_stop_to_stop(
    cell: CellConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = KINEMATICS.nearest(tool_down((0.5, 0.1, 0.02), 0.0), np.array(cell.home))
    assert start is not None
    arm = RecordingArm(start)

    @contextmanager
    def ready_arm(robot_ip: str, cell: CellConfig) -> Iterator[RecordingArm]:
        yield arm

    monkeypatch.setattr(calibrate_module, "ready_arm", ready_arm)
    monkeypatch.setattr(calibrate_module, "SETTLE_TIME", 0.0)
    camera_tap = SimpleNamespace(CameraTap=pretended_camera)
    monkeypatch.setitem(sys.modules, "impurity_grasp_ros.nodes.camera_tap", camera_tap)
    record_pairs("192.0.2.1", tmp_path, 0.4, load_cell(), Console(quiet=True))
    assert arm.commands == ["linear", *["joint"] * 18]
    np.testing.assert_allclose(KINEMATICS.forward(arm.places[0])[:3, 3], [0.5, 0.1, 0.2], atol=1e-6)
    assert len((tmp_path / PAIRS).read_text().splitlines()) == 18
