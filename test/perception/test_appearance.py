"""The model of ordinary appearance knows its objects in any light they were seen in, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import AZURE, BLUE, BROWN, BROWNS, COAL, NAVY, SLATE, YELLOW, Color
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.perception.appearance import (
    Appearance,
    AppearanceConfig,
    deviation,
    learn,
    looks,
    observed,
    updated,
)
from impurity_grasp_ros.perception.attention import AttentionConfig

CONFIG = packaged_parameters("attention_node", AttentionConfig).appearance


channels = st.integers(60, 200)


def patches(
    *parts: tuple[Color, int], light: float = 1.0, noise: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Looks and colors of cells: so many of each color."""
    colors = np.concatenate([np.tile(np.array(color, np.float64), (count, 1)) for color, count in parts]) * light
    colors = colors + np.random.default_rng(0).normal(0.0, noise, colors.shape)
    image = np.clip(np.rint(colors), 0, 255).astype(np.uint8)[:, None, :].repeat(7, axis=1)
    mask = np.zeros(image.shape[:2], np.bool_)
    mask[:, 3] = True
    return looks(image, mask, CONFIG), image[:, 3]


def model_of(*parts: tuple[Color, int]) -> Appearance:
    cells, colors = patches(*parts)
    model = learn(cells, colors, np.ones(len(cells), np.bool_), CONFIG)
    assert model is not None
    return model


def deviations(model: Appearance, cells: NDArray[np.float32], level: bool = True) -> NDArray[np.float32]:
    return deviation(model, cells, np.full(len(cells), level), CONFIG)


def typical_deviation(model: Appearance, color: Color, light: float = 1.0, level: bool = True) -> float:
    return float(np.median(deviations(model, patches((color, 50), light=light)[0], level)))


def after(
    model: Appearance, cells: NDArray[np.float32], colors: NDArray[np.uint8], rate: float = CONFIG.update_rate
) -> Appearance:
    return updated(model, cells, colors, deviations(model, cells), replace(CONFIG, update_rate=rate))


@given(st.tuples(channels, channels, channels), st.floats(0.5, 1.2))
@settings(max_examples=30)
def test_light_changes_the_brightness_of_a_look_but_hardly_its_color(color: Color, light: float) -> None:
    bright, dim = patches((color, 20))[0][10], patches((color, 20), light=light)[0][10]
    assert np.hypot(*(dim - bright)[:2]) < 1.5
    change, octaves = abs(dim[2] - bright[2]) * CONFIG.brightness_tolerance, abs(np.log2(light))
    assert 0.6 * octaves - 0.05 < change < octaves + 0.05


@given(st.tuples(channels, channels, channels))
@settings(max_examples=30)
def test_what_a_model_was_made_of_does_not_deviate_from_it(color: Color) -> None:
    cells, colors = patches((color, 200), noise=4.0)
    assert deviations(observed(cells, colors), cells).max() == 0.0
    assert typical_deviation(model_of((color, 200)), color) < 0.3


@pytest.mark.parametrize(
    ("ordinary", "odd"),
    [
        ([(BROWN, 1500)], (BLUE, 200)),
        ([(BROWN, 700)], (BLUE, 300)),
        ([(color, 400) for color in BROWNS], (BLUE, 250)),
        ([(AZURE, 700), (NAVY, 600)], (YELLOW, 250)),
        ([(COAL, 1500)], (SLATE, 250)),
        ([(SLATE, 1500)], (COAL, 250)),
    ],
    ids=["brown", "brown, many odd", "four browns", "two blues", "coal", "slate"],
)
def test_common_colors_are_ordinary_and_a_rare_one_is_not(
    ordinary: list[tuple[Color, int]], odd: tuple[Color, int]
) -> None:
    model = model_of(*ordinary, odd)
    assert all(typical_deviation(model, color) < 0.5 for color, _ in ordinary)
    assert typical_deviation(model, odd[0]) > 1.0
    assert np.abs(model.color - np.median([color for color, _ in ordinary], axis=0)).max() < 50


