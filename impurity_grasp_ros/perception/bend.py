"""A table that bends, or that a camera sees bent, by some millimeters: heights are measured from its surface.

The plane of the table decides whether the table is where it should be; nothing here changes that. What is fitted here
is the small, smooth difference between this plane and the readings of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Grid
from impurity_grasp_ros.perception.samples import Samples
from impurity_grasp_ros.perception.table import TableConfig, TablePlane

_STRIDE = 4
"""Every fourth row and column of the samples is used."""

_DEGREE = 3
"""Degree of the surface. It does not follow anything as small as an object."""

_KNOTS = 12
"""Rows and columns of knots between which the difference is interpolated."""

_MIN_READINGS = 4
"""Readings of the table in the square around a knot that support it."""

_NEAR = (1.5, 1.0, 0.75, 0.75)
"""Distance from the surface up to which readings are used in each round of least squares, as multiples of the largest
bend that is corrected."""

_ROW = 1024
"""Points are looked up in rows of this many, because OpenCV limits the size of images."""

Values = NDArray[np.float32]
"""One value for each of some points."""


class Level(Protocol):
    """A surface from which heights are measured."""

    def above(self, x: Values, y: Values, z: Values) -> Values:
        """Return the heights in meters above the surface of points (x, y, z) in the base frame; all of one shape."""
        ...


@dataclass(frozen=True, eq=False)
class BentTable:
    """The surface of the table.

    Attributes:
        plane: The plane fitted to it.
        bend: (12, 12) float32, meters above the plane, at knots along y and x.
        corner: (x, y) of the first knot in meters, base frame.
        pitch: (along x, along y) meters between knots.
    """

    plane: TablePlane
    bend: Values
    corner: tuple[float, float]
    pitch: tuple[float, float]

    def above(self, x: Values, y: Values, z: Values) -> Values:
        """Return the heights in meters above the surface of points (x, y, z) in the base frame; all of one shape."""
        if x.size == 0:
            return self.plane.above(x, y, z)
        rows = -(-x.size // _ROW)
        column, row = (
            np.resize((values - np.float32(first)) * np.float32(1.0 / pitch), (rows, _ROW))
            for values, first, pitch in zip((x, y), self.corner, self.pitch, strict=True)
        )
        bend = cv2.remap(self.bend, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(self.plane.above(x, y, z) - bend.reshape(-1)[: x.size].reshape(x.shape), np.float32)


def fit_bend(samples: Samples, plane: TablePlane, grid: Grid, surround: float, config: TableConfig) -> BentTable | None:
    """Fit a cubic surface to the readings of the table, relative to its plane.

    It is bounded by ``max_bend``, and is 0 where there are no readings of the table nearby. Readings that are farther
    from it than the bound belong to objects and are left out. Nothing is random: equal samples give equal surfaces.

    Args:
        samples: Samples of one frame.
        plane: The plane fitted to the table.
        grid: The workspace.
        surround: Meters around the workspace that are judged together with it.
        config: How much bend is ignored and corrected.

    Returns:
        The surface; None if it is nowhere more than ``neutral_bend`` from the plane.
    """
    every = np.s_[::_STRIDE, ::_STRIDE]
    known = samples.read[every] & samples.judged[every]
    x, y, z = (values[every][known] for values in (samples.x, samples.y, samples.z))
    size = grid.columns * grid.resolution + 2 * surround, grid.rows * grid.resolution + 2 * surround
    corner = grid.x_min - surround, grid.y_min - surround
    pitch = size[0] / (_KNOTS - 1), size[1] / (_KNOTS - 1)
    rise = plane.above(x, y, z).astype(np.float64)
    terms = _terms(2.0 * (x - corner[0]) / size[0] - 1.0, 2.0 * (y - corner[1]) / size[1] - 1.0)
    shape: NDArray[np.floating] = np.zeros(terms.shape[1])
    members: NDArray[np.bool_] = np.zeros(len(rise), np.bool_)
    for near in _NEAR:
        members = np.abs(rise - terms @ shape) < near * config.max_bend
        part = terms[members]
        shape = np.linalg.lstsq(part.T @ part, part.T @ rise[members], rcond=None)[0]
    knots = np.linspace(-1.0, 1.0, _KNOTS)
    column, row = np.meshgrid(knots, knots)
    bend = np.clip(_terms(column.ravel(), row.ravel()) @ shape, -config.max_bend, config.max_bend)
    bend = bend.reshape(_KNOTS, _KNOTS) * _support(x[members], y[members], corner, pitch)
    if np.abs(bend).max() <= config.neutral_bend:
        return None
    return BentTable(plane, bend.astype(np.float32), corner, pitch)


def _terms(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the terms (N, 10) of a cubic polynomial at points (N,)."""
    powers = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    return np.column_stack([x**i * y**j for i, j in powers]).astype(np.float64)


def _support(x: Values, y: Values, corner: tuple[float, float], pitch: tuple[float, float]) -> NDArray[np.float64]:
    """Return for each knot (12, 12) how well readings support it: 0 if there are none around, up to 1."""
    rows, columns = (
        np.clip(np.rint((values - first) / step), 0, _KNOTS - 1).astype(np.intp)
        for values, first, step in ((y, corner[1], pitch[1]), (x, corner[0], pitch[0]))
    )
    readings = np.bincount(rows * _KNOTS + columns, minlength=_KNOTS**2).reshape(_KNOTS, _KNOTS)
    read = (readings >= _MIN_READINGS).astype(np.float32)
    return np.minimum(3.0 * cv2.blur(read, (3, 3), borderType=cv2.BORDER_REFLECT_101), 1.0).astype(np.float64)
