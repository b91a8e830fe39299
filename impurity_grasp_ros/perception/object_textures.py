"""Numbers that tell the textures of objects apart, regardless of color, direction and light.

Texture is what remains of the logarithm of brightness when an object's own mean is taken away: how strong it is at
which scale, whether it runs in one direction, repeats itself, and consists of spots, stripes or patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.perception.ortho import FINE_FACTOR
from impurity_grasp_ros.perception.segmentation import Labels

TEXTURE_NUMBERS = 47

_DARK = 0.04
"""Added to the sum of the color channels, 0..3, before the logarithm is taken."""

_SCALES = (0.7, 1.4, 2.8, 5.6)
"""Standard deviations in pixels of filters; texture between two of them is one band."""

_TENSOR_PX = 3.0
"""Standard deviation in pixels of the area in which directions are compared."""

_LAGS = (3, 6, 10)
"""Distances in pixels over which texture is compared with itself."""

_DIRECTIONS = ((0, 1), (1, 0), (0.7, 0.7), (0.7, -0.7))
"""Directions (down, right) of these distances."""

_RING = ((-2, 0), (-1, 1), (0, 2), (1, 1), (2, 0), (1, -1), (0, -2), (-1, -1))
"""Neighbors of a pixel (down, right) that are compared with it, in their order around it."""


def _uniform_pattern(code: int) -> int:
    """How many neighbors are set, if they are next to one another around the ring; else 9."""
    bits = [code >> bit & 1 for bit in range(len(_RING))]
    changes = sum(bit != before for bit, before in zip(bits, bits[-1:] + bits[:-1], strict=True))
    return sum(bits) if changes <= 2 else len(_RING) + 1


_PATTERNS = np.array([_uniform_pattern(code) for code in range(2 ** len(_RING))])
"""The pattern of each combination of neighbors, one bit for each."""

_NOISE = 0.06
"""Difference in octaves that counts when neighbors are compared."""

_FAINT = 0.02
"""Octaves added to an object's deviation before its texture is divided by it."""

Plane = NDArray[np.float32]