@pytest.mark.parametrize("share", [0.2, 0.35, 0.42])
@pytest.mark.parametrize(("browns", "odd"), [(BROWNS, BLUE), (BROWNS, YELLOW), (BROWNS[:2], NAVY)])
def test_many_shades_of_one_color_are_one_kind_of_object_even_if_the_odd_color_is_the_largest_single_one(
    browns: tuple[Color, ...], odd: Color, share: float
) -> None:
    ordinary = [(color, round(2000 * (1.0 - share) / len(browns))) for color in browns]
    model = model_of(*ordinary, (odd, round(2000 * share)))
    assert all(typical_deviation(model, color) < 0.5 for color, _ in ordinary)
    assert typical_deviation(model, odd) > 1.0


def test_of_two_further_colors_equally_common_the_more_alike_is_ordinary() -> None:
    model = model_of((AZURE, 900), (NAVY, 550), (YELLOW, 550))
    assert typical_deviation(model, NAVY) < 0.5
    assert typical_deviation(model, YELLOW) > 1.0


def test_a_slope_may_be_shaded_by_half_where_a_level_surface_may_not() -> None:
    model = model_of((BROWN, 500))
    assert typical_deviation(model, BROWN, light=0.8) < 1.0
    assert typical_deviation(model, BROWN, light=0.5) > 1.0
    assert typical_deviation(model, BROWN, light=0.5, level=False) < 1.0
    assert typical_deviation(model, BROWN, light=0.2, level=False) > 1.0


def test_every_cell_is_judged_by_its_own_surface() -> None:
    model = model_of((BROWN, 500))
    cells = patches((BROWN, 60), light=0.5)[0]
    level = np.arange(60) % 3 == 0
    mixed = deviation(model, cells, level, CONFIG)
    np.testing.assert_array_equal(mixed[level], deviations(model, cells, True)[level])
    np.testing.assert_array_equal(mixed[~level], deviations(model, cells, False)[~level])


def test_too_few_cells_teach_nothing() -> None:
    cells, colors = patches((BROWN, CONFIG.min_cells - 1))
    assert learn(cells, colors, np.ones(len(cells), np.bool_), CONFIG) is None
    assert len(deviations(model_of((BROWN, 300)), cells[:0])) == 0


def test_cells_that_are_all_different_are_all_taken_for_ordinary() -> None:
    rng = np.random.default_rng(2)
    cells = rng.uniform(-500, 500, (200, 3)).astype(np.float32)
    model = learn(cells, rng.integers(0, 255, (200, 3), dtype=np.uint8), np.ones(200, np.bool_), CONFIG)
    assert model is not None
    assert deviations(model, cells).max() == 0.0


@pytest.mark.parametrize(("ordinary", "odd"), [(BROWN, BLUE), (COAL, SLATE), (AZURE, YELLOW)])
def test_an_impurity_left_alone_never_becomes_ordinary(ordinary: Color, odd: Color) -> None:
    model = model_of((ordinary, 1000), (odd, 150))
    for _ in range(30):
        model = after(model, *patches((odd, 300), noise=3.0))
    assert typical_deviation(model, odd) > 1.0
    assert typical_deviation(model, ordinary) < 0.5


def test_the_model_follows_light_that_fades_slowly() -> None:
    model = model_of((BROWN, 1000), (BLUE, 150))
    for step in range(1, 25):
        light = 0.95**step
        cells, colors = patches((BROWN, 1000), (BLUE, 150), light=light)
        assert np.median(deviations(model, cells)[:1000]) < 1.0
        model = after(model, cells, colors)
    assert typical_deviation(model, BLUE, light=light) > 1.0
    assert np.abs(model.color - np.array(BROWN) * light).max() < 20


@given(st.floats(0.05, 1.0), st.integers(1, 5))
@settings(max_examples=20)
def test_the_weights_of_a_model_sum_to_one(rate: float, frames: int) -> None:
    model = model_of((BROWN, 400), (BROWNS[1], 400))
    for _ in range(frames):
        model = after(model, *patches((BROWNS[2], 300), noise=5.0), rate)
    assert model.weights.sum() == pytest.approx(1.0)
    assert (model.weights > 0.0).all()
    assert len(np.unique(model.bins, axis=0)) == len(model.bins) == len(model.weights)


