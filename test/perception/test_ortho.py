"""The fine color image shows what the camera sees, where it lies on the table, in more detail than the cells."""

import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID
from numpy.typing import NDArray
from traced_frames import CAMERA, Box, camera_pose, trace

from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.ortho import fine_color
from impurity_grasp_ros.perception.table import TablePlane
from impurity_grasp_ros.transform import Transform

CONFIG = ProjectionConfig(z_min=-0.02, z_max=0.30, min_points=1000, drop_flying=True, fill=True, max_incidence_deg=72.0)
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
TILTED = camera_pose((0.5, 0.0), 0.8, tilt=0.5, azimuth=0.7, roll=0.3)
BOXES = [Box((0.44, 0.50), (-0.06, 0.0), 0.05, (250, 10, 20)), Box((0.53, 0.57), (0.02, 0.06), 0.1, (30, 240, 40))]
FINE = Grid(GRID.x_min, GRID.y_min, 448, 448, 0.001)


def pattern(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Smooth waves of 24 mm along x, 30 mm along y and a slow one along both, as RGB."""
    waves = np.sin(2 * math.pi * x / 0.024), np.sin(2 * math.pi * y / 0.030), np.sin(2 * math.pi * (x + y) / 0.2)
    return np.rint(128 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def painted(frame: RgbdFrame) -> RgbdFrame:
    """The same frame with a pattern of the base frame's x and y on every surface."""
    model, pose = frame.intrinsics, frame.T_base_camera
    rows, columns = np.indices(frame.depth.shape)
    ray = np.stack([(columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px, rows * 0 + 1.0], axis=-1)
    x, y, _ = np.moveaxis((ray * frame.depth[..., None]) @ pose[:3, :3].T + pose[:3, 3], -1, 0)
    return replace(frame, color=pattern(x, y))


def expected() -> NDArray[np.uint8]:
    rows, columns = np.indices((FINE.rows, FINE.columns)).astype(np.float64)
    return pattern(*FINE.to_meters(rows, columns))


def errors(pose: Transform, boxes: list[Box], camera: CameraIntrinsics = CAMERA) -> tuple[NDArray[np.float64], float]:
    """Differences of gray values in seen cells, and the seen share."""
    frame = painted(trace(boxes, pose, camera))
    heightmap = project(frame, GRID, CONFIG)
    image = fine_color(frame, heightmap)
    seen = np.repeat(np.repeat(heightmap.valid, 2, axis=0), 2, axis=1)
    assert not image[~seen].any()
    return np.abs(image[seen].astype(np.float64) - expected()[seen]).max(axis=1), float(seen.mean())


@pytest.mark.parametrize("pose", [OVERHEAD, TILTED])
def test_a_pattern_appears_where_it_lies(pose: Transform) -> None:
    difference, seen = errors(pose, [])
    assert seen > 0.95
    assert difference.max() < 8.0  # a shift by 0.3 mm would be 8 gray levels


@pytest.mark.parametrize("pose", [OVERHEAD, TILTED])
def test_it_appears_there_on_objects_too(pose: Transform) -> None:
    """At their edges a cell's height may be that of the other surface."""
    difference, _ = errors(pose, BOXES)
    assert np.mean(difference > 8.0) < 0.03


def test_more_pixels_show_more() -> None:
    camera = CameraIntrinsics(1280, 720, 900.0, 900.0, 639.5, 359.5)
    difference, _ = errors(OVERHEAD, BOXES, camera)
    assert np.median(difference) < 2.0


def test_it_is_finer_than_the_cells() -> None:
    frame = painted(trace([], OVERHEAD))
    heightmap = project(frame, GRID, CONFIG)
    repeated = np.repeat(np.repeat(heightmap.color, 2, axis=0), 2, axis=1).astype(np.float64)
    by_cells = np.abs(repeated - expected())[20:-20, 20:-20].mean()
    fine = np.abs(fine_color(frame, heightmap) - expected().astype(np.float64))[20:-20, 20:-20].mean()
    assert fine < by_cells / 5.0


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_its_size_is_a_multiple_of_the_heightmap_s(factor: int) -> None:
    frame = painted(trace(BOXES, TILTED))
    heightmap = project(frame, Grid(0.4, -0.1, 60, 100), CONFIG)
    image = fine_color(frame, heightmap, factor)
    assert image.shape == (60 * factor, 100 * factor, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(
        image.any(axis=2)[::factor, ::factor] & ~heightmap.valid, np.zeros((60, 100), np.bool_)
    )


def test_a_cell_is_not_divided_into_less_than_itself() -> None:
    frame = trace([], OVERHEAD)
    with pytest.raises(ValueError, match="factor: expected at least 1, received 0"):
        fine_color(frame, project(frame, GRID, CONFIG), 0)


def test_heights_are_those_above_the_table_s_plane() -> None:
    """A table 4 mm higher than calibrated: at the border of the tilted view this shifts the color by 2 mm."""
    lifted = TILTED.copy()
    lifted[2, 3] += 0.004
    frame = replace(painted(trace([], TILTED)), T_base_camera=lifted)
    table = TablePlane(GRID.middle, 0.004)
    heightmap = project(frame, GRID, CONFIG, table)
    seen = np.repeat(np.repeat(heightmap.valid, 2, axis=0), 2, axis=1)
    right, wrong = (
        np.abs(fine_color(frame, heightmap, 2, plane)[seen].astype(np.float64) - expected()[seen]).max()
        for plane in (table, None)
    )
    assert right < 8.0
    assert wrong > 25.0


def test_no_point_is_assumed_in_midair() -> None:
    """From above, the colors of a white box and a black table do not mix more than two pixels beyond its edge."""
    frame = trace([Box((0.46, 0.54), (-0.04, 0.04), 0.1, (255, 255, 255))], OVERHEAD)
    np.putmask(frame.color, frame.color < 255, 1)
    image = fine_color(frame, project(frame, GRID, CONFIG))[..., 0]
    mixed = (image > 1) & (image < 255)
    assert mixed.mean() < 0.004


def test_the_color_of_an_object_does_not_spread_over_the_table() -> None:
    """Far from the middle, heights between an object's top and the table would look up the wrong place."""
    frame = trace([Box((0.32, 0.38), (-0.18, -0.10), 0.1, (255, 255, 255))], OVERHEAD)
    np.putmask(frame.color, frame.color < 255, 1)
    heightmap = project(frame, GRID, CONFIG)
    table = np.repeat(np.repeat(heightmap.valid & (heightmap.height < 0.001), 2, axis=0), 2, axis=1)
    assert (fine_color(frame, heightmap)[table] > 128).mean() < 0.0013