def textures(labels: Labels, fine_color: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe the texture of all objects.

    Args:
        labels: (R, C) int64, objects numbered from 0; -1 for none.
        fine_color: (2 R, 2 C, 3) uint8, RGB.

    Returns:
        (n, 47) float32 per object, numbers of order 1: logarithm of the contrast, skewness and kurtosis of the
        brightness; for each of three bands of scale the share of the contrast, skewness, kurtosis and logarithm of its
        deviation; how much directions agree around a place and on the whole object, and the steepness; for each of
        three distances the mean correlation of the texture with itself and its range over directions; the correlations
        between brightness and color shares; two histograms of local patterns (Ojala et al., 2002: uniform patterns,
        whatever their rotation), of brighter and of darker neighbors.
    """
    owner = np.repeat(np.repeat(labels, FINE_FACTOR, axis=0), FINE_FACTOR, axis=1)
    regions = _Regions.of(owner)
    red, green, blue = (channel.astype(np.float32) for channel in cv2.split(fine_color))
    total = (red + green + blue) / 255.0 + _DARK  # many times as fast as a sum over the last axis
    light = np.log2(total)
    smooth = [_smoothed(light, regions.weight, scale) for scale in _SCALES]
    contrast, away = _contrast(smooth[0], regions)
    found = [
        np.log2(contrast)[:, None],
        *_third_and_fourth(away, regions),
        *_bands(smooth, contrast, regions),
        *_directions(smooth[0], contrast, regions),
        *_repetition(away, regions),
        *_color_relations(away, fine_color, total, regions),
        *_local_patterns(smooth[0], regions),
    ]
    return np.clip(np.concatenate(found, axis=1), -5.0, 5.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Regions:
    """The pixels of all objects: object (h, w) or -1, places in the flat image, their objects, and counts (n,)."""

    owner: Labels
    weight: Plane
    places: NDArray[np.intp]
    owners: Labels
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, owner: Labels) -> _Regions:
        places = np.flatnonzero(owner >= 0)
        owners = owner.ravel()[places]
        counts = np.bincount(owners, minlength=int(owner.max()) + 1).astype(np.float64)
        return cls(owner, (owner >= 0).astype(np.float32), places, owners, np.maximum(counts, 1.0))

    def mean(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean (n,) over each object of values (p,) at ``places``."""
        return np.bincount(self.owners, values, len(self.counts)) / self.counts

    def away(self, plane: Plane) -> NDArray[np.float64]:
        """The values (p,) of a plane (h, w) at ``places``, less the mean of their object."""
        values = self.at(plane)
        return values - self.mean(values)[self.owners]

    def at(self, plane: Plane) -> Plane:
        """The values (p,) of a plane (h, w) at ``places``."""
        return plane.ravel()[self.places]


def _smoothed(plane: Plane, weight: Plane, scale: float) -> Plane:
    """Smooth a plane over the pixels of objects alone."""
    above = cv2.GaussianBlur(plane * weight, (0, 0), scale)
    below = cv2.GaussianBlur(weight, (0, 0), scale)
    return np.asarray(above / np.maximum(below, 1e-3), np.float32)


def _contrast(plane: Plane, regions: _Regions) -> tuple[NDArray[np.float64], Plane]:
    """Deviation (n,) of each object's brightness, and the plane as multiples of it away from the object's mean."""
    values = regions.away(plane)
    contrast = np.sqrt(regions.mean(values**2)) + _FAINT
    away = np.zeros(plane.size, np.float32)
    away[regions.places] = values / contrast[regions.owners]
    return contrast, away.reshape(plane.shape)


def _third_and_fourth(away: Plane, regions: _Regions) -> list[NDArray[np.float64]]:
    values = regions.at(away)
    squares = values * values
    spread = regions.mean(squares) + 1e-3
    third = regions.mean(squares * values) / spread**1.5
    fourth = regions.mean(squares * squares) / spread**2
    return [third[:, None], np.log2(np.maximum(fourth, 0.1) / 3.0)[:, None]]


def _bands(smooth: list[Plane], contrast: NDArray[np.float64], regions: _Regions) -> list[NDArray[np.float64]]:
    found = []
    for finer, coarser in pairwise(smooth):
        deviation, away = _contrast(finer - coarser, regions)
        found += [(2.0 * deviation / contrast)[:, None], *_third_and_fourth(away, regions)]
        found.append(np.log2(deviation)[:, None] + 3.0)
    return found


def _directions(plane: Plane, contrast: NDArray[np.float64], regions: _Regions) -> list[NDArray[np.float64]]:
    """How much directions agree around a place and on the whole object, and how steep the texture is."""
    inside = cv2.erode(regions.weight, np.ones((3, 3), np.uint8))
    down, right = (gradient * inside for gradient in np.gradient(plane))
    doubled = [right * right - down * down, 2.0 * right * down, right * right + down * down]
    around = [cv2.GaussianBlur(part.astype(np.float32), (0, 0), _TENSOR_PX) for part in doubled]
    local = np.hypot(around[0], around[1]) / (around[2] + 1e-6)
    cosine, sine, steep = (regions.mean(regions.at(part.astype(np.float32))) for part in doubled)
    return [
        2.0 * regions.mean(regions.at(local.astype(np.float32)))[:, None],
        2.0 * (np.hypot(cosine, sine) / (steep + 1e-6))[:, None],
        4.0 * (np.sqrt(steep) / contrast)[:, None],
    ]


def _repetition(away: Plane, regions: _Regions) -> list[NDArray[np.float64]]:
    """Mean over directions, and range, of the correlation of the texture with itself at some distances."""
    margin = max(_LAGS)  # so that no neighbor lies beyond an end of a row
    owner = np.pad(regions.owner, margin, constant_values=-1)
    places = np.flatnonzero(owner >= 0)
    values, owner = np.pad(away, margin).ravel(), owner.ravel()
    here = values[places]
    found = []
    for lag in _LAGS:
        along = []
        for direction in _DIRECTIONS:
            down, right = (round(lag * part) for part in direction)
            there = places + down * (away.shape[1] + 2 * margin) + right
            same = owner[there] == regions.owners
            product = np.bincount(regions.owners, np.where(same, here * values[there], 0.0), len(regions.counts))
            along.append(product / np.maximum(np.bincount(regions.owners, same, len(regions.counts)), 1.0))
        found += [np.mean(along, axis=0)[:, None], np.ptp(along, axis=0)[:, None]]
    return found


def _color_relations(
    away: Plane, fine_color: NDArray[np.uint8], total: Plane, regions: _Regions
) -> list[NDArray[np.float64]]:
    """Correlations between brightness, red share and green share."""
    planes: list[NDArray[np.floating]] = [regions.at(away)]
    for channel in (0, 1):
        share = regions.away(fine_color[..., channel] / (255.0 * total))
        planes.append(share / (np.sqrt(regions.mean(share**2)) + 0.01)[regions.owners])
    return [regions.mean(planes[a] * planes[b])[:, None] for a, b in ((0, 1), (0, 2), (1, 2))]


def _local_patterns(plane: Plane, regions: _Regions) -> list[NDArray[np.float64]]:
    """Histograms (n, 10) of how neighbors around a pixel differ from it: brighter ones, and darker ones."""
    found = []
    padded = np.pad(plane, 2, mode="edge")
    rows, columns = plane.shape
    differences = [
        regions.at(padded[2 + down : 2 + down + rows, 2 + right : 2 + right + columns] - plane) for down, right in _RING
    ]
    size = len(_RING) + 2
    for sign in (1.0, -1.0):
        bits = sum((sign * difference > _NOISE).astype(np.uint8) << bit for bit, difference in enumerate(differences))
        counts = np.bincount(regions.owners * size + _PATTERNS[bits], minlength=size * len(regions.counts))
        found.append(2.0 * np.sqrt(counts.reshape(-1, size) / regions.counts[:, None]))
    return found
