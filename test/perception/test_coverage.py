"""A workspace of which a part was not seen is refused, whatever hides it; the shadow of a seen object is no hole."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID, draw
from drawn_views import without_depth
from numpy.typing import NDArray
from traced_frames import CAMERA, Box, camera_pose, trace

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import EmptyCloudError, ViewIncompleteError
from impurity_grasp_ros.perception.coverage import check_clear, check_readings, check_seen
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").coverage
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
TOWER = Box((0.62, 0.66), (0.12, 0.16), 0.12, (140, 107, 77))
FRAME = trace([TOWER], OVERHEAD)


def check(frame: RgbdFrame) -> None:
    check_readings(frame, GRID, CONFIG, 1000)


def pixels(part: tuple[slice, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(FRAME.depth.shape, np.bool_)
    mask[part] = True
    return mask


def test_the_shadow_of_a_tower_is_no_hole() -> None:
    check(FRAME)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (np.s_[200:224, 300:324], "cm2 or more around x = 0.47, y = -?0.01 m"),
        (np.s_[:, 300:322], "around x = 0.50"),
        (np.s_[230:250], "around"),
    ],
)
def test_a_hole_as_large_as_an_object_is_refused_with_its_place(part: tuple[slice, ...], place: str) -> None:
    with pytest.raises(ViewIncompleteError, match=rf"received a hole of .*{place}"):
        check(without_depth(FRAME, pixels(part)))


@pytest.mark.parametrize("part", [np.s_[200:209, 300:309], np.s_[:, 300:306], np.s_[:, :20]])
def test_a_hole_that_could_hold_nothing_and_one_beside_the_workspace_do_not_matter(part: tuple[slice, ...]) -> None:
    check(without_depth(FRAME, pixels(part)))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_view_of_which_much_is_missing_everywhere_is_refused(share: float) -> None:
    missing = np.random.default_rng(0).random(FRAME.depth.shape) < share
    with pytest.raises(ViewIncompleteError, match=rf"readings in 85% of the workspace, received {1 - share:.0%}"):
        check(without_depth(FRAME, missing))


@pytest.mark.parametrize("part", [np.s_[:240], np.s_[:, 320:]])
def test_half_a_view_is_refused(part: tuple[slice, ...]) -> None:
    with pytest.raises(ViewIncompleteError, match=r"received (49|50|51)%"):
        check(without_depth(FRAME, pixels(part)))


def test_a_workspace_that_the_image_does_not_show_is_refused() -> None:
    with pytest.raises(ViewIncompleteError, match="depth readings"):
        check(trace([], camera_pose((0.62, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)))


def test_no_readings_at_all_are_an_empty_cloud() -> None:
    with pytest.raises(EmptyCloudError, match="expected at least 1000 depth readings on the grid, received 0"):
        check(without_depth(FRAME, pixels(np.s_[:])))


def test_a_camera_of_half_the_resolution_counts_the_same() -> None:
    half = replace(CAMERA, width_px=320, height_px=240, fx_px=300.0, fy_px=300.0, cx_px=159.5, cy_px=119.5)
    frame = trace([TOWER], OVERHEAD, half)
    check(frame)
    depth = frame.depth.copy()
    depth[100:112, 150:162] = 0.0
    with pytest.raises(ViewIncompleteError, match="hole"):
        check(replace(frame, depth=depth))


def test_a_heightmap_of_which_too_much_is_unseen_is_refused() -> None:
    heightmap = draw([])
    heightmap.valid[:33] = False
    check_seen(heightmap, CONFIG)
    heightmap.valid[:35] = False
    with pytest.raises(ViewIncompleteError, match="expected to see 85% of the workspace, received 84%"):
        check_seen(heightmap, CONFIG)


def test_clear_is_not_said_of_a_shadow_in_which_an_object_could_hide() -> None:
    heightmap = draw([])
    heightmap.valid[100:111, 50:150] = False
    check_clear(heightmap, 0.024)
    heightmap.valid[100:113, 50:63] = False
    with pytest.raises(ViewIncompleteError, match=r"unseen square of 26 mm at x = 0.39, y = -0.01 m"):
        check_clear(heightmap, 0.024)
