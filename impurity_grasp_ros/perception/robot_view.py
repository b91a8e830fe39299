"""The robot's own parts in the camera's view: they are no objects, and what they hide was not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import CameraIntrinsics, PlacedBox, RgbdFrame
from impurity_grasp_ros.transform import Transform, apply, inverse

_AHEAD = 0.02
"""Meters ahead of the camera from which on a part has a place in the image."""


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
    """Rows and columns of the image that a box may cover; the whole image if it extends behind the camera."""
    corners = apply(T_camera_part, np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T)
    ahead = corners[:, 2] > _AHEAD
    if not ahead.any():
        return slice(0, 0), slice(0, 0)
    if not ahead.all():
        return slice(0, camera.height_px), slice(0, camera.width_px)
    columns = camera.fx_px * corners[:, 0] / corners[:, 2] + camera.cx_px
    rows = camera.fy_px * corners[:, 1] / corners[:, 2] + camera.cy_px
    return _range(rows, camera.height_px), _range(columns, camera.width_px)


def _range(pixels: NDArray[np.float64], size_px: int) -> slice:
    first, last = np.clip([np.floor(pixels.min()), np.ceil(pixels.max()) + 1], 0, size_px).astype(int)
    return slice(int(first), int(last))


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
