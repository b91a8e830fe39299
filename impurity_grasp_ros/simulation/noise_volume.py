"""Periodic volumes of noise that patterns look up, computed once per process from a fixed seed.

All lookups are trilinear and vectorized. A volume of 64 voxels a side takes 1 MB, so that it stays in the cache.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

SIZE = 64
"""Voxels per side of a volume; a power of two, because lookups wrap around by masking bits."""

FEATURES = 6
"""Features of the coarsest octave per side of a volume: one unit of a lookup's coordinates is one feature."""

SEED = 20_230_517
"""The volumes are the same in every process: what differs between bodies is where and how they look into them."""

Floats = NDArray[np.float32]


def fractal(points: Floats) -> Floats:
    """Fractal noise of several octaves; points (n, 3) in features; returns (n,), uniformly distributed in 0..1."""
    return _look_up(_fractal_volume(), points)


def smooth(points: Floats) -> Floats:
    """Noise of a single octave; arguments and result as of :func:`fractal`."""
    return _look_up(_smooth_volume(), points)


def nearest_distance(points: Floats) -> Floats:
    """Distance to the nearest of random points, one per unit cube on average; (n,) from 0 to about 1."""
    return _look_up(_cell_volumes()[0], points)


def ridge_distance(points: Floats) -> Floats:
    """Difference of the distances to the two nearest random points: (n,), 0 on the walls between cells."""
    return _look_up(_cell_volumes()[1], points)


def cell_value(points: Floats) -> Floats:
    """A random number (n,) in 0..1 that is the same everywhere in the cell around a random point."""
    index = np.floor(points * (SIZE / FEATURES)).astype(np.int32) & (SIZE - 1)
    return _cell_volumes()[2].ravel()[(index[:, 0] * SIZE + index[:, 1]) * SIZE + index[:, 2]]


def _look_up(volume: Floats, points: Floats) -> Floats:
    """Interpolate linearly between the eight voxels around each point (n, 3), in features."""
    place = points * np.float32(SIZE / FEATURES)
    floor = np.floor(place)
    fx, fy, fz = (place - floor).T
    low = floor.astype(np.int32) & (SIZE - 1)
    high = (low + 1) & (SIZE - 1)
    flat = volume.ravel()
    x0, x1, y0, y1 = low[:, 0] * SIZE, high[:, 0] * SIZE, low[:, 1], high[:, 1]
    z0, z1 = low[:, 2], high[:, 2]
    rows = [(x + y) * SIZE for x in (x0, x1) for y in (y0, y1)]
    along_z = []
    for row in rows:
        near, far = flat[row + z0], flat[row + z1]
        far -= near
        far *= fz
        far += near
        along_z.append(far)
    a = along_z[0] + fy * (along_z[1] - along_z[0])
    b = along_z[2] + fy * (along_z[3] - along_z[2])
    return np.asarray(a + fx * (b - a))


@cache
def _fractal_volume() -> Floats:
    return _shaped(lambda wave: np.where(wave < FEATURES * 0.6, 0.0, np.maximum(wave, 1.0) ** -2.4), 0)


@cache
def _smooth_volume() -> Floats:
    return _shaped(lambda wave: np.exp(-((wave - FEATURES * 0.8) ** 2) / (2 * (FEATURES * 0.25) ** 2)), 1)


def _shaped(amplitude: object, stream: int) -> Floats:
    """Noise with an amplitude that depends on the wave number, its values replaced by their ranks in 0..1."""
    assert callable(amplitude)
    waves = np.fft.fftfreq(SIZE, 1 / SIZE)
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(waves, waves, waves, indexing="ij")))
    white = np.random.default_rng([SEED, stream]).standard_normal((SIZE,) * 3)
    values = np.fft.ifftn(np.fft.fftn(white) * amplitude(radius)).real.ravel()
    ranks = np.empty(values.size, np.float32)
    ranks[np.argsort(values)] = np.linspace(0.0, 1.0, values.size, dtype=np.float32)
    return ranks.reshape((SIZE,) * 3)


@cache
def _cell_volumes() -> tuple[Floats, Floats, Floats]:
    """Distance to the nearest seed, difference to the second nearest, and a random number of the nearest."""
    rng = np.random.default_rng([SEED, 2])
    corners = np.stack(np.meshgrid(*[np.arange(FEATURES)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    seeds = (corners + rng.uniform(0.05, 0.95, corners.shape)) % FEATURES
    steps = np.arange(SIZE) * (FEATURES / SIZE)
    voxels = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    distances, owners = cKDTree(seeds, boxsize=FEATURES).query(voxels, k=2)
    values = rng.permutation(len(seeds)) / (len(seeds) - 1)
    volumes = distances[:, 0], distances[:, 1] - distances[:, 0], values[owners[:, 0]]
    first, second, third = (volume.astype(np.float32).reshape((SIZE,) * 3) for volume in volumes)
    return first, second, third
