"""Readings in midair are dropped, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID
from mixed_pixels import EDGE, view, with_flying_pixels
from numpy.typing import NDArray
from traced_frames import CAMERA, Box, camera_pose

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import CameraIntrinsics, Heightmap, RgbdFrame
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.rays import window
from impurity_grasp_ros.perception.surfaces import steps, without_flying
from impurity_grasp_ros.transform import Transform

SHIPPED = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
KEEPING, DROPPING = replace(SHIPPED, drop_flying=False), replace(SHIPPED, drop_flying=True)
BESIDE = [Box((x, x + 0.05), (y, y + 0.05), 0.08, (50, 60, 230)) for x in (0.3, 0.65) for y in (-0.2, 0.12)]
SLOPE = SHIPPED.max_slope

OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
TILTED = camera_pose((0.5, 0.0), 0.8, tilt=0.6, azimuth=0.7, roll=0.3)
FAR = camera_pose((0.5, 0.0), 1.2, tilt=0.6, azimuth=-2.0, roll=1.3)
LARGE = CameraIntrinsics(1280, 720, 920.0, 920.0, 639.5, 359.5)
BOXES = [Box((0.42, 0.48), (-0.06, 0.0), 0.08, (250, 10, 20)), Box((0.54, 0.58), (0.03, 0.08), 0.05, (30, 240, 40))]


def cleaned(frame: RgbdFrame) -> NDArray[np.float32]:
    """The part of the depth in which the scene appears, without flying readings."""
    shown = window(frame, GRID, -0.1, 0.4)
    return without_flying(np.ascontiguousarray(frame.depth[shown.place]), shown, SLOPE)


def part(frame: RgbdFrame) -> NDArray[np.float32]:
    return frame.depth[window(frame, GRID, -0.1, 0.4).place]


def midair(heightmap: Heightmap) -> int:
    """Number of cells that show something between the tops of the boxes and the table, 3 cells or more beside them."""
    rows, columns = np.indices(heightmap.valid.shape).astype(np.float64)
    x, y = GRID.to_meters(rows, columns)
    free = np.ones(heightmap.valid.shape, np.bool_)
    for box in BOXES:
        free &= (x < box.x[0] - 0.006) | (x > box.x[1] + 0.006) | (y < box.y[0] - 0.006) | (y > box.y[1] + 0.006)
    return int(np.count_nonzero(heightmap.valid & free & (heightmap.height > 0.003)))


@pytest.mark.parametrize("pose", [TILTED, FAR])
@pytest.mark.parametrize("camera", [CAMERA, LARGE])
@pytest.mark.parametrize("width_px", [3, 5])
def test_nothing_hangs_in_midair(pose: Transform, camera: CameraIntrinsics, width_px: int) -> None:
    frame = with_flying_pixels(view(BOXES, pose, camera), width_px)
    hanging = midair(project(frame, GRID, KEEPING))
    assert hanging > 250
    assert midair(project(frame, GRID, DROPPING)) < 0.08 * hanging
    assert midair(project(view(BOXES, pose, camera), GRID, DROPPING)) == 0


def test_objects_and_table_stay_where_readings_are_dropped() -> None:
    exact = project(view(BOXES, TILTED), GRID, KEEPING)
    found = project(with_flying_pixels(view(BOXES, TILTED)), GRID, DROPPING)
    assert np.count_nonzero(exact.valid & ~found.valid) < 0.01 * exact.valid.size
    both = exact.valid & found.valid
    assert np.mean(np.abs(exact.height - found.height)[both] > 0.003) < 0.01


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_objects_that_are_seen_from_above_keep_their_vertical_sides(tilt: float) -> None:
    frame = view([*BOXES, *BESIDE], camera_pose((0.5, 0.0), 0.72, tilt, azimuth=0.0, roll=0.4))
    kept, dropped = (project(frame, GRID, config) for config in (KEEPING, DROPPING))
    assert np.count_nonzero(kept.valid != dropped.valid) < 5
    assert np.count_nonzero(kept.height != dropped.height) < 60


def test_a_reading_straight_below_the_nearer_one_is_on_a_vertical_side() -> None:
    """In the middle of the image, where rays are vertical, and to its right, where they lead away from it."""
    frame = view([], OVERHEAD)
    top = window(frame, GRID, -0.1, 0.4).place[0].start
    for column, kept in ((320, True), (470, False)):
        depth = frame.depth.copy()
        depth[:, :column], depth[:, column], depth[:, column + 1 :] = 0.66, 0.69, 0.72
        assert (cleaned(replace(frame, depth=depth))[238 - top : 242 - top] > 0.0).all() == kept


@pytest.mark.parametrize("tilt", [0.0, 0.6, 1.0])
def test_a_level_surface_stays_however_oblique_the_view(tilt: float) -> None:
    frame = view([], camera_pose((0.5, 0.0), 1.0, tilt, 0.4, 0.2))
    np.testing.assert_array_equal(cleaned(frame), part(frame))


def test_a_reading_beside_a_gap_is_judged_by_what_lies_behind_the_gap() -> None:
    """Columns of a step: near, midair, none, far."""
    frame = view([], TILTED)
    depth = frame.depth.copy()
    depth[200:280, 300:340] -= 0.1
    depth[200:280, 340] -= 0.05
    whole = cleaned(replace(frame, depth=depth))
    depth[200:280, 341] = 0.0
    left = window(frame, GRID, -0.1, 0.4).place
    flying = (slice(202 - left[0].start, 278 - left[0].start), 340 - left[1].start)
    assert not whole[flying].any()
    assert not cleaned(replace(frame, depth=depth))[flying].any()


def test_the_given_depth_is_not_changed() -> None:
    frame = with_flying_pixels(view(BOXES, TILTED))
    before = frame.depth.copy()
    assert (cleaned(frame) == 0.0).sum() > 100
    np.testing.assert_array_equal(frame.depth, before)


def test_pixels_at_opposite_borders_of_the_image_are_no_neighbors() -> None:
    """A ramp from the last column of a row to the first of the next would be one pixel wide."""
    frame = view([], TILTED)
    depth = np.full(frame.depth.shape, 0.8, np.float32)
    depth[:, 0], depth[:, 1:3], depth[:, -3:] = 0.7, 0.9, 0.6
    narrow = replace(frame, depth=depth, T_base_camera=camera_pose((0.5, 0.0), 0.3, 0.6, 0.7, 0.3))
    shown = window(narrow, GRID, -0.1, 0.4)
    assert shown.place == (slice(0, 480), slice(0, 640))
    np.testing.assert_array_equal(without_flying(depth, shown, SLOPE)[:, [0, -1]], depth[:, [0, -1]])


def test_steps_to_level_and_facing_surfaces_are_none() -> None:
    """A ray that falls less steeply meets level ground farther away: 1.0 * 0.8 / 0.5 = 1.6 m."""
    one, fall, other_fall = np.float32([1.0]), np.float32([-0.8]), np.float32([-0.5])
    spacing = np.float32([0.1])
    for other, expected in ((0.75, (True, False)), (0.85, (False, False)), (1.0, (False, False)), (1.7, (False, False)),
                            (1.85, (False, True))):  # fmt: skip
        nearer, farther = steps(one, np.float32([other]), fall, other_fall, spacing, 2.0)
        assert (bool(nearer[0]), bool(farther[0])) == expected
    upward = np.float32([0.1])
    assert not steps(one, np.float32([1.1]), fall, upward, spacing, 2.0)[1][0]
    assert steps(one, np.float32([1.3]), fall, upward, spacing, 2.0)[1][0]


def test_edges_of_the_drawn_frames_are_such() -> None:
    changed = with_flying_pixels(view(BOXES, TILTED)).depth != view(BOXES, TILTED).depth
    assert 500 < np.count_nonzero(changed) < 10000
    assert SLOPE * 0.8 / CAMERA.fx_px < EDGE
