"""Coats multiplied into a rendering: each pixel of a coated body gets the color of the point that it shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.simulation.materials import Coat

SUBPIXELS = ((-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25))
"""Offsets (column, row) in pixels at which a coat is evaluated, so that fine patterns do not turn into moire."""

MAX_SLOPE = 0.006
"""Limit in meters per pixel of the slope of a surface; beyond, the neighbor is another surface of the same body."""

SHININESS = 24.0
"""Exponent of the reflection of the lamp."""

Pose = tuple[NDArray[np.float64], NDArray[np.float64]]


def painted(
    color: NDArray[np.uint8],
    depth: NDArray[np.float32],
    bodies: NDArray[np.int32],
    coats: Mapping[int, Coat],
    poses: Mapping[int, Pose],
    camera: tuple[CameraIntrinsics, NDArray[np.float64]],
    light: tuple[float, float, float],
) -> NDArray[np.uint8]:
    """Paint the coated bodies of a rendering.

    A coat is evaluated at four places per pixel, on the plane that touches the surface there, and averaged.

    Args:
        color: (H, W, 3) uint8, in which coated bodies are white and shaded.
        depth: (H, W) float32, meters.
        bodies: (H, W) int32, the body that each pixel shows.
        coats: The coats by body.
        poses: Position (3,) and quaternion (4,) of the bodies, meters in the base frame.
        camera: Intrinsics and pose T_base_camera (4, 4).
        light: (3,) direction toward the lamp, base frame.

    Returns:
        The image; pixels of other bodies are unchanged.
    """
    height, width = depth.shape
    flat = bodies.ravel()
    pixels = np.flatnonzero(np.isin(flat, list(coats)) & (depth.ravel() > 0.0))
    pixels = pixels[np.argsort(flat[pixels], kind="stable")]
    found, starts = np.unique(flat[pixels], return_index=True)
    slope_u, slope_v = (_slopes(depth, bodies, pixels, step) for step in ((0, 1), (1, 0)))
    points = _points(depth.ravel()[pixels], pixels, slope_u, slope_v, camera[0], width)
    gloss = np.zeros(len(pixels), np.float32)
    albedo = np.empty((len(pixels), 3), np.float32)
    for body, first, last in zip(found, starts, [*starts[1:], len(pixels)], strict=True):
        seen = points[:, first:last].reshape(-1, 3)
        coat = coats[int(body)]
        albedo[first:last] = coat.albedo(_in_body(seen, poses[int(body)], camera[1])).reshape(4, -1, 3).mean(axis=0)
        gloss[first:last] = coat.material.gloss
    result = color.reshape(-1, 3).copy()
    shown = result[pixels] * albedo
    shiny = np.flatnonzero(gloss)
    if len(shiny):
        glint = _reflection(points[:, shiny], np.asarray(light) @ camera[1][:3, :3])
        shown[shiny] += (255.0 * gloss[shiny] * glint)[:, None]
    result[pixels] = np.clip(shown, 0.0, 255.0).round().astype(np.uint8)
    return result.reshape(height, width, 3)


def _slopes(
    depth: NDArray[np.float32], bodies: NDArray[np.int32], pixels: NDArray[np.intp], step: tuple[int, int]
) -> NDArray[np.float32]:
    """Slope (n,) of the depth at pixels along rows or columns, meters per pixel, from neighbors on the same surface."""
    height, width = depth.shape
    row, column = np.divmod(pixels, width)
    total, count = np.zeros(len(pixels), np.float32), np.zeros(len(pixels), np.float32)
    for sign in (-1, 1):
        r = np.clip(row + sign * step[0], 0, height - 1)
        c = np.clip(column + sign * step[1], 0, width - 1)
        rise = sign * (depth[r, c] - depth[row, column])
        same = (bodies[r, c] == bodies[row, column]) & (np.abs(rise) < MAX_SLOPE)
        total += np.where(same, rise, 0.0)
        count += same
    return np.asarray(total / np.maximum(count, 1.0))


def _points(
    depth: NDArray[np.float32],
    pixels: NDArray[np.intp],
    slope_u: NDArray[np.float32],
    slope_v: NDArray[np.float32],
    model: CameraIntrinsics,
    width: int,
) -> NDArray[np.float32]:
    """Points (4, n, 3) of the surface at the subpixels, meters in the camera frame."""
    row, column = np.divmod(pixels, width)
    points = np.empty((len(SUBPIXELS), len(pixels), 3), np.float32)
    for index, (du, dv) in enumerate(SUBPIXELS):
        z = depth + du * slope_u + dv * slope_v
        points[index, :, 0] = (column + (du - model.cx_px)) * z / model.fx_px
        points[index, :, 1] = (row + (dv - model.cy_px)) * z / model.fy_px
        points[index, :, 2] = z
    return points


def _in_body(points: NDArray[np.float32], pose: Pose, T_base_camera: NDArray[np.float64]) -> NDArray[np.float32]:
    """Points (n, 3) of the camera frame in a body's frame."""
    R_base_body = Rotation.from_quat(pose[1]).as_matrix()
    R_body_camera = R_base_body.T @ T_base_camera[:3, :3]
    offset = R_base_body.T @ (T_base_camera[:3, 3] - pose[0])
    return points @ R_body_camera.T.astype(np.float32) + offset.astype(np.float32)


def _reflection(points: NDArray[np.float32], light: NDArray[np.float64]) -> NDArray[np.float32]:
    """Strength (n,) in 0..1 of the lamp's reflection; the normals are those of the subpixels (4, n, 3)."""
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    toward = -points.mean(axis=0)
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    half = toward + (light / np.linalg.norm(light)).astype(np.float32)
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    return np.asarray(np.abs((normal * half).sum(axis=1)) ** SHININESS)
