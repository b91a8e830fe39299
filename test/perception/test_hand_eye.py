"""Hand-eye calibration finds the camera from views of a board whose true poses are known."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.calibration import load_calibration
from impurity_grasp_ros.errors import CalibrationError
from impurity_grasp_ros.perception.hand_eye import Chessboard, View, find_corners, predict, solve
from impurity_grasp_ros.transform import Transform, apply, from_rotation_translation, inverse

BOARD = Chessboard(rows=5, columns=8, square=0.02)
CALIBRATION = load_calibration()
INTRINSICS = CALIBRATION.intrinsics
T_BASE_CAMERA = CALIBRATION.T_base_camera
T_TOOL_BOARD = from_rotation_translation(
    Rotation.from_euler("xyz", [0.03, 0.05, 0.1]).as_matrix(), np.array([-0.05, 0.03, 0.01])
)


def tool_poses(count: int, tilt: float = 0.4) -> list[Transform]:
    """Poses over the workspace with the tool down, tilted by up to so many radians."""
    rng = np.random.default_rng(0)
    down = Rotation.from_euler("x", np.pi)
    return [
        from_rotation_translation(
            (Rotation.from_rotvec(rng.uniform(-tilt, tilt, 3)) * down).as_matrix(),
            np.array([*rng.uniform([0.42, -0.1], [0.58, 0.1]), rng.uniform(0.1, 0.25)]),
        )
        for _ in range(count)
    ]


def corners_of(T_base_tool: Transform) -> np.ndarray:
    points = apply(inverse(T_BASE_CAMERA) @ T_base_tool @ T_TOOL_BOARD, BOARD.corners)
    return np.column_stack(
        [
            INTRINSICS.fx_px * points[:, 0] / points[:, 2] + INTRINSICS.cx_px,
            INTRINSICS.fy_px * points[:, 1] / points[:, 2] + INTRINSICS.cy_px,
        ]
    )


def views(count: int, noise_px: float = 0.0, tilt: float = 0.4) -> list[View]:
    rng = np.random.default_rng(1)
    poses = tool_poses(count, tilt)
    return [View(pose, corners_of(pose) + rng.normal(0, noise_px, (40, 2))) for pose in poses]


def test_exact_views_give_the_exact_camera() -> None:
    solution = solve(views(10), BOARD, INTRINSICS)
    np.testing.assert_allclose(solution.T_base_camera, T_BASE_CAMERA, atol=1e-6)
    np.testing.assert_allclose(solution.T_tool_board, T_TOOL_BOARD, atol=1e-6)
    assert solution.error_px < 1e-5


def test_noise_of_a_fifth_of_a_pixel_costs_less_than_two_millimetres() -> None:
    solution = solve(views(20, noise_px=0.2), BOARD, INTRINSICS)
    assert np.linalg.norm(solution.T_base_camera[:3, 3] - T_BASE_CAMERA[:3, 3]) < 0.002
    assert solution.error_px == pytest.approx(0.2 * np.sqrt(2), rel=0.15)


def test_a_wrong_view_shows_in_the_error() -> None:
    wrong = views(12)
    wrong[3] = View(wrong[4].T_base_tool, wrong[3].corners_px)
    assert solve(wrong, BOARD, INTRINSICS).error_px > 5.0


def test_predictions_meet_what_was_seen() -> None:
    seen = views(10)
    solution = solve(seen, BOARD, INTRINSICS)
    np.testing.assert_allclose(predict(seen[0], BOARD, solution, INTRINSICS), seen[0].corners_px, atol=1e-3)


@pytest.mark.parametrize(("given", "reason"), [(views(5), "at least 8 views"), (views(12, tilt=0.01), "degrees apart")])
def test_views_that_cannot_tell_are_refused(given: list[View], reason: str) -> None:
    with pytest.raises(CalibrationError, match=reason):
        solve(given, BOARD, INTRINSICS)


def drawn_board(T_base_tool: Transform) -> np.ndarray:
    """An image of the board, squares drawn where they are seen."""
    scale = 8
    rows, columns = BOARD.rows + 3, BOARD.columns + 3
    flat = np.full((rows * 20, columns * 20), 255, np.uint8)
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            if (row + column) % 2:
                flat[row * 20 : row * 20 + 20, column * 20 : column * 20 + 20] = 0
    corners = corners_of(T_base_tool)
    source = (np.column_stack([np.tile(np.arange(8), 5), np.repeat(np.arange(5), 8)]) + 2) * 20.0 - 0.5
    homography, _ = cv2.findHomography(source, corners * scale + (scale - 1) / 2)
    size = (INTRINSICS.width_px * scale, INTRINSICS.height_px * scale)
    large = cv2.warpPerspective(flat, homography, size, borderValue=200)
    small = cv2.resize(large, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)


def test_corners_are_found_to_a_fraction_of_a_pixel() -> None:
    pose = tool_poses(3)[1]
    found = find_corners(drawn_board(pose), BOARD)
    assert found is not None
    truth = corners_of(pose)
    off = np.linalg.norm(found - truth, axis=1)
    assert np.median(off) < 0.05
    assert off.max() < 0.5


def test_a_board_that_looks_the_same_upside_down_is_refused() -> None:
    with pytest.raises(CalibrationError, match="odd"):
        Chessboard(5, 7, 0.02)


def test_an_image_without_a_board_gives_none() -> None:
    assert find_corners(np.full((480, 640, 3), 90, np.uint8), BOARD) is None
