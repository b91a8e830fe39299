"""Patterns of procedural materials: where on a body which of a material's colors is.

A *solid* pattern is a function of the place in the body, as if the body had been carved from the material. A *printed*
pattern is a function of the place on the face of the box around the body. Both give the position t in 0..1 on the ramp
from the first color of a material to its last.

The patterns are divided into those of training scenes and those of the scenes on which perception is measured. Only
``plain`` belongs to both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.simulation.noise_volume import (
    cell_value,
    fractal,
    nearest_distance,
    ridge_distance,
    smooth,
)

Floats = NDArray[np.float32]
TAU = np.float32(2 * np.pi)

_HASHED = np.random.default_rng(7).permutation(4096).astype(np.float32) / 4095


@dataclass(frozen=True, eq=False)
class Place:
    """Where a pattern is evaluated.

    Attributes:
        inside: (n, 3) place in the body, rotated and moved, in units of the material's scale.
        across: (n, 2) place on the face, moved, in the same units.
        relative: (n, 2) place on the face, from -1 to 1 between its edges.
        face: (n,) int32 number of the face, 0 to 5.
    """

    inside: Floats
    across: Floats
    relative: Floats
    face: NDArray[np.int32]


Pattern = Callable[[Place, float], Floats]
"""Gives t (n,) in 0..1 for places; the second argument in 0..1 selects one of the pattern's variants."""


def _hash(column: Floats, row: Floats, face: NDArray[np.int32]) -> Floats:
    """A random number (n,) in 0..1 for each cell of a face."""
    key = column.astype(np.int32) * 7919 ^ row.astype(np.int32) * 6101 ^ face * 2477
    return _HASHED[(key ^ (key >> 9)) & 4095]


def _fraction(value: Floats) -> Floats:
    return np.asarray(value - np.floor(value))


def _where(condition: NDArray[np.bool_]) -> Floats:
    return condition.astype(np.float32)


def _plain(place: Place, variant: float) -> Floats:
    return np.zeros(len(place.inside), np.float32)


def _fractal(place: Place, variant: float) -> Floats:
    return np.clip((fractal(place.inside) - 0.5) * (1.0 + 2.0 * variant) + 0.5, 0.0, 1.0)


def _marble(place: Place, variant: float) -> Floats:
    veins = place.inside[:, 0] * 0.5 + (0.4 + 1.2 * variant) * (fractal(place.inside * 0.5) - 0.5)
    return np.asarray((0.5 + 0.5 * np.sin(TAU * veins)) ** (1.0 + 2.0 * variant))


def _stripes(place: Place, variant: float) -> Floats:
    return _where(_fraction(place.inside[:, 0] * 0.5) < 0.25 + 0.5 * variant)


def _checker(place: Place, variant: float) -> Floats:
    cells = np.floor(place.across if variant < 0.5 else place.inside)
    return np.asarray(cells.sum(axis=1) % 2)


def _blobs(place: Place, variant: float) -> Floats:
    return np.clip((smooth(place.inside * 0.6) - 0.35 - 0.3 * variant) * 12.0 + 0.5, 0.0, 1.0)


def _speckle(place: Place, variant: float) -> Floats:
    return np.clip((smooth(place.inside) - 0.75 - 0.17 * variant) * 15.0 + 0.5, 0.0, 1.0)


def _gradient(place: Place, variant: float) -> Floats:
    return np.asarray(np.abs(2.0 * _fraction(place.inside[:, 0] * (0.06 + 0.08 * variant)) - 1.0))


def _ridges(place: Place, variant: float) -> Floats:
    return np.asarray(np.clip(1.0 - (4.0 + 3.0 * variant) * np.abs(fractal(place.inside * 0.7) - 0.5), 0.0, 1.0))


def _camouflage(place: Place, variant: float) -> Floats:
    first, second = smooth(place.inside * 0.5), smooth(place.inside * 0.5 + np.float32(2.3))
    return np.where(first > 0.6, 1.0, np.where(second > 0.45 + 0.2 * variant, 0.5, 0.0)).astype(np.float32)


def _mosaic(place: Place, variant: float) -> Floats:
    column, row = np.floor(place.across).T
    return np.floor(_hash(column, row, place.face) * 2.999) / np.float32(2.0)


def _label(place: Place, variant: float) -> Floats:
    return _where(np.abs(place.relative).max(axis=1) < 0.45 + 0.35 * variant)


