"""Depth images as real cameras give them: pixels at edges see both surfaces, and tables bend."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from traced_frames import CAMERA, Box, trace

from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.transform import Transform

EDGE = 0.012
"""Meters between neighbors that make an edge."""

Values = NDArray[np.float32]


def view(boxes: list[Box], T_base_camera: Transform, intrinsics: CameraIntrinsics = CAMERA) -> RgbdFrame:
    """A traced frame in which nothing is farther than 4 m, as there would be above the horizon of an infinite table."""
    frame = trace(boxes, T_base_camera, intrinsics)
    near = (frame.depth > 0.0) & (frame.depth < 4.0)
    return replace(frame, depth=np.where(near, frame.depth, np.float32(0.0)))


def with_flying_pixels(frame: RgbdFrame, width_px: int = 3) -> RgbdFrame:
    """The frame in which readings near edges are the mean of ``width_px`` x ``width_px`` pixels."""
    kernel = np.ones((width_px, width_px), np.uint8)
    edge = cv2.morphologyEx(frame.depth, cv2.MORPH_GRADIENT, kernel) > EDGE
    return replace(frame, depth=np.where(edge, cv2.blur(frame.depth, (width_px, width_px)), frame.depth))


def bent(frame: RgbdFrame, bend: Callable[[Values, Values], Values]) -> RgbdFrame:
    """The frame in which every surface is higher by ``bend(x, y)`` meters: as if all stood on a bent table."""
    model, pose = frame.intrinsics, frame.T_base_camera
    rows, columns = np.indices(frame.depth.shape)
    ray = np.stack([(columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px, rows * 0 + 1.0], axis=-1)
    directions = ray @ pose[:3, :3].T
    depth = frame.depth.astype(np.float64)
    for _ in range(5):
        x, y = (directions[..., axis] * depth + pose[axis, 3] for axis in (0, 1))
        depth = frame.depth + bend(x, y) / directions[..., 2]
    return replace(frame, depth=depth.astype(np.float32))
