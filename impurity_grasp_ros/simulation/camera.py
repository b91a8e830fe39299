"""The simulated RGB-D camera: PyBullet's software renderer behind a pinhole model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pybullet
from numpy.typing import NDArray

from impurity_grasp_ros.calibration import CameraCalibration
from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.simulation.sensor_noise import SensorNoise
from impurity_grasp_ros.simulation.world import World
from impurity_grasp_ros.transform import inverse

NEAR, FAR = 0.2, 2.0
"""Clipping planes in metres."""

LIGHT_DIRECTION = (0.3, 0.2, 1.0)
"""Towards the light; slanted, so that the sides of a block differ in brightness."""


class SimulatedCamera:
    """``Camera`` protocol on a world. ``scale`` shrinks the image: 0.5 renders a quarter of the pixels.

    ``noise`` makes images out of renderings, see :mod:`.sensor_noise`; without it they are one and the same.
    """

    def __init__(self, world: World, calibration: CameraCalibration, scale: float = 1.0) -> None:
        self._world = world
        self.intrinsics = scaled(calibration.intrinsics, scale)
        self.T_base_camera = calibration.T_base_camera
        self.frame_id = calibration.frame_id
        self.noise: SensorNoise | None = None
        self._view = _view_matrix(self.T_base_camera)
        self._projection = _projection_matrix(self.intrinsics)

    def capture(self) -> RgbdFrame:
        """Render one frame; depth is 0 where nothing is nearer than the far plane, or where noise has made a hole."""
        color, depth, _ = self._render(segmentation=False)
        return self._frame(color, depth)

    def capture_with_bodies(self) -> tuple[RgbdFrame, NDArray[np.int32]]:
        """One frame and the body (H, W) that each pixel shows, -1 for none. Ground truth, for training only.

        Noise makes holes in the frame's depth and changes its values, but not the bodies.
        """
        color, depth, segments = self._render(segmentation=True)
        return self._frame(color, depth), segments.reshape(depth.shape)

    def visible_pixels(self) -> dict[int, int]:
        """How many pixels of each body the camera sees. Ground truth, for scene generation and evaluation only."""
        _, _, segments = self._render(segmentation=True)
        return count_pixels(segments)

    def _frame(self, color: NDArray[np.uint8], depth: NDArray[np.float32]) -> RgbdFrame:
        if self.noise is not None:
            color, depth = self.noise.apply(color, depth)
        return RgbdFrame(color, depth, self.intrinsics, self.T_base_camera, self._world.time)

    def _render(self, *, segmentation: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]:
        width, height = self.intrinsics.width_px, self.intrinsics.height_px
        _, _, rgba, buffer, segments = self._world.bullet.getCameraImage(
            width,
            height,
            self._view,
            self._projection,
            lightDirection=LIGHT_DIRECTION,
            shadow=0,
            flags=0 if segmentation else pybullet.ER_NO_SEGMENTATION_MASK,
            renderer=pybullet.ER_TINY_RENDERER,
        )
        color = np.asarray(rgba, np.uint8).reshape(height, width, 4)[:, :, :3].copy()
        buffer = np.asarray(buffer, np.float32).reshape(height, width)
        depth = (FAR * NEAR / (FAR - (FAR - NEAR) * buffer)).astype(np.float32)
        depth[buffer >= 1.0] = 0.0
        return color, depth, np.asarray(segments, np.int32)


def count_pixels(bodies: NDArray[np.int32]) -> dict[int, int]:
    """How many pixels of an image of bodies show each."""
    found, counts = np.unique(bodies, return_counts=True)
    return {int(body): int(count) for body, count in zip(found, counts, strict=True)}


def scaled(intrinsics: CameraIntrinsics, scale: float) -> CameraIntrinsics:
    """The same view at another resolution."""
    return replace(
        intrinsics,
        width_px=round(intrinsics.width_px * scale),
        height_px=round(intrinsics.height_px * scale),
        fx_px=intrinsics.fx_px * scale,
        fy_px=intrinsics.fy_px * scale,
        cx_px=(intrinsics.cx_px + 0.5) * scale - 0.5,
        cy_px=(intrinsics.cy_px + 0.5) * scale - 0.5,
    )


def project(points: NDArray[np.float64], camera: SimulatedCamera) -> NDArray[np.float64]:
    """Pixels (n, 2), column then row, of points (n, 3) in metres in the base frame."""
    T_camera_base = inverse(camera.T_base_camera)
    p_camera = points @ T_camera_base[:3, :3].T + T_camera_base[:3, 3]
    model = camera.intrinsics
    return np.column_stack(
        [
            model.fx_px * p_camera[:, 0] / p_camera[:, 2] + model.cx_px,
            model.fy_px * p_camera[:, 1] / p_camera[:, 2] + model.cy_px,
        ]
    )


def _view_matrix(T_base_camera: NDArray[np.float64]) -> list[float]:
    """OpenGL view matrix, column-major: its camera looks along -z with y up."""
    T_base_gl = T_base_camera @ np.diag([1.0, -1.0, -1.0, 1.0])
    return [float(value) for value in inverse(T_base_gl).T.ravel()]


def _projection_matrix(model: CameraIntrinsics) -> list[float]:
    """OpenGL projection matrix, column-major, for a renderer that samples a pixel at its lower left corner.

    TinyRenderer does, where OpenGL takes the centre: without this, images are half a pixel off either way.
    """
    matrix = np.zeros((4, 4))
    matrix[0, 0] = 2.0 * model.fx_px / model.width_px
    matrix[1, 1] = 2.0 * model.fy_px / model.height_px
    matrix[0, 2] = 1.0 - 2.0 * model.cx_px / model.width_px
    matrix[1, 2] = 2.0 * (model.cy_px + 1.0) / model.height_px - 1.0
    matrix[2, 2] = -(FAR + NEAR) / (FAR - NEAR)
    matrix[2, 3] = -2.0 * FAR * NEAR / (FAR - NEAR)
    matrix[3, 2] = -1.0
    return [float(value) for value in matrix.T.ravel()]
