"""Fit the table's plane to the visible part of the table, even when much of it is covered."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import CameraMovedError, TableMovedError, ViewIncompleteError
from impurity_grasp_ros.perception.samples import Samples

_STRIDE = 4
"""Every fourth row and column of the samples is used for the fit."""

_PAIR = 8
"""Distance, in rows or columns of the fit, between the points of a pair: 7 cm on a table 0.72 m away."""

_BIN = 0.002
"""Bin width of the histogram of heights, in meters."""

_LOWEST, _HIGHEST = -0.2, 0.4
"""Range of heights, in meters from the expected table, in which the table is searched for."""

_COMMON = 0.3
"""The table is the lowest height whose count is at least this fraction of the highest count."""

_NEAR = (0.006, 0.004, 0.004, 0.004)
"""Distance from the plane, in meters, up to which points are used in each round of least squares."""

_MIN_SPREAD = 0.05
"""Standard deviation, in meters, that the table's points must have in the direction in which they spread least."""


@dataclass(frozen=True)
class TableConfig:
    """How far off the table may be. Offsets are measured in the middle of the workspace."""

    min_share: float = parameter("fraction of the view that must show the table for it to be found", low=0.02, high=0.9)
    neutral_offset: float = parameter("m; offset up to which nothing is corrected", low=0.0, high=0.005)
    neutral_tilt_deg: float = parameter("degrees; tilt up to which nothing is corrected", low=0.0, high=1.0)
    max_offset: float = parameter("m; offset up to which heights are corrected, then refused", low=0.0, high=0.02)
    max_tilt_deg: float = parameter("degrees; tilt up to which heights are corrected, then refused", low=0.0, high=3.0)
    neutral_bend: float = parameter("m; bend up to which nothing is corrected", low=0.0, high=0.005)
    max_bend: float = parameter("m by which heights are corrected at most where the table bends", low=0.0, high=0.01)
    offset_change: float = parameter("m; a larger change of offset during a job is refused", low=0.0005, high=0.02)
    tilt_change_deg: float = parameter("degrees; a larger change of tilt during a job is refused", low=0.05, high=3.0)


