"""Camera images become heightmaps that tell where things are, how high, and what could not be seen."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from drawn_scenes import GRID
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from traced_frames import CAMERA, TABLE_COLOR, Box, camera_pose, in_sight, trace

from impurity_grasp_ros.config import from_mapping, read_yaml
from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.errors import EmptyCloudError, InvalidFrameError
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, check, close_gaps, project, project_labels
from impurity_grasp_ros.perception.table import TablePlane

SHIPPED = read_yaml("config/impurity_grasp.yaml")["/**/heightmap_node"]["ros__parameters"]
CONFIG = from_mapping(ProjectionConfig, SHIPPED["projection"])
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)

SQUARE = np.ones((3, 3), np.uint8)

poses = st.builds(
    camera_pose,
    st.just((0.5, 0.0)),
    st.floats(0.7, 0.8),
    tilt=st.floats(0.0, 0.5),
    azimuth=st.floats(-3.1, 3.1),
    roll=st.floats(-3.1, 3.1),
)


@st.composite
def box_scenes(draw: st.DrawFn) -> list[Box]:
    """Up to three boxes, which may overlap, with distinct colors."""
    boxes = []
    for color in ((250, 10, 20), (30, 240, 40), (50, 60, 230))[: draw(st.integers(0, 3))]:
        x, y = draw(st.floats(0.36, 0.62)), draw(st.floats(-0.13, 0.12))
        width, depth = draw(st.floats(0.02, 0.06)), draw(st.floats(0.02, 0.06))
        boxes.append(Box((x, x + width), (y, y + depth), draw(st.floats(0.02, 0.1)), color))
    return boxes


def true_surface(boxes: list[Box]) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.bool_]]:
    """Height and color of the highest surface at every cell center, and whether that holds all around the cell."""
    x, y = GRID.to_meters(np.arange(GRID.rows)[:, None], np.arange(GRID.columns)[None, :])  # type: ignore[arg-type]
    height, color = np.zeros((GRID.rows, GRID.columns)), np.full((GRID.rows, GRID.columns, 3), TABLE_COLOR, np.uint8)
    for box in boxes:
        on = (x >= box.x[0]) & (x <= box.x[1]) & (y >= box.y[0]) & (y <= box.y[1]) & (box.height > height)
        height[on], color[on] = box.height, box.color
    plain = cv2.morphologyEx(height, cv2.MORPH_GRADIENT, SQUARE) == 0.0
    return height, color, plain


def overhead_frame(depth: float = 0.72) -> RgbdFrame:
    return RgbdFrame(
        np.full((480, 640, 3), 90, np.uint8), np.full((480, 640), depth, np.float32), CAMERA, OVERHEAD, stamp=1.5
    )


@given(box_scenes(), poses)
@settings(max_examples=10)
def test_projecting_a_traced_scene_restores_heights_colors_and_places(boxes: list[Box], pose: Any) -> None:
    heightmap = project(trace(boxes, pose), GRID, CONFIG)
    height, color, plain = true_surface(boxes)
    rows, columns = np.indices(height.shape)
    x, y = GRID.to_meters(rows, columns)  # type: ignore[arg-type]
    seen = in_sight(np.stack([x, y, height], axis=-1).reshape(-1, 3), boxes, pose).reshape(height.shape)
    clearly_seen = plain & cv2.erode(seen.astype(np.uint8), SQUARE, borderValue=1).astype(np.bool_)
    known = clearly_seen & heightmap.valid
    np.testing.assert_allclose(heightmap.height[known], height[known], rtol=0, atol=0.001)
    np.testing.assert_array_equal(heightmap.color[known], color[known])
    middle = np.s_[30:-30, 30:-30]
    assert heightmap.valid[middle][clearly_seen[middle]].all()


@given(box_scenes(), poses)
@settings(max_examples=4)
def test_cells_that_are_not_valid_hold_nothing(boxes: list[Box], pose: Any) -> None:
    heightmap = project(trace(boxes, pose), GRID, CONFIG)
    assert not heightmap.height[~heightmap.valid].any()
    assert not heightmap.color[~heightmap.valid].any()
    assert (heightmap.height >= 0.0).all()


def test_a_tilted_camera_casts_a_shadow_that_stays_unknown() -> None:
    box = Box((0.48, 0.52), (-0.02, 0.02), 0.06, (250, 0, 0))
    pose = camera_pose((0.5, 0.0), 0.75, tilt=0.5, azimuth=0.0, roll=0.0)
    heightmap = project(trace([box], pose), GRID, CONFIG)
    row, column = (round(value) for value in GRID.to_cell(0.535, 0.0))
    assert not heightmap.valid[row - 4 : row + 5, column - 4 : column + 5].any()
    assert heightmap.valid[row, column + 16]


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_a_camera_above_the_table_leaves_no_holes_at_full_and_at_half_resolution(scale: float) -> None:
    camera = CameraIntrinsics(
        round(640 * scale), round(480 * scale), 615 * scale, 615 * scale, 320 * scale - 0.5, 240 * scale - 0.5
    )
    heightmap = project(trace([], OVERHEAD, camera), GRID, CONFIG)
    assert heightmap.valid.all()
    np.testing.assert_allclose(heightmap.height, 0.0, atol=1e-6)
    assert heightmap.grid == GRID
    assert heightmap.stamp == 7.25


def test_the_highest_of_several_readings_in_a_cell_wins() -> None:
    frame = overhead_frame()
    coarse = Grid(0.4, -0.1, 2, 2, resolution=0.1)
    frame.depth[240, 330] = 0.65
    frame.color[240, 330] = (1, 2, 3)
    heightmap = project(frame, coarse, CONFIG)
    highest = np.unravel_index(heightmap.height.argmax(), (2, 2))
    assert heightmap.height[highest] == pytest.approx(0.07, abs=1e-6)
    assert tuple(heightmap.color[highest]) == (1, 2, 3)
    assert np.count_nonzero(heightmap.height > 1e-6) == 1


@pytest.mark.parametrize(("depth", "height"), [(0.735, 0.0), (0.72, 0.0), (0.70, 0.02), (0.43, 0.29)])
def test_heights_just_below_the_table_count_as_the_table(depth: float, height: float) -> None:
    heightmap = project(overhead_frame(depth), GRID, CONFIG)
    assert heightmap.height[112, 112] == pytest.approx(height, abs=1e-6)


@pytest.mark.parametrize("depth", [0.0, 0.30, 0.80])
def test_a_frame_without_readings_of_the_scene_is_an_empty_cloud(depth: float) -> None:
    with pytest.raises(EmptyCloudError, match="expected at least 1000 depth readings on the grid, received 0"):
        project(overhead_frame(depth), GRID, CONFIG)


def test_a_frame_with_too_few_readings_is_an_empty_cloud() -> None:
    frame = overhead_frame()
    frame.depth[10:] = 0.0
    with pytest.raises(EmptyCloudError):
        project(frame, GRID, replace(CONFIG, min_points=10000))


def test_a_camera_that_moved_is_not_mistaken_for_the_one_before() -> None:
    box = Box((0.48, 0.52), (-0.02, 0.02), 0.06, (250, 0, 0))
    poses_seen = [camera_pose((0.5, 0.0), distance, 0.2, 1.0, 0.0) for distance in (0.70, 0.80)]
    for pose in poses_seen + poses_seen:
        assert project(trace([box], pose), GRID, CONFIG).height.max() == pytest.approx(0.06, abs=1e-5)


BROKEN: dict[str, dict[str, Any]] = {
    "color: expected shape": {"color": np.zeros((480, 641, 3), np.uint8)},
    "color: .* of uint8, received .* of float32": {"color": np.zeros((480, 640, 3), np.float32)},
    "depth: expected shape": {"depth": np.ones((240, 320), np.float32)},
    "depth: .* of float32, received .* of uint16": {"depth": np.ones((480, 640), np.uint16)},
    "T_base_camera: expected a finite 4x4 array": {"T_base_camera": np.eye(3)},
    "T_base_camera: expected a finite": {"T_base_camera": np.full((4, 4), np.nan)},
    "intrinsics: expected positive focal lengths": {"intrinsics": replace(CAMERA, fx_px=0.0)},
    "color: expected shape .*480, 320": {"intrinsics": replace(CAMERA, width_px=320)},
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_malformed_frame_is_refused_with_what_was_expected(message: str) -> None:
    with pytest.raises(InvalidFrameError, match=message):
        project(replace(overhead_frame(), **BROKEN[message]), GRID, CONFIG)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.01])
def test_a_depth_that_is_no_distance_is_refused(value: float) -> None:
    frame = overhead_frame()
    frame.depth[17, 33] = value
    with pytest.raises(InvalidFrameError, match="depth: expected finite meters, 0 for no reading"):
        project(frame, GRID, CONFIG)


def test_an_image_without_pixels_is_refused() -> None:
    nothing = RgbdFrame(
        np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.float32), CameraIntrinsics(0, 0, 1, 1, 0, 0), np.eye(4), 0.0
    )
    with pytest.raises(InvalidFrameError, match="at least one pixel"):
        project(nothing, GRID, CONFIG)


def map_with(unseen: NDArray[np.bool_], seed: int = 0) -> Heightmap:
    rng = np.random.default_rng(seed)
    height = np.where(unseen, 0.0, rng.uniform(0.01, 0.1, unseen.shape)).astype(np.float32)
    color = np.where(unseen[..., None], 0, rng.integers(1, 255, (*unseen.shape, 3))).astype(np.uint8)
    return Heightmap(color, height, ~unseen, Grid(0.0, 0.0, *unseen.shape))


@given(st.lists(st.tuples(st.integers(0, 28), st.integers(0, 28)), max_size=60))
def test_shadows_at_least_two_cells_wide_keep_their_outline(corners: list[tuple[int, int]]) -> None:
    unseen = np.zeros((30, 30), np.bool_)
    for row, column in corners:
        unseen[row : row + 2, column : column + 2] = True
    np.testing.assert_array_equal(close_gaps(map_with(unseen)).valid, ~unseen)


@given(st.sets(st.integers(0, 13)), st.sets(st.integers(0, 13)))
def test_missing_rows_and_columns_are_closed_from_their_neighbors(rows: set[int], columns: set[int]) -> None:
    unseen = np.zeros((29, 29), np.bool_)
    unseen[[2 * row + 1 for row in rows]] = True
    unseen[:, [2 * column + 1 for column in columns]] = True
    heightmap = map_with(unseen)
    closed = close_gaps(heightmap)
    assert closed.valid.all()
    np.testing.assert_array_equal(closed.height[~unseen], heightmap.height[~unseen])
    assert np.isin(closed.height[unseen], heightmap.height[~unseen]).all()


def test_a_closed_cell_takes_height_and_color_of_one_and_the_same_neighbor() -> None:
    unseen = np.zeros((3, 3), np.bool_)
    unseen[1, 1] = True
    heightmap = map_with(unseen)
    closed = close_gaps(heightmap)
    source = np.argwhere((heightmap.height == closed.height[1, 1]) & heightmap.valid)
    assert len(source) == 1
    np.testing.assert_array_equal(closed.color[1, 1], heightmap.color[tuple(source[0])])
    assert closed.height[1, 1] == np.sort(heightmap.height[heightmap.valid])[3]


def test_labels_fall_into_the_cells_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 700, (480, 640)).astype(np.int32)
    colors = rng.integers(0, 256, (701, 3)).astype(np.uint8)  # of label -1, 0, 1, ...
    frame = replace(overhead_frame(), color=colors[labels + 1])
    heightmap, shown = project(frame, GRID, CONFIG), project_labels(frame, labels, GRID, CONFIG)
    assert shown.max() > 600
    np.testing.assert_array_equal(colors[shown[heightmap.valid] + 1], heightmap.color[heightmap.valid])
    assert (shown[~heightmap.valid] == -1).all()


def looking_down(depth: NDArray[np.float32], fx_px: float = 10.0) -> RgbdFrame:
    """A small image of a camera one meter above the origin: its columns run along x and its rows along y, downward.

    The color of a pixel tells its row and column.
    """
    rows, columns = depth.shape
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 1.0
    color = np.stack([*np.indices(depth.shape), np.full(depth.shape, 7)], axis=2).astype(np.uint8)
    camera = CameraIntrinsics(columns, rows, fx_px, fx_px, (columns - 1) / 2, (rows - 1) / 2)
    return RgbdFrame(color, depth, camera, pose, 2.5)


ALL = ProjectionConfig(z_min=-0.2, z_max=1.0, min_points=1, drop_flying=False, fill=False, max_incidence_deg=72.0)


def test_the_shipped_limits() -> None:
    assert (
        ProjectionConfig(z_min=-0.02, z_max=0.30, min_points=1000, drop_flying=False, fill=True, max_incidence_deg=72.0)
        == CONFIG
    )


def test_every_pixel_falls_into_the_cell_below_it() -> None:
    """Pixels are 0.1 m apart on the table; the third row of the image lies at y = 0."""
    frame = looking_down(np.full((5, 5), 1.0, np.float32))
    heightmap = project(frame, Grid(-0.25, -0.25, 5, 5, 0.1), ALL)
    assert heightmap.valid.all()
    assert heightmap.stamp == 2.5
    rows, columns = np.indices((5, 5))
    np.testing.assert_array_equal(heightmap.color, np.stack([4 - rows, columns, np.full((5, 5), 7)], axis=2))
    np.testing.assert_allclose(heightmap.height, 0.0, atol=1e-6)
    assert heightmap.height.dtype == np.float32
    assert heightmap.color.dtype == np.uint8


@pytest.mark.parametrize(
    ("grid", "shown"),
    [
        (Grid(-0.25, -0.25, 3, 5, 0.1), [[4], [3], [2]]),
        (Grid(-0.25, -0.05, 3, 5, 0.1), [[2], [1], [0]]),
    ],
)
def test_what_lies_beside_the_grid_is_left_out(grid: Grid, shown: list[list[int]]) -> None:
    heightmap = project(looking_down(np.full((5, 5), 1.0, np.float32)), grid, ALL)
    np.testing.assert_array_equal(heightmap.color[..., 0], np.repeat(shown, 5, axis=1))
    turned = Grid(grid.y_min, grid.x_min, 5, 3, 0.1)
    columns = project(looking_down(np.full((5, 5), 1.0, np.float32)), turned, ALL).color[..., 1]
    np.testing.assert_array_equal(columns, np.repeat([[4 - row[0] for row in shown]], 5, axis=0))


@pytest.mark.parametrize(("z", "height"), [(-0.019, 0.0), (-0.021, None), (0.299, 0.299), (0.301, None), (0.0, 0.0)])
def test_readings_from_20_mm_below_the_table_to_30_cm_above_make_up_the_scene(z: float, height: float | None) -> None:
    depth = np.full((5, 5), 1.0, np.float32)
    depth[2, 2] = 1.0 - z
    spot, config = (
        Grid(-0.025, -0.025, 1, 1, 0.05),
        replace(CONFIG, min_points=1, drop_flying=False, fill=False, max_incidence_deg=72.0),
    )
    if height is None:
        with pytest.raises(EmptyCloudError, match="at least 1 depth readings on the grid, received 0"):
            project(looking_down(depth), spot, config)
    else:
        assert project(looking_down(depth), spot, config).height[0, 0] == pytest.approx(height, abs=1e-6)


def test_readings_are_counted_on_the_grid() -> None:
    frame = looking_down(np.full((5, 5), 1.0, np.float32))
    grid = Grid(-0.25, -0.25, 5, 5, 0.1)
    assert project(frame, grid, replace(CONFIG, min_points=25)).valid.all()
    with pytest.raises(EmptyCloudError, match="expected at least 26 depth readings on the grid, received 25"):
        project(frame, grid, replace(CONFIG, min_points=26))
    frame.depth[0, :2] = 0.0
    with pytest.raises(EmptyCloudError, match="received 23"):
        project(frame, grid, replace(CONFIG, min_points=25))


def test_heights_are_those_above_the_table_s_plane() -> None:
    """It rises by 0.1 along x and falls by 0.2 along y, 10 mm above zero at (0.1, 0.2)."""
    grid = Grid(-0.25, -0.25, 5, 5, 0.1)
    plane = TablePlane((0.1, 0.2), 0.01, 0.1, -0.2)
    heightmap = project(looking_down(np.full((5, 5), 0.9, np.float32)), grid, ALL, plane)
    rows, columns = np.indices((5, 5))
    # 0.9 m away pixels are 0.09 m apart.
    x, y = (columns - 2) * 0.09, (rows - 2) * 0.09
    np.testing.assert_allclose(heightmap.height, 0.1 - (0.01 + 0.1 * (x - 0.1) - 0.2 * (y - 0.2)), atol=1e-6)


def test_of_pixels_in_one_cell_the_highest_is_shown_and_of_equal_ones_the_last() -> None:
    depth = np.array([[0.9, 0.7, 0.7, 0.8, 0.95]], np.float32)
    heightmap = project(looking_down(depth, fx_px=100.0), Grid(-0.5, -0.5, 1, 1, 1.0), ALL)
    assert heightmap.height[0, 0] == pytest.approx(0.3, abs=1e-6)
    assert heightmap.color[0, 0].tolist() == [0, 2, 7]
    below = project(looking_down(depth + np.float32(0.45), fx_px=100.0), Grid(-0.5, -0.5, 1, 1, 1.0), ALL)
    assert below.height[0, 0] == 0.0
    assert np.signbit(below.height[0, 0]) == np.False_


def test_labels_from_none_to_the_largest_are_told() -> None:
    frame = looking_down(np.full((2, 3), 1.0, np.float32))
    labels = np.array([[-1, 0, 254], [255, 256, 65534]], np.int32)
    shown = project_labels(frame, labels, Grid(-0.15, -0.1, 2, 3, 0.1), ALL)
    np.testing.assert_array_equal(shown, labels[::-1])
    frame.depth[0, 2] = 0.0
    frame.depth[1, 1:] = 0.0
    shown = project_labels(frame, labels, Grid(-0.15, -0.1, 2, 3, 0.1), ALL)
    np.testing.assert_array_equal(shown, [[255, -1, -1], [-1, 0, -1]])


@pytest.mark.parametrize("focal", ["fx_px", "fy_px"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_focal_length_that_is_none_is_refused(focal: str, value: float) -> None:
    frame = overhead_frame()
    with pytest.raises(InvalidFrameError, match="intrinsics: expected positive focal lengths"):
        check(replace(frame, intrinsics=replace(CAMERA, **{focal: value})))


def test_a_frame_without_any_reading_is_well_formed() -> None:
    check(overhead_frame(0.0))
    frame = overhead_frame()
    frame.depth[3, 4] = -0.5
    with pytest.raises(InvalidFrameError, match=r"received values from -0\.5 to 0\.72"):
        check(frame)


def test_a_gap_takes_after_its_lower_median_neighbor() -> None:
    """Of eight seen neighbors the fourth, of two the lower one."""
    heights = np.array([[0.05, 0.01, 0.06], [0.02, 0.0, 0.08], [0.07, 0.04, 0.03]], np.float32)
    seen = np.ones((3, 3), np.bool_)
    seen[1, 1] = False
    color = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    closed = close_gaps(Heightmap(color, heights, seen, Grid(0.0, 0.0, 3, 3), stamp=4.0))
    assert closed.height[1, 1] == np.float32(0.04)
    np.testing.assert_array_equal(closed.color[1, 1], color[2, 1])
    assert closed.stamp == 4.0
    assert closed.grid == Grid(0.0, 0.0, 3, 3)
    pair = np.zeros((1, 3), np.bool_)
    pair[0, ::2] = True
    row = Heightmap(color[:1], np.array([[0.05, 0.0, 0.02]], np.float32), pair, Grid(0.0, 0.0, 1, 3))
    np.testing.assert_array_equal(close_gaps(row).height, np.array([[0.05, 0.02, 0.02]], np.float32))
    column = Heightmap(row.color.swapaxes(0, 1), row.height.T, pair.T, Grid(0.0, 0.0, 3, 1))
    np.testing.assert_array_equal(close_gaps(column).height, np.array([[0.05], [0.02], [0.02]], np.float32))


def test_a_map_without_gaps_stays_the_very_same() -> None:
    whole = map_with(np.zeros((6, 7), np.bool_))
    assert close_gaps(whole) is whole
    border = map_with(np.indices((6, 7))[1] == 0)
    assert close_gaps(border) is border


def test_gaps_are_closed_in_two_passes_and_no_more() -> None:
    """The cell that only a third pass would reach stays unseen."""
    unseen = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]], np.bool_)
    closed = close_gaps(map_with(unseen))
    assert np.argwhere(~closed.valid).tolist() == [[1, 1]]


def test_of_three_seen_neighbors_a_gap_takes_after_the_middle_one() -> None:
    heights = np.array([[0.05, 0.0, 0.02], [0.0, 0.03, 0.0]], np.float32)
    closed = close_gaps(Heightmap(np.zeros((2, 3, 3), np.uint8), heights, heights > 0.0, Grid(0.0, 0.0, 2, 3)))
    assert closed.height[0, 1] == np.float32(0.03)


@pytest.mark.parametrize("focal", ["fx_px", "fy_px"])
def test_any_positive_focal_length_is_one(focal: str) -> None:
    check(replace(overhead_frame(), intrinsics=replace(CAMERA, **{focal: 0.5})))
