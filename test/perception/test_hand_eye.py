"""Hand-eye calibration finds the camera from views of a board whose true poses are known."""

import numpy as np
import pytest
from chessboards import BOARD, INTRINSICS, T_BASE_CAMERA, T_TOOL_BOARD, corners_of, drawn_board, tool_poses
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import CalibrationError
from impurity_grasp_ros.perception.hand_eye import BoardView, Chessboard, HandEye, find_corners, predict, solve
from impurity_grasp_ros.transform import from_rotation_translation


def views(count: int, noise_px: float = 0.0, tilt: float = 0.4) -> list[BoardView]:
    rng = np.random.default_rng(1)
    poses = tool_poses(count, tilt)
    return [BoardView(pose, corners_of(pose) + rng.normal(0, noise_px, (40, 2))) for pose in poses]


def test_exact_views_give_the_exact_camera() -> None:
    solution = solve(views(10), BOARD, INTRINSICS)
    np.testing.assert_allclose(solution.T_base_camera, T_BASE_CAMERA, atol=1e-6)
    np.testing.assert_allclose(solution.T_tool_board, T_TOOL_BOARD, atol=1e-6)
    assert solution.error_px < 1e-5


def test_noise_of_a_fifth_of_a_pixel_costs_less_than_two_millimeters() -> None:
    solution = solve(views(20, noise_px=0.2), BOARD, INTRINSICS)
    assert np.linalg.norm(solution.T_base_camera[:3, 3] - T_BASE_CAMERA[:3, 3]) < 0.002
    assert solution.error_px == pytest.approx(0.2 * np.sqrt(2), rel=0.15)


def test_a_wrong_view_shows_in_the_error() -> None:
    wrong = views(12)
    wrong[3] = BoardView(wrong[4].T_base_tool, wrong[3].corners_px)
    assert solve(wrong, BOARD, INTRINSICS).error_px > 5.0


def test_predictions_meet_what_was_seen() -> None:
    seen = views(10)
    solution = solve(seen, BOARD, INTRINSICS)
    np.testing.assert_allclose(predict(seen[0], BOARD, solution, INTRINSICS), seen[0].corners_px, atol=1e-3)


@pytest.mark.parametrize(("given", "reason"), [(views(5), "at least 8 views"), (views(12, tilt=0.01), "degrees apart")])
def test_views_that_cannot_tell_are_refused(given: list[BoardView], reason: str) -> None:
    with pytest.raises(CalibrationError, match=reason):
        solve(given, BOARD, INTRINSICS)


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


def turned_views(count: int, largest_deg: float) -> list[BoardView]:
    """Exact views; the first one looks straight down, all others are turned by up to that angle, the last one by it."""
    rng = np.random.default_rng(2)
    down = Rotation.from_euler("x", np.pi)
    result = []
    for number in range(count):
        axis = rng.normal(size=3)
        turn = np.radians(largest_deg) * number / (count - 1) * axis / np.linalg.norm(axis)
        place = np.array([*rng.uniform([0.42, -0.1], [0.58, 0.1]), rng.uniform(0.1, 0.25)])
        pose = from_rotation_translation((Rotation.from_rotvec(turn) * down).as_matrix(), place)
        result.append(BoardView(pose, corners_of(pose)))
    return result


def test_the_board_s_frame_has_x_along_its_rows_and_y_along_its_columns() -> None:
    corners = Chessboard(rows=3, columns=4, square=0.01).corners
    expected = [(0.01 * column, 0.01 * row, 0.0) for row in range(3) for column in range(4)]
    np.testing.assert_allclose(corners, expected)


@pytest.mark.parametrize(
    ("rows", "columns", "square"),
    [(2, 5, 0.02), (5, 2, 0.02), (3, 5, 0.02), (4, 6, 0.02), (3, 4, 0.0), (3, 4, -0.01), (3, 4, float("nan"))],
)
def test_a_pattern_that_is_none_is_refused(rows: int, columns: int, square: float) -> None:
    with pytest.raises(CalibrationError, match=rf"received {rows} x {columns} of {square} m"):
        Chessboard(rows, columns, square)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (4, 3), (8, 5)])
def test_patterns_from_three_corners_on_are_good(rows: int, columns: int) -> None:
    assert len(Chessboard(rows, columns, 0.001).corners) == rows * columns


def test_eight_views_are_enough_and_seven_are_not() -> None:
    solution = solve(views(8), BOARD, INTRINSICS)
    np.testing.assert_allclose(solution.T_base_camera, T_BASE_CAMERA, atol=1e-5)
    with pytest.raises(CalibrationError, match="expected at least 8 views of the board, received 7"):
        solve(views(7), BOARD, INTRINSICS)


def test_attitudes_have_to_be_twenty_degrees_apart() -> None:
    solution = solve(turned_views(10, 20.5), BOARD, INTRINSICS)
    np.testing.assert_allclose(solution.T_base_camera, T_BASE_CAMERA, atol=1e-5)
    with pytest.raises(CalibrationError, match="expected orientations 20 degrees apart, received 19 degrees"):
        solve(turned_views(10, 19.0), BOARD, INTRINSICS)


def test_a_prediction_is_a_pinhole_s() -> None:
    away = from_rotation_translation(np.eye(3), np.array([0.0, 0.0, 0.5]))
    intrinsics = CameraIntrinsics(640, 480, 500.0, 400.0, 300.0, 200.0)
    board = Chessboard(3, 4, 0.01)
    seen = predict(BoardView(np.eye(4), np.zeros((12, 2))), board, HandEye(np.eye(4), away, 0.0), intrinsics)
    np.testing.assert_allclose(seen, [(300 + 10 * column, 200 + 8 * row) for row in range(3) for column in range(4)])
    raised = from_rotation_translation(np.eye(3), np.array([0.02, -0.01, 0.5]))
    moved = predict(BoardView(raised, np.zeros((12, 2))), board, HandEye(away, away, 0.0), intrinsics)
    np.testing.assert_allclose(moved - seen, [(20.0, -8.0)] * 12)


def test_the_error_is_the_root_mean_square_of_the_distances() -> None:
    noisy = views(9, noise_px=0.5)
    solution = solve(noisy, BOARD, INTRINSICS)
    off = np.concatenate([predict(view, BOARD, solution, INTRINSICS) - view.corners_px for view in noisy])
    assert solution.error_px == pytest.approx(np.sqrt((off**2).sum(axis=1).mean()), rel=1e-6)
    assert solution.error_px > 0.4
