"""Procedural shapes on which perception is measured: generators of solids, see :class:`.Form`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from impurity_grasp_ros.simulation.hulls import HullSolid, Points, hull_solid
from impurity_grasp_ros.simulation.shape_points import ROUNDED, Maker, icosphere, lathe, ring, superellipsoid


def _rock(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    sphere = icosphere(2)
    waves, phases = piece.standard_normal((6, 3)) * 1.8, piece.uniform(0.0, 2 * math.pi, 6)
    radius = 1.0 + 0.07 * np.sin(sphere @ waves.T + phases).sum(axis=1)
    points = sphere * radius[:, None] * piece.uniform(0.8, 1.25, 3)
    for _ in range(int(piece.integers(6, 10))):  # broken faces
        normal = piece.standard_normal(3)
        normal /= np.linalg.norm(normal)
        excess = np.maximum(points @ normal - piece.uniform(0.6, 0.85), 0.0)
        points = points - excess[:, None] * normal
    return hull_solid("rock", [points], crease=0.25, size=size)


def _plate(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    count, thickness = int(piece.integers(7, 12)), piece.uniform(0.32, 0.45)
    angles = (np.arange(count) + piece.uniform(-0.35, 0.35, count)) * 2 * math.pi / count
    radius = piece.uniform(0.42, 0.6, count)
    outline = np.column_stack([1.25 * radius * np.cos(angles), radius * np.sin(angles)])
    upper = outline * piece.uniform(0.86, 1.0, (count, 1))
    points = [np.column_stack([outline, np.full(count, z)]) for z in (0.0, 0.6 * thickness)]
    return hull_solid("plate", [*_stacked(points, upper, thickness)], rolls=False, size=size)


def _stacked(points: list[Points], upper: Points, thickness: float) -> list[Points]:
    return [np.concatenate([*points, np.column_stack([upper, np.full(len(upper), thickness)])])]


def _pebble(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    axes = float(piece.uniform(1.1, 1.4)), 1.0, float(piece.uniform(0.6, 0.8))
    points = superellipsoid(piece.uniform(2.0, 2.6), axes)
    tilt = piece.uniform(-0.12, 0.12, 3)
    return hull_solid("pebble", [points * (1.0 + points @ tilt)[:, None]], crease=1.2, size=size)


def _mushroom(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    rise, stem, length = piece.uniform(0.30, 0.42), piece.uniform(0.13, 0.17), piece.uniform(0.3, 0.55)
    angles = np.linspace(0.0, math.pi / 2, 6)[:-1]
    dome = [(0.5 * math.cos(a), rise * math.sin(a)) for a in angles]
    cap = lathe([(0.36, -0.07), (0.47, -0.04), *dome, (0.0, rise)])
    foot = lathe([(stem * 1.15, -length), (stem, -length / 2), (stem * 1.05, 0.0)])
    return hull_solid("mushroom", [cap, foot], crease=0.8, size=size)


def _bottle(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    body = lathe([(0.42, 0.0), (0.5, 0.06), (0.5, 1.0), (0.4, 1.2), (0.19, 1.36)])
    neck = lathe([(0.17, 1.3), (0.17, 1.62), (0.2, 1.62), (0.2, 1.75)])
    return hull_solid("bottle", [body, neck], crease=ROUNDED, size=size)


def _lemon(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    heights = np.linspace(-0.62, 0.62, 11)
    profile = [(0.5 * math.sqrt(max(1.0 - (z / 0.64) ** 2, 0.0)) + 0.02, float(z)) for z in heights]
    points = lathe([(0.0, -0.74), (0.07, -0.7), *profile[1:-1], (0.07, 0.7), (0.0, 0.74)])
    return hull_solid("lemon", [points], crease=1.0, size=size)


def _star(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    height = form.uniform(0.4, 0.6)
    parts = [np.concatenate([ring(0.55, z, 3, angle) for z in (0.0, height)]) for angle in (0.0, math.pi / 3)]
    return hull_solid("star", parts, rolls=False, size=size)


MEASURED_SHAPES: Mapping[str, Maker] = {
    "rock": _rock,
    "plate": _plate,
    "pebble": _pebble,
    "mushroom": _mushroom,
    "bottle": _bottle,
    "lemon": _lemon,
    "star": _star,
}
