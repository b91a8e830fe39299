"""Light in which colors cannot be told apart is refused with what was measured."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from drawn_samples import flat, samples_of
from drawn_scenes import GRID
from drawn_views import Color, lit
from numpy.typing import NDArray
from traced_frames import Box
from traced_scenes import overhead

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import BadExposureError
from impurity_grasp_ros.perception.exposure import (
    ExposureConfig,
    Light,
    check_brightness,
    check_light,
    check_saturation,
    light_of,
)
from impurity_grasp_ros.perception.samples import Samples, sample
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").exposure
FRAME = overhead([Box((0.4, 0.46), (-0.1, -0.04), 0.04, (140, 107, 77))])
TABLE = sample(FRAME, GRID, 0.16).z < 0.01


@pytest.mark.parametrize(("factor", "received"), [(0.1, 20), (0.02, 4), (0.0, 0)])
def test_a_view_in_the_dark_is_refused(factor: float, received: int) -> None:
    with pytest.raises(
        BadExposureError, match=rf"reach a brightness of 40 of 255, received {received}: it is too dark"
    ):
        check_brightness(sample(lit(FRAME, factor), GRID, 0.16), CONFIG)
    check_brightness(sample(lit(FRAME, 0.5), GRID, 0.16), CONFIG)


def test_objects_whose_colors_are_cut_off_are_refused_and_a_white_table_is_not() -> None:
    bright = sample(lit(FRAME, 2.0), GRID, 0.16)
    assert (bright.color[TABLE] == 255).mean() > 0.99  # the rest are sides of the box
    with pytest.raises(BadExposureError, match=r"at most 30% .* saturated, received 100%: it is too bright"):
        check_saturation(bright, ~TABLE, CONFIG)
    check_saturation(sample(lit(FRAME, 1.5), GRID, 0.16), ~TABLE, CONFIG)


@pytest.mark.parametrize("factor", [0.5, 0.7, (100, 100, 80), (85, 100, 100)])
def test_light_that_has_changed_since_the_job_began_is_refused(factor: float | Color) -> None:
    first = light_of(sample(FRAME, GRID, 0.16), TABLE)
    changed = light_of(sample(lit(FRAME, factor), GRID, 0.16), TABLE)
    with pytest.raises(BadExposureError, match=r"when .* began"):
        check_light(changed, first, CONFIG)


@pytest.mark.parametrize("factor", [0.85, 1.15, (98, 100, 100)])
def test_light_that_hardly_changes_is_good_enough(factor: float | Color) -> None:
    first = light_of(sample(FRAME, GRID, 0.16), TABLE)
    check_light(light_of(sample(lit(FRAME, factor), GRID, 0.16), TABLE), first, CONFIG)


def test_light_is_not_compared_where_the_table_was_not_seen_twice() -> None:
    first = light_of(sample(FRAME, GRID, 0.16), TABLE)
    check_light(light_of(sample(lit(FRAME, 0.3), GRID, 0.16), np.zeros_like(TABLE)), first, CONFIG)


def image(*parts: tuple[int, tuple[int, int, int]]) -> NDArray[np.uint8]:
    """An image of 40 by 40 compared pixels, so many of each color, the last color for all that is left."""
    colors = np.repeat(np.array([color for _, color in parts], np.uint8), [count for count, _ in parts], axis=0)
    colors = np.concatenate([colors, np.tile(np.array(parts[-1][1], np.uint8), (1600 - len(colors), 1))])
    return colors.reshape(40, 40, 3).repeat(4, axis=0).repeat(4, axis=1)


def view_of(color: NDArray[np.uint8], judged: NDArray[np.bool_] | None = None) -> Samples:
    return samples_of(flat(*color.shape[:2]), color, judged=judged)


def light_on(color: tuple[int, int, int], *others: tuple[int, tuple[int, int, int]]) -> Light:
    """The light of a table of one color, apart from some compared pixels."""
    samples = view_of(image(*others, (0, color)))
    return light_of(samples, np.ones(samples.read.shape, np.bool_))


def test_the_shipped_limits() -> None:
    assert ExposureConfig(min_brightness=40.0, max_saturated=0.3, max_change=0.35, max_color_change=0.015) == CONFIG


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_tenth_of_the_view_has_to_reach_a_brightness_of_40_in_any_channel(channel: int) -> None:
    bright, dim = [0, 0, 0], [0, 0, 0]
    bright[channel], dim[channel] = 40, 39
    check_brightness(view_of(image((165, tuple(bright)), (0, (5, 5, 5)))), CONFIG)
    with pytest.raises(BadExposureError, match="received 39"):
        check_brightness(view_of(image((165, tuple(dim)), (0, (5, 5, 5)))), CONFIG)
    with pytest.raises(BadExposureError, match="received 5"):
        check_brightness(view_of(image((155, (200, 200, 200)), (0, (5, 5, 5)))), CONFIG)


def test_what_is_bright_away_from_the_workspace_does_not_count() -> None:
    color = image((800, (200, 200, 200)), (0, (5, 5, 5)))
    judged = np.arange(160)[:, None] >= np.full(160, 80)
    check_brightness(view_of(color, ~judged), CONFIG)
    with pytest.raises(BadExposureError, match="received 5:"):
        check_brightness(view_of(color, judged), CONFIG)
    with pytest.raises(BadExposureError, match="received 0:"):
        check_brightness(view_of(color, np.zeros((160, 160), np.bool_)), CONFIG)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_color_is_saturated_from_253_on_in_any_channel(channel: int) -> None:
    cut_off, whole = [100, 100, 100], [100, 100, 100]
    cut_off[channel], whole[channel] = 253, 252
    every = np.ones((160, 160), np.bool_)
    check_saturation(view_of(image((0, tuple(whole)))), every, CONFIG)
    with pytest.raises(BadExposureError, match="received 100%"):
        check_saturation(view_of(image((0, tuple(cut_off)))), every, CONFIG)


def test_three_tenths_of_the_objects_may_be_saturated() -> None:
    every = np.ones((160, 160), np.bool_)
    check_saturation(view_of(image((480, (255, 0, 0)), (0, (100, 100, 100)))), every, CONFIG)
    with pytest.raises(BadExposureError, match=r"at most 30% .* received 30%"):
        check_saturation(view_of(image((484, (255, 0, 0)), (0, (100, 100, 100)))), every, CONFIG)
    half = np.arange(160)[:, None] < np.full(160, 80)
    with pytest.raises(BadExposureError, match="received 60%"):  # of the objects, not of the view
        check_saturation(view_of(image((480, (255, 0, 0)), (0, (100, 100, 100)))), half, CONFIG)


@pytest.mark.parametrize(("pixels", "enough"), [(199, False), (200, True)])
def test_fewer_than_200_pixels_of_objects_say_nothing_about_saturation(pixels: int, enough: bool) -> None:
    objects = (np.arange(25600) < pixels).reshape(160, 160)
    refused = pytest.raises(BadExposureError, match="received 100%") if enough else nullcontext()
    with refused:
        check_saturation(view_of(image((0, (255, 255, 255)))), objects, CONFIG)


def test_light_is_what_every_fourth_pixel_of_the_table_shows() -> None:
    color = np.random.default_rng(0).integers(0, 256, (160, 160, 3)).astype(np.uint8)
    table, judged = np.random.default_rng(1).random((2, 160, 160)) < 0.5
    light = light_of(view_of(color, judged), table)
    np.testing.assert_array_equal(light.color, color[::4, ::4])
    np.testing.assert_array_equal(light.table, (table & judged)[::4, ::4])


@pytest.mark.parametrize(("gray", "good"), [(130, True), (131, False), (77, True), (76, False)])
def test_a_table_may_become_brighter_or_darker_by_a_third_of_an_octave(gray: int, good: bool) -> None:
    """Of 100 + 10: 2 to the power of 0.35 is 1.275, which is reached at 140.2 and at 86.3."""
    refused = nullcontext() if good else pytest.raises(BadExposureError, match=r"within a factor of 1\.27, received")
    with refused:
        check_light(light_on((gray, gray, gray)), light_on((100, 100, 100)), CONFIG)


def test_a_change_of_brightness_is_told_as_a_factor() -> None:
    with pytest.raises(BadExposureError, match=r"received a factor of 1\.50"):
        check_light(light_on((155, 155, 155)), light_on((100, 100, 100)), CONFIG)
    with pytest.raises(BadExposureError, match=r"received a factor of 0\.67"):
        check_light(light_on((100, 100, 100)), light_on((155, 155, 155)), CONFIG)


@pytest.mark.parametrize(
    ("color", "good"),
    [
        ((107, 100, 100), True),  # 117 / 337 - 1 / 3 = 0.0138
        ((108, 100, 100), False),  # 118 / 338 - 1 / 3 = 0.0158
        ((100, 107, 100), True),
        ((100, 108, 100), False),
        ((100, 100, 115), True),  # 110 / 345 - 1 / 3 = -0.0145
        ((100, 100, 116), False),  # 110 / 346 - 1 / 3 = -0.0154
    ],
)
def test_the_shares_of_red_and_green_may_change_by_fifteen_thousandths(color: Color, good: bool) -> None:
    refused = nullcontext() if good else pytest.raises(BadExposureError, match=r"shares within 0\.015 of their")
    with refused:
        check_light(light_on(color), light_on((100, 100, 100)), CONFIG)


def test_a_change_of_color_is_told_for_red_and_green() -> None:
    with pytest.raises(BadExposureError, match=r"a change of 0\.042 and 0\.021"):  # 130 / 346 and 108 / 346
        check_light(light_on((120, 98, 98)), light_on((100, 100, 100)), CONFIG)


def test_a_shadow_on_less_than_half_of_the_table_is_no_change_of_light() -> None:
    check_light(light_on((100, 100, 100), (780, (30, 20, 60))), light_on((100, 100, 100)), CONFIG)
    with pytest.raises(BadExposureError, match="as bright as"):
        check_light(light_on((100, 100, 100), (820, (30, 20, 60))), light_on((100, 100, 100)), CONFIG)


@pytest.mark.parametrize(("common", "enough"), [(99, False), (100, True)])
def test_light_is_compared_from_100_common_pixels_on(common: int, enough: bool) -> None:
    now, first = light_on((200, 200, 200)), light_on((100, 100, 100))
    left = (np.arange(1600) < 800).reshape(40, 40)
    right = (np.arange(1600) >= 800 - common).reshape(40, 40)
    refused = pytest.raises(BadExposureError) if enough else nullcontext()
    with refused:
        check_light(replace(now, table=left), replace(first, table=right), CONFIG)
