"""Cells and meters convert into each other, and windows keep the positions of cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.datatypes import Grid, Heightmap, Primitive, PrimitiveKind

meters = st.floats(-1.0, 1.0)
sizes = st.integers(1, 12)
grids = st.builds(Grid, meters, meters, sizes, sizes, st.floats(0.001, 0.01))
starts = st.integers(-15, 15)


def numbered_heightmap(grid: Grid) -> Heightmap:
    """A heightmap whose cells all have different heights."""
    height = np.arange(1, grid.rows * grid.columns + 1, dtype=np.float32).reshape(grid.rows, grid.columns)
    color = np.repeat(height.astype(np.uint8)[:, :, None], 3, axis=2)
    return Heightmap(color, height, np.ones(height.shape, np.bool_), grid, stamp=12.5)


@given(grids, st.floats(-20, 20), st.floats(-20, 20))
def test_a_cell_becomes_meters_and_the_same_cell_again(grid: Grid, row: float, column: float) -> None:
    assert grid.to_cell(*grid.to_meters(row, column)) == pytest.approx((row, column), abs=1e-9)


@given(grids)
def test_the_centers_of_the_outermost_cells_lie_on_the_grid_and_their_neighbors_do_not(grid: Grid) -> None:
    assert grid.contains(*grid.to_meters(0, 0))
    assert grid.contains(*grid.to_meters(grid.rows - 1, grid.columns - 1))
    assert not grid.contains(*grid.to_meters(-1, 0))
    assert not grid.contains(*grid.to_meters(0, grid.columns))


@given(grids, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(0.0, 0.2))
def test_a_margin_keeps_a_position_and_all_four_corners_around_it_on_the_grid(
    grid: Grid, dx: float, dy: float, margin: float
) -> None:
    x, y = grid.middle[0] + dx, grid.middle[1] + dy
    corners = [(x + side, y + other) for side in (-margin, margin) for other in (-margin, margin)]
    assert grid.contains(x, y, margin) == all(grid.contains(*corner) for corner in corners)


def test_rows_run_along_y_and_columns_along_x() -> None:
    grid = Grid(x_min=0.2, y_min=-0.3, rows=4, columns=6, resolution=0.01)
    assert grid.to_meters(1, 3) == pytest.approx((0.235, -0.285))


@given(grids, starts, starts, sizes)
def test_a_window_keeps_positions_contents_and_time(grid: Grid, row: int, column: int, size_px: int) -> None:
    heightmap = numbered_heightmap(grid)
    window = heightmap.window(row, column, size_px)
    assert window.stamp == heightmap.stamp
    assert window.height.shape == window.valid.shape == window.color.shape[:2] == (size_px, size_px)
    for i, j in np.ndindex(size_px, size_px):
        assert window.grid.to_meters(i, j) == pytest.approx(grid.to_meters(row + i, column + j))
        if 0 <= row + i < grid.rows and 0 <= column + j < grid.columns:
            assert window.valid[i, j]
            assert window.height[i, j] == heightmap.height[row + i, column + j]
            assert (window.color[i, j] == heightmap.color[row + i, column + j]).all()
        else:
            assert not window.valid[i, j]
            assert window.height[i, j] == 0.0
            assert not window.color[i, j].any()


def test_a_window_is_a_copy() -> None:
    heightmap = numbered_heightmap(Grid(0.0, 0.0, 4, 4))
    heightmap.window(0, 0, 4).height[:] = -1.0
    assert (heightmap.height > 0.0).all()


def test_a_grasp_travels_nowhere_and_a_push_closes_its_fingers() -> None:
    grasp, push = Primitive.grasp((0.4, 0.0, 0.02), 0.5), Primitive.push((0.4, 0.0, 0.02), 0.5)
    assert (grasp.kind, grasp.length) == (PrimitiveKind.GRASP, 0.0)
    assert (push.kind, push.opening) == (PrimitiveKind.PUSH, 0.0)
    assert push.length > 0.0
