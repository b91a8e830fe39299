"""Hand-eye calibration finds the camera from views of a board whose true poses are known."""

import numpy as np
import pytest
from chessboards import BOARD, INTRINSICS, T_BASE_CAMERA, T_TOOL_BOARD, corners_of, drawn_board, tool_poses

from impurity_grasp_ros.errors import CalibrationError
from impurity_grasp_ros.perception.hand_eye import Chessboard, View, find_corners, predict, solve


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
