"""The table's plane is found under clutter and noise; errors of it are corrected or refused, never acted upon."""

import re
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from drawn_samples import samples_of
from drawn_scenes import GRID
from drawn_views import farther
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from traced_frames import Box, camera_pose
from traced_scenes import overhead, traced

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import CameraMovedError, TableMovedError, ViewIncompleteError
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.samples import Samples, sample
from impurity_grasp_ros.perception.table import TableConfig, TablePlane, correction, fit_table
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").table
PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
MIDDLE = (0.5, 0.0)


def clutter(count: int, seed: int = 0) -> list[Box]:
    """Boxes that hide more of the workspace the more there are."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform([0.28, -0.22], [0.68, 0.18], (count, 2))
    return [Box((x, x + 0.04), (y, y + 0.04), float(rng.uniform(0.03, 0.05)), (90, 80, 70)) for x, y in corners]


def fitted(frame: RgbdFrame) -> TablePlane:
    plane = fit_table(sample(frame, GRID, 0.16), MIDDLE, CONFIG)
    assert plane is not None
    return plane


@pytest.mark.parametrize("meters", [-0.015, -0.01, -0.005, 0.0, 0.005, 0.01, 0.015])
@pytest.mark.parametrize("boxes", [0, 15, 150])
def test_an_offset_is_measured_to_a_tenth_of_a_millimeter_however_much_lies_there(meters: float, boxes: int) -> None:
    plane = fitted(farther(overhead(clutter(boxes)), meters))
    assert plane.offset == pytest.approx(-meters, abs=1e-4)
    assert plane.tilt_deg < 0.05


@pytest.mark.parametrize("tilt_deg", [0.5, 2.0, 5.0])
def test_a_tilt_is_measured(tilt_deg: float) -> None:
    plane = fitted(farther(overhead(clutter(15)), 0.0, tilt_deg))
    assert plane.tilt_deg == pytest.approx(tilt_deg, rel=0.05)


def test_noise_of_a_camera_does_not_move_the_table() -> None:
    frame = overhead(clutter(15))
    noise = np.random.default_rng(0).normal(0.0, 0.003, frame.depth.shape)
    plane = fitted(replace(frame, depth=(frame.depth + noise).astype(np.float32)))
    assert abs(plane.offset) < 3e-4
    assert plane.tilt_deg < 0.1


def test_a_tilted_camera_that_is_calibrated_sees_a_level_table() -> None:
    plane = fitted(traced(clutter(15), camera_pose((0.5, 0.0), 0.75, tilt=0.4, azimuth=1.0, roll=0.3)))
    assert abs(plane.offset) < 1e-4
    assert plane.tilt_deg < 0.02


@pytest.mark.parametrize("seen", [np.s_[:60], np.s_[:, 300:340], np.s_[:0]])
def test_too_little_of_the_table_says_nothing(seen: tuple[slice, ...]) -> None:
    frame = overhead()
    depth = np.zeros_like(frame.depth)
    depth[seen] = frame.depth[seen]
    plane = fit_table(sample(replace(frame, depth=depth), GRID, 0.16), MIDDLE, CONFIG)
    with pytest.raises(ViewIncompleteError, match="too little of it to know where it is"):
        correction(plane, None, CONFIG)


@pytest.mark.parametrize("offset", [-0.015, -0.01, -0.005, 0.005, 0.01, 0.015])
def test_a_table_that_is_too_far_off_is_refused_with_the_measured_value(offset: float) -> None:
    with pytest.raises(TableMovedError, match=re.escape(f"received {1e3 * offset:+.1f} mm and 0.00 deg")):
        correction(TablePlane(MIDDLE, offset), None, CONFIG)
    with pytest.raises(TableMovedError, match=r"1\.15 deg"):
        correction(TablePlane(MIDDLE, 0.0, 0.02), None, CONFIG)


def test_a_table_that_is_hardly_off_is_left_alone_and_a_little_is_corrected() -> None:
    assert correction(TablePlane(MIDDLE, 0.0009, 0.002), None, CONFIG) is None
    for plane in (TablePlane(MIDDLE, -0.003), TablePlane(MIDDLE, 0.0, 0.01)):
        assert correction(plane, None, CONFIG) == plane


def test_a_table_that_is_not_where_the_job_began_is_a_camera_that_moved() -> None:
    with pytest.raises(CameraMovedError, match=r"received -5.0 mm and 0.00 deg of change"):
        correction(TablePlane(MIDDLE, -0.0025), TablePlane(MIDDLE, 0.0025), CONFIG)
    with pytest.raises(CameraMovedError, match=r"0\.57 deg of change"):
        correction(TablePlane(MIDDLE, 0.0, 0.005), TablePlane(MIDDLE, 0.0, -0.005), CONFIG)


def test_corrected_heights_are_those_above_the_true_table() -> None:
    boxes = clutter(6)
    truth = project(overhead(boxes), GRID, PROJECTION)
    frame = farther(overhead(boxes), 0.003, 0.5)
    wrong = project(frame, GRID, PROJECTION)
    right = project(frame, GRID, PROJECTION, correction(fitted(frame), None, CONFIG))
    assert np.median(np.abs(wrong.height - truth.height)[truth.height > 0.02]) > 0.002
    assert np.median(np.abs(right.height - truth.height)) < 1e-4
    assert np.median(np.abs(right.height - truth.height)[truth.height > 0.02]) < 3e-4


def samples_on(z: NDArray[np.float64], read: NDArray[np.bool_] | None = None) -> Samples:
    """Samples (240, 320), one every 2.5 mm: those that take part in the fit are 10 mm apart, 60 rows of 80."""
    return samples_of(z.astype(np.float32), read=read)


def places() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y (240, 320) in meters from the middle of the samples."""
    rows, columns = np.indices((240, 320))
    return rows * 0.0025 - 0.3, columns * 0.0025 - 0.4


