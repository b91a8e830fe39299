"""Recorded frames of real cameras, if there are any beside the repository: no stripes, nothing in midair."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_scenes import GRID
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import CameraIntrinsics, RgbdFrame
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.ortho import fine_color
from impurity_grasp_ros.perception.rays import window
from impurity_grasp_ros.perception.surfaces import without_flying

FOLDER = Path(__file__).resolve().parents[2] / "../shared/reference/rgbd"
CAMERAS = {
    "uoc": CameraIntrinsics(640, 480, 612.937, 613.173, 322.549, 248.158),
    "primesense": CameraIntrinsics(640, 480, 525.0, 525.0, 319.5, 239.5),
}
CONFIG = replace(packaged_parameters("heightmap_node", ProjectionConfig, "projection"), drop_flying=True)
BARE = replace(CONFIG, drop_flying=False, fill=False)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"expected recorded frames in {FOLDER}")


def points_of(depth: NDArray[np.float32], camera: CameraIntrinsics) -> NDArray[np.float64]:
    rows, columns = np.indices(depth.shape)
    x, y = (columns - camera.cx_px) / camera.fx_px, (rows - camera.cy_px) / camera.fy_px
    return np.stack([x, y, np.ones_like(x)], axis=-1) * depth[..., None]


def plane_of(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normal, toward the camera, and a point of the plane that most of the points (N, 3) lie on, by RANSAC."""
    rng, best = np.random.default_rng(0), (0, np.zeros(3), np.zeros(3))
    for _ in range(300):
        corner = points[rng.integers(0, len(points), 3)]
        normal = np.cross(corner[1] - corner[0], corner[2] - corner[0])
        if (length := float(np.linalg.norm(normal))) < 1e-6:
            continue
        some = points[rng.integers(0, len(points), 4000)]
        count = int(np.count_nonzero(np.abs((some - corner[0]) @ normal) < 0.006 * length))
        best = max(best, (count, normal / length, corner[0]), key=lambda found: found[0])
    _, normal, middle = best
    for near in (0.006, 0.005, 0.004):
        members = points[np.abs((points - middle) @ normal) < near]
        middle, normal = members.mean(axis=0), np.linalg.eigh(np.cov(members.T))[1][:, 0]
    return -normal * np.sign(normal @ middle), middle


def recorded(name: str) -> RgbdFrame:
    """A frame whose base frame lies in the table, with the objects around the middle of the workspace."""
    color, depth = (cv2.imread(str(FOLDER / f"{name}_{kind}.png"), cv2.IMREAD_UNCHANGED) for kind in ("color", "depth"))
    assert color is not None
    assert depth is not None
    camera, metres = CAMERAS[name.split("_")[0]], np.asarray(depth, np.float32) / np.float32(1000)
    points = points_of(metres, camera)[70:350]
    near = (points[..., 2] > 0.0) & (points[..., 2] < 1.4)
    z, origin = plane_of(points[near])
    x = np.array([0.0, -1.0, 0.0]) + z * z[1]
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z])
    local = (points - origin) @ pose[:3, :3].T
    objects = near & (local[..., 2] > 0.012) & (local[..., 2] < 0.25)
    pose[:3, 3] = -pose[:3, :3] @ origin
    pose[:2, 3] += np.array([0.5, 0.0]) - np.median(local[objects][:, :2], axis=0)
    return RgbdFrame(np.asarray(cv2.cvtColor(color, cv2.COLOR_BGR2RGB), np.uint8), metres, camera, pose, 0.0)


@pytest.mark.parametrize("name", ["uoc_0", "uoc_3", "uoc_5", "primesense_0", "primesense_3"])
def test_a_recorded_frame_has_a_heightmap_and_a_fine_image(name: str) -> None:
    frame = recorded(name)
    heightmap = project(frame, GRID, CONFIG)
    assert heightmap.valid.mean() > 0.5
    image = fine_color(frame, heightmap)
    seen = np.repeat(np.repeat(heightmap.valid, 2, axis=0), 2, axis=1)
    assert not image[~seen].any()
    assert np.median(np.abs(image[::2, ::2][heightmap.valid].astype(int) - heightmap.color[heightmap.valid])) < 12


def test_an_oblique_view_of_a_tray_has_no_stripes() -> None:
    frame = recorded("uoc_5")
    bare, filled = (project(frame, GRID, replace(BARE, fill=fill)).valid for fill in (False, True))
    assert np.count_nonzero(filled & ~bare) > 1000
    assert np.count_nonzero(bare & ~filled) == 0


@pytest.mark.parametrize(("name", "share"), [("uoc_0", 0.003), ("uoc_3", 0.003), ("primesense_3", 0.002)])
def test_a_part_of_the_readings_at_edges_is_dropped(name: str, share: float) -> None:
    frame = recorded(name)
    shown = window(frame, GRID, -0.07, 0.35)
    depth = np.ascontiguousarray(frame.depth[shown.place])
    dropped = (depth > 0.0) & (without_flying(depth, shown, CONFIG.max_slope) == 0.0)
    assert share < dropped.mean() < 0.05
