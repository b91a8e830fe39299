"""Numbers that tell the forms of objects apart: their outlines, and how their surfaces rise."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.quantiles import quantiles

OUTLINE_NUMBERS, SURFACE_NUMBERS = 17, 14

_DIRECTIONS = 64
"""Directions from the middle in which the distance of an outline is measured."""

_SLOPES = (0.1, 0.25, 0.5, 1.0)
"""Slopes (rise per run) below which the share of the cells is taken."""

_RIM, _MIDDLE = 2.0, 0.6
"""Cells from the border that form the rim, and share of the greatest distance from it at which the middle begins."""

_ANGLES = np.linspace(-math.pi, math.pi, _DIRECTIONS, endpoint=False)


def outline_numbers(mask: NDArray[np.uint8], resolution: float) -> list[float]:
    """Describe the outline of an object, regardless of its place and direction.

    Args:
        mask: (R, C) uint8, 1 on the object, with an empty border.
        resolution: Meters per cell.

    Returns:
        17 numbers of order 1: how much of its convex hull, of the smallest rectangle and of the smallest circle around
        it the object fills; roundness; logarithms of the rectangle's width, length and their ratio; kurtosis and
        skewness along both principal axes and their joint fourth moment; the second to sixth Fourier amplitude of the
        distance from the middle.
    """
    outline = max(cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=len)
    rows, columns = np.nonzero(mask)
    area, hull = float(len(rows)), cv2.convexHull(outline)
    hull_area = cv2.contourArea(hull) + cv2.arcLength(hull, True) / 2 + 1.0  # through the middle of cells, not around
    width, length = sorted(side + 1.0 for side in cv2.minAreaRect(outline)[1])
    radius = cv2.minEnclosingCircle(outline)[1] + 0.5
    return [
        4.0 * (area / hull_area - 0.9),
        4.0 * (area / (width * length) - 0.8),
        3.0 * (4.0 * math.pi * area / (cv2.arcLength(outline, True) + 1.0) ** 2 - 0.8),
        3.0 * (area / (math.pi * radius**2) - 0.6),
        math.log(width * resolution / 0.035),
        math.log(length * resolution / 0.045),
        math.log(length / width),
        *_moments(rows - rows.mean(), columns - columns.mean()),
        *_waves(outline[:, 0, 1] - rows.mean(), outline[:, 0, 0] - columns.mean()),
    ]


def surface_numbers(
    mask: NDArray[np.uint8], height: NDArray[np.float32], slope: NDArray[np.float32], resolution: float
) -> list[float]:
    """Describe how the surface of an object rises.

    Args:
        mask: (R, C) uint8, 1 on the object, with an empty border.
        height: (R, C) float32, meters above the table.
        slope: (R, C) float32, rise per run.
        resolution: Meters per cell.

    Returns:
        14 numbers of order 1: heights below which 10, 50 and 90 % of the surface lie; how far the middle is above the
        rim; deviation from a plane, and the slope of that plane; shares of the surface below four slopes, and the mean
        slope; greatest distance from the border; logarithm of the volume; greatest less median height.
    """
    on = mask > 0
    z = height[on].astype(np.float64)
    rows, columns = (places - places.mean() for places in np.nonzero(on))
    from_border = cv2.distanceTransform(mask, cv2.DIST_L2, 3)[on]
    deepest = max(float(from_border.max()), 1.0)
    low, median, high = quantiles(z, (0.1, 0.5, 0.9))
    tilt, deviation = _plane(rows * resolution, columns * resolution, z - z.mean())
    slopes = slope[on]
    rise = z[from_border >= _MIDDLE * deepest].mean() - z[from_border <= _RIM].mean()
    return [
        *(20.0 * np.array([low, median, high]) - 0.6),
        20.0 * rise,
        60.0 * deviation,
        tilt,
        *(2.0 * (float((slopes < limit).mean()) - 0.5) for limit in _SLOPES),
        float(slopes.mean()),
        math.log(deepest / 8.0),
        math.log(len(z) * resolution**2 * max(float(z.mean()), 1e-3) / 4e-5),
        20.0 * (float(z.max()) - median),
    ]


def _moments(y: NDArray[np.float64], x: NDArray[np.float64]) -> list[float]:
    """Kurtosis and skewness along the principal axes, minor one first, and the joint fourth moment."""
    covariance = np.array([[(x * x).mean(), (x * y).mean()], [(x * y).mean(), (y * y).mean()]]) + 1e-3 * np.eye(2)
    spread, axes = np.linalg.eigh(covariance)
    u, v = (axes.T @ np.stack([x, y])) / np.sqrt(spread)[:, None]
    fourth = [float((along**4).mean()) - 2.0 for along in (u, v)]
    third = [2.0 * abs(float((along**3).mean())) for along in (u, v)]
    return [*fourth, *third, 3.0 * (float((u * u * v * v).mean()) - 1.0)]


def _waves(y: NDArray[np.float64], x: NDArray[np.float64]) -> list[float]:
    """Amplitudes of the waves along an outline with 2 to 6 periods, relative to its mean distance."""
    angles, distances = np.arctan2(y, x), np.hypot(y, x)
    order = np.argsort(angles)
    profile = np.interp(_ANGLES, angles[order], distances[order], period=2.0 * math.pi)
    amplitudes = np.abs(np.fft.rfft(profile)) / _DIRECTIONS / max(float(profile.mean()), 1.0)
    return [10.0 * float(amplitude) for amplitude in amplitudes[2:7]]


def _plane(y: NDArray[np.float64], x: NDArray[np.float64], z: NDArray[np.float64]) -> tuple[float, float]:
    """Slope of the plane through points whose means are 0, and the standard deviation from it."""
    matrix = np.array([[(y * y).mean(), (x * y).mean()], [(x * y).mean(), (x * x).mean()]]) + 1e-9 * np.eye(2)
    along = np.linalg.solve(matrix, [(y * z).mean(), (x * z).mean()])
    return float(np.hypot(*along)), float((z - along[0] * y - along[1] * x).std())