def fit(z: NDArray[np.float64], read: NDArray[np.bool_] | None = None) -> TablePlane | None:
    return fit_table(samples_on(z, read), (0.3, 0.4), CONFIG)


def first_cells(count: int) -> NDArray[np.bool_]:
    """So many of the 4800 points of the fit, spread all over, and all samples around each."""
    chosen = np.zeros(4800, np.bool_)
    chosen[np.random.default_rng(0).permutation(4800)[:count]] = True
    return chosen.reshape(60, 80).repeat(4, axis=0).repeat(4, axis=1)


def test_the_shipped_limits() -> None:
    expected = TableConfig(
        min_share=0.15,
        neutral_offset=0.001,
        neutral_tilt_deg=0.15,
        max_offset=0.004,
        max_tilt_deg=0.8,
        neutral_bend=0.001,
        max_bend=0.004,
        offset_change=0.003,
        tilt_change_deg=0.4,
    )
    assert expected == CONFIG


def test_heights_are_those_above_the_plane() -> None:
    plane = TablePlane((0.5, -0.1), 0.01, 0.1, -0.2)
    x, y, z = (np.array(values, np.float32) for values in ([0.5, 0.7, 0.5], [-0.1, -0.1, 0.2], [0.01, 0.05, 0.0]))
    height = plane.above(x, y, z)
    assert height.dtype == np.float32
    np.testing.assert_allclose(height, [0.0, 0.02, 0.05], atol=1e-7)


def test_a_plane_tells_its_offset_and_its_tilt() -> None:
    plane = TablePlane(MIDDLE, -0.0034, 0.03, -0.04)
    assert plane.tilt_deg == pytest.approx(np.degrees(np.arctan(0.05)))
    assert str(plane) == "-3.4 mm and 2.86 deg"
    assert TablePlane(MIDDLE) == TablePlane(MIDDLE, 0.0, 0.0, 0.0)


@given(st.floats(-0.015, 0.015), st.floats(-0.08, 0.08), st.floats(-0.08, 0.08))
@settings(max_examples=15)
def test_the_plane_of_a_bare_table_is_the_table_s(offset: float, slope_x: float, slope_y: float) -> None:
    x, y = places()
    plane = fit(offset + slope_x * x + slope_y * y)
    assert plane is not None
    assert plane.middle == (0.3, 0.4)
    assert plane.offset == pytest.approx(offset, abs=1e-6)
    assert plane.slope_x == pytest.approx(slope_x, abs=1e-5)
    assert plane.slope_y == pytest.approx(slope_y, abs=1e-5)


def test_readings_around_the_workspace_alone_are_not_the_table() -> None:
    x, _ = places()
    beyond = np.abs(x) > 0.2
    samples = samples_of(np.where(beyond, 0.1, 0.002).astype(np.float32), judged=~beyond)
    plane = fit_table(samples, (0.3, 0.4), CONFIG)
    assert plane is not None
    assert plane.offset == pytest.approx(0.002, abs=1e-6)
    assert fit_table(replace(samples, read=beyond), (0.3, 0.4), CONFIG) is None


