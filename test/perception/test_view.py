"""A view that can be acted upon gives the very heightmap that it gives unjudged; any other one is refused by name."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_views import COLORS, farther, flat_hand, intruder, lit, paint, placed, without_depth
from traced_frames import Box
from traced_scenes import OVERHEAD, overhead

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
from impurity_grasp_ros.perception.exposure import light_of
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.samples import Site, sample
from impurity_grasp_ros.perception.stillness import landmarks_of
from impurity_grasp_ros.perception.view import ReferenceView, ViewConfig, look

SITE = Site.of(load_cell())
PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view")
BOXES = [
    Box((0.36 + 0.07 * i, 0.40 + 0.07 * i), (-0.13 + 0.07 * j, -0.09 + 0.07 * j), 0.03 + 0.005 * i, (140, 107, 77))
    for i in range(4)
    for j in range(4)
]
GOOD = overhead(BOXES)
HAND = paint(GOOD, placed(flat_hand(), 0.5, 0.0, 0.05, 0.3), COLORS["black glove"])


def see(frame: RgbdFrame, before: ReferenceView | None = None) -> tuple[Heightmap, ReferenceView]:
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
        (overhead(BOXES, x=0.505), CameraMovedError),
        (paint(GOOD, intruder("fist", np.random.default_rng(2)), (140, 107, 77)), ViewBlockedError),
        (overhead([*BOXES, Box((0.64, 0.70), (-0.2, -0.14), 0.055, (140, 107, 77))]), ViewBlockedError),
    ],
)
def test_what_was_good_enough_to_begin_with_may_not_be_later(frame: RgbdFrame, error: type[ImpurityGraspError]) -> None:
    _, view = see(GOOD)
    with pytest.raises(error, match=r"expected .* received"):
        see(replace(frame, T_base_camera=OVERHEAD), view)


def test_views_of_a_job_go_on_while_objects_leave_one_by_one() -> None:
    _, view = see(GOOD)
    for left in range(15, -1, -1):
        _, view = see(overhead(BOXES[:left]), view)


def test_light_and_table_are_compared_with_the_first_view_and_not_with_the_one_before() -> None:
    _, view = see(GOOD)
    _, view = see(lit(GOOD, 0.85), view)
    with pytest.raises(BadExposureError):
        see(lit(GOOD, 0.72), view)
    _, view = see(farther(GOOD, 0.002), view)
    with pytest.raises(CameraMovedError):
        see(farther(GOOD, 0.0035), view)


BIN = Box((0.24, 0.48), (-0.54, -0.34), 0.06, (90, 100, 110))


def test_the_shipped_surround() -> None:
    assert CONFIG.surround == 0.16


def test_of_a_first_view_everything_is_remembered() -> None:
    _, view = see(GOOD)
    assert view.table.middle == pytest.approx((0.5, 0.0))
    assert view.table.offset == pytest.approx(0.0, abs=1e-4)
    samples = sample(GOOD, SITE.grid, 0.16)
    table, things = np.abs(samples.z) < 0.008, samples.z > 0.008
    light, landmarks = light_of(samples, table), landmarks_of(samples, things)
    np.testing.assert_array_equal(view.light.table, light.table)
    np.testing.assert_array_equal(view.light.color, light.color)
    np.testing.assert_array_equal(view.landmarks.corners, landmarks.corners)
    np.testing.assert_array_equal(view.landmarks.thing, landmarks.thing)
    assert len(view.landmarks.outside) == 17, "sixteen boxes and the table"
    # Four of each height on 4 x 4 cm; sides that are seen add some.
    assert view.volume == pytest.approx(4 * 0.0016 * (0.03 + 0.035 + 0.04 + 0.045), rel=0.1)


def test_of_a_later_view_landmarks_and_volume_are_remembered_and_table_and_light_of_the_first_one() -> None:
    _, first = see(GOOD)
    fewer = lit(farther(overhead(BOXES[:12]), 0.0005), 0.95)
    _, later = see(fewer, first)
    assert later.table is first.table
    assert later.light is first.light
    _, alone = see(fewer)
    assert later.volume == alone.volume < first.volume
    np.testing.assert_array_equal(later.landmarks.corners, alone.landmarks.corners)


def test_objects_may_not_become_more_than_in_the_view_before() -> None:
    _, first = see(GOOD)
    _, fewer = see(overhead(BOXES[:8]), first)
    with pytest.raises(ViewBlockedError, match="expected no more in the workspace than before"):
        see(GOOD, fewer)
    see(GOOD, first)


def test_a_camera_that_moves_a_little_from_view_to_view_is_compared_with_the_one_before() -> None:
    """The arm's base frame stays as calibrated: what is seen moves in it."""
    shifted = [replace(overhead(BOXES, x=0.5 + 0.0012 * step), T_base_camera=OVERHEAD) for step in range(3)]
    _, view = see(shifted[0])
    for frame in shifted[1:]:
        _, view = see(frame, view)
    _, view = see(shifted[0])
    with pytest.raises(CameraMovedError, match="expected most things to be where they were"):
        see(shifted[2], view)


