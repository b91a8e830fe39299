"""Decoding of pushes: which one a pixel of a view stands for, and whether it is feasible. Cells are 2 mm wide."""

import math

import numpy as np
import pytest
from drawn_crops import CELL, CROP, WORKSPACE, Heights, cell, lone_block, view_with
from grippers import GRIPPER
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shipped_policy import DECODING

from impurity_grasp_ros.datatypes import Grid, PrimitiveKind
from impurity_grasp_ros.policy.decoding import Decoded, DecodingConfig
from impurity_grasp_ros.policy.observation import view_of
from impurity_grasp_ros.policy.push_decoding import decode_pushes
from impurity_grasp_ros.policy.rotation import View


def pushes_over(height: Heights, config: DecodingConfig = DECODING) -> Decoded:
    """Pushes to the right over a view of the middle of the workspace, started anywhere in it."""
    inside = np.ones(height.shape, np.bool_)
    return decode_pushes(height, view_of(0), CROP, WORKSPACE, inside, GRIPPER, config)


def rising() -> Heights:
    """A slope along the columns: from everywhere but the end there is something ahead that is higher than the tool."""
    return np.tile(np.linspace(0.0, 0.16, 160, dtype=np.float32), (160, 1))


def strokes(view: View, grid: Grid) -> tuple[NDArray[np.float64], ...]:
    """x and y in meters of where pushes from all pixels of a view start, and of where they end 10 cm later."""
    across, along = (np.indices((160, 160)) - 79.5) * CELL
    x0, y0 = grid.to_meters(view.row, view.column)
    c, s = math.cos(view.angle), math.sin(view.angle)
    x, y = x0 + c * along - s * across, y0 + s * along + c * across
    return x, y, x + 0.1 * c, y + 0.1 * s


def test_pushes_on_the_bare_table_are_10_mm_high_and_those_over_objects_6_mm_above_these() -> None:
    slab = pushes_over(view_with((slice(70, 90), slice(70, 90), 0.02)))
    assert slab.z[80, 80] == pytest.approx(0.026, abs=1e-6)
    assert slab.z[120, 120] == pytest.approx(0.01, abs=1e-6)
    assert not slab.opening.any()
    assert not slab.misfit.any()


@pytest.mark.parametrize(("top", "z"), [(0.006, 0.010), (0.0062, 0.0122)])
def test_what_is_no_higher_than_6_mm_is_pushed_over_as_bare_table(top: float, z: float) -> None:
    assert pushes_over(view_with(cell(80, 80, top))).z[80, 80] == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize("row", [-1, 1])
@pytest.mark.parametrize("column", [-1, 1])
def test_the_closed_fingers_cover_22_by_24_mm_at_the_start(row: int, column: int) -> None:
    z = pushes_over(view_with(cell(80, 80, 0.03))).z
    assert z[80 + 6 * row, 80 + 5 * column] == pytest.approx(0.036, abs=1e-6)
    assert z[80 + 7 * row, 80 + 5 * column] == pytest.approx(0.010, abs=1e-6)
    assert z[80 + 6 * row, 80 + 6 * column] == pytest.approx(0.010, abs=1e-6)


def test_a_push_is_feasible_if_it_meets_something_within_10_cm_and_the_width_of_the_closed_fingers() -> None:
    feasible = pushes_over(view_with(cell(80, 110, 0.03))).feasible
    under = slice(74, 87), slice(105, 116)  # there the tool comes down on it and passes over it
    expected = view_with((slice(74, 87), slice(60, 111), 1.0), (*under, 0.0)) > 0
    np.testing.assert_array_equal(feasible, expected)


@pytest.mark.parametrize(("slab", "low", "high"), [(0.0, 0.0158, 0.0162), (0.02, 0.0318, 0.0322)])
def test_a_push_meets_what_stands_6_mm_above_the_tool(slab: float, low: float, high: float) -> None:
    under = slice(60, 100), slice(60, 100), slab
    assert not pushes_over(view_with(under, cell(80, 105, low))).feasible[80, 80]
    assert pushes_over(view_with(under, cell(80, 105, high))).feasible[80, 80]


@pytest.mark.parametrize("rotation", range(16))
def test_a_push_starts_20_mm_and_ends_55_mm_from_the_border(rotation: int) -> None:
    crop = WORKSPACE.window(40, 70, 112)
    view = View(55.25, 55.25, rotation * math.pi / 8, 160)
    feasible = decode_pushes(rising(), view, crop, WORKSPACE, np.ones((160, 160), np.bool_), GRIPPER, DECODING).feasible
    x, y, end_x, end_y = strokes(view, crop)
    stays = (x >= 0.296) & (x <= 0.704) & (y >= -0.204) & (y <= 0.204)
    stays &= (end_x >= 0.331) & (end_x <= 0.669) & (end_y >= -0.169) & (end_y <= 0.169)
    assert stays.sum() > 3000
    np.testing.assert_array_equal(feasible[:, :140], stays[:, :140])


def test_a_push_starts_only_where_it_may() -> None:
    inside = np.zeros((160, 160), np.bool_)
    inside[70:90, 60:100] = True
    feasible = decode_pushes(rising(), view_of(0), CROP, WORKSPACE, inside, GRIPPER, DECODING).feasible
    np.testing.assert_array_equal(feasible, inside)


@given(corner=st.tuples(st.integers(-40, 150), st.integers(-40, 150)), rotation=st.integers(0, 15))
@settings(max_examples=30)
def test_strokes_stay_on_the_workspace(corner: tuple[int, int], rotation: int) -> None:
    crop, view = WORKSPACE.window(*corner, 112), view_of(rotation)
    pushes = decode_pushes(rising(), view, crop, WORKSPACE, np.ones((160, 160), np.bool_), GRIPPER, DECODING)
    x, y, end_x, end_y = (place[pushes.feasible] for place in strokes(view, crop))
    for place, first in ((x, 0.276), (end_x, 0.276), (y, -0.224), (end_y, -0.224)):
        assert ((place > first + 0.0199) & (place < first + 0.448 - 0.0199)).all()
    assert (pushes.z >= 0.0099).all()


def test_a_push_over_bare_table_that_meets_nothing_is_infeasible() -> None:
    situation = lone_block()
    option, view = situation.options[PrimitiveKind.PUSH][0], view_of(0)
    places = np.argwhere(option.feasible)
    assert len(places) > 500
    for row, column in places:
        cell_row, _ = view.to_cell(float(row), float(column))
        assert 48 - 6 <= cell_row <= 63 + 6, "the corridor is as wide as the closed fingers"


def test_there_is_a_push_for_every_pixel() -> None:
    pushes = pushes_over(view_with())
    for values, dtype in ((pushes.z, np.float32), (pushes.opening, np.float32), (pushes.misfit, np.float64)):
        assert values.dtype == dtype
        assert values.shape == (160, 160)
    assert pushes.feasible.dtype == np.bool_
    assert pushes.feasible.shape == (160, 160)