@pytest.mark.parametrize(("side", "enough"), [(26, False), (27, True)])
def test_fifteen_hundredths_of_the_view_have_to_be_read(side: int, enough: bool) -> None:
    """27 x 27 of 4800 points are 15.2 %, 26 x 27 are 14.6 %."""
    read = np.zeros((240, 320), np.bool_)
    read[: 4 * side, : 4 * 27] = True
    assert (fit(np.zeros((240, 320)), read) is not None) == enough


@pytest.mark.parametrize(("points", "enough"), [(700, False), (740, True)])
def test_fifteen_hundredths_of_the_view_have_to_show_the_table(points: int, enough: bool) -> None:
    """All else rises: a quarter of it to each of four heights, so that the table is the lowest that is common."""
    z = np.random.default_rng(1).choice([0.05, 0.06, 0.07, 0.08], (60, 80)).repeat(4, axis=0).repeat(4, axis=1)
    z[first_cells(points)] = 0.001
    plane = fit(z)
    assert (plane is not None) == enough
    if plane is not None:
        assert plane.offset == pytest.approx(0.001, abs=1e-6)


@pytest.mark.parametrize(("points", "offset"), [(1050, 0.101), (1150, 0.001)])
def test_the_table_is_at_least_three_tenths_as_common_as_the_commonest_height(points: int, offset: float) -> None:
    """1108 of 4800 are 0.3 times the rest."""
    plane = fit(np.where(first_cells(points), 0.001, 0.101))
    assert plane is not None
    assert plane.offset == pytest.approx(offset, abs=1e-6)


@pytest.mark.parametrize(("columns", "enough"), [(17, False), (18, True)])
def test_a_strip_of_the_table_does_not_tell_its_slope(columns: int, enough: bool) -> None:
    """Columns 10 mm apart: 17 have a standard deviation of 49.0 mm and 18 one of 51.9 mm."""
    read = np.zeros((240, 320), np.bool_)
    read[:, 40 : 40 + 4 * columns] = True
    assert (fit(np.zeros((240, 320)), read) is not None) == enough


def test_a_strip_across_does_not_tell_the_slope_either() -> None:
    x, y = places()
    assert fit(np.zeros((240, 320)), np.abs(x - y) < 0.1) is None  # 141 mm wide, 41 mm of standard deviation
    assert fit(np.zeros((240, 320)), np.abs(x - y) < 0.14) is not None


def test_a_strip_too_narrow_for_pairs_says_nothing() -> None:
    read = np.zeros((240, 320), np.bool_)
    read[:, : 4 * 8] = True
    config = replace(CONFIG, min_share=0.02)
    assert fit_table(samples_on(np.zeros((240, 320)), read), (0.3, 0.4), config) is None
    rows_alone = np.zeros((240, 320), np.bool_)
    rows_alone[: 4 * 8] = True
    assert fit_table(samples_on(np.zeros((240, 320)), rows_alone), (0.3, 0.4), config) is None


@pytest.mark.parametrize(("offset", "found"), [(-0.19, True), (0.38, True), (-0.21, False), (0.41, False)])
def test_the_table_is_looked_for_from_20_cm_below_to_40_cm_above(offset: float, found: bool) -> None:
    plane = fit(np.full((240, 320), offset))
    assert (plane is not None) == found
    if plane is not None:
        assert plane.offset == pytest.approx(offset, abs=1e-6)


