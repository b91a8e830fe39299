"""The robot that the engine loaded moves as kinematics and gripper geometry say."""

from collections.abc import Iterator

import numpy as np
import pytest
from grippers import GRIPPER, KINEMATICS
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.simulation.environment import load_simulation
from impurity_grasp_ros.simulation.robot import Robot
from impurity_grasp_ros.simulation.world import World
from impurity_grasp_ros.transform import Transform, from_rotation_translation, inverse, tool_down

pytestmark = pytest.mark.sim

SIDES = ("left", "right")
TRAVELS = np.linspace(0.0, GRIPPER.closed_travel, 9)
HEIGHT = 0.15
"""Meters of the tool above a plate in the air; the plate's upper side is at z = 0."""


@pytest.fixture
def robot() -> Iterator[Robot]:
    world = World(load_simulation().physics)
    yield Robot(world, GRIPPER)
    world.close()


def place(robot: Robot, joints: NDArray[np.float64], travel: float = 0.0) -> None:
    """Put arm and fingers into a configuration, without simulating the way."""
    for joint, angle in zip(robot.arm_joints, joints, strict=True):
        robot.world.bullet.resetJointState(robot.body, joint, angle)
    for joint in (*robot.knuckles, *robot.finger_tips):
        robot.world.bullet.resetJointState(robot.body, joint, travel)


def place_over_the_table(robot: Robot, cell: CellConfig, travel: float) -> None:
    joints = KINEMATICS.nearest(tool_down((0.5, 0.0, HEIGHT), 0.0), np.array(cell.home))
    assert joints is not None
    place(robot, joints, travel)


def link_pose(robot: Robot, name: str) -> Transform:
    """Pose of a link's frame in the base frame, from the engine."""
    state = robot.world.bullet.getLinkState(robot.body, robot.links[name], computeForwardKinematics=1)
    return from_rotation_translation(Rotation.from_quat(state[5]).as_matrix(), np.array(state[4]))


def gap(robot: Robot, link: str, other_body: int, other_link: int = -1) -> float:
    """Meters between the shape of a link and another shape."""
    points = robot.world.bullet.getClosestPoints(robot.body, other_body, 1.0, robot.links[link], other_link)
    return float(min(point[8] for point in points))


def test_the_tool_is_where_forward_kinematics_say(robot: Robot) -> None:
    for joints in np.random.default_rng(0).uniform(-np.pi, np.pi, (50, 6)):
        place(robot, joints)
        np.testing.assert_allclose(link_pose(robot, "tcp"), KINEMATICS.forward(joints), atol=1e-5)


@pytest.mark.parametrize("travel", TRAVELS)
def test_the_finger_tips_move_apart_and_rise_as_the_gripper_geometry_says(
    robot: Robot, cell: CellConfig, travel: float
) -> None:
    tips = {}
    for angle in (GRIPPER.closed_travel, travel):
        place_over_the_table(robot, cell, angle)
        tips[angle] = [
            (inverse(link_pose(robot, "tcp")) @ link_pose(robot, f"{side}_finger_tip"))[:3] for side in SIDES
        ]
    for closed, opened, sign in zip(tips[GRIPPER.closed_travel], tips[travel], (1.0, -1.0), strict=True):
        outward, sideways, down = (opened - closed)[:, 3]
        assert sign * outward == pytest.approx(GRIPPER.pad_opening(travel) / 2, abs=1e-6)
        assert sideways == pytest.approx(0.0, abs=1e-6)
        assert -down == pytest.approx(GRIPPER.tip_rise(GRIPPER.pad_opening(travel)), abs=1e-6)
        np.testing.assert_allclose(opened[:, :3], closed[:, :3], atol=1e-6, err_msg="a pad is not upright")


@pytest.mark.parametrize("travel", TRAVELS)
def test_the_shapes_that_collide_are_as_far_apart_and_as_high_as_the_gripper_geometry_says(
    robot: Robot, cell: CellConfig, travel: float
) -> None:
    plate = robot.world.add_static_box((0.4, 0.4, 0.02), (0.5, 0.0, -0.01), (1.0, 1.0, 1.0, 1.0))
    place_over_the_table(robot, cell, travel)
    left, right = "left_finger_tip", "right_finger_tip"
    assert gap(robot, left, robot.body, robot.links[right]) == pytest.approx(GRIPPER.pad_opening(travel), abs=5e-4)
    for tip in (left, right):
        assert gap(robot, tip, plate) == pytest.approx(HEIGHT + GRIPPER.tip_rise(GRIPPER.pad_opening(travel)), abs=5e-4)


def test_nothing_is_touched_and_no_force_felt_in_the_air(robot: Robot, cell: CellConfig) -> None:
    place_over_the_table(robot, cell, 0.0)
    robot.world.step(5)
    assert not robot.contact_force().any()
    assert robot.touched_bodies() == set()
