"""What the camera shows is where geometry says, in the color it has."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from tabletop import block_corners, put

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.simulation.camera import SimulatedCamera, project, scaled
from impurity_grasp_ros.simulation.environment import Environment, load_simulation
from impurity_grasp_ros.simulation.objects import Block, Shape, cuboid, cylinder, half_cylinder, spawn, triangle
from impurity_grasp_ros.simulation.world import World
from impurity_grasp_ros.transform import apply

SHAPES = [cuboid(0.03, 0.06, 0.04), cylinder(0.04, 0.04), half_cylinder(0.05, 0.04), triangle(0.05, 0.04, 0.04)]
SCALES = [1.0, 0.5]

even = st.integers(4, 320).map(lambda half: 2 * half)
models = st.builds(CameraIntrinsics, even, even, *4 * [st.floats(100.0, 2000.0)])


@pytest.fixture
def camera(environment: Environment, request: pytest.FixtureRequest) -> SimulatedCamera:
    """The cell's camera, at another scale if the test says so."""
    return SimulatedCamera(environment.world, load_cell().calibration, getattr(request, "param", 1.0))


@pytest.fixture
def bare_world() -> Iterator[World]:
    world = World(load_simulation().physics)
    yield world
    world.close()


def points_in_base(frame: RgbdFrame) -> NDArray[np.floating]:
    """Where the readings of all pixels lie, (H, W, 3) meters in the base frame."""
    model = frame.intrinsics
    rows, columns = np.indices(frame.depth.shape)
    rays = np.stack([(columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px, np.ones(rows.shape)], 2)
    return apply(frame.T_base_camera, rays * frame.depth[:, :, None])


def changed_pixels(before: RgbdFrame, after: RgbdFrame) -> NDArray[np.bool_]:
    """(H, W) bool: where a block has come between the camera and what was there before."""
    return np.asarray(np.abs(before.depth - after.depth) > 1e-4)


def centroid(hull: ConvexHull) -> NDArray[np.float64]:
    """Centroid (2,) of the area of a plane hull, its corners counter-clockwise."""
    points = hull.points[hull.vertices]
    following = np.roll(points, -1, axis=0)
    weights = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    return np.asarray(((points + following) * weights[:, None]).sum(axis=0) / (3 * weights.sum()))


@pytest.mark.sim
@pytest.mark.parametrize("camera", SCALES, indirect=True)
def test_the_bare_table_lies_at_height_zero_within_a_millimeter(
    environment: Environment, camera: SimulatedCamera
) -> None:
    frame, grid = camera.capture(), environment.cell.workspace.grid
    points = points_in_base(frame).reshape(-1, 3)
    on_workspace = np.array([grid.contains(x, y) for x, y, _ in points])
    assert on_workspace.mean() > 0.3
    np.testing.assert_allclose(points[on_workspace, 2], 0.0, atol=0.001)


@pytest.mark.sim
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
def test_the_top_of_a_block_has_its_height(environment: Environment, shape: Shape) -> None:
    put(environment, shape, 0.55, -0.10, 0.4)
    points = points_in_base(environment.observe()).reshape(-1, 3)
    top = points[np.linalg.norm(points[:, :2] - [0.55, -0.10], axis=1) < 0.004]
    assert len(top) > 10
    np.testing.assert_allclose(top[:, 2], shape.height, atol=0.001)


@pytest.mark.sim
@pytest.mark.parametrize("camera", SCALES, indirect=True)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
@pytest.mark.parametrize(("x", "y", "yaw"), [(0.35, -0.15, 0.3), (0.52, 0.02, 0.8), (0.66, 0.17, -1.0)])
def test_a_block_is_seen_where_its_corners_project_to(
    environment: Environment, camera: SimulatedCamera, shape: Shape, x: float, y: float, yaw: float
) -> None:
    before = camera.capture()
    body = put(environment, shape, x, y, yaw)
    seen = changed_pixels(before, camera.capture())
    outline = ConvexHull(project(block_corners(environment, body), camera))
    assert seen.sum() == pytest.approx(outline.volume, rel=0.03)  # of a plane hull, the volume is the area
    np.testing.assert_allclose(np.argwhere(seen).mean(axis=0)[::-1], centroid(outline), atol=0.25)
    assert camera.visible_pixels()[body] == pytest.approx(seen.sum(), abs=0.02 * seen.sum())


@pytest.mark.sim
@pytest.mark.parametrize("channel", range(3), ids=["red", "green", "blue"])
def test_color_is_red_green_blue(environment: Environment, channel: int) -> None:
    before = environment.observe()
    color = (float(channel == 0), float(channel == 1), float(channel == 2))
    block = Block(cuboid(0.05, 0.05, 0.04), color, True)
    spawn(environment.world, block, np.array([0.5, 0.0, 0.02]), np.array([0.0, 0.0, 0.0, 1.0]))
    after = environment.observe()
    mean = after.color[changed_pixels(before, after)].mean(axis=0)
    assert mean[channel] > 100.0
    assert np.delete(mean, channel).max() < 30.0


@pytest.mark.sim
def test_the_whole_workspace_is_in_view(environment: Environment) -> None:
    grid, model = environment.cell.workspace.grid, environment.camera.intrinsics
    corners = [(*grid.to_meters(i, j), 0.0) for i in (0, grid.rows - 1) for j in (0, grid.columns - 1)]
    pixels = project(np.array(corners), environment.camera)
    assert (pixels >= 0.0).all()
    assert (pixels <= [model.width_px - 1, model.height_px - 1]).all()


@pytest.mark.sim
def test_the_arm_at_home_hides_nothing_of_the_workspace(environment: Environment) -> None:
    frame, grid = environment.observe(), environment.cell.workspace.grid
    seen = points_in_base(frame).reshape(-1, 3)
    seen = seen[np.abs(seen[:, 2]) < 0.002]
    on_grid = np.array([grid.contains(x, y) for x, y, _ in seen])
    cells = np.floor((seen[on_grid, :2] - [grid.x_min, grid.y_min]) / (4 * grid.resolution)).astype(int)
    assert len(np.unique(cells, axis=0)) == (grid.rows // 4) * (grid.columns // 4)


@pytest.mark.sim
def test_a_frame_is_what_it_is_documented_to_be(environment: Environment) -> None:
    environment.world.step(24)
    frame = environment.observe()
    shape = (frame.intrinsics.height_px, frame.intrinsics.width_px)
    assert frame.color.shape == (*shape, 3)
    assert frame.color.dtype == np.uint8
    assert frame.depth.shape == shape
    assert frame.depth.dtype == np.float32
    assert frame.stamp == environment.world.time
    np.testing.assert_array_equal(frame.T_base_camera, load_cell().calibration.T_base_camera)


@pytest.mark.sim
def test_a_cropped_rendering_shows_the_same_things_at_the_same_places(environment: Environment) -> None:
    environment.reset(3, "coal_slate")
    place = slice(120, 390), slice(200, 500)
    rendering = environment.camera.render()
    whole, part = (environment.camera.develop(shown) for shown in (rendering, rendering.cropped(*place)))
    assert (part.intrinsics.height_px, part.intrinsics.width_px) == part.depth.shape == (270, 300)
    np.testing.assert_allclose(points_in_base(part), points_in_base(whole)[place], atol=1e-6)
    inner = np.s_[1:-1, 1:-1]  # the slope at a pixel is that to its neighbors
    np.testing.assert_array_equal(part.color[inner], whole.color[place][inner])


def test_there_is_no_reading_where_there_is_nothing(bare_world: World) -> None:
    frame = SimulatedCamera(bare_world, load_cell().calibration, 0.25).capture()
    assert (frame.depth == 0.0).all()


@pytest.mark.sim
def test_a_hidden_block_has_no_visible_pixels(environment: Environment) -> None:
    hidden = put(environment, cuboid(0.02, 0.02, 0.02), 0.5, 0.0)
    alone = environment.camera.visible_pixels()[hidden]
    put(environment, cuboid(0.06, 0.06, 0.06), 0.5, 0.0)
    assert alone > 100
    assert hidden not in environment.camera.visible_pixels()


@given(models, st.sampled_from([0.25, 0.5, 2.0]), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_scaled_intrinsics_keep_the_view(model: CameraIntrinsics, scale: float, right: float, down: float) -> None:
    small = scaled(model, scale)

    def ray(camera: CameraIntrinsics) -> tuple[float, float]:
        """Direction through a place in the image, given as parts of its width and height."""
        column, row = right * camera.width_px - 0.5, down * camera.height_px - 0.5
        return (column - camera.cx_px) / camera.fx_px, (row - camera.cy_px) / camera.fy_px

    if (small.width_px, small.height_px) == (model.width_px * scale, model.height_px * scale):
        assert ray(small) == pytest.approx(ray(model), abs=1e-9)
    assert small.width_px == pytest.approx(model.width_px * scale, abs=0.5)


def test_the_unscaled_intrinsics_are_the_calibrations() -> None:
    assert scaled(load_cell().calibration.intrinsics, 1.0) == load_cell().calibration.intrinsics
