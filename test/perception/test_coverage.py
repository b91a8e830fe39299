"""A workspace of which a part was not seen is refused, whatever hides it; the shadow of a seen object is no hole."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID, draw
from drawn_views import without_depth
from numpy.typing import NDArray
from traced_frames import CAMERA, Box, trace
from traced_scenes import OVERHEAD, overhead

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.errors import EmptyCloudError, ViewIncompleteError
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.coverage import CoverageConfig, check_clear, check_readings, check_seen
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").coverage
TOWER = Box((0.62, 0.66), (0.12, 0.16), 0.12, (140, 107, 77))
FRAME = overhead([TOWER])


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
        check(overhead(x=0.62))


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


def hole(x: float, y: float, size_px: int, frame: RgbdFrame = FRAME) -> RgbdFrame:
    """The frame without depth in a square about the place (x, y): its rows run along x and its columns along y."""
    model = frame.intrinsics
    row = round(model.cy_px + model.fy_px * (x - 0.5) / 0.72 - size_px / 2)
    column = round(model.cx_px + model.fx_px * y / 0.72 - size_px / 2)
    return without_depth(frame, pixels(np.s_[row : row + size_px, column : column + size_px]))


def test_the_shipped_limits() -> None:
    assert CoverageConfig(hole_size=0.020, min_local=0.2, min_readings=0.85, min_seen=0.85) == CONFIG
    attention = packaged_parameters("attention_node", AttentionConfig)
    assert attention.max_unseen == 0.024


@pytest.mark.parametrize(("x", "y"), [(0.60, -0.10), (0.35, 0.15)])
@pytest.mark.parametrize(("size_px", "good"), [(14, True), (16, False)])
def test_a_fifth_of_a_square_of_two_centimeters_has_to_be_read(x: float, y: float, size_px: int, good: bool) -> None:
    """20 mm are 17 pixels: of 289 pixels 93 are left beside a hole of 14 x 14 and 33 beside one of 16 x 16."""
    if good:
        check(hole(x, y, size_px))
        return
    with pytest.raises(ViewIncompleteError, match=f"or more around x = {x:.2f}, y = {y:.2f} m"):
        check(hole(x, y, size_px))


def test_the_size_of_a_hole_is_told() -> None:
    """Around the middle 30 of 40 missing rows at most 3 of 17 are left; 30 pixels are 36 mm, of 448 mm length."""
    with pytest.raises(ViewIncompleteError, match=r"received a hole of \d+ cm2") as error:
        check(without_depth(FRAME, pixels(np.s_[220:260])))
    assert float(str(error.value).split("hole of ")[1].split(" ")[0]) == pytest.approx(161, abs=6)


@pytest.mark.parametrize(("missing", "good"), [(0.14, True), (0.16, False)])
def test_85_percent_of_the_pixels_of_the_workspace_have_to_be_read(missing: float, good: bool) -> None:
    """Here and there, so that there is no hole."""
    frame = without_depth(FRAME, np.random.default_rng(0).random(FRAME.depth.shape) < missing)
    refused = (
        nullcontext() if good else pytest.raises(ViewIncompleteError, match="in 85% of the workspace, received 84%")
    )
    with refused:
        check(frame)


def test_readings_are_counted_in_pixels_of_the_workspace() -> None:
    """A cell is 1.67 pixels wide: 30 x 40 pixels are 18 x 24 cells."""
    few = without_depth(FRAME, ~pixels(np.s_[200:230, 300:340]))
    with pytest.raises(
        EmptyCloudError, match=r"expected at least 1300 depth readings on the grid, received 1(19|20|21)"
    ):
        check_readings(few, GRID, CONFIG, 1300)
    with pytest.raises(ViewIncompleteError, match="received 1%"):
        check_readings(few, GRID, CONFIG, 1100)
    beside = without_depth(FRAME, ~pixels(np.s_[:, :120]))
    with pytest.raises(EmptyCloudError, match="received 0"):
        check_readings(beside, GRID, CONFIG, 1)


@pytest.mark.parametrize(
    ("x", "y", "good"),
    [
        (0.5648, 0.0, True),
        (0.5656, 0.0, False),
        (0.4352, 0.0, True),
        (0.4344, 0.0, False),
        (0.5, 0.1608, True),
        (0.5, 0.1616, False),
        (0.5, -0.1608, True),
        (0.5, -0.1616, False),
    ],
)
def test_the_image_has_to_show_the_outermost_cells(x: float, y: float, good: bool) -> None:
    """It shows 288 mm to both sides along x and 384 mm along y; the middle of the last cell is 223 mm off."""
    refused = nullcontext() if good else pytest.raises(ViewIncompleteError, match="hole of")
    with refused:
        check(overhead(x=x, y=y))


def test_a_camera_with_another_lens_looks_at_the_same_places() -> None:
    lens = replace(CAMERA, fx_px=650.0, fy_px=700.0, cx_px=300.0, cy_px=250.0)
    frame = trace([], OVERHEAD, lens)
    check(frame)
    with pytest.raises(ViewIncompleteError, match=r"around x = 0\.60, y = -0\.10 m"):
        check(hole(0.60, -0.10, 24, frame))


def test_a_camera_that_looks_away_sees_nothing_of_the_workspace() -> None:
    up = np.eye(4)
    up[:3, 3] = (*GRID.to_meters(112.0, 112.0), 0.72)  # right over a cell, which lies on the axis behind it
    with pytest.raises(EmptyCloudError, match="received 0"):
        check(replace(FRAME, T_base_camera=up))


@pytest.mark.parametrize(("size_px", "good"), [(1, True), (3, False)])
def test_a_square_of_readings_has_at_least_three_pixels_along_its_sides(size_px: int, good: bool) -> None:
    """Of a tenth of the resolution, at which 20 mm are less than two."""
    coarse = replace(CAMERA, width_px=64, height_px=48, fx_px=60.0, fy_px=60.0, cx_px=31.5, cy_px=23.5)
    frame = trace([], OVERHEAD, coarse)
    frame.depth[20 : 20 + size_px, 30 : 30 + size_px] = 0.0
    refused = nullcontext() if good else pytest.raises(ViewIncompleteError, match="hole")
    with refused:
        check(frame)


@pytest.mark.parametrize(
    ("rows", "columns", "good"), [(12, 224, True), (224, 12, True), (13, 13, False), (13, 12, True)]
)
@pytest.mark.parametrize("row", [0, 100])
def test_an_unseen_square_of_24_mm_is_not_clear(row: int, rows: int, columns: int, good: bool) -> None:
    """A width of 13 cells is told as 26 mm and one of 12 as the 22 mm that are 11 cells."""
    heightmap = draw([])
    heightmap.valid[row : row + rows, :columns] = False
    refused = nullcontext() if good else pytest.raises(ViewIncompleteError, match="unseen square of 26 mm")
    with refused:
        check_clear(heightmap, 0.024)


def test_an_unseen_square_of_just_the_size_is_not_clear() -> None:
    heightmap = draw([])
    heightmap.valid[50:61, 50:61] = False
    check_clear(heightmap, 0.0221)
    with pytest.raises(ViewIncompleteError, match=r"unseen square of 22 mm at x = 0\.39, y = -0\.11 m"):
        check_clear(heightmap, 0.022)


def test_what_is_just_at_a_limit_is_enough() -> None:
    seen = np.arange(20).reshape(4, 5) < 17
    some = Heightmap(np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.float32), seen, Grid(0.0, 0.0, 4, 5))
    check_seen(some, CONFIG)
    with pytest.raises(ViewIncompleteError, match="received 0%"):
        check_readings(without_depth(FRAME, pixels(np.s_[:])), GRID, CONFIG, 0)
    check_readings(FRAME, GRID, replace(CONFIG, min_readings=1.0), 1000)


def test_a_workspace_without_readings_is_a_hole_of_its_size() -> None:
    with pytest.raises(ViewIncompleteError, match=r"a hole of 2007 cm2 or more around x = 0\.50, y = -?0\.00 m"):
        check_readings(without_depth(FRAME, pixels(np.s_[:])), GRID, replace(CONFIG, min_readings=0.0), 0)


def test_a_map_of_a_single_cell_is_a_square_of_its_size() -> None:
    unseen = np.zeros((1, 1), np.bool_)
    one = Heightmap(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.float32), unseen, Grid(0.0, 0.0, 1, 1, 0.1))
    with pytest.raises(ViewIncompleteError, match=r"unseen square of 100 mm at x = 0\.05, y = 0\.05 m"):
        check_clear(one, 0.05)
    check_clear(replace(one, valid=~unseen), 0.05)
