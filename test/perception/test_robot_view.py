"""Readings on the robot are dropped, whole parts of it and nothing else, as a renderer shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pybullet
import pytest
from grippers import KINEMATICS
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient
from traced_frames import CAMERA, camera_pose

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.motion.body import RobotBody
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.robot_view import without_robot
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ViewConfig, look
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.transform import PlacedBox, Transform, tool_down

CELL = load_cell()
HOME = np.array(CELL.home)
BODY = RobotBody(CELL.gripper_model)
MARGIN = 0.03
NEAR, FAR = 0.05, 3.0
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
VIEWS = {
    "overhead": OVERHEAD,
    "oblique": camera_pose((0.45, 0.0), 1.1, tilt=0.6, azimuth=1.0, roll=0.4),
    "from the side": camera_pose((0.3, 0.0), 1.3, tilt=1.2, azimuth=2.5, roll=0.0),
}


class Renderer:
    """The robot on a table, in the renderer."""

    def __init__(self) -> None:
        self._bullet = BulletClient(pybullet.DIRECT)
        description = str(resource(CELL.gripper_model.urdf))
        self._robot = self._bullet.loadURDF(description, useFixedBase=True)
        count = self._bullet.getNumJoints(self._robot)
        names = [self._bullet.getJointInfo(self._robot, joint)[1].decode() for joint in range(count)]
        self._arm = [names.index(name) for name in JOINT_NAMES]
        shape = self._bullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=[2.0, 2.0, 0.05])
        self._bullet.createMultiBody(0.0, -1, shape, [0.0, 0.0, -0.05])

    def frame(self, joints: NDArray[np.float64], T_base_camera: Transform) -> tuple[RgbdFrame, NDArray[np.bool_]]:
        """A frame, and which of its pixels show the robot."""
        for joint, angle in zip(self._arm, joints, strict=True):
            self._bullet.resetJointState(self._robot, joint, float(angle))
        position, forward, down = T_base_camera[:3, 3], T_base_camera[:3, 2], T_base_camera[:3, 1]
        view = self._bullet.computeViewMatrix(position, position + forward, -down)
        width, height = CAMERA.width_px, CAMERA.height_px
        projection = [
            2 * CAMERA.fx_px / width, 0, 0, 0,
            0, 2 * CAMERA.fy_px / height, 0, 0,
            0, 0, -(FAR + NEAR) / (FAR - NEAR), -1,
            0, 0, -2 * FAR * NEAR / (FAR - NEAR), 0,
        ]  # fmt: skip
        _, _, color, depth, segments = self._bullet.getCameraImage(
            width, height, view, projection, renderer=pybullet.ER_TINY_RENDERER
        )
        meters = FAR * NEAR / (FAR - (FAR - NEAR) * np.reshape(depth, (height, width)))
        rgb = np.reshape(color, (height, width, 4))[..., :3].astype(np.uint8)
        frame = RgbdFrame(rgb, meters.astype(np.float32), CAMERA, T_base_camera, 0.0)
        return frame, np.reshape(segments, (height, width)) == self._robot

    def close(self) -> None:
        self._bullet.disconnect()


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    yield made
    made.close()


def postures() -> list[NDArray[np.float64]]:
    """Over the workspace, low and high, in several postures."""
    rng = np.random.default_rng(0)
    low = KINEMATICS.nearest(tool_down((0.5, 0.05, 0.03), 0.4), HOME)
    high = KINEMATICS.nearest(tool_down((0.42, -0.1, 0.25), -0.9), HOME)
    assert low is not None
    assert high is not None
    return [low, high, *(low + rng.uniform(-0.4, 0.4, 6) for _ in range(6))]


@pytest.mark.sim
@pytest.mark.parametrize("name", VIEWS)
def test_all_of_the_robot_is_dropped_and_only_what_is_close_to_it(renderer: Renderer, name: str) -> None:
    seen = 0
    for joints in postures():
        frame, on_robot = renderer.frame(joints, VIEWS[name])
        kept = without_robot(frame, BODY.boxes(joints), MARGIN).depth > 0
        seen += on_robot.sum()
        assert not (kept & on_robot).any()
        far = without_robot(frame, BODY.boxes(joints), MARGIN + 0.12).depth == 0
        assert (kept | far).all()
        assert (~kept & ~on_robot).sum() < 0.6 * on_robot.sum() + 2000
    assert seen > 50_000


@pytest.mark.sim
def test_an_arm_out_of_view_changes_nothing(renderer: Renderer) -> None:
    frame, on_robot = renderer.frame(HOME, OVERHEAD)
    assert not on_robot.any()
    assert without_robot(frame, BODY.boxes(HOME), MARGIN) is frame


@pytest.mark.sim
def test_a_part_behind_the_camera_changes_nothing(renderer: Renderer) -> None:
    frame, _ = renderer.frame(HOME, OVERHEAD)
    behind = np.eye(4)
    behind[:3, 3] = (0.5, 0.0, 1.2)
    box = PlacedBox(behind, np.full(3, -0.1), np.full(3, 0.1))
    assert without_robot(frame, [box], MARGIN) is frame
    around = replace(box, low=np.full(3, -0.6), high=np.full(3, 0.6))  # the camera is in it
    assert without_robot(frame, [around], MARGIN) is frame
    reaching = replace(box, low=np.full(3, -0.6), high=np.array([0.6, 0.6, 0.7]))
    assert (without_robot(frame, [replace(reaching, low=np.array([-0.6, -0.6, -1.21]))], MARGIN).depth == 0).any()


@pytest.mark.sim
def test_an_arm_over_the_workspace_leaves_a_view_with_unseen_cells_or_none(renderer: Renderer) -> None:
    """Never a view in which the arm is an object, or in which what it hides is table."""
    site = Site.of(CELL)
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    config = packaged_parameters("heightmap_node", ViewConfig, "view")
    views = 0
    for x in np.linspace(0.3, 0.7, 9):
        joints = KINEMATICS.nearest(tool_down((x, -0.28, 0.10), 0.4), HOME)
        assert joints is not None
        frame, on_robot = renderer.frame(joints, OVERHEAD)
        try:
            heightmap, _ = look(without_robot(frame, BODY.boxes(joints), MARGIN), site, projection, config, None)
        except ImpurityGraspError:
            continue
        views += on_robot.any()
        assert heightmap.height.max() < 0.006
    assert views > 0