def test_without_anything_ordinary_in_view_the_model_stays() -> None:
    model = model_of((BROWN, 400))
    assert after(model, *patches((BLUE, 300))) is model
    assert after(model, *patches((BROWN, 300)), rate=0.0) is model


def spread(*parts: tuple[tuple[float, float, float], int]) -> NDArray[np.float32]:
    """Looks: so many of each, in tolerances; 0.1 is the middle of the first bin."""
    return np.concatenate([np.tile(np.array([look], np.float32), (count, 1)) for look, count in parts])


def grays(count: int) -> NDArray[np.uint8]:
    return np.full((count, 3), 100, np.uint8)


def learned(*parts: tuple[tuple[float, float, float], int]) -> Appearance | None:
    cells = spread(*parts)
    return learn(cells, grays(len(cells)), np.ones(len(cells), np.bool_), CONFIG)


HERE, NEAR, FAR = (0.1, 0.1, 0.1), (0.5, 0.1, 0.1), (0.9, 0.1, 0.1)


def test_the_shipped_settings() -> None:
    expected = AppearanceConfig(
        chromaticity_tolerance=0.025,
        brightness_tolerance=0.6,
        shading_tolerance=1.5,
        dark_level=10.0,
        median_px=7,
        group_share=0.08,
        ordinary_share=0.55,
        min_cells=100,
        update_rate=0.2,
    )
    assert expected == CONFIG


def test_a_look_is_red_and_green_share_and_brightness_in_tolerances() -> None:
    image = np.full((9, 9, 3), (100, 50, 25), np.uint8)
    mask = np.zeros((9, 9), np.bool_)
    mask[4, 4] = mask[2, 7] = True
    look = looks(image, mask, CONFIG)
    assert look.shape == (2, 3)
    assert look.dtype == np.float32
    total = 175.0 + 3 * 10.001
    np.testing.assert_allclose(
        look, [[110.001 / total / 0.025, 60.001 / total / 0.025, np.log2(total) / 0.6]] * 2, rtol=1e-5
    )


def test_a_look_is_the_median_of_seven_by_seven_cells() -> None:
    image = np.full((21, 21, 3), (140, 107, 77), np.uint8)
    image[:, 10:] = (38, 89, 204)
    mask = np.zeros((21, 21), np.bool_)
    mask[10] = True
    look = looks(image, mask, CONFIG)
    np.testing.assert_array_equal(look[:10], np.tile(look[0], (10, 1)))
    np.testing.assert_array_equal(look[10:], np.tile(look[20], (11, 1)))
    assert (look[0] != look[20]).all()
    image[8:13, 2:7] = (38, 89, 204)  # 25 of 49 cells around columns 3 to 5
    spotted = looks(image, mask, CONFIG)
    np.testing.assert_array_equal(spotted[3:6], np.tile(look[20], (3, 1)))
    np.testing.assert_array_equal(spotted[[2, 6]], np.tile(look[0], (2, 1)))


def test_looks_are_kept_in_bins_of_a_fifth_of_a_tolerance() -> None:
    model = observed(spread((HERE, 3), ((0.19, 0.21, -0.01), 1)), grays(4))
    bins = {tuple(look): weight for look, weight in zip(model.bins.tolist(), model.weights.tolist(), strict=True)}
    assert bins == {(0, 0, 0): 0.75, (0, 1, -1): 0.25}
    np.testing.assert_array_equal(model.color, [100.0, 100.0, 100.0])
    assert model.color.dtype == np.float32


def test_distances_are_those_of_bins_and_count_less_in_brightness_on_a_slope() -> None:
    model = observed(spread((HERE, 1)), grays(1))
    cells = spread(((1.1, 0.1, 0.1), 1), ((0.1, -0.9, 0.1), 1), ((0.1, 0.1, 1.1), 1), ((0.7, 0.1, 0.9), 1))
    np.testing.assert_allclose(deviations(model, cells, True), [1.0, 1.0, 1.0, 1.0], rtol=1e-6)
    slope = [1.0, 1.0, 0.4, np.hypot(0.6, 0.32)]  # 0.6 / 1.5 of the brightness
    np.testing.assert_allclose(deviations(model, cells, False), slope, rtol=1e-6)
    assert deviations(model, cells).dtype == np.float32


