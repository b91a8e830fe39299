"""Procedural shapes: generators of solids, divided into those of training scenes and those of measured ones.

A *form* is what the pieces of one kind of object have in common. Its pieces differ from each other as pieces do:
sawn boxes hardly, broken rocks a lot. The shorter edges of a piece fit between the fingers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.hulls import HullSolid, Points, hull_solid
from impurity_grasp_ros.simulation.shape_points import block, icosphere, lathe, ring, superellipsoid

Floats = NDArray[np.float64]

Maker = Callable[[np.random.Generator, np.random.Generator, float], HullSolid]
"""Makes a piece from the generator of its form, that of the piece, and the size in meters (see :class:`Form`)."""

ROUNDED = 0.6
"""Angle in radians up to which edges of round shapes are shaded smoothly."""


@dataclass(frozen=True)
class Form:
    """What the shapes of one kind of object have in common.

    Attributes:
        maker: Name of a generator of this module.
        size: Middle one of the three edges of the bounding box, meters.
        seed: Seed of the proportions that all pieces share.
        spread: Largest relative deviation of a piece's size.
    """

    maker: str
    size: float
    seed: int = 0
    spread: float = 0.08

    def __post_init__(self) -> None:
        """Check the name."""
        if self.maker not in MAKERS:
            raise ConfigError(f"expected a shape out of {', '.join(MAKERS)}, received {self.maker!r}")

    def piece(self, rng: np.random.Generator) -> HullSolid:
        """Make one piece."""
        size = self.size * (1.0 + self.spread * rng.uniform(-1.0, 1.0))
        return MAKERS[self.maker](np.random.default_rng(self.seed), rng, size)


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

MEASURED_SHAPES: Mapping[str, Maker] = {
    "rock": _rock,
    "plate": _plate,
    "pebble": _pebble,
    "mushroom": _mushroom,
    "bottle": _bottle,
    "lemon": _lemon,
    "star": _star,
}

MAKERS: Mapping[str, Maker] = {**COMMON_SHAPES, **TRAINING_SHAPES, **MEASURED_SHAPES}
