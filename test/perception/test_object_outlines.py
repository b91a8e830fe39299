"""Numbers of outlines and surfaces have the values that geometry gives, in any place and direction."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from impurity_grasp_ros.perception.object_outlines import (
    OUTLINE_NUMBERS,
    SURFACE_NUMBERS,
    outline_numbers,
    surface_numbers,
)

CELL = 0.002
SIDE = 90
MIDDLE = (SIDE - 1) / 2
HULL, RECTANGLE, ROUND, CIRCLE, WIDTH, LENGTH, RATIO = range(7)
WAVES = slice(12, 17)


def polygon(corners: int, radius: float = 30.0, turn: float = 0.0, stretch: float = 1.0) -> NDArray[np.uint8]:
    """A regular polygon; many corners make a disc."""
    angles = np.arange(corners) * 2 * math.pi / corners
    points = np.stack([stretch * radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.rint(points @ rotation.T + MIDDLE).astype(np.int32)], 1)
    return mask


DISC, SQUARE, TRIANGLE = polygon(60), polygon(4), polygon(3)


def rectangle(turn: float) -> NDArray[np.uint8]:
    """56 x 28 cells."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    corners = cv2.boxPoints(((MIDDLE, MIDDLE), (55.0, 27.0), math.degrees(turn)))
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
    return mask


def test_convex_objects_fill_their_hull_and_others_do_not() -> None:
    ring = DISC.copy()
    ring[:, SIDE // 2 :] = 0
    ring[25:65, 30:] = 0
    for mask in (DISC, SQUARE, TRIANGLE):
        assert outline_numbers(mask, CELL)[HULL] == pytest.approx(0.3, abs=0.15)
    assert outline_numbers(ring, CELL)[HULL] < -0.6


def test_an_object_fills_its_rectangle_and_its_circle_as_its_form_says() -> None:
    disc, square, triangle = (outline_numbers(mask, CELL) for mask in (DISC, SQUARE, TRIANGLE))
    for found, rectangle_share, circle_share in (
        (disc, math.pi / 4, 1.0),
        (square, 1.0, 2 / math.pi),
        (triangle, 0.5, 3 * math.sqrt(3) / 4 / math.pi),
    ):
        assert found[RECTANGLE] == pytest.approx(4 * (rectangle_share - 0.8), abs=0.25)
        assert found[CIRCLE] == pytest.approx(3 * (circle_share - 0.6), abs=0.15)
    assert disc[ROUND] > square[ROUND] > triangle[ROUND]


@pytest.mark.parametrize("turn", [0.0, 0.3, 1.1, math.pi / 2])
def test_width_and_length_are_those_of_the_object_in_any_direction(turn: float) -> None:
    found = outline_numbers(rectangle(turn), CELL)
    assert found[WIDTH] == pytest.approx(math.log(28 * CELL / 0.035), abs=0.06)
    assert found[LENGTH] == pytest.approx(math.log(56 * CELL / 0.045), abs=0.04)
    assert found[RATIO] == pytest.approx(math.log(2.0), abs=0.06)


@pytest.mark.parametrize("turn", [0.2, 0.7, 2.0])
def test_no_number_depends_on_place_and_direction(turn: float) -> None:
    for corners in (4, 5, 60):
        plain = outline_numbers(polygon(corners, stretch=0.5), CELL)
        moved = np.roll(polygon(corners, turn=turn, stretch=0.5), (9, -7), (0, 1))
        np.testing.assert_allclose(outline_numbers(moved, CELL), plain, atol=0.3)


def test_waves_have_as_many_periods_as_there_are_corners() -> None:
    for mask, wave in ((TRIANGLE, 1), (SQUARE, 2), (polygon(5), 3), (polygon(6), 4), (polygon(60, stretch=0.5), 0)):
        waves = outline_numbers(mask, CELL)[WAVES]
        assert int(np.argmax(waves)) == wave
    assert max(outline_numbers(DISC, CELL)[WAVES]) < 0.1


def surface(height: NDArray[np.float64], mask: NDArray[np.uint8] = SQUARE) -> list[float]:
    slope = np.hypot(*np.gradient(height, CELL)).astype(np.float32)
    return surface_numbers(mask, (height * mask).astype(np.float32), slope * mask, CELL)


def test_a_level_surface() -> None:
    found = surface(np.full((SIDE, SIDE), 0.03))
    assert found[:3] == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)  # 20 x 0.03 - 0.6
    assert found[3:6] == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)
    assert found[6:11] == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.0])
    volume = SQUARE.sum() * CELL**2 * 0.03
    assert found[12] == pytest.approx(math.log(volume / 4e-5), abs=1e-5)
    assert found[13] == pytest.approx(0.0, abs=1e-6)


def test_a_slope_is_a_plane_that_is_tilted() -> None:
    found = surface(0.02 + 0.3 * CELL * np.arange(SIDE)[None] * np.ones((SIDE, 1)))
    assert found[4] == pytest.approx(0.0, abs=1e-4)
    assert found[5] == pytest.approx(0.3, abs=1e-4)
    assert found[6:11] == pytest.approx([-1.0, -1.0, 1.0, 1.0, 0.3], abs=1e-3)
    assert found[0] < found[1] < found[2]


def test_a_dome_rises_toward_its_middle() -> None:
    rows, columns = np.indices((SIDE, SIDE)) - MIDDLE
    dome = np.sqrt(np.maximum(0.07**2 - (rows**2 + columns**2) * CELL**2, 0.0))
    found = surface(dome, DISC)
    assert found[3] > 0.2
    assert found[4] > 0.2
    assert found[5] == pytest.approx(0.0, abs=0.02)
    assert surface(0.1 - dome, DISC)[3] < -0.2


def test_a_single_cell_gives_finite_numbers() -> None:
    mask = np.zeros((3, 3), np.uint8)
    mask[1, 1] = 1
    outline, height = outline_numbers(mask, CELL), surface_numbers(mask, mask * 0.02, mask * 0.0, CELL)
    assert (len(outline), len(height)) == (OUTLINE_NUMBERS, SURFACE_NUMBERS) == (17, 14)
    assert np.isfinite([*outline, *height]).all()
