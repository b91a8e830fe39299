"""Views of a chessboard in the gripper, computed and rendered for a camera with a known pose."""

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.perception.hand_eye import Chessboard
from impurity_grasp_ros.transform import Transform, apply, from_rotation_translation, inverse

BOARD = Chessboard(rows=5, columns=8, square=0.02)
CALIBRATION = load_cell().calibration
INTRINSICS = CALIBRATION.intrinsics
T_BASE_CAMERA = CALIBRATION.T_base_camera
T_TOOL_BOARD = from_rotation_translation(
    Rotation.from_euler("xyz", [0.03, 0.05, 0.1]).as_matrix(), np.array([-0.05, 0.03, 0.01])
)


def tool_poses(count: int, tilt: float = 0.4) -> list[Transform]:
    """Tool poses above the workspace, pointing down and tilted by up to ``tilt`` radians."""
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


def drawn_board(T_base_tool: Transform) -> np.ndarray:
    """An image of the board as the camera sees it."""
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
