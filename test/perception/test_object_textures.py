"""Textures are told apart by what they are, not by color, light, direction or the object that they are on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from impurity_grasp_ros.perception.object_textures import TEXTURE_NUMBERS, textures

SIDE = 48
"""Cells along the side of an object; twice as many pixels."""

PIXELS = 2 * SIDE
CONTRAST, SKEWNESS, KURTOSIS, LOCAL, WHOLE = 0, 1, 2, 15, 16
LAGS = slice(18, 24)
BRIGHTER = slice(27, 37)

Pattern = NDArray[np.float64]


def stripes(period: float, angle: float = 0.0) -> Pattern:
    """A wave along one direction, -1 to 1."""
    rows, columns = np.indices((PIXELS, PIXELS))
    return np.sin(2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle)) / period)


def spots(period: float) -> Pattern:
    """Bright spots in a grid."""
    rows, columns = np.indices((PIXELS, PIXELS)) % period - period / 2
    return np.where(np.hypot(rows, columns) < period / 4, 1.0, -1.0)


def patches(seed: int, size: int = 8) -> Pattern:
    """Squares of random brightness."""
    coarse = np.random.default_rng(seed).uniform(-1.0, 1.0, (PIXELS // size, PIXELS // size))
    return np.kron(coarse, np.ones((size, size)))


def described(
    *patterns: Pattern, base: tuple[float, float, float] = (120.0, 110.0, 100.0), strength: float = 0.25
) -> NDArray[np.float32]:
    """Numbers of objects beside each other with these patterns."""
    labels = np.full((SIDE + 8, len(patterns) * (SIDE + 8)), -1, np.int64)
    color = np.full((2 * labels.shape[0], 2 * labels.shape[1], 3), 225.0)
    for index, pattern in enumerate(patterns):
        left = 4 + index * (SIDE + 8)
        labels[4 : 4 + SIDE, left : left + SIDE] = index
        pixels = np.array(base) * 2.0 ** (strength * pattern[..., None])
        color[8 : 8 + PIXELS, 2 * left : 2 * left + PIXELS] = pixels
    return textures(labels, np.rint(np.clip(color, 0, 255)).astype(np.uint8))


def distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.abs(first - second).mean())


def test_the_same_texture_is_the_same_under_other_light_and_in_another_color() -> None:
    bright, dark = described(patches(1)), described(patches(1), base=(60.0, 55.0, 50.0))
    blue = described(patches(1), base=(60.0, 80.0, 180.0))
    other = described(stripes(10.0))
    assert distance(bright, other) > 5 * distance(bright, dark)
    assert distance(bright, other) > 4 * distance(bright, blue)


@pytest.mark.parametrize("angle", [0.4, 0.8, np.pi / 2])
def test_the_same_texture_is_the_same_in_another_direction(angle: float) -> None:
    along, turned, spotted = described(stripes(10.0), stripes(10.0, angle), spots(10.0))
    assert distance(along, spotted) > 3 * distance(along, turned)


def test_other_places_of_a_random_texture_are_like_it() -> None:
    one, same, larger, striped = described(patches(1), patches(2), patches(3, 16), stripes(16.0))
    for other in (larger, striped):
        assert distance(one, other) > 2 * distance(one, same)


def test_neighbors_and_the_table_make_no_difference() -> None:
    alone, (first, _) = described(patches(1)), described(patches(1), stripes(4.0))
    np.testing.assert_allclose(alone[0], first, atol=2e-3)


def test_contrast_and_its_distribution() -> None:
    weak, strong = (described(stripes(12.0), strength=strength)[0] for strength in (0.1, 0.4))
    assert strong[CONTRAST] - weak[CONTRAST] == pytest.approx(2.0, abs=0.3)
    few, many = described(spots(16.0), -spots(16.0))
    assert few[SKEWNESS] > 0.5
    assert many[SKEWNESS] < -0.5
    assert few[KURTOSIS] > described(stripes(12.0))[0][KURTOSIS]


def test_stripes_run_in_one_direction_and_patches_in_none() -> None:
    striped, rings, random = described(
        stripes(10.0), np.sin(np.hypot(*(np.indices((PIXELS, PIXELS)) - 48.0))), patches(1)
    )
    assert striped[WHOLE] > 1.8
    assert striped[LOCAL] > 1.8
    assert rings[LOCAL] > 1.5, "stripes at each place"
    assert rings[WHOLE] < 0.3, "whose directions differ"
    assert random[WHOLE] < 0.6


def test_what_repeats_itself_is_like_itself_at_that_distance() -> None:
    (found,) = described(stripes(10.0))
    means, ranges = found[LAGS][::2], found[LAGS][1::2]
    assert ranges[1] > ranges[2] + 0.3, "6 pixels are most of half a period, 10 pixels are a whole one"
    assert means[2] > means[1]


def test_local_patterns_are_shares_of_the_surface() -> None:
    found = described(patches(1), spots(12.0))
    for histogram in (found[:, 27:37], found[:, 37:47]):
        np.testing.assert_allclose(((histogram / 2) ** 2).sum(axis=1), 1.0, atol=1e-5)
    (flat,) = described(np.zeros((PIXELS, PIXELS)))
    assert flat[BRIGHTER][0] == pytest.approx(2.0), "no neighbor is brighter"


def test_a_single_cell_and_no_object_at_all() -> None:
    labels, color = np.full((8, 8), -1, np.int64), np.zeros((16, 16, 3), np.uint8)
    assert textures(labels, color).shape == (0, TEXTURE_NUMBERS) == (0, 47)
    labels[0, 7], labels[4, 4] = 0, 2  # object 1 has no cells
    assert np.isfinite(textures(labels, color)).all()