@dataclass(frozen=True)
class TablePlane:
    """The plane of the table top in the base frame.

    Attributes:
        middle: (x, y) in meters, the point to which ``offset`` refers.
        offset: Height z in meters at ``middle``.
        slope_x: Rise over run along x.
        slope_y: Rise over run along y.
    """

    middle: tuple[float, float]
    offset: float = 0.0
    slope_x: float = 0.0
    slope_y: float = 0.0

    @property
    def tilt_deg(self) -> float:
        """Angle in degrees between the plane and the horizontal."""
        return math.degrees(math.atan(math.hypot(self.slope_x, self.slope_y)))

    def above(self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the heights in meters above the plane of points (x, y, z) in the base frame; all of one shape."""
        base = np.float32(self.offset - self.slope_x * self.middle[0] - self.slope_y * self.middle[1])
        return np.asarray(z - (np.float32(self.slope_x) * x + np.float32(self.slope_y) * y + base), np.float32)

    def __str__(self) -> str:
        return f"{1e3 * self.offset:+.1f} mm and {self.tilt_deg:.2f} deg"


def fit_table(samples: Samples, middle: tuple[float, float], config: TableConfig) -> TablePlane | None:
    """Fit a plane to the table.

    The slope is first estimated from pairs of points a fixed distance apart in the image. Their median slope is that of
    the table, because the surfaces of objects rise as often as they fall. With that slope subtracted, the lowest common
    height is the table's. Least squares over the points near that plane refine it. Nothing is random: equal samples
    give equal planes.

    Args:
        samples: Samples of one frame.
        middle: (x, y) in meters, the point to which the plane's offset refers.
        config: How much of the table must be seen.

    Returns:
        The plane in the base frame; None when too little of the table is seen.
    """
    every = np.s_[::_STRIDE, ::_STRIDE]
    known = samples.read[every] & samples.judged[every]
    wanted = config.min_share * np.count_nonzero(samples.judged[every])
    if np.count_nonzero(known) < max(wanted, 3):
        return None
    x, y = samples.x[every] - np.float32(middle[0]), samples.y[every] - np.float32(middle[1])
    z = samples.z[every]
    slope = _median_slope(x, y, z, known)
    if slope is None:
        return None
    rise = z[known].astype(np.float64)
    ground = np.column_stack([x[known], y[known], np.ones(len(rise))]).astype(np.float64)
    plane = np.array([*slope, _lowest_common(rise - ground[:, :2] @ slope)])
    for near in _NEAR:
        members = np.abs(rise - ground @ plane) < near
        part = ground[members]
        if len(part) < wanted or _least_spread(part) < _MIN_SPREAD:
            return None
        plane = np.linalg.solve(part.T @ part, part.T @ rise[members])
    return TablePlane(middle, float(plane[2]), float(plane[0]), float(plane[1]))


def correction(plane: TablePlane | None, first: TablePlane | None, config: TableConfig) -> TablePlane | None:
    """Decide from which plane heights are measured: the fitted one, or the calibrated one where they hardly differ.

    Args:
        plane: The plane fitted in this view; None when too little of the table was seen.
        first: The plane fitted in the job's first view; None in that view itself.
        config: Which deviations are ignored, corrected and refused.

    Returns:
        ``plane`` when its deviation is to be corrected; None when it is small enough to be ignored.

    Raises:
        ViewIncompleteError: Too little of the table was seen.
        CameraMovedError: The table is not where it was in the job's first view.
        TableMovedError: The table is too far from its calibrated plane.
    """
    if plane is None:
        raise ViewIncompleteError(
            f"expected to see the table in {config.min_share:.0%} of the view, on all sides of what lies on it, "
            "received too little of it to know where it is"
        )
    if first is not None:
        _check_change(plane, first, config)
    if abs(plane.offset) > config.max_offset or plane.tilt_deg > config.max_tilt_deg:
        raise TableMovedError(
            f"expected the table within {1e3 * config.max_offset:g} mm and {config.max_tilt_deg:g} deg of its "
            f"calibrated plane, received {plane}"
        )
    neutral = abs(plane.offset) <= config.neutral_offset and plane.tilt_deg <= config.neutral_tilt_deg
    return None if neutral else plane


def _check_change(plane: TablePlane, first: TablePlane, config: TableConfig) -> None:
    offset = plane.offset - first.offset
    slope = math.hypot(plane.slope_x - first.slope_x, plane.slope_y - first.slope_y)
    tilt_deg = math.degrees(math.atan(slope))
    if abs(offset) > config.offset_change or tilt_deg > config.tilt_change_deg:
        raise CameraMovedError(
            f"expected the table where the job's first view showed it, within {1e3 * config.offset_change:g} mm and "
            f"{config.tilt_change_deg:g} deg, received {1e3 * offset:+.1f} mm and {tilt_deg:.2f} deg of change"
        )


def _median_slope(
    x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[float, float] | None:
    """Return rise over run along x and y, from pairs of points in rows and in columns of the image; None if unknown."""
    rises, runs = [], []
    for far, near in ((np.s_[:, _PAIR:], np.s_[:, :-_PAIR]), (np.s_[_PAIR:], np.s_[:-_PAIR])):
        pairs = known[far] & known[near]
        if not pairs.any():
            return None
        rises.append(float(np.median((z[far] - z[near])[pairs])))
        runs.append([float(np.median((along[far] - along[near])[pairs])) for along in (x, y)])
    if abs(np.linalg.det(np.array(runs))) < 1e-6:
        return None
    slope_x, slope_y = np.linalg.solve(np.array(runs), np.array(rises))
    return float(slope_x), float(slope_y)


def _lowest_common(heights: NDArray[np.float64]) -> float:
    """Return the lowest common height, in meters, among ``heights`` (N,)."""
    edges = np.arange(_LOWEST, _HIGHEST, _BIN)
    counts = np.convolve(np.histogram(heights, edges)[0], np.ones(3), "same")
    index = int(np.argmax(counts >= _COMMON * counts.max()))
    while index + 1 < len(counts) and counts[index + 1] > counts[index]:
        index += 1
    return float(edges[index] + _BIN / 2)


def _least_spread(points: NDArray[np.float64]) -> float:
    """Return the standard deviation, in meters, of (x, y) of points (N, 3) in the direction of least spread."""
    covariance = np.cov(points[:, 0], points[:, 1])
    return math.sqrt(max(float(np.linalg.eigvalsh(covariance)[0]), 0.0))
