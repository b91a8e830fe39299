"""Cells between the samples of one surface are seen; what lies behind an edge, or was not measured, is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_scenes import GRID
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_pixels import view
from traced_frames import CAMERA, TABLE_COLOR, Box, camera_pose, in_sight

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.table import TablePlane

FILLING = replace(packaged_parameters("heightmap_node", ProjectionConfig, "projection"), fill=True)
BARE = replace(FILLING, fill=False)
LARGE = CameraIntrinsics(1280, 720, 920.0, 920.0, 639.5, 359.5)
FINE = Grid(0.4, -0.1, 200, 200, 0.001)
RED = (250, 10, 20)

far_poses = st.builds(
    camera_pose,
    st.just((0.5, 0.0)),
    st.floats(0.9, 1.3),
    tilt=st.floats(0.4, 1.05),
    azimuth=st.floats(-3.1, 3.1),
    roll=st.floats(-3.1, 3.1),
)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """One box, which may be as low as 8 mm."""
    x, y = draw(st.floats(0.40, 0.58)), draw(st.floats(-0.1, 0.08))
    width, depth = draw(st.floats(0.02, 0.06)), draw(st.floats(0.02, 0.06))
    return Box((x, x + width), (y, y + depth), draw(st.floats(0.008, 0.1)), RED)


@pytest.mark.parametrize(("distance", "tilt"), [(1.2, 0.0), (1.2, 0.7), (1.3, 1.0), (0.8, 1.0)])
@pytest.mark.parametrize("grid", [Grid(0.35, -0.15, 150, 150), FINE])
def test_an_oblique_or_distant_plane_has_no_unseen_cells(distance: float, tilt: float, grid: Grid) -> None:
    frame = view([], camera_pose((0.5, 0.0), distance, tilt, 0.6, 0.4))
    heightmap = project(frame, grid, FILLING)
    assert heightmap.valid.all()
    np.testing.assert_allclose(heightmap.height, 0.0, atol=1e-4)
    assert (heightmap.color == TABLE_COLOR).all()


@pytest.mark.parametrize("tilt", [0.95, 1.05])
def test_without_filling_it_would_have_stripes(tilt: float) -> None:
    frame = view([], camera_pose((0.5, 0.0), 1.3, tilt, 0.6, 0.4))
    assert not project(frame, GRID, BARE).valid[40:-40, 40:-40].all()
    assert project(frame, GRID, FILLING).valid[40:-40, 40:-40].all()


@pytest.mark.parametrize("distance", [0.5, 0.9, 1.3])
@pytest.mark.parametrize("tilt", [0.0, 0.7])
def test_a_large_image_fills_the_map_from_every_distance(distance: float, tilt: float) -> None:
    frame = view([], camera_pose((0.5, 0.0), distance, tilt, 0.0, 0.0), LARGE)
    middle = Grid(0.42, -0.08, 160, 160, 0.001)
    heightmap = project(frame, middle, FILLING)
    assert heightmap.valid.all()
    np.testing.assert_allclose(heightmap.height, 0.0, atol=1e-4)


@given(boxes(), far_poses, st.sampled_from([GRID, FINE]))
@settings(max_examples=15)
def test_nothing_unseen_is_called_seen(box: Box, pose: Any, grid: Grid) -> None:
    """Each cell that was filled shows a point of the box or the table that the camera does see."""
    frame = view([box], pose)
    bare, filled = project(frame, grid, BARE), project(frame, grid, FILLING)
    np.testing.assert_array_equal(filled.height[bare.valid], bare.height[bare.valid])
    np.testing.assert_array_equal(filled.color[bare.valid], bare.color[bare.valid])
    rows, columns = np.nonzero(filled.valid & ~bare.valid)
    x, y = grid.to_meters(rows.astype(np.float64), columns.astype(np.float64))
    height = filled.height[rows, columns]
    reach = 0.51 * grid.resolution
    toward = pose[:3, 3] - np.stack([x, y, height], axis=1)  # between two pixels, the surface is rounded off by 3 mm
    dx, dy, dz = (0.003 * toward / np.linalg.norm(toward, axis=1, keepdims=True)).T
    shifts = [(i * reach, j * reach) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    seen = [in_sight(np.stack([x + i + dx, y + j + dy, height + dz], axis=1), [box], pose) for i, j in shifts]
    assert np.any(seen, axis=0).all()
    # Where a side meets the table, the surface between two pixels, up to 5 mm apart, is rounded off.
    flush = np.minimum(height, np.abs(height - box.height)) < 1e-3
    beside = [
        (x + i > box.x[0] - 5e-3) & (x + i < box.x[1] + 5e-3) & (y + j > box.y[0] - 5e-3) & (y + j < box.y[1] + 5e-3)
        for i, j in shifts
    ]
    assert (flush | np.any(beside, axis=0)).all()


@pytest.mark.parametrize("height", [0.01, 0.03])
def test_the_shadow_of_a_low_box_stays_unseen(height: float) -> None:
    box = Box((0.46, 0.54), (-0.04, 0.04), height, RED)
    frame = view([box], camera_pose((0.5, 0.0), 1.2, 0.9, 0.0, 0.0))
    heightmap = project(frame, GRID, FILLING)
    row, near = (round(value) for value in GRID.to_cell(0.54 + 0.3 * height, 0.0))
    far = round(GRID.to_cell(0.54 + 0.9 * height, 0.0)[1])
    assert far > near
    assert not heightmap.valid[row - 10 : row + 11, near + 1 : far].any()


def test_a_place_without_readings_stays_unseen() -> None:
    frame = view([], camera_pose((0.5, 0.0), 1.3, 1.0, 0.6, 0.4))
    depth = frame.depth.copy()
    depth[235:245, 312:328] = 0.0
    heightmap = project(replace(frame, depth=depth), GRID, FILLING)
    unseen = np.count_nonzero(~heightmap.valid[60:-60, 60:-60])
    # 10 x 16 pixels of 2.2 mm, on ground that is tilted by 1 rad, without the pixels at the border
    assert unseen * GRID.resolution**2 > 8 * 14 * (1.3 / CAMERA.fx_px) ** 2 / np.cos(1.0)


@pytest.mark.parametrize("azimuth", [0.0, 1.5, 3.1])
def test_a_slope_is_filled_at_its_own_height(azimuth: float) -> None:
    """The camera's pose is told wrongly, turned by 0.3 rad about the middle: the table then rises by tan(0.3)."""
    grid, middle = Grid(0.42, -0.06, 60, 60), np.eye(4)
    middle[:3, 3] = (0.48, 0.0, 0.0)
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(0.3), 0, -np.sin(0.3)], [0, 1, 0], [np.sin(0.3), 0, np.cos(0.3)]]
    frame = view([], camera_pose((0.48, 0.0), 1.3, 0.7, azimuth, 0.0))
    sloped = replace(frame, T_base_camera=middle @ turn @ np.linalg.inv(middle) @ frame.T_base_camera)
    heightmap = project(sloped, grid, FILLING, TablePlane((0.48, 0.0), -0.05))
    x, _ = grid.to_meters(*np.indices((60, 60)).astype(np.float64))
    assert heightmap.valid.all()
    lower = project(sloped, grid, replace(FILLING, z_max=0.05, min_points=1), TablePlane((0.48, 0.0), -0.05))
    assert lower.height.max() <= 0.05
    np.testing.assert_allclose(heightmap.height, np.tan(0.3) * (x - 0.48) + 0.05, atol=0.001)


