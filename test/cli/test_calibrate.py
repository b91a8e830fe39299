"""``impurity-grasp calibrate`` solves a recording, writes what the nodes read, and refuses what is bad."""

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from chessboards import BOARD, INTRINSICS, T_BASE_CAMERA, drawn_board, tool_poses
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.calibration import load_calibration
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.cli.calibrate import CAMERA_FILE, PAIRS, calibrate, grid
from impurity_grasp_ros.errors import CalibrationError, ConfigError
from impurity_grasp_ros.motion.kinematics import nearest_solution
from impurity_grasp_ros.motion.safety import check_pose


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


def test_a_recording_gives_the_camera_within_two_millimetres(recording: Path, tmp_path: Path) -> None:
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
        assert nearest_solution(pose, np.array(cell.home)) is not None
    attitudes = Rotation.from_matrix([pose[:3, :3] for pose in poses])
    assert max((attitudes[0].inv() * other).magnitude() for other in attitudes) > np.radians(25)
