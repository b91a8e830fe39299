"""A rotated view shows the cells of the heightmap that it says, with its columns along the angle."""

import math

import numpy as np
import pytest
from drawn_tables import GRID, Block, table
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.policy.rotation import View

SIZE = 60
angles = st.floats(-2 * math.pi, 2 * math.pi)
views = st.builds(View, st.floats(0, 223), st.floats(0, 223), angles, st.integers(2, 160))
pixels = st.tuples(st.floats(0, 159), st.floats(0, 159))


@given(views)
def test_the_middle_of_a_view_shows_the_cell_it_is_centered_on(view: View) -> None:
    middle = (view.size - 1) / 2
    assert view.to_cell(middle, middle) == pytest.approx((view.row, view.column), abs=1e-9)


@given(views, pixels, st.floats(-80, 80))
def test_a_step_along_the_columns_is_a_step_along_the_angle_and_one_along_the_rows_a_quarter_turn_from_it(
    view: View, pixel: tuple[float, float], step: float
) -> None:
    row, column = pixel
    x, y = GRID.to_meters(*view.to_cell(row, column))
    for angle, moved in ((view.angle, (row, column + step)), (view.angle + math.pi / 2, (row + step, column))):
        length = step * GRID.resolution
        expected = x + length * math.cos(angle), y + length * math.sin(angle)
        assert GRID.to_meters(*view.to_cell(*moved)) == pytest.approx(expected, abs=1e-9)


@given(views, pixels)
def test_a_view_turned_back_leads_from_a_cell_to_the_pixel_that_shows_it(
    view: View, pixel: tuple[float, float]
) -> None:
    middle = (view.size - 1) / 2
    back = View(middle, middle, -view.angle, view.size)
    cell_row, cell_column = view.to_cell(*pixel)
    again = back.to_cell(cell_row - view.row + middle, cell_column - view.column + middle)
    assert again == pytest.approx(pixel, abs=1e-9)


@given(angles, st.floats(80, 140), st.floats(80, 140))
@settings(max_examples=50)
def test_every_pixel_shows_the_cell_that_it_says(angle: float, row: float, column: float) -> None:
    view = View(row, column, angle, SIZE)
    rows, columns = np.indices((GRID.rows, GRID.columns)).astype(np.float32)
    says = np.array([[view.to_cell(i, j) for j in range(SIZE)] for i in range(SIZE)])
    shows = np.stack([view.render(rows), view.render(columns)], axis=2)
    np.testing.assert_array_less(np.abs(shows - says), 0.52)  # the nearest; OpenCV counts in 32nds of a cell
    smooth = np.stack([view.render(rows, smooth=True), view.render(columns, smooth=True)], axis=2)
    np.testing.assert_allclose(smooth, says, atol=0.04)


@pytest.mark.parametrize(("degrees", "turns"), [(0, 0), (90, 1), (180, 2), (270, 3), (-90, 3)])
def test_quarter_turns_rearrange_the_cells_without_loss(degrees: int, turns: int) -> None:
    image = np.arange(36, dtype=np.float32).reshape(6, 6)
    turned = View(2.5, 2.5, math.radians(degrees), 6).render(image)
    np.testing.assert_array_equal(turned, np.rot90(image, turns))


@given(angles)
@settings(max_examples=40)
def test_a_block_lies_along_the_columns_of_a_view_of_its_own_angle(angle: float) -> None:
    block = Block(angle=angle, length=0.06, width=0.03)
    view = View(*GRID.to_cell(block.x, block.y), angle, SIZE)
    rows, columns = np.nonzero(view.render(table(block).height) > 0.0)
    assert np.ptp(columns) + 1 == pytest.approx(30, abs=2)
    assert np.ptp(rows) + 1 == pytest.approx(15, abs=2)
    assert (rows.mean(), columns.mean()) == pytest.approx(((SIZE - 1) / 2, (SIZE - 1) / 2), abs=0.6)


def test_cells_outside_take_the_border_and_type_and_channels_stay() -> None:
    color = np.full((8, 8, 3), 7, np.uint8)
    turned = View(0.0, 0.0, 0.0, 6).render(color, border=9.0)
    assert turned.dtype == np.uint8
    assert turned.shape == (6, 6, 3)
    assert (turned[:2, :, 0] == 9).all()
    assert (turned[3:, 3:] == 7).all()
