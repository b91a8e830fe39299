"""The model of ordinary appearance knows its objects in any light they were seen in, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import AZURE, BLUE, BROWN, BROWNS, COAL, NAVY, SLATE, YELLOW, Color
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.perception.appearance import Appearance, deviation, learn, looks, observed, updated
from impurity_grasp_ros.perception.attention import AttentionConfig

CONFIG = packaged_parameters("attention_node", AttentionConfig).appearance


channels = st.integers(60, 200)


def patches(
    *parts: tuple[Color, int], light: float = 1.0, noise: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Looks and colours of cells: so many of each colour."""
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
def test_light_changes_the_brightness_of_a_look_but_hardly_its_colour(color: Color, light: float) -> None:
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
def test_common_colours_are_ordinary_and_a_rare_one_is_not(
    ordinary: list[tuple[Color, int]], odd: tuple[Color, int]
) -> None:
    model = model_of(*ordinary, odd)
    assert all(typical_deviation(model, color) < 0.5 for color, _ in ordinary)
    assert typical_deviation(model, odd[0]) > 1.0
    assert np.abs(model.color - np.median([color for color, _ in ordinary], axis=0)).max() < 50


@pytest.mark.parametrize("share", [0.2, 0.35, 0.42])
@pytest.mark.parametrize(("browns", "odd"), [(BROWNS, BLUE), (BROWNS, YELLOW), (BROWNS[:2], NAVY)])
def test_many_shades_of_one_colour_are_one_kind_of_object_even_if_the_odd_colour_is_the_largest_single_one(
    browns: tuple[Color, ...], odd: Color, share: float
) -> None:
    ordinary = [(color, round(2000 * (1.0 - share) / len(browns))) for color in browns]
    model = model_of(*ordinary, (odd, round(2000 * share)))
    assert all(typical_deviation(model, color) < 0.5 for color, _ in ordinary)
    assert typical_deviation(model, odd) > 1.0


def test_of_two_further_colours_equally_common_the_more_alike_is_ordinary() -> None:
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