def _sash(place: Place, variant: float) -> Floats:
    return _where(np.abs(place.relative[:, 0] + 0.6 * variant * place.relative[:, 1]) < 0.2 + 0.25 * variant)


def _cells(place: Place, variant: float) -> Floats:
    return cell_value(place.inside)


def _cracks(place: Place, variant: float) -> Floats:
    warped = place.inside + np.float32(0.25) * (fractal(place.inside) - np.float32(0.5))[:, None]
    return np.asarray(np.clip(1.6 - ridge_distance(warped) * (10.0 - 5.0 * variant), 0.0, 1.0))


def _scales(place: Place, variant: float) -> Floats:
    return np.clip(nearest_distance(place.inside) * 1.5 - 0.3, 0.0, 1.0)


def _sediment(place: Place, variant: float) -> Floats:
    flat = place.inside * np.array([1.0, 0.09, 0.09], np.float32)
    return np.clip((fractal(flat) - 0.5) * (1.2 + variant) + 0.5, 0.0, 1.0)


def _rings(place: Place, variant: float) -> Floats:
    inside = place.inside
    radius = np.hypot(inside[:, 0], inside[:, 1]) + 0.35 * fractal(inside * np.array([0.3, 0.3, 0.1], np.float32))
    return np.asarray(_fraction(radius * 0.6) ** (1.0 + variant))


def _brick(place: Place, variant: float) -> Floats:
    column, row = (place.across * np.array([0.5, 1.0], np.float32)).T
    column = column + 0.5 * (np.floor(row) % 2)
    joint = 0.14 + 0.08 * variant
    mortar = (_fraction(row) < joint) | (_fraction(column) < joint / 2)
    fired = _hash(np.floor(column), np.floor(row), place.face) > 0.7
    return np.where(mortar, 1.0, np.where(fired, 0.5, 0.0)).astype(np.float32)


def _chevron(place: Place, variant: float) -> Floats:
    column, row = (place.across * 0.5).T
    return _where(_fraction(row + 1.2 * np.abs(_fraction(column * 0.6) - 0.5)) < 0.35 + 0.3 * variant)


def _dots(place: Place, variant: float) -> Floats:
    cell = _fraction(place.across * 0.6) - np.float32(0.5)
    return _where(np.hypot(cell[:, 0], cell[:, 1]) < 0.22 + 0.12 * variant)


def _bars(place: Place, variant: float) -> Floats:
    column, row = (place.across * np.array([0.9, 0.8], np.float32)).T
    line = np.floor(row)
    word = _hash(np.floor(column + 3.7 * line), line, place.face) > 0.3
    ink = np.where(_hash(line, line, place.face) > 0.6, 0.5, 1.0)
    return np.where(word & (_fraction(row) < 0.5 + 0.15 * variant), ink, 0.0).astype(np.float32)


def _woven(place: Place, variant: float) -> Floats:
    column, row = place.across.T
    over = (np.floor(column) + np.floor(row)) % 2 == 0
    along = np.where(over, _fraction(column), _fraction(row))
    thread = np.where(over, 0.3, 0.7) * np.sin(np.pi * along)
    return np.asarray(np.clip(thread + 0.3 * over * (1.0 + variant), 0.0, 1.0), np.float32)


COMMON_PATTERNS: Mapping[str, Pattern] = {"plain": _plain}

TRAINING_PATTERNS: Mapping[str, Pattern] = {
    "fractal": _fractal,
    "marble": _marble,
    "stripes": _stripes,
    "checker": _checker,
    "blobs": _blobs,
    "speckle": _speckle,
    "gradient": _gradient,
    "ridges": _ridges,
    "camouflage": _camouflage,
    "mosaic": _mosaic,
    "label": _label,
    "sash": _sash,
}

MEASURED_PATTERNS: Mapping[str, Pattern] = {
    "cells": _cells,
    "cracks": _cracks,
    "scales": _scales,
    "sediment": _sediment,
    "rings": _rings,
    "brick": _brick,
    "chevron": _chevron,
    "dots": _dots,
    "bars": _bars,
    "woven": _woven,
}

PATTERNS: Mapping[str, Pattern] = {**COMMON_PATTERNS, **TRAINING_PATTERNS, **MEASURED_PATTERNS}