def test_filled_cells_show_the_label_of_the_nearest_pixel() -> None:
    box = Box((0.46, 0.54), (-0.04, 0.04), 0.05, RED)
    frame = view([box], camera_pose((0.5, 0.0), 1.3, 1.0, 0.2, 0.0))
    labels = np.where((frame.color == RED).all(axis=2), 7, 3).astype(np.int32)
    shown, heightmap = project_labels(frame, labels, GRID, FILLING), project(frame, GRID, FILLING)
    np.testing.assert_array_equal(shown >= 0, heightmap.valid)
    np.testing.assert_array_equal(shown == 7, (heightmap.color == RED).all(axis=2))
    assert set(np.unique(shown)) == {-1, 3, 7}


def test_what_is_lower_or_higher_than_the_scene_is_not_filled() -> None:
    pose = camera_pose((0.5, 0.0), 1.3, 0.9, 0.6, 0.4)
    box = Box((0.46, 0.54), (-0.04, 0.04), 0.06, RED)
    for low, high, shown in ((0.03, 0.3, RED), (-0.02, 0.05, TABLE_COLOR)):
        lifted = TablePlane(GRID.middle, low + 0.02)
        heightmap = project(view([box], pose), GRID, replace(FILLING, z_max=high - low - 0.02, min_points=1), lifted)
        assert heightmap.valid.any()
        flat = np.abs(heightmap.height - (0.06 if shown == RED else 0.0) + low + 0.02) < 1e-3
        assert (heightmap.color[heightmap.valid & flat] == shown).all()
        assert np.mean(flat[heightmap.valid]) > 0.5
