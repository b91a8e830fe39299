"""What a Q-network sees: colors from -1 to 1 and heights in parts of 5 cm, of a crop and of its target alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.policy.observation import all_views, check_resolution, encode, render, view_of
from impurity_grasp_ros.policy.rotation import View

GRID = Grid(0.388, -0.112, 112, 112)


def crop_of(color: tuple[int, int, int], height: float) -> Heightmap:
    """A crop that looks alike everywhere."""
    shape = (112, 112)
    return Heightmap(
        np.full((*shape, 3), color, np.uint8), np.full(shape, height, np.float32), np.ones(shape, np.bool_), GRID
    )


def drawn_state(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(112, 112, 8)).astype(np.float32)


def test_a_cell_of_the_target_has_its_color_and_height_twice() -> None:
    mask = np.ones((112, 112), np.bool_)
    state = encode(crop_of((0, 255, 51), 0.05), mask)
    assert state.shape == (112, 112, 8)
    assert state.dtype == np.float32
    np.testing.assert_allclose(state[3, 70], [-1.0, 1.0, -0.6, 1.0] * 2, atol=1e-6)
    assert (state == state[0, 0]).all()


def test_heights_are_parts_of_5_cm() -> None:
    mask = np.ones((112, 112), np.bool_)
    for height, part in ((0.0, 0.0), (0.02, 0.4), (0.15, 3.0)):
        np.testing.assert_allclose(encode(crop_of((9, 9, 9), height), mask)[50, 50, [3, 7]], part, atol=1e-6)


def test_beside_the_target_the_masked_half_is_blank() -> None:
    mask = np.zeros((112, 112), np.bool_)
    mask[20:30, 40:60] = True
    state = encode(crop_of((255, 0, 102), 0.1), mask)
    np.testing.assert_allclose(state[..., :4], np.broadcast_to([1.0, -1.0, -0.2, 2.0], (112, 112, 4)), atol=1e-6)
    np.testing.assert_array_equal(state[mask][:, 4:], state[mask][:, :4])
    assert not state[~mask][:, 4:].any()


def test_an_unseen_cell_is_blank_and_not_black() -> None:
    crop = crop_of((0, 0, 0), 0.0)
    crop.valid[5, 6] = False
    state = encode(crop, np.ones((112, 112), np.bool_))
    assert not state[5, 6].any()
    np.testing.assert_array_equal(state[6, 5], [-1.0, -1.0, -1.0, 0.0] * 2)


@pytest.mark.parametrize("resolution", [0.0015, 0.00201, 0.003])
def test_cells_of_another_size_than_in_training_are_refused(resolution: float) -> None:
    crop = crop_of((10, 20, 30), 0.02)
    other = replace(crop, grid=replace(crop.grid, resolution=resolution))
    with pytest.raises(ConfigError, match=rf"expect cells of 0\.002 m, received {resolution:g} m"):
        check_resolution(other.grid)
    check_resolution(crop.grid)


@pytest.mark.parametrize("rotation", range(16))
def test_views_are_160_pixels_around_the_middle_of_the_crop_16_of_them_22_5_degrees_apart(rotation: int) -> None:
    view = view_of(rotation)
    assert (view.row, view.column, view.size) == (55.5, 55.5, 160)
    assert math.degrees(view.angle) == pytest.approx(22.5 * rotation)


def test_a_view_may_be_elsewhere_and_smaller() -> None:
    assert view_of(4, 10.0, 20.0, 96) == View(10.0, 20.0, math.pi / 2, 96)
    assert view_of(0, size=32) == View(55.5, 55.5, 0.0, 32)


@pytest.mark.parametrize("rotation", range(16))
def test_no_corner_of_the_crop_is_cut_at_any_angle(rotation: int) -> None:
    state = np.zeros((112, 112, 8), np.float32)
    corners = [(row, column) for row in (0, 110) for column in (0, 110)]
    for row, column in corners:  # four cells each, so that the nearest pixel shows one of them
        state[row : row + 2, column : column + 2] = 1.0
    shown = render(state, view_of(rotation))[0] > 0
    c, s = math.cos(rotation * math.pi / 8), math.sin(rotation * math.pi / 8)
    for row, column in corners:
        down, right = row + 0.5 - 55.5, column + 0.5 - 55.5
        pixel_row, pixel_column = 79.5 - s * right + c * down, 79.5 + c * right + s * down
        assert shown[
            round(pixel_row) - 1 : round(pixel_row) + 2, round(pixel_column) - 1 : round(pixel_column) + 2
        ].any()
    assert not shown[[0, -1]].any()
    assert not shown[:, [0, -1]].any()


def test_the_view_without_a_turn_is_the_crop_with_24_empty_pixels_around_it() -> None:
    state = drawn_state(0)
    view = render(state, view_of(0))
    assert view.shape == (8, 160, 160)
    assert view.dtype == np.float32
    np.testing.assert_array_equal(view[:, 24:136, 24:136], state.transpose(2, 0, 1))
    assert np.count_nonzero(view) == np.count_nonzero(state)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_rearrange_the_cells_of_all_channels(quarters: int) -> None:
    state = drawn_state(1)
    turned = render(state, view_of(4 * quarters))
    expected = np.rot90(state.transpose(2, 0, 1), quarters, (1, 2))
    np.testing.assert_array_equal(turned[:, 24:136, 24:136], expected)


def test_all_views_are_the_views_of_all_rotations_in_their_order() -> None:
    state = drawn_state(2)
    views = all_views(state)
    assert views.shape == (16, 8, 160, 160)
    for rotation in range(16):
        np.testing.assert_array_equal(views[rotation], render(state, view_of(rotation)))
