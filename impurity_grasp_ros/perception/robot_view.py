"""The robot's own parts in the camera's view: they are no objects, and what they hide was not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.perception.rays import image_part
from impurity_grasp_ros.transform import PlacedBox, Transform, apply, inverse


def without_robot(frame: RgbdFrame, parts: Iterable[PlacedBox], margin: float) -> RgbdFrame:
    """Drop the depth readings on parts of the robot.

    Args:
        frame: The camera's frame.
        parts: Where the robot's parts were when the frame was taken.
        margin: Meters around a part that belong to it, for errors of calibration, joint angles and shapes.

    Returns:
        The frame; ``frame`` itself if no reading is on the robot.
    """
    depth = frame.depth
    for part in parts:
        T_part_camera = inverse(part.T_base_box) @ frame.T_base_camera
        low, high = part.low - margin, part.high + margin
        window = _window(inverse(T_part_camera), low, high, frame.intrinsics)
        on_part = _inside(depth, window, T_part_camera, low, high, frame.intrinsics)
        if on_part.any():
            depth = depth.copy() if depth is frame.depth else depth
            depth[window][on_part] = 0.0
    return frame if depth is frame.depth else replace(frame, depth=depth)


def _window(
    T_camera_part: Transform, low: NDArray[np.float64], high: NDArray[np.float64], camera: CameraIntrinsics
) -> tuple[slice, slice]:
    """Rows and columns of the image that a box may cover; none if it is behind the camera."""
    corners = apply(T_camera_part, np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T)
    x, y, depth = corners.T
    if depth.max() <= 0.0:
        return slice(0, 0), slice(0, 0)
    columns, rows = camera.fx_px * x + camera.cx_px * depth, camera.fy_px * y + camera.cy_px * depth
    return image_part(np.stack([columns, rows, depth]), camera)


def _inside(
    depth: NDArray[np.float32],
    window: tuple[slice, slice],
    T_part_camera: Transform,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    camera: CameraIntrinsics,
) -> NDArray[np.bool_]:
    """Which readings of a window lie inside of a box, (h, w)."""
    read = depth[window]
    x = (np.arange(window[1].start, window[1].stop, dtype=np.float32) - camera.cx_px) / camera.fx_px
    y = (np.arange(window[0].start, window[0].stop, dtype=np.float32) - camera.cy_px) / camera.fy_px
    inside = read > 0.0
    for axis in range(3):
        along_x, along_y, along_z, offset = (np.float32(value) for value in T_part_camera[axis])
        place = (along_x * x[None, :] + along_y * y[:, None] + along_z) * read + offset
        inside &= (place >= low[axis]) & (place <= high[axis])
    return inside