def test_the_nearest_ordinary_look_counts() -> None:
    model = observed(spread((HERE, 5), ((2.1, 0.1, 0.1), 1)), grays(6))
    np.testing.assert_allclose(deviations(model, spread(((1.5, 0.1, 0.1), 1))), [0.6], rtol=1e-6)


def test_a_rare_look_belongs_to_a_group_up_to_three_fifths_of_a_tolerance_away() -> None:
    near, far = learned((HERE, 190), (NEAR, 10)), learned((HERE, 190), (FAR, 10))
    assert near is not None
    assert far is not None
    np.testing.assert_array_equal(near.bins, [[0, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(near.weights, [0.95, 0.05])
    np.testing.assert_array_equal(far.bins, [[0, 0, 0]])
    np.testing.assert_allclose(far.weights, [1.0])


@pytest.mark.parametrize(("rare", "bins"), [(15, 1), (17, 2)])
def test_eight_hundredths_of_the_cells_make_a_group_of_their_own(rare: int, bins: int) -> None:
    """Of 200, and 0.8 tolerances from the others: alike, if it is a group."""
    model = learned((HERE, 200 - rare), (FAR, rare))
    assert model is not None
    assert len(model.bins) == bins


def test_a_hundred_cells_are_enough_to_learn_from() -> None:
    assert learned((HERE, 99)) is None
    assert learned((HERE, 100)) is not None


@pytest.mark.parametrize(("away", "ordinary"), [(0.9, True), (1.1, False)])
def test_a_group_less_than_a_tolerance_away_is_ordinary(away: float, ordinary: bool) -> None:
    model = learned((HERE, 140), ((away, 0.1, 0.1), 60))
    assert model is not None
    assert len(model.bins) == (2 if ordinary else 1)


@pytest.mark.parametrize(("largest", "bins"), [(112, 1), (108, 2)])
def test_at_least_55_percent_are_ordinary(largest: int, bins: int) -> None:
    """Of 200; without them the second of three groups, all of them far from each other, is ordinary, too."""
    model = learned((HERE, largest), ((9.1, 0.1, 0.1), 50), ((0.1, 9.1, 0.1), 150 - largest))
    assert model is not None
    assert len(model.bins) == bins
    if bins == 2:
        np.testing.assert_array_equal(model.bins, [[0, 0, 0], [45, 0, 0]])
        np.testing.assert_allclose(model.weights, [108 / 158, 50 / 158])


@pytest.mark.parametrize(("away", "taken"), [(3.1, [0, 15, 0]), (8.1, [60, 0, 0])])
def test_the_next_group_is_the_one_with_most_cells_per_tolerance_of_distance(away: float, taken: list[int]) -> None:
    """60 cells 12 tolerances away make 5 of it, 35 cells 3 away make 11.7 and 8 away 4.4."""
    model = learned((HERE, 105), ((12.1, 0.1, 0.1), 60), ((0.1, away, 0.1), 35))
    assert model is not None
    assert sorted(model.bins.tolist()) == sorted([[0, 0, 0], taken])


def test_the_typical_color_is_the_median_of_ordinary_cells_alone() -> None:
    cells = spread((HERE, 150), ((5.1, 0.1, 0.1), 50))
    colors = np.repeat(np.array([[10, 20, 30], [200, 210, 220]], np.uint8), [150, 50], axis=0)
    colors[:100:2] = (12, 22, 32)
    model = learn(cells, colors, np.ones(200, np.bool_), CONFIG)
    assert model is not None
    np.testing.assert_array_equal(model.color, [10.0, 20.0, 30.0])


def test_an_update_takes_over_a_fifth_of_a_frame_s_ordinary_looks() -> None:
    colors = np.tile(np.array([[100, 50, 20]], np.uint8), (100, 1))
    model = observed(spread((HERE, 100)), colors)
    np.testing.assert_array_equal(model.color, [100.0, 50.0, 20.0])
    cells, changed = spread((HERE, 25), (NEAR, 75)), np.tile(np.array([[120, 60, 30]], np.uint8), (100, 1))
    after_one = updated(model, cells, changed, np.full(100, 0.4, np.float32), CONFIG)
    np.testing.assert_array_equal(after_one.bins, [[0, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(after_one.weights, [0.85, 0.15])
    np.testing.assert_allclose(after_one.color, [104.0, 52.0, 22.0])
    assert after_one.color.dtype == np.float32
    again = updated(after_one, spread((HERE, 100)), colors, np.zeros(100, np.float32), CONFIG)
    np.testing.assert_allclose(again.weights, [0.88, 0.12])


@pytest.mark.parametrize(("away", "bins"), [(0.7, 3), (1.5, 2)])
def test_what_is_alike_to_the_group_that_was_added_is_ordinary_too(away: float, bins: int) -> None:
    model = learned((HERE, 104), ((9.1, 0.1, 0.1), 58), ((9.1, 0.1 + away, 0.1), 38))
    assert model is not None
    assert len(model.bins) == bins


@pytest.mark.parametrize(("oddness", "taken"), [(0.45, True), (0.55, False), (0.5, False)])
def test_looks_nearer_than_half_a_tolerance_are_taken_over(oddness: float, taken: bool) -> None:
    model = observed(spread((HERE, 100)), grays(100))
    cells = spread((HERE, 100), (NEAR, 100))
    colors = np.repeat(np.array([[100, 100, 100], [140, 140, 140]], np.uint8), [100, 100], axis=0)
    odd = np.repeat(np.array([0.0, oddness], np.float32), 100)
    model = updated(model, cells, colors, odd, CONFIG)
    assert len(model.bins) == (2 if taken else 1)
    np.testing.assert_allclose(model.color, [104.0 if taken else 100.0] * 3)


def test_rare_looks_of_a_frame_are_not_taken_over() -> None:
    model = observed(spread((HERE, 100)), grays(100))
    cells = spread((HERE, 95), ((0.1, 0.1, 0.9), 5))
    after_one = updated(model, cells, grays(100), np.zeros(100, np.float32), CONFIG)
    np.testing.assert_array_equal(after_one.bins, [[0, 0, 0]])
    np.testing.assert_allclose(after_one.weights, [1.0])


@pytest.mark.parametrize(("weight", "kept"), [(0.0012, False), (0.0013, True)])
def test_looks_rarer_than_a_thousandth_are_forgotten(weight: float, kept: bool) -> None:
    """Four fifths of their weight are left after a frame without them."""
    two = observed(spread((HERE, 1), (NEAR, 1)), grays(2))
    model = replace(two, weights=np.array([1.0 - weight, weight]))
    after_one = updated(model, spread((HERE, 100)), grays(100), np.zeros(100, np.float32), CONFIG)
    assert len(after_one.bins) == (2 if kept else 1)
    assert after_one.weights.sum() == pytest.approx(1.0)


def test_bins_far_from_zero_and_below_it_are_told_apart() -> None:
    corners = [(x, y, z) for x in (-999.9, 999.9) for y in (-999.9, 999.9) for z in (-999.9, 999.9)]
    model = observed(spread(*((corner, 1) for corner in corners)), grays(8))
    expected = [[-5000 if value < 0 else 4999 for value in corner] for corner in corners]
    assert sorted(model.bins.tolist()) == sorted(expected)
    np.testing.assert_allclose(model.weights, [0.125] * 8)


def test_one_large_object_is_no_majority_if_objects_are_counted() -> None:
    """300 blue cells of one object, 200 brown cells of two."""
    cells, colors = patches((BLUE, 300), (BROWN, 200))
    level = np.ones(500, np.bool_)
    weights = np.repeat([1 / 300, 1 / 100], [300, 200])
    by_objects, by_cells = learn(cells, colors, level, CONFIG, weights), learn(cells, colors, level, CONFIG)
    assert by_objects is not None
    assert by_cells is not None
    assert typical_deviation(by_objects, BLUE) > 1.0
    assert typical_deviation(by_objects, BROWN) < 0.5
    assert typical_deviation(by_cells, BROWN) > 1.0
    assert typical_deviation(by_cells, BLUE) < 0.5
