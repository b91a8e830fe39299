"""The simulated RGB-D camera: PyBullet's software renderer with a pinhole camera model."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pybullet
from numpy.typing import NDArray

from impurity_grasp_ros.calibration import CameraCalibration
from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.simulation.painting import painted
from impurity_grasp_ros.simulation.sensor_noise import SensorNoise
from impurity_grasp_ros.simulation.world import World
from impurity_grasp_ros.transform import inverse

NEAR, FAR = 0.2, 2.0
"""Distances of the clipping planes in meters."""

LIGHT_DIRECTION = (0.3, 0.2, 1.0)
"""Direction toward the light; oblique, so that the sides of a block differ in brightness."""


class Rendering(NamedTuple):
    """What the renderer gives.

    Attributes:
        color: (H, W, 3) uint8, RGB.
        depth: (H, W) float32, meters; 0 where nothing is nearer than the far plane.
        bodies: (H, W) int32, the body that each pixel shows; -1 for none.
        intrinsics: Pinhole model of these images.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    bodies: NDArray[np.int32]
    intrinsics: CameraIntrinsics

    def cropped(self, rows: slice, columns: slice) -> Rendering:
        """A part of the images, as a camera with a narrower view gives it; both slices need a start and a stop."""
        height, width = self.depth[rows, columns].shape
        intrinsics = replace(
            self.intrinsics,
            width_px=width,
            height_px=height,
            cx_px=self.intrinsics.cx_px - columns.start,
            cy_px=self.intrinsics.cy_px - rows.start,
        )
        return Rendering(self.color[rows, columns], self.depth[rows, columns], self.bodies[rows, columns], intrinsics)


class SimulatedCamera:
    """``Camera`` protocol that renders a world.

    Attributes:
        intrinsics: Pinhole model of the rendered images.
        T_base_camera: Pose of the camera in the base frame.
        frame_id: Name of the camera frame.
        noise: Noise that is added to the renderings (see :mod:`.sensor_noise`), or None.
    """

    def __init__(self, world: World, calibration: CameraCalibration, scale: float = 1.0) -> None:
        """Place the camera.

        Args:
            world: The world to render.
            calibration: Intrinsics and pose of the camera.
            scale: Factor on width and height of the image: 0.5 renders a quarter of the pixels.
        """
        self._world = world
        self.intrinsics = scaled(calibration.intrinsics, scale)
        self.T_base_camera = calibration.T_base_camera
        self.frame_id = calibration.frame_id
        self.noise: SensorNoise | None = None
        self._view = _view_matrix(self.T_base_camera)
        self._projection = _projection_matrix(self.intrinsics)

    def capture(self) -> RgbdFrame:
        """Render one frame. Depth is 0 where nothing is nearer than the far plane, and where noise has made a hole."""
        return self.develop(self._render(segmentation=bool(self._world.coats)))

    def capture_with_bodies(self) -> tuple[RgbdFrame, NDArray[np.int32]]:
        """Render one frame with its ground truth, for training and evaluation only.

        Returns:
            The frame, and the body (H, W) int32 that each pixel shows, -1 for none. Noise does not affect the latter.
        """
        rendering = self.render()
        return self.develop(rendering), rendering.bodies

    def render(self) -> Rendering:
        """Render the bodies without their coats and without noise, to :meth:`develop` frames of it."""
        return self._render(segmentation=True)

    def develop(self, rendering: Rendering) -> RgbdFrame:
        """Make a frame from a rendering, with the coats that the bodies have now and new noise.

        It is the frame that :meth:`capture` would give, as long as nothing has moved.
        """
        color, depth, bodies, intrinsics = rendering
        if coats := self._world.coats:
            poses = {body: self._world.pose(body) for body in coats}
            color = painted(color, depth, bodies, coats, poses, (intrinsics, self.T_base_camera), LIGHT_DIRECTION)
        if self.noise is not None:
            color, depth = self.noise.apply(color, depth)
        return RgbdFrame(color, depth, intrinsics, self.T_base_camera, self._world.time)

    def visible_pixels(self) -> dict[int, int]:
        """Number of visible pixels of each body. Ground truth, for scene generation and evaluation only."""
        return count_pixels(self.render().bodies)

    def _render(self, *, segmentation: bool) -> Rendering:
        """Render; without segmentation, the bodies mean nothing."""
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
        return Rendering(color, depth, np.asarray(segments, np.int32).reshape(height, width), self.intrinsics)


def count_pixels(bodies: NDArray[np.int32]) -> dict[int, int]:
    """Number of pixels of each body in an image (H, W) of bodies; -1 counts as a body, too."""
    found, counts = np.unique(bodies, return_counts=True)
    return {int(body): int(count) for body, count in zip(found, counts, strict=True)}


def scaled(intrinsics: CameraIntrinsics, scale: float) -> CameraIntrinsics:
    """Intrinsics of the same view with width and height multiplied by ``scale``."""
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
    """Project points (n, 3), meters in the base frame, to pixels (n, 2): column, then row."""
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
    """OpenGL view matrix, column-major; OpenGL cameras look along -z with y up."""
    T_base_gl = T_base_camera @ np.diag([1.0, -1.0, -1.0, 1.0])
    return [float(value) for value in inverse(T_base_gl).T.ravel()]


def _projection_matrix(model: CameraIntrinsics) -> list[float]:
    """OpenGL projection matrix, column-major, shifted by half a pixel in both directions.

    The shift is needed because TinyRenderer samples a pixel at its lower left corner, OpenGL at its center.
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
