"""The table's plane is found under clutter and noise; errors of it are corrected or refused, never acted upon."""

import re
from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID
from drawn_views import farther
from traced_frames import Box, camera_pose, trace

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import CameraMovedError, TableMovedError, ViewIncompleteError
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.samples import sample
from impurity_grasp_ros.perception.table import TablePlane, correction, fit_table
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").table
PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
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


@pytest.mark.parametrize("metres", [-0.015, -0.01, -0.005, 0.0, 0.005, 0.01, 0.015])
@pytest.mark.parametrize("boxes", [0, 15, 150])
def test_an_offset_is_measured_to_a_tenth_of_a_millimeter_however_much_lies_there(metres: float, boxes: int) -> None:
    plane = fitted(farther(trace(clutter(boxes), OVERHEAD), metres))
    assert plane.offset == pytest.approx(-metres, abs=1e-4)
    assert plane.tilt_deg < 0.05


@pytest.mark.parametrize("tilt_deg", [0.5, 2.0, 5.0])
def test_a_tilt_is_measured(tilt_deg: float) -> None:
    plane = fitted(farther(trace(clutter(15), OVERHEAD), 0.0, tilt_deg))
    assert plane.tilt_deg == pytest.approx(tilt_deg, rel=0.05)


def test_noise_of_a_camera_does_not_move_the_table() -> None:
    frame = trace(clutter(15), OVERHEAD)
    noise = np.random.default_rng(0).normal(0.0, 0.003, frame.depth.shape)
    plane = fitted(replace(frame, depth=(frame.depth + noise).astype(np.float32)))
    assert abs(plane.offset) < 3e-4
    assert plane.tilt_deg < 0.1


def test_a_tilted_camera_that_is_calibrated_sees_a_level_table() -> None:
    plane = fitted(trace(clutter(15), camera_pose((0.5, 0.0), 0.75, tilt=0.4, azimuth=1.0, roll=0.3)))
    assert abs(plane.offset) < 1e-4
    assert plane.tilt_deg < 0.02


@pytest.mark.parametrize("seen", [np.s_[:60], np.s_[:, 300:340], np.s_[:0]])
def test_too_little_of_the_table_says_nothing(seen: tuple[slice, ...]) -> None:
    frame = trace([], OVERHEAD)
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
    truth = project(trace(boxes, OVERHEAD), GRID, PROJECTION)
    frame = farther(trace(boxes, OVERHEAD), 0.003, 0.5)
    wrong = project(frame, GRID, PROJECTION)
    right = project(frame, GRID, PROJECTION, correction(fitted(frame), None, CONFIG))
    assert np.median(np.abs(wrong.height - truth.height)[truth.height > 0.02]) > 0.002
    assert np.median(np.abs(right.height - truth.height)) < 1e-4
    assert np.median(np.abs(right.height - truth.height)[truth.height > 0.02]) < 3e-4
