"""Objects are described by shape, texture, palette and surroundings, in this order."""

from __future__ import annotations

import numpy as np
import pytest

from impurity_grasp_ros.perception.object_numbers import object_numbers, palettes
from impurity_grasp_ros.perception.object_shapes import shapes
from impurity_grasp_ros.perception.object_surroundings import surroundings
from impurity_grasp_ros.perception.object_textures import textures


def two_colored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One object that is white for three quarters and blue for the rest, and a gray one."""
    labels = np.full((40, 60), -1, np.int64)
    labels[5:25, 5:25], labels[5:25, 35:55] = 0, 1
    color = np.full((80, 120, 3), 230, np.uint8)
    color[10:50, 10:50], color[10:20, 10:50], color[10:50, 70:110] = (240, 240, 240), (40, 70, 190), (90, 90, 90)
    return labels, np.where(labels >= 0, 0.03, 0.0).astype(np.float32), color


def test_all_numbers_are_there_in_their_order() -> None:
    labels, height, color = two_colored()
    seen = np.arange(60)[None] < np.full((40, 1), 56)
    around = surroundings(labels, height, seen)
    expected = [shapes(labels, height, 0.002), textures(labels, color), palettes(labels, color), around]
    found = object_numbers(labels, height, seen, color, 0.002)
    assert found.shape == (2, 108)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.concatenate(expected, axis=1))


def test_a_palette_has_the_colors_of_an_object_by_their_shares() -> None:
    labels, _, color = two_colored()
    print_, gray = palettes(labels, color).reshape(2, 3, 5)
    light = [np.log2(sum(values) + 30) - 8 for values in ((40, 70, 190), (240, 240, 240))]
    assert print_[0].tolist() == pytest.approx([light[0], light[0] * 0.25 + light[1] * 0.75, *[light[1]] * 3], abs=0.5)
    assert print_[0][2:] == pytest.approx([light[1]] * 3, abs=1e-5)
    assert print_[1][0] == pytest.approx(6 * 50 / 330 - 2, abs=1e-5)
    assert print_[1][4] == pytest.approx(0.0, abs=1e-5)
    assert gray[1:].ravel() == pytest.approx(np.zeros(10), abs=1e-5)


def test_an_object_without_cells_has_a_palette_of_zeros() -> None:
    labels = np.full((8, 8), -1, np.int64)
    labels[4, 4] = 1
    found = palettes(labels, np.full((16, 16, 3), 100, np.uint8))
    assert (found[0] == 0.0).all()
    assert np.isfinite(found).all()
