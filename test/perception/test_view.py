"""A view that can be acted upon gives the very heightmap that it gives unjudged; any other one is refused by name."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_views import COLORS, farther, flat_hand, intruder, lit, paint, placed, without_depth
from traced_frames import Box, camera_pose, trace

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
from impurity_grasp_ros.errors import (
    BadExposureError,
    CameraMovedError,
    EmptyCloudError,
    ImpurityGraspError,
    InvalidFrameError,
    TableMovedError,
    ViewBlockedError,
    ViewIncompleteError,
)
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import View, ViewConfig, look

SITE = Site.of(load_cell())
PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view")
BOXES = [
    Box((0.36 + 0.07 * i, 0.40 + 0.07 * i), (-0.13 + 0.07 * j, -0.09 + 0.07 * j), 0.03 + 0.005 * i, (140, 107, 77))
    for i in range(4)
    for j in range(4)
]
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
GOOD = trace(BOXES, OVERHEAD)
HAND = paint(GOOD, placed(flat_hand(), 0.5, 0.0, 0.05, 0.3), COLORS["black glove"])


def see(frame: RgbdFrame, before: View | None = None) -> tuple[Heightmap, View]:
    return look(frame, SITE, PROJECTION, CONFIG, before)


def test_a_good_view_gives_the_heightmap_of_its_projection_bit_for_bit() -> None:
    for frame in (GOOD, farther(GOOD, 0.0008)):
        heightmap, view = see(frame)
        again, _ = see(frame, view)
        plain = project(frame, SITE.grid, PROJECTION)
        for judged in (heightmap, again):
            np.testing.assert_array_equal(judged.height, plain.height)
            np.testing.assert_array_equal(judged.color, plain.color)
            np.testing.assert_array_equal(judged.valid, plain.valid)


def test_a_table_that_is_a_little_off_is_corrected() -> None:
    heightmap, _ = see(farther(GOOD, 0.003))
    truth = project(GOOD, SITE.grid, PROJECTION)
    assert np.median(np.abs(heightmap.height - truth.height)[truth.height > 0.02]) < 3e-4


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (replace(GOOD, color=GOOD.color[::2]), InvalidFrameError),
        (without_depth(GOOD, GOOD.depth > 0.0), EmptyCloudError),
        (lit(GOOD, 0.1), BadExposureError),
        (lit(GOOD, 2.0), BadExposureError),
        (HAND, ViewBlockedError),
        (farther(HAND, 0.01), ViewBlockedError),
        (without_depth(GOOD, np.indices(GOOD.depth.shape)[1] < 300), ViewIncompleteError),
        (farther(GOOD, 0.005), TableMovedError),
        (farther(GOOD, -0.005), TableMovedError),
        (farther(GOOD, 0.0, 1.5), TableMovedError),
    ],
)
def test_a_view_that_cannot_be_acted_upon_has_a_name(frame: RgbdFrame, error: type[ImpurityGraspError]) -> None:
    with pytest.raises(error, match=r"expected .* received"):
        see(frame)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (lit(GOOD, 0.6), BadExposureError),
        (farther(GOOD, 0.0035), CameraMovedError),
        (trace(BOXES, camera_pose((0.505, 0.0), 0.72, 0.0, azimuth=0.0, roll=0.0)), CameraMovedError),
        (paint(GOOD, intruder("fist", np.random.default_rng(2)), (140, 107, 77)), ViewBlockedError),
        (trace([*BOXES, Box((0.64, 0.70), (-0.2, -0.14), 0.055, (140, 107, 77))], OVERHEAD), ViewBlockedError),
    ],
)
def test_what_was_good_enough_to_begin_with_may_not_be_later(frame: RgbdFrame, error: type[ImpurityGraspError]) -> None:
    _, view = see(GOOD)
    with pytest.raises(error, match=r"expected .* received"):
        see(replace(frame, T_base_camera=OVERHEAD), view)


def test_views_of_a_job_go_on_while_objects_leave_one_by_one() -> None:
    _, view = see(GOOD)
    for left in range(15, -1, -1):
        _, view = see(trace(BOXES[:left], OVERHEAD), view)


def test_light_and_table_are_compared_with_the_first_view_and_not_with_the_one_before() -> None:
    _, view = see(GOOD)
    _, view = see(lit(GOOD, 0.85), view)
    with pytest.raises(BadExposureError):
        see(lit(GOOD, 0.72), view)
    _, view = see(farther(GOOD, 0.002), view)
    with pytest.raises(CameraMovedError):
        see(farther(GOOD, 0.0035), view)
