"""Training views show the action at the pixel that they name, and look like what a real camera could have seen."""

import math
from dataclasses import replace

import drawn_transitions
import numpy as np
import pytest
from drawn_transitions import WORKSPACE
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.augmentation import AugmentationConfig, Patch, noisy, patch_of, view_with
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.learning.transition import ExecutedAction, Focus

SHIPPED = load_training("default").augmentation
PLAIN = AugmentationConfig(96, 0, 0.0, 0.0, 0.0, 0.0)
MOVED = replace(SHIPPED, color_mix=0.0, height_noise=0.0, hole_share=0.0)
"""The shipped shifts and turns, but colors and heights as seen."""

STEP = 2e-5
"""Meters by which the heights of numbered cells grow from one to the next."""


def numbered() -> Focus:
    """A crop whose heights say which cell is which: the cell's number, counted from 1, times STEP."""
    height = (np.arange(1, 112 * 112 + 1).reshape(112, 112) * STEP).astype(np.float32)
    everywhere = np.ones((112, 112), np.bool_)
    crop = Heightmap(np.zeros((112, 112, 3), np.uint8), height, everywhere, WORKSPACE.window(56, 56, 112))
    return Focus(crop, everywhere, True)


def cell_at(patch: Patch, row: int, column: int) -> tuple[int, int]:
    """The cell of the numbered crop that a pixel of a patch shows."""
    number = round(float(patch.view[3, row, column]) * 0.05 / STEP)  # a height of 50 mm becomes 1
    assert number > 0, "the pixel shows the crop"
    row, column = divmod(number - 1, 112)
    return row, column


def turn_of(patch: Patch, cell: tuple[int, int], far: int = 30) -> tuple[float, bool]:
    """Angle in radians of a patch's columns on the crop, and whether its rows are mirrored."""
    (ahead_row, ahead_column), (aside_row, aside_column) = (
        cell_at(patch, patch.row + down, patch.column + right) for down, right in ((0, far), (far, 0))
    )
    angle = math.atan2(ahead_row - cell[0], ahead_column - cell[1])
    aside = math.atan2(aside_row - cell[0], aside_column - cell[1])
    return angle, math.sin(aside - angle) < 0.0


@settings(max_examples=60)
@given(
    kind=st.sampled_from(PrimitiveKind),
    rotation=st.integers(0, 15),
    row=st.integers(0, 111),
    column=st.integers(0, 111),
    seed=st.integers(0, 1000),
)
def test_the_named_pixel_shows_the_very_cell_of_the_action(
    kind: PrimitiveKind, rotation: int, row: int, column: int, seed: int
) -> None:
    patch = patch_of(numbered(), ExecutedAction(kind, rotation, row, column), MOVED, np.random.default_rng(seed))
    assert patch.view.shape == (8, 96, 96)
    assert patch.view.dtype == np.float32
    assert cell_at(patch, patch.row, patch.column) == (row, column)


def patches_of(action: ExecutedAction, config: AugmentationConfig, count: int) -> list[Patch]:
    """Training views of one action on the numbered crop."""
    rng, focus = np.random.default_rng(0), numbered()
    return [patch_of(focus, action, config, rng) for _ in range(count)]


def test_the_action_is_off_the_middle_by_four_pixels_at_most_and_by_any_number_of_them() -> None:
    patches = patches_of(ExecutedAction(PrimitiveKind.PUSH, 0, 56.0, 56.0), MOVED, 300)
    mirrored = [turn_of(patch, (56, 56))[1] for patch in patches]
    assert {patch.column for patch in patches} == set(range(44, 53))
    upright = {patch.row for patch, is_mirrored in zip(patches, mirrored, strict=True) if not is_mirrored}
    flipped = {patch.row for patch, is_mirrored in zip(patches, mirrored, strict=True) if is_mirrored}
    assert upright == set(range(44, 53))
    assert flipped == set(range(43, 52)), "the last row becomes the first"
    assert 120 < sum(mirrored) < 180


@pytest.mark.parametrize("rotation", [0, 3, 8, 13])
def test_a_push_keeps_its_direction_and_is_only_mirrored(rotation: int) -> None:
    seen = [
        turn_of(patch, (56, 56))
        for patch in patches_of(ExecutedAction(PrimitiveKind.PUSH, rotation, 56, 56), PLAIN, 20)
    ]
    for angle, _ in seen:
        off = (angle - math.radians(22.5 * rotation) + math.pi) % (2 * math.pi) - math.pi
        assert abs(off) < 0.03, "a cell is seen from 30 cells away"
    assert {is_mirrored for _, is_mirrored in seen} == {False, True}


