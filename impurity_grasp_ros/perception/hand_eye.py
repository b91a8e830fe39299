"""Find the pose of a static camera from views of a chessboard that the arm holds (eye-to-hand calibration)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import CalibrationError
from impurity_grasp_ros.transform import (
    Transform,
    apply,
    from_rotation_translation,
    from_rotation_vector,
    inverse,
    to_rotation_vector,
)

MIN_VIEWS = 8
"""Number of views below which no calibration is attempted."""

MIN_TURN = np.radians(20.0)
"""Angle in radians by which the board's orientation in at least one view must differ from that in the first view."""


@dataclass(frozen=True)
class Chessboard:
    """A printed chessboard pattern. Its frame has x along the rows, y along the columns, and z into the board.

    Attributes:
        rows: Number of rows of inner corners.
        columns: Number of columns of inner corners. One of the two numbers is odd and one even.
        square: Edge of a square in meters.

    Raises:
        CalibrationError: There are fewer than 3 corners in a row or column, both numbers are odd or both even (the
            orientation would be ambiguous), or the squares have no size.
    """

    rows: int
    columns: int
    square: float

    def __post_init__(self) -> None:
        if (self.rows + self.columns) % 2 == 0 or min(self.rows, self.columns) < 3 or not self.square > 0.0:
            wanted = "at least 3 inner corners each way, one number odd and one even, and squares larger than 0"
            raise CalibrationError(f"expected {wanted}, received {self.rows} x {self.columns} of {self.square} m")

    @property
    def corners(self) -> NDArray[np.float64]:
        """Inner corners in the board's frame, (rows * columns, 3) in meters, row by row."""
        places = np.indices((self.rows, self.columns)).reshape(2, -1)[::-1].T * self.square
        return np.column_stack([places, np.zeros(len(places))])


@dataclass(frozen=True, eq=False)
class BoardView:
    """The board in one image.

    Attributes:
        T_base_tool: Pose of the tool when the image was taken.
        corners_px: (n, 2) float64, pixels (column, row), in the order of the board's corners.
    """

    T_base_tool: Transform
    corners_px: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HandEye:
    """A calibration.

    Attributes:
        T_base_camera: Pose of the camera's optical frame in the base frame.
        T_tool_board: Pose of the board in the tool's frame.
        error_px: Root mean square distance in pixels between observed and predicted corners.
    """

    T_base_camera: Transform
    T_tool_board: Transform
    error_px: float


def find_corners(color: NDArray[np.uint8], board: Chessboard) -> NDArray[np.float64] | None:
    """Find the corners of the board in an image, with subpixel accuracy.

    Args:
        color: (H, W, 3) uint8, RGB.
        board: The board to look for.

    Returns:
        (n, 2) float64, pixels (column, row), in the order of the board's corners; None when the board is not in view.
    """
    gray = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY)
    found, corners = cv2.findChessboardCornersSB(gray, (board.columns, board.rows), flags=cv2.CALIB_CB_ACCURACY)
    return corners.reshape(-1, 2).astype(np.float64) if found else None


def solve(views: Sequence[BoardView], board: Chessboard, intrinsics: CameraIntrinsics) -> HandEye:
    """Find the camera pose that explains all views best.

    A closed-form solution (Park and Martin, 1994, in OpenCV) is refined by least squares on the reprojection error.

    Args:
        views: The board in at least ``MIN_VIEWS`` different orientations.
        board: The board.
        intrinsics: Of the camera.

    Returns:
        The calibration with the smallest reprojection error.

    Raises:
        CalibrationError: There are too few views, their orientations differ too little, or no pose fits.
    """
    _check(views)
    matrix = _matrix(intrinsics)
    T_camera_boards = [_board_pose(view, board, matrix) for view in views]
    T_tool_bases = [inverse(view.T_base_tool) for view in views]
    rotation, translation = cv2.calibrateHandEye(
        [T[:3, :3] for T in T_tool_bases],
        [T[:3, 3] for T in T_tool_bases],
        [T[:3, :3] for T in T_camera_boards],
        [T[:3, 3] for T in T_camera_boards],
        method=cv2.CALIB_HAND_EYE_PARK,
    )
    T_base_camera = from_rotation_translation(
        np.asarray(rotation, np.float64), np.asarray(translation, np.float64).ravel()
    )
    T_tool_board = T_tool_bases[0] @ T_base_camera @ T_camera_boards[0]
    return _refine(views, board, matrix, T_base_camera, T_tool_board)


def predict(view: BoardView, board: Chessboard, solution: HandEye, intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    """Predict where the corners of the board appear in a view.

    Args:
        view: The view; only its tool pose is used.
        board: The board.
        solution: The calibration.
        intrinsics: Of the camera.

    Returns:
        (n, 2) float64, pixels (column, row).
    """
    return _project(view, board, _matrix(intrinsics), solution.T_base_camera, solution.T_tool_board)


def _check(views: Sequence[BoardView]) -> None:
    if len(views) < MIN_VIEWS:
        raise CalibrationError(f"expected at least {MIN_VIEWS} views of the board, received {len(views)}")
    orientations = Rotation.from_matrix([view.T_base_tool[:3, :3] for view in views])
    turn = max(float((orientations[0].inv() * other).magnitude()) for other in orientations)
    if turn < MIN_TURN:
        turned = f"{np.degrees(turn):.0f}"
        raise CalibrationError(
            f"expected orientations {np.degrees(MIN_TURN):.0f} degrees apart, received {turned} degrees"
        )


def _board_pose(view: BoardView, board: Chessboard, matrix: NDArray[np.float64]) -> Transform:
    found, turn, place = cv2.solvePnP(board.corners, view.corners_px, matrix, None)
    if not found:
        raise CalibrationError("expected corners of a flat board, found no pose that explains them")
    return from_rotation_vector([*place.ravel(), *turn.ravel()])


def _refine(
    views: Sequence[BoardView],
    board: Chessboard,
    matrix: NDArray[np.float64],
    T_base_camera: Transform,
    T_tool_board: Transform,
) -> HandEye:
    seen = np.concatenate([view.corners_px for view in views])

    def residuals(values: NDArray[np.float64]) -> NDArray[np.float64]:
        camera, carried = from_rotation_vector(values[:6].tolist()), from_rotation_vector(values[6:].tolist())
        return (np.concatenate([_project(view, board, matrix, camera, carried) for view in views]) - seen).ravel()

    start = np.array([*to_rotation_vector(T_base_camera), *to_rotation_vector(T_tool_board)])
    found = least_squares(residuals, start, method="lm")
    error = float(np.sqrt(2.0 * found.fun @ found.fun / len(found.fun)))
    return HandEye(from_rotation_vector(found.x[:6].tolist()), from_rotation_vector(found.x[6:].tolist()), error)


def _project(
    view: BoardView, board: Chessboard, matrix: NDArray[np.float64], T_base_camera: Transform, T_tool_board: Transform
) -> NDArray[np.float64]:
    T_camera_board = inverse(T_base_camera) @ view.T_base_tool @ T_tool_board
    points = apply(T_camera_board, board.corners) @ matrix.T
    return np.asarray(points[:, :2] / points[:, 2:])


def _matrix(intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    return np.array(
        [[intrinsics.fx_px, 0.0, intrinsics.cx_px], [0.0, intrinsics.fy_px, intrinsics.cy_px], [0.0, 0.0, 1.0]]
    )
