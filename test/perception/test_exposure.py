"""Light in which colors cannot be told apart is refused with what was measured."""

import numpy as np
import pytest
from drawn_scenes import GRID
from drawn_views import Color, lit
from traced_frames import Box, camera_pose, trace

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import BadExposureError
from impurity_grasp_ros.perception.exposure import (
    check_brightness,
    check_light,
    check_saturation,
    light_of,
)
from impurity_grasp_ros.perception.samples import sample
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").exposure
FRAME = trace(
    [Box((0.4, 0.46), (-0.1, -0.04), 0.04, (140, 107, 77))], camera_pose((0.5, 0.0), 0.72, 0.0, azimuth=0.0, roll=0.0)
)
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