@pytest.mark.parametrize("rotation", [0, 5, 8, 15])
def test_a_grasp_is_seen_from_either_side_of_its_axis(rotation: int) -> None:
    seen = [
        turn_of(patch, (56, 56))
        for patch in patches_of(ExecutedAction(PrimitiveKind.GRASP, rotation, 56, 56), PLAIN, 60)
    ]
    turns = []
    for angle, _ in seen:
        half_turns, off = divmod(angle - math.radians(22.5 * rotation) + math.pi / 2, math.pi)
        assert abs(off - math.pi / 2) < 0.03
        turns.append(half_turns % 2)
    assert 20 < sum(turns) < 40
    assert len({(turn, is_mirrored) for turn, (_, is_mirrored) in zip(turns, seen, strict=True)}) == 4


def test_a_view_is_turned_by_a_twentieth_of_a_radian_at_most_to_either_side() -> None:
    seen = [
        turn_of(patch, (56, 56), 40)[0]
        for patch in patches_of(ExecutedAction(PrimitiveKind.PUSH, 0, 56, 56), MOVED, 150)
    ]
    assert -0.064 < min(seen) < -0.03
    assert 0.03 < max(seen) < 0.064, "0.05, and half a cell seen from 40 cells away"


@pytest.mark.parametrize("angle", [0.0, 0.3, 2.0, -1.1])
def test_a_view_shows_the_wanted_cell_at_the_wanted_pixel(angle: float) -> None:
    view = view_with(33.25, 71.5, angle, 40, 55, 96)
    assert (view.angle, view.size) == (angle, 96)
    np.testing.assert_allclose(view.to_cell(40, 55), (33.25, 71.5), atol=1e-9)


