"""Every second pixel becomes a point that knows whether the workspace, or the bin, should be where it looks."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID
from numpy.typing import NDArray
from traced_frames import camera_pose

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.datatypes import CameraIntrinsics, Grid, RgbdFrame
from impurity_grasp_ros.perception.samples import Samples, Site, over_bin, sample
from impurity_grasp_ros.transform import Transform

RNG_COLOR = np.random.default_rng(3).integers(0, 256, (480, 640, 3)).astype(np.uint8)
SKEWED = CameraIntrinsics(61, 41, 40.0, 50.0, 31.0, 19.0)


def flat_frame(depth: float = 0.72) -> RgbdFrame:
    """What the shipped camera sees when everything is equally far away."""
    calibration = load_cell().calibration
    readings = np.full((480, 640), depth, np.float32)
    return RgbdFrame(RNG_COLOR, readings, calibration.intrinsics, calibration.T_base_camera, 0.0)


def skewed_frame(pose: Transform) -> RgbdFrame:
    return RgbdFrame(np.zeros((41, 61, 3), np.uint8), np.full((41, 61), 0.5, np.float32), SKEWED, pose, 0.0)


def points(x: list[float], y: list[float]) -> Samples:
    """Samples in one row at these places, all read."""
    shape = (1, len(x))
    yes = np.ones(shape, np.bool_)
    along_x, along_y = np.array([x], np.float32), np.array([y], np.float32)
    zero = np.zeros(shape, np.float32)
    return Samples(np.zeros((*shape, 3), np.uint8), along_x, along_y, zero, zero, yes, yes, yes)


def table_places(frame: RgbdFrame) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Where the rays of every second pixel meet z = 0, and whether they do."""
    model, pose = frame.intrinsics, frame.T_base_camera
    rows, columns = np.mgrid[0 : model.height_px : 2, 0 : model.width_px : 2]
    rays = np.stack([(columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px, np.ones(rows.shape)])
    directions = np.einsum("ij,jhw->ihw", pose[:3, :3], rays)
    down = directions[2] < 0.0
    distance = np.where(down, pose[2, 3] / np.where(down, -directions[2], 1.0), 0.0)
    return pose[0, 3] + distance * directions[0], pose[1, 3] + distance * directions[1], down


def test_a_site_is_made_of_the_shipped_cell(cell: CellConfig) -> None:
    site = Site.of(cell)
    assert site.grid == Grid(0.276, -0.224, 224, 224, 0.002)
    assert site.grid.middle == pytest.approx((0.5, 0.0))
    assert site.transit_height == 0.20
    assert site.drop_bin == cell.drop_bin


def test_the_middle_of_a_site_that_is_no_square() -> None:
    site = Site(Grid(1.0, 2.0, rows=10, columns=30, resolution=0.1), None, 0.2)  # type: ignore[arg-type]
    assert site.grid.middle == pytest.approx((2.5, 2.5))


def test_every_second_pixel_becomes_a_point_in_the_base_frame() -> None:
    frame = flat_frame()
    samples = sample(frame, GRID, 0.16)
    np.testing.assert_array_equal(samples.color, RNG_COLOR[::2, ::2])
    rows, columns = np.indices((240, 320)) * 2
    np.testing.assert_allclose(samples.x, 0.5 - (rows - 239.5) / 615.0 * 0.72, atol=1e-5)
    np.testing.assert_allclose(samples.y, -(columns - 319.5) / 615.0 * 0.72, atol=1e-5)
    np.testing.assert_allclose(samples.z, 0.0, atol=1e-6)
    assert samples.x.dtype == samples.y.dtype == samples.z.dtype == samples.area.dtype == np.float32
    nearer = sample(flat_frame(0.60), GRID, 0.16)
    np.testing.assert_allclose(nearer.z, 0.12, atol=1e-6)


def test_a_sample_covers_four_pixels_at_its_depth() -> None:
    np.testing.assert_allclose(sample(flat_frame(), GRID, 0.16).area, (2 * 0.72 / 615.0) ** 2, rtol=1e-5)
    skewed = sample(skewed_frame(camera_pose((0.5, 0.0), 0.72, 0.0, 0.0, 0.0)), GRID, 0.16)
    np.testing.assert_allclose(skewed.area, 4 * 0.25 / (40.0 * 50.0), rtol=1e-5)


def test_only_pixels_with_a_depth_are_read() -> None:
    frame = flat_frame()
    frame.depth[100:110, 40] = 0.0
    frame.depth[7, 9] = 0.0  # of no sample
    read = sample(frame, GRID, 0.16).read
    assert read.shape == (240, 320)
    assert not read[50:55, 20].any()
    assert np.count_nonzero(~read) == 5


@pytest.mark.parametrize("surround", [0.0, 0.03, 0.16])
@pytest.mark.parametrize("tilt", [0.0, 0.3, 1.3])
def test_judged_is_what_looks_at_the_table_in_the_workspace_or_so_far_around_it(surround: float, tilt: float) -> None:
    frame = skewed_frame(camera_pose((0.47, 0.03), 0.7, tilt, azimuth=0.7, roll=0.4))
    samples = sample(frame, GRID, surround)
    x, y, down = table_places(frame)
    for mask, margin in ((samples.judged, surround), (samples.on_workspace, 0.0)):
        beyond = np.max([0.276 - x, x - 0.724, -0.224 - y, y - 0.224], axis=0) - margin
        assert np.abs(beyond[down]).min() > 1e-6, "no pixel is on the border"
        np.testing.assert_array_equal(mask, down & (beyond < 0.0))
        assert mask.any()
    if tilt == 1.3:
        assert not down.all(), "some look above the horizon"


def test_a_camera_over_the_workspace_that_looks_at_the_horizon_judges_nothing_there() -> None:
    """It stands over the middle; half of its rays never meet the table, the others do so far off."""
    frame = skewed_frame(camera_pose((1.2, 0.0), 0.7, np.pi / 2, azimuth=0.0, roll=0.0))
    pose = frame.T_base_camera.copy()
    pose[:3, 3] = (0.5, 0.0, 0.7)
    samples = sample(replace(frame, T_base_camera=pose), GRID, 0.16)
    _, _, down = table_places(replace(frame, T_base_camera=pose))
    assert 0.3 < down.mean() < 0.7
    assert not samples.judged.any()
    assert not samples.on_workspace.any()


def test_what_is_judged_does_not_depend_on_what_is_in_the_way() -> None:
    near, far = sample(flat_frame(0.3), GRID, 0.16), sample(flat_frame(0.72), GRID, 0.16)
    np.testing.assert_array_equal(near.judged, far.judged)
    np.testing.assert_array_equal(near.on_workspace, far.on_workspace)
    # 0.224 m on the table are 191.33 pixels, 0.384 m are 328: beyond the border of the image.
    assert near.judged.all()
    assert np.count_nonzero(near.on_workspace) == 191 * 191  # even rows from 50 to 430, even columns from 130 to 510


def test_the_bin_is_known_with_two_centimeters_around_it(cell: CellConfig) -> None:
    inside = points([0.221, 0.499, 0.36, 0.36], [-0.44, -0.44, -0.559, -0.321])
    outside = points([0.219, 0.501, 0.36, 0.36, 0.221, 0.499], [-0.44, -0.44, -0.561, -0.319, -0.561, -0.319])
    low = np.zeros((1, 4), np.float32)
    assert over_bin(inside, low, cell.drop_bin).all()
    assert not over_bin(outside, np.zeros((1, 6), np.float32), cell.drop_bin).any()
    corners = points([0.221, 0.221, 0.499, 0.499], [-0.559, -0.321, -0.559, -0.321])
    assert over_bin(corners, low, cell.drop_bin).all()


def test_what_rises_ten_centimeters_above_the_bin_s_wall_is_none_of_its_load(cell: CellConfig) -> None:
    middle = points([0.36] * 4, [-0.44] * 4)
    height = np.array([[-0.01, 0.06, 0.159, 0.161]], np.float32)
    np.testing.assert_array_equal(over_bin(middle, height, cell.drop_bin), [[True, True, True, False]])


def test_a_place_is_told_by_the_medians_of_its_points() -> None:
    samples = points([0.1, 0.2, 0.9, 5.0], [-0.3, -0.1, 0.5, 5.0])
    mask = np.array([[True, True, True, False]])
    assert samples.place(mask) == "x = 0.20, y = -0.10 m"


def test_a_camera_that_moved_looks_at_other_places() -> None:
    frame = flat_frame()
    pose = frame.T_base_camera.copy()
    pose[0, 3] += 0.1
    before, after = sample(frame, GRID, 0.16), sample(replace(frame, T_base_camera=pose), GRID, 0.16)
    np.testing.assert_allclose(after.x - before.x, 0.1, atol=1e-6)
    assert np.count_nonzero(after.on_workspace) < np.count_nonzero(before.on_workspace)
