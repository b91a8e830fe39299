"""The numbers that describe the shape of an object."""

from __future__ import annotations

import math

import numpy as np
import pytest

from impurity_grasp_ros.perception.object_shapes import shapes

CELL = 0.002


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """A bar of 60 x 20 mm, 40 mm high, and a disc of 40 mm, 20 mm high on one half and 30 mm on the other."""
    labels, height = np.full((100, 100), -1, np.int64), np.zeros((100, 100), np.float32)
    labels[10:20, 10:40], height[10:20, 10:40] = 0, 0.04
    row, column = np.indices((100, 100))
    disc = np.hypot(row - 60, column - 60) <= 10
    labels[disc], height[disc] = 1, np.where(column[disc] < 60, 0.02, 0.03)
    return labels, height


def test_size_and_proportions() -> None:
    bar, disc = shapes(*drawn(), CELL)
    assert bar[0] == pytest.approx(math.log(1.2e-3 / 1.2e-3))
    assert bar[1] == pytest.approx(math.log(0.06 / math.sqrt(12) / 0.012), abs=0.01)
    assert bar[2] == pytest.approx(math.log(0.02 / math.sqrt(12) / 0.012), abs=0.01)
    assert disc[1] == pytest.approx(disc[2], abs=0.01)
    assert disc[1] == pytest.approx(math.log(0.01 / 0.012), abs=0.05)
    assert disc[3] == pytest.approx(0.0, abs=0.03)
    assert bar[3] == pytest.approx(12 / (4 * math.pi) - 1, abs=0.02)


def test_heights() -> None:
    bar, disc = shapes(*drawn(), CELL)
    assert bar[4:7] == pytest.approx([0.04 * 20 - 0.8, 0.04 * 20 - 0.6, -0.3], abs=1e-5)
    assert disc[4] == pytest.approx(0.03 * 20 - 0.8)
    assert disc[5] == pytest.approx(0.025 * 20 - 0.6, abs=0.02)
    assert disc[6] == pytest.approx(0.005 * 60 - 0.3, abs=0.02)
    assert bar[7] == pytest.approx(0.0)  # 300 cells


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turning_an_object_changes_nothing(turn: int) -> None:
    labels, height = drawn()
    turned = shapes(np.rot90(labels, turn).copy(), np.rot90(height, turn).copy(), CELL)
    np.testing.assert_allclose(turned, shapes(labels, height, CELL), atol=1e-5)


def test_a_single_cell_gives_finite_numbers_and_no_object_none() -> None:
    labels = np.full((10, 10), -1, np.int64)
    assert shapes(labels, np.zeros((10, 10), np.float32), CELL).shape == (0, 39)
    labels[3, 3] = 0
    assert np.isfinite(shapes(labels, np.zeros((10, 10), np.float32), CELL)).all()