@pytest.mark.parametrize("kind", list(PrimitiveKind))
@pytest.mark.parametrize("seed", range(6))
def test_the_action_stays_on_the_block_in_every_training_view(kind: PrimitiveKind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    focus = drawn_transitions.focus(rng)
    rows, columns = np.nonzero(focus.mask)
    action = ExecutedAction(kind, int(rng.integers(16)), float(rows.mean()), float(columns.mean()))
    patch = patch_of(focus, action, SHIPPED, rng)
    assert patch.view.shape == (8, 96, 96)
    assert patch.view[7, patch.row - 3 : patch.row + 4, patch.column - 3 : patch.column + 4].mean() > 0.5
    assert np.isfinite(patch.view).all()


def test_without_augmentation_the_same_action_gives_one_of_its_symmetric_views() -> None:
    focus = drawn_transitions.focus(np.random.default_rng(2))
    action = ExecutedAction(PrimitiveKind.PUSH, 3, 50.0, 60.0)
    views = [patch_of(focus, action, PLAIN, np.random.default_rng(seed)).view for seed in range(12)]
    assert all(view.flags.c_contiguous for view in views)
    different = {view.tobytes() for view in views}
    assert len(different) == 2, "a push may only be mirrored"
    first = views[0]
    assert any(np.array_equal(view, first[:, ::-1]) for view in views)


def test_a_training_view_is_noisy_in_colors_heights_and_holes() -> None:
    focus = drawn_transitions.focus(np.random.default_rng(2))
    action, wild = (
        ExecutedAction(PrimitiveKind.PUSH, 0, 50.0, 50.0),
        replace(PLAIN, color_mix=0.7, height_noise=0.01, hole_share=0.5),
    )
    plain, noised = (patch_of(focus, action, config, np.random.default_rng(5)) for config in (PLAIN, wild))
    block = noised.view[7] > 0.0
    assert block.sum() > 100
    assert len(np.unique(noised.view[7][block])) > 100, "heights waver"
    assert (noised.view[7] == 0.0)[plain.view[7] > 0.0].sum() > 10, "cells of the block went unseen"
    shades = {tuple(color) for color in noised.view[:3, block].T.round(3)}
    assert len(shades) == 1, "a block stays of one color"
    assert not np.allclose(noised.view[:3, block][:, :1], plain.view[:3, plain.view[7] > 0.0][:, :1], atol=0.02)


def crop_of(color: np.ndarray, height: np.ndarray | float = 0.04, valid: np.ndarray | bool = True) -> Heightmap:
    """A crop with these colors, heights and seen cells."""
    shape = (112, 112)
    heights = np.broadcast_to(np.float32(height), shape).astype(np.float32)
    seen = np.broadcast_to(valid, shape).astype(np.bool_)
    return Heightmap(np.broadcast_to(color, (*shape, 3)).astype(np.uint8), heights, seen, WORKSPACE.window(56, 56, 112))


def mixed(crop: Heightmap, color_mix: float, seed: int) -> tuple[np.ndarray, np.ndarray, Heightmap]:
    """Mixture (3, 3) and offset (3,) of the colors, from -1 to 1, that a crop was given, and what came out."""
    result = noisy(crop, color_mix, 0.0, 0.0, np.random.default_rng(seed))
    given = crop.color.reshape(-1, 3) / 127.5 - 1.0
    gray = np.abs(given).max(axis=1) < 0.2  # no mixture of these leaves the range
    assert gray.sum() > 5000
    got = (result.color.reshape(-1, 3)[gray] + 0.5) / 127.5 - 1.0  # colors are cut off, not rounded
    solution, *_ = np.linalg.lstsq(np.column_stack([given[gray], np.ones(gray.sum())]), got, rcond=None)
    return solution[:3].T, solution[3], result


def grays(seed: int = 0) -> np.ndarray:
    """Random colors (112, 112, 3), those of the upper half close to gray."""
    color = np.random.default_rng(seed).integers(0, 256, (112, 112, 3))
    color[:56] = np.random.default_rng(seed + 1).integers(104, 152, (56, 112, 3))
    return color


@pytest.mark.parametrize("color_mix", [1.0, 0.7, 0.3])
def test_colors_become_one_linear_mixture_of_themselves(color_mix: float) -> None:
    crop = crop_of(grays())
    found = [mixed(crop, color_mix, seed) for seed in range(40)]
    mixtures, offsets = np.stack([item[0] for item in found]), np.stack([item[1] for item in found])
    low, high = -0.5 * color_mix, 0.8 * color_mix
    shares = mixtures - np.eye(3) * (1.0 - color_mix)
    assert low - 0.01 < shares.min() < low + 0.05
    assert high - 0.05 < shares.max() < high + 0.01
    assert -0.3 * color_mix - 0.01 < offsets.min() < -0.25 * color_mix
    assert 0.25 * color_mix < offsets.max() < 0.3 * color_mix + 0.01
    given = crop.color / 127.5 - 1.0
    for mixture, offset, result in found[:5]:
        expected = np.clip((given @ mixture.T + offset + 1.0) * 127.5, 0, 255)
        np.testing.assert_allclose(result.color, expected - 0.5, atol=1.6)


def test_without_a_mixture_colors_stay_as_seen() -> None:
    crop = crop_of(grays())
    result = noisy(crop, 0.0, 0.001, 0.03, np.random.default_rng(1))
    assert np.abs(result.color.astype(int) - crop.color).max() <= 1
    assert result.color.dtype == np.uint8


def test_heights_waver_by_a_millimeter_at_most_and_the_bare_table_does_not() -> None:
    height = np.zeros((112, 112))
    height[:, 30:] = 0.04
    crop, rng = crop_of(np.array([9, 9, 9]), height), np.random.default_rng(0)
    off = [noisy(crop, 0.0, 0.001, 0.0, rng).height - crop.height for _ in range(100)]
    spreads = np.array([change[:, 30:].std() for change in off])
    assert 0.0 <= spreads.min() < 0.0001
    assert 0.0009 < spreads.max() < 0.00102
    assert 0.0004 < spreads.mean() < 0.0006, "every spread up to the greatest is as likely"
    assert np.abs([change[:, 30:].mean() for change in off]).max() < 0.0001
    assert all((change[:, :30] == 0.0).all() for change in off)
    assert off[0].dtype == np.float32


def test_no_height_wavers_below_the_table() -> None:
    crop, rng = crop_of(np.array([9, 9, 9]), 0.001), np.random.default_rng(0)
    heights = np.stack([noisy(crop, 0.0, 0.01, 0.0, rng).height for _ in range(10)])
    assert heights.min() == 0.0
    assert heights.max() > 0.01


def test_up_to_three_of_a_hundred_cells_go_unseen_and_lie_at_zero_then() -> None:
    valid = np.ones((112, 112), np.bool_)
    valid[:, :12] = False
    crop, rng = crop_of(np.array([9, 9, 9]), np.where(valid, 0.04, 0.0), valid), np.random.default_rng(0)
    results = [noisy(crop, 0.0, 0.0, 0.03, rng) for _ in range(100)]
    shares = np.array([1.0 - result.valid[:, 12:].mean() for result in results])
    assert shares.min() < 0.003
    assert 0.027 < shares.max() < 0.034
    assert 0.012 < shares.mean() < 0.018
    for result in results:
        assert not result.valid[:, :12].any(), "what nobody saw stays unseen"
        np.testing.assert_array_equal(result.height, np.where(result.valid, np.float32(0.04), np.float32(0.0)))


def test_without_holes_every_cell_stays_seen_and_the_crop_itself_is_left_alone() -> None:
    crop = drawn_transitions.focus(np.random.default_rng(4)).crop
    color, height, valid = crop.color.copy(), crop.height.copy(), crop.valid.copy()
    result = noisy(crop, 0.7, 0.001, 0.0, np.random.default_rng(0))
    assert result.valid.all()
    assert result.grid == crop.grid
    noisy(crop, 0.7, 0.001, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(crop.color, color)
    np.testing.assert_array_equal(crop.height, height)
    np.testing.assert_array_equal(crop.valid, valid)
