"""Points whose convex hulls are the parts of procedural shapes; (n, 3), in the unit of their arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from impurity_grasp_ros.simulation.hulls import HullSolid, Points

Maker = Callable[[np.random.Generator, np.random.Generator, float], HullSolid]
"""Makes a piece from the generator of its form, that of the piece, and the size in meters (see :class:`.Form`)."""

ROUNDED = 0.6
"""Angle in radians up to which edges of round shapes are shaded smoothly."""

ROUND = 20
"""Corners that approximate a circle."""


def ring(radius: float, z: float, count: int = ROUND, angle: float = 0.0) -> Points:
    """Points on a circle about z, the first one at ``angle`` in radians from x."""
    angles = np.arange(count) * 2 * math.pi / count + angle
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.full(count, z)])


def lathe(profile: list[tuple[float, float]]) -> Points:
    """Points of a body of revolution about z, from (radius, height) pairs."""
    return np.concatenate([ring(radius, z) if radius > 0.0 else np.array([[0.0, 0.0, z]]) for radius, z in profile])


def block(size: tuple[float, float, float], center: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Points:
    """The corners of a box."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return np.asarray(signs * np.array(size) / 2 + center)


@cache
def icosphere(level: int) -> Points:
    """Unit vectors: the corners of an icosahedron whose faces are divided into four ``level`` times."""
    golden = (1 + math.sqrt(5)) / 2
    base = [(0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    points = np.array([np.roll(corner, shift) for corner in base for shift in range(3)])
    for _ in range(level):
        gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
        edge = 1.3 * gaps[gaps > 1e-6].min()
        first, second = np.nonzero(np.triu((gaps < edge) & (gaps > 1e-6)))
        points = np.concatenate([points, (points[first] + points[second]) / 2])
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def superellipsoid(exponent: float, axes: tuple[float, float, float]) -> Points:
    """Points on a rounded body: an ellipsoid for exponent 2, a box for an infinite one; ``axes`` are its half edges."""
    sphere = icosphere(2)
    radius = (np.abs(sphere) ** exponent).sum(axis=1) ** (-1 / exponent)
    return np.asarray(sphere * radius[:, None] * axes)
