"""Every pixel's ray meets the base frame where pinhole geometry says, and is computed once for a camera."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traced_frames import camera_pose

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame
from impurity_grasp_ros.perception.rays import rays, window
from impurity_grasp_ros.transform import Transform, apply, inverse

WORKSPACE = Grid(0.276, -0.224)
SMALL = CameraIntrinsics(4, 3, 20.0, 10.0, 1.0, 0.5)


def frame_of(intrinsics: CameraIntrinsics, pose: Transform) -> RgbdFrame:
    shape = intrinsics.height_px, intrinsics.width_px
    return RgbdFrame(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32), intrinsics, pose, 0.0)


def test_the_shipped_camera_stands_over_the_middle_of_the_workspace_and_looks_straight_down() -> None:
    calibration = load_cell().calibration
    slope, origin = rays(frame_of(calibration.intrinsics, calibration.T_base_camera), WORKSPACE)
    assert slope.shape == (3, 480 * 640)
    assert slope.dtype == origin.dtype == np.float32
    np.testing.assert_allclose(origin, [112.0, 112.0, 0.72], rtol=1e-6)  # cells, cells, meters
    np.testing.assert_allclose(slope[2], -1.0, rtol=1e-6)
    # Columns of the image run along -y (the rows of the grid), its rows along -x (the columns of the grid).
    rows, columns = np.indices((480, 640)).reshape(2, -1)
    np.testing.assert_allclose(slope[0], -(rows - 239.5) / 615.0 / 0.002, atol=1e-3)
    np.testing.assert_allclose(slope[1], -(columns - 319.5) / 615.0 / 0.002, atol=1e-3)


def test_pixels_are_counted_row_by_row_with_the_focal_length_of_their_own_axis() -> None:
    pose = np.eye(4)
    pose[:3, 3] = (0.3, 0.5, 0.7)
    slope, origin = rays(frame_of(SMALL, pose), Grid(0.1, 0.2, 30, 40, resolution=0.01))
    np.testing.assert_allclose(origin, [20.0, 30.0, 0.7], rtol=1e-6)
    np.testing.assert_allclose(slope[0].reshape(3, 4), [[-5.0, 0.0, 5.0, 10.0]] * 3, atol=1e-5)
    np.testing.assert_allclose(slope[1].reshape(3, 4).T, [[-5.0, 5.0, 15.0]] * 4, atol=1e-5)
    np.testing.assert_allclose(slope[2], 1.0)


@given(
    st.floats(0.2, 1.5), st.floats(0.0, 1.0), st.floats(-3.1, 3.1), st.floats(-3.1, 3.1), st.integers(0, 480 * 640 - 1)
)
@settings(max_examples=15)
def test_a_point_on_a_ray_is_seen_in_the_ray_s_pixel(
    depth: float, tilt: float, azimuth: float, roll: float, pixel: int
) -> None:
    camera = CameraIntrinsics(640, 480, 610.0, 590.0, 322.0, 237.0)
    pose = camera_pose((0.5, 0.0), 0.75, tilt, azimuth, roll)
    slope, origin = rays(frame_of(camera, pose), WORKSPACE)
    column, row, z = (slope[:, pixel] * np.float32(depth) + origin).astype(np.float64)
    point = np.array([[0.276 + 0.002 * column, -0.224 + 0.002 * row, z]])
    ((across, down, ahead),) = apply(inverse(pose), point)
    assert ahead == pytest.approx(depth, abs=1e-5)
    assert 610.0 * across / ahead + 322.0 == pytest.approx(pixel % 640, abs=0.01)
    assert 590.0 * down / ahead + 237.0 == pytest.approx(pixel // 640, abs=0.01)


def test_rays_are_computed_once_for_a_camera_its_pose_and_a_grid() -> None:
    pose = camera_pose((0.5, 0.0), 0.75, 0.3, 1.0, 0.2)
    slope, _ = rays(frame_of(SMALL, pose), WORKSPACE)
    assert rays(replace(frame_of(SMALL, pose.copy()), stamp=4.0), WORKSPACE)[0] is slope
    moved = pose.copy()
    moved[0, 3] += 0.01
    others = [
        (frame_of(SMALL, moved), WORKSPACE),
        (frame_of(replace(SMALL, fx_px=21.0), pose), WORKSPACE),
        (frame_of(SMALL, pose), Grid(0.286, -0.224)),
    ]
    for frame, grid in others:
        assert rays(frame, grid)[0] is not slope
    (moved_slope, moved_origin), (_, shifted_origin) = rays(*others[0]), rays(*others[2])
    np.testing.assert_array_equal(moved_slope, slope)
    np.testing.assert_allclose(moved_origin - shifted_origin, [10.0, 0.0, 0.0], atol=1e-4)  # 0.02 m are 10 cells


def test_a_pose_of_single_precision_is_good_enough() -> None:
    pose = camera_pose((0.5, 0.0), 0.75, 0.3, 1.0, 0.2)
    exact, _ = rays(frame_of(SMALL, pose), WORKSPACE)
    rounded, _ = rays(frame_of(SMALL, pose.astype(np.float32)), WORKSPACE)
    np.testing.assert_allclose(rounded, exact, rtol=1e-5, atol=1e-3)


@given(st.floats(0.5, 1.3), st.floats(0.0, 0.9), st.floats(-3.1, 3.1), st.floats(-3.1, 3.1))
@settings(max_examples=15)
def test_a_window_contains_whatever_appears_above_the_grid(
    distance: float, tilt: float, azimuth: float, roll: float
) -> None:
    camera = CameraIntrinsics(640, 480, 610.0, 590.0, 322.0, 237.0)
    frame = frame_of(camera, camera_pose((0.5, 0.0), distance, tilt, azimuth, roll))
    shown, (slope, origin) = window(frame, WORKSPACE, -0.05, 0.3), rays(frame, WORKSPACE)
    np.testing.assert_array_equal(shown.origin, origin)
    np.testing.assert_array_equal(shown.slope, slope.reshape(3, 480, 640)[:, shown.place[0], shown.place[1]])
    place = np.zeros((480, 640), np.bool_)
    place[shown.place] = True
    for depth in np.float32([0.3, 0.6, 0.9, 1.2]):
        column, row, z = (slope * depth + origin[:, None]).reshape(3, 480, 640)
        above = (column >= 0) & (column < 224) & (row >= 0) & (row < 224) & (z >= -0.05) & (z <= 0.3)
        assert not (above & ~place).any()


def test_pixels_of_a_window_and_points_on_their_rays_are_converted_both_ways() -> None:
    camera = CameraIntrinsics(640, 480, 610.0, 590.0, 322.0, 237.0)
    shown = window(frame_of(camera, camera_pose((0.5, 0.0), 1.2, 0.5, 0.8, 0.3)), WORKSPACE, -0.05, 0.3)
    assert shown.place[0].start > 0
    assert shown.place[1].start > 0
    assert shown.pitch == pytest.approx(1 / 610)
    assert shown.resolution == 0.002
    for row, column in ((0, 0), (20, 31), (100, 7)):
        slope = shown.to_rays @ [column, row, 1.0]
        np.testing.assert_allclose(slope, shown.slope[:, row, column], rtol=1e-4, atol=1e-4)
        across, down, ahead = shown.to_pixels @ [*(slope * 0.9 + shown.origin), 1.0]
        assert ahead == pytest.approx(0.9, abs=1e-5)
        assert (across / ahead, down / ahead) == pytest.approx((column, row), abs=1e-3)


def test_a_window_is_the_whole_image_when_the_camera_is_among_the_scene_and_never_empty() -> None:
    pose = np.eye(4)
    pose[:3, 3] = (0.5, 0.0, 0.1)
    camera = CameraIntrinsics(640, 480, 610.0, 590.0, 322.0, 237.0)
    assert window(frame_of(camera, pose), WORKSPACE, -0.05, 0.3).place == (slice(0, 480), slice(0, 640))
    pose[:3, 3] = (0.5, 0.0, -0.06)
    assert window(frame_of(camera, pose), WORKSPACE, -0.05, 0.3).place == (slice(0, 480), slice(0, 640))
    aside = camera_pose((9.0, 0.0), 1.2, 0.0, 0.0, 0.0)
    rows, columns = window(frame_of(SMALL, aside), WORKSPACE, -0.05, 0.3).place
    assert rows.stop > rows.start
    assert columns.stop > columns.start