def test_the_bin_and_its_load_are_neither_intruders_nor_objects() -> None:
    _, empty = see(overhead([*BOXES, BIN]))
    loaded = overhead([*BOXES, BIN, Box((0.30, 0.36), (-0.46, -0.40), 0.15, (140, 107, 77))])
    _, full = see(loaded, empty)
    assert full.volume == pytest.approx(see(GOOD)[1].volume, rel=1e-3)


def test_what_reaches_the_height_of_the_arm_s_path_blocks_the_view() -> None:
    see(overhead([Box((0.48, 0.52), (0.0, 0.04), 0.19, (140, 107, 77))]))
    with pytest.raises(ViewBlockedError, match=r"expected nothing above 0\.2 m"):
        see(overhead([Box((0.48, 0.52), (0.0, 0.04), 0.21, (140, 107, 77))]))


def test_heights_are_judged_above_the_table_that_was_found() -> None:
    """Boxes of 58 and 62 mm on a table 3 mm lower or higher than calibrated."""
    for height, refused in ((0.058, False), (0.062, True)):
        wide = [Box((0.44, 0.56), (-0.05, 0.05), height, (140, 107, 77))]
        for meters in (-0.003, 0.003):
            frame = farther(overhead(wide), meters)
            if refused:
                with pytest.raises(ViewBlockedError, match=r"above 0\.06 m in one piece"):
                    see(frame)
            else:
                see(frame)


def test_a_view_without_a_table_is_judged_by_the_calibrated_one() -> None:
    """Readings far below the table, no two alike: there is no plane, and nothing rises."""
    below = np.random.default_rng(0).uniform(0.01, 0.3, GOOD.depth.shape)
    frame = replace(overhead(), depth=(0.72 + below).astype(np.float32))
    with pytest.raises(ViewIncompleteError, match="received too little of it to know where it is"):
        see(frame)
    with pytest.raises(ViewBlockedError):
        see(paint(frame, placed(flat_hand(), 0.5, 0.0, 0.05, 0.3), COLORS["black glove"]))


def test_the_table_may_be_white_and_objects_may_not() -> None:
    table = np.all(GOOD.color == (200, 190, 180), axis=2)
    see(replace(GOOD, color=np.where(table[..., None], np.uint8(255), GOOD.color)))
    with pytest.raises(BadExposureError, match="of what lies on the table to be saturated"):
        see(replace(GOOD, color=np.where(table[..., None], GOOD.color, np.uint8(255))))


def test_single_pixels_without_depth_do_not_matter() -> None:
    missing = np.random.default_rng(0).random(GOOD.depth.shape) < 0.03
    heightmap, view = see(without_depth(GOOD, missing))
    assert view.volume == pytest.approx(see(GOOD)[1].volume, rel=0.06)
    assert heightmap.valid.mean() > 0.97


def test_too_few_readings_for_a_heightmap_are_an_empty_cloud() -> None:
    left = np.zeros(GOOD.depth.shape, np.bool_)
    left[230:260, 300:330] = True
    with pytest.raises(EmptyCloudError, match="expected at least 1000 depth readings"):
        see(without_depth(GOOD, ~left))


def test_darkness_is_told_before_all_that_depth_says() -> None:
    with pytest.raises(BadExposureError, match="too dark"):
        see(lit(HAND, 0.1))


def test_light_is_that_of_the_table_where_it_was_read() -> None:
    missing = np.zeros(GOOD.depth.shape, np.bool_)
    missing[240:250, 318:328] = True
    frame = without_depth(overhead(), missing)
    _, view = see(frame)
    np.testing.assert_array_equal(view.light.table, ~missing[::8, ::8])
    assert missing[::8, ::8].any()
