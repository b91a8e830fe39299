"""Procedural shapes of training scenes: generators of solids, see :class:`.Form`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.simulation.hulls import HullSolid, Points, hull_solid
from impurity_grasp_ros.simulation.shape_points import ROUNDED, Maker, block, lathe, ring, superellipsoid

Floats = NDArray[np.float64]


def _varied(form: np.random.Generator, piece: np.random.Generator, values: Floats) -> Floats:
    """Let a piece's proportions differ from those of its form: by up to a share that the form draws as well."""
    share = form.choice([0.0, 0.1, 0.25])
    return np.asarray(values * (1.0 + share * piece.uniform(-1.0, 1.0, len(values))))


def _box(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    return hull_solid("box", [block((form.uniform(1.0, 1.5), 1.0, form.uniform(0.65, 1.0)))], rolls=False, size=size)


def _prism(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    count, height = int(form.choice([3, 5, 6, 8])), form.uniform(0.7, 1.4)
    return hull_solid("prism", [_lathe_prism(count, height)], rolls=count > 5, size=size)


def _lathe_prism(count: int, height: float) -> Points:
    return np.concatenate([ring(0.5, -height / 2, count), ring(0.5, height / 2, count)])


def _pillow(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    long, deep = _varied(form, piece, form.uniform((1.0, 0.6), (1.5, 1.0)))
    points = superellipsoid(form.uniform(3.0, 8.0), (long, 1.0, deep))
    return hull_solid("pillow", [points], crease=ROUNDED, size=size)


def _chunk(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    points = piece.standard_normal((int(form.integers(9, 20)), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return hull_solid("chunk", [points * form.uniform(0.7, 1.3, 3)], size=size)


def _capsule(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    length, bulge = _varied(form, piece, form.uniform(0.3, 1.0, 2))
    angles = np.linspace(0.0, math.pi / 2, 5)[:-1]
    cap = [(0.5 * math.cos(a), length / 2 + 0.5 * bulge * math.sin(a)) for a in angles]
    profile = [(r, -z) for r, z in cap[::-1]] + cap
    points = lathe([(0.0, -length / 2 - 0.5 * bulge), *profile, (0.0, length / 2 + 0.5 * bulge)])
    return hull_solid("capsule", [points], crease=ROUNDED, size=size)


def _frustum(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    top, height = _varied(form, piece, form.uniform((0.15, 0.7), (0.48, 1.4)))
    points = lathe([(0.5, 0.0), (top, height)])
    return hull_solid("frustum", [points], crease=ROUNDED, size=size)


def _wedge(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    length, top = _varied(form, piece, form.uniform((1.0, 0.0), (1.5, 0.6)))
    points = np.concatenate([block((length, 1.0, 1e-3)), block((max(top, 0.02) * length, 1.0, 1e-3), (0.0, 0.0, 0.7))])
    return hull_solid("wedge", [points], rolls=False, size=size)


def _angle(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    thick, height, leg = form.uniform(0.35, 0.5), form.uniform(0.5, 0.8), form.uniform(0.8, 1.2)
    along = block((leg, thick, height), (leg / 2, thick / 2, 0.0))
    up = block((thick, 1.0 - thick, height), (thick / 2, (1.0 + thick) / 2, 0.0))
    return hull_solid("angle", [along, up], rolls=False, size=size)


def _cross(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    thick, height, length = form.uniform(0.3, 0.45), form.uniform(0.3, 0.6), form.uniform(1.0, 1.3)
    bars = [block((length, thick, height)), block((thick, 1.0, height))]
    return hull_solid("cross", bars, rolls=False, size=size)


def _tee(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    thick, height, foot = form.uniform(0.3, 0.45), form.uniform(0.4, 0.7), form.uniform(0.8, 1.2)
    bar = block((thick, 1.0, height), (-thick / 2, 0.0, 0.0))
    return hull_solid("tee", [bar, block((foot, thick, height), (foot / 2, 0.0, 0.0))], rolls=False, size=size)


def _disc(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    (height,) = _varied(form, piece, form.uniform(0.25, 0.45, 1))
    return hull_solid("disc", [lathe([(0.5, 0.0), (0.5, height)])], crease=ROUNDED, size=size)


def _rod(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    length, height = _varied(form, piece, form.uniform((1.8, 0.5), (2.1, 0.8)))
    return hull_solid("rod", [block((length, 1.0, height))], rolls=False, size=size)


def _turned(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    """A body of revolution with two to four conical sections of any width, one of them of full width."""
    sections = int(form.integers(2, 5))
    radii = form.uniform(0.15, 0.5, sections + 1)
    radii[form.integers(sections + 1)] = 0.5
    lengths = form.dirichlet(np.full(sections, 2.0)) * form.uniform(0.6, 1.8)
    radii, lengths = np.clip(_varied(form, piece, radii), 0.12, 0.5), _varied(form, piece, lengths)
    ends = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 0.1))])
    parts = [lathe(list(zip(radii[i : i + 2], ends[i : i + 2], strict=True))) for i in range(sections)]
    return hull_solid("turned", parts, crease=ROUNDED, size=size)


def _compound(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    """Two or three blocks of any proportions that stand in each other."""
    count = int(form.integers(2, 4))
    sizes, places = form.uniform(0.3, 1.0, (count, 3)), form.uniform(-0.25, 0.25, (count, 3))
    sizes[0], places[0] = form.uniform(0.6, 1.0, 3), 0.0
    places[:, 2] = sizes[:, 2] / 2
    sizes, places = (_varied(form, piece, part.ravel()).reshape(count, 3) for part in (sizes, places))
    parts = [block(tuple(edges), tuple(place)) for edges, place in zip(sizes, places, strict=True)]
    return hull_solid("compound", parts, rolls=False, size=size)


def _dumbbell(form: np.random.Generator, piece: np.random.Generator, size: float) -> HullSolid:
    length, neck, width = form.uniform(0.5, 0.9), form.uniform(0.15, 0.25), form.uniform(0.3, 0.5)
    ends = [lathe([(0.5, z), (0.5, z + width)]) for z in (0.0, length + width)]
    grip = lathe([(neck, width), (neck, width + length)])
    return hull_solid("dumbbell", [*ends, grip], crease=ROUNDED, size=size)


COMMON_SHAPES: Mapping[str, Maker] = {"box": _box}

TRAINING_SHAPES: Mapping[str, Maker] = {
    "prism": _prism,
    "pillow": _pillow,
    "chunk": _chunk,
    "capsule": _capsule,
    "frustum": _frustum,
    "wedge": _wedge,
    "angle": _angle,
    "cross": _cross,
    "tee": _tee,
    "disc": _disc,
    "rod": _rod,
    "dumbbell": _dumbbell,
    "turned": _turned,
    "compound": _compound,
}