@pytest.mark.parametrize(("millimeters", "counts"), [(3.8, True), (4.9, False), (-3.0, True), (-4.9, False)])
def test_points_within_four_millimeters_belong_to_the_table(millimeters: float, counts: bool) -> None:
    """A tenth of the points, here and there."""
    z = np.where(first_cells(480), 0.001 + 1e-3 * millimeters, 0.001)
    plane = fit(z)
    assert plane is not None
    assert plane.offset == pytest.approx(0.001 + (1e-4 * millimeters if counts else 0.0), abs=2e-6)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("plane", "corrected"),
    [
        (TablePlane(MIDDLE, 0.00099), False),
        (TablePlane(MIDDLE, 0.00101), True),
        (TablePlane(MIDDLE, 0.0, 0.0026), False),  # 0.149 degrees
        (TablePlane(MIDDLE, 0.0, 0.0, 0.0027), True),  # 0.155 degrees
        (TablePlane(MIDDLE, 0.0, 0.0019, 0.0019), True),  # 0.154 degrees
        (TablePlane(MIDDLE, 0.00399), True),
        (TablePlane(MIDDLE, 0.0, 0.0139), True),  # 0.796 degrees
    ],
)
def test_more_than_a_millimeter_or_0_15_degrees_is_corrected(plane: TablePlane, corrected: bool, sign: float) -> None:
    off = TablePlane(MIDDLE, sign * plane.offset, sign * plane.slope_x, sign * plane.slope_y)
    assert correction(off, None, CONFIG) == (off if corrected else None)
    assert correction(off, off, CONFIG) == (off if corrected else None)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(
    "plane",
    [
        TablePlane(MIDDLE, 0.00401),
        TablePlane(MIDDLE, 0.0, 0.0141),  # 0.808 degrees
        TablePlane(MIDDLE, 0.0, 0.0, 0.0141),
        TablePlane(MIDDLE, 0.0, 0.01, 0.01),  # 0.81 degrees
    ],
)
def test_more_than_four_millimeters_or_0_8_degrees_is_refused(plane: TablePlane, sign: float) -> None:
    off = TablePlane(MIDDLE, sign * plane.offset, sign * plane.slope_x, sign * plane.slope_y)
    with pytest.raises(TableMovedError, match=r"within 4 mm and 0\.8 deg of its calibrated plane, received"):
        correction(off, off, CONFIG)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("offset", "slope_x", "slope_y", "good"),
    [
        (0.00299, 0.0, 0.0, True),
        (0.00301, 0.0, 0.0, False),
        (0.0, 0.0069, 0.0, True),  # 0.395 degrees
        (0.0, 0.0071, 0.0, False),  # 0.407 degrees
        (0.0, 0.0, 0.0069, True),
        (0.0, 0.0, 0.0071, False),
        (0.0, 0.0052, 0.0052, False),  # 0.421 degrees
    ],
)
def test_a_change_of_three_millimeters_or_0_4_degrees_is_refused(
    offset: float, slope_x: float, slope_y: float, good: bool, sign: float
) -> None:
    first = TablePlane(MIDDLE, -sign * 0.0015, -sign * 0.003, -sign * 0.003)
    now = TablePlane(
        MIDDLE, first.offset + sign * offset, first.slope_x + sign * slope_x, first.slope_y + sign * slope_y
    )
    refused = nullcontext() if good else pytest.raises(CameraMovedError, match=r"within 3 mm and 0\.4 deg, received")
    with refused:
        correction(now, first, CONFIG)


def test_what_is_just_at_a_limit_is_within_it() -> None:
    tilted = TablePlane(MIDDLE, 0.0, 0.002, -0.001)
    tight = replace(CONFIG, neutral_tilt_deg=tilted.tilt_deg, max_tilt_deg=tilted.tilt_deg)
    assert correction(TablePlane(MIDDLE, 0.001), None, CONFIG) is None
    assert correction(tilted, None, tight) is None
    assert correction(TablePlane(MIDDLE, -0.004), None, CONFIG) == TablePlane(MIDDLE, -0.004)
    assert correction(tilted, None, replace(tight, neutral_tilt_deg=0.0)) == tilted
    assert correction(TablePlane(MIDDLE, 0.003), TablePlane(MIDDLE), CONFIG) == TablePlane(MIDDLE, 0.003)
    assert correction(tilted, TablePlane(MIDDLE), replace(CONFIG, tilt_change_deg=tilted.tilt_deg)) is None


def test_noise_of_half_a_centimeter_does_not_hide_the_commonest_height() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.005, (240, 320))
    plane = fit(noise)
    assert plane is not None
    assert abs(plane.offset) < 0.0015


def test_readings_of_a_few_places_do_not_make_slopes_of_the_places_between_them() -> None:
    """Where nothing is read x, y and z are all the camera's."""
    x, y = places()
    read = (np.indices((240, 320)).sum(axis=0) // 40) % 3 > 0
    plane = fit(np.where(read, 0.05 * x - 0.02 * y, 0.5), read)
    assert plane is not None
    assert (plane.slope_x, plane.slope_y) == pytest.approx((0.05, -0.02), abs=1e-5)


def test_a_plane_of_meters_is_told_in_whole_tenths_of_a_millimeter() -> None:
    assert str(TablePlane(MIDDLE, 0.2)) == "+200.0 mm and 0.00 deg"
    heights = TablePlane(MIDDLE).above(*np.zeros((3, 2), np.float64))
    assert heights.dtype == np.float32
