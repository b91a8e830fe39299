"""Free motions are slowed so that the tool speed stays below its limit on any path."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from fake_devices import FakeRobot
from grippers import KINEMATICS
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.constants import ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import MotionTimeoutError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.motion.tool_speed import largest_tool_rate, limited_joint_speed
from impurity_grasp_ros.transform import tool_down

PUSH = Primitive.push((0.50, 0.05, 0.02), 0.4)
GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)

angles = st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6).map(np.array)


def measured_tool_rate(start: NDArray[np.float64], end: NDArray[np.float64], samples: int = 100) -> float:
    """Largest tool travel per radian of the leading axis (m/rad), from differences of positions along the path."""
    parts = np.linspace(0.0, 1.0, samples)
    positions = np.array([KINEMATICS.forward(start + part * (end - start))[:3, 3] for part in parts])
    step = float(np.abs(end - start).max()) / (samples - 1)
    return float(np.linalg.norm(np.diff(positions, axis=0), axis=1).max()) / step


def limits(arm: float, wrist: float) -> NDArray[np.float64]:
    return np.array([arm, arm, arm, wrist, wrist, wrist])


@given(angles, angles, st.floats(0.05, 3.0), st.floats(0.05, 3.0))
def test_tool_and_joints_stay_below_their_limits_on_any_path(
    start: NDArray[np.float64], end: NDArray[np.float64], arm: float, wrist: float
) -> None:
    speed = limited_joint_speed(KINEMATICS, start, end, limits(arm, wrist), 1.0)
    assert speed > 0.0
    way = np.abs(end - start)
    assert (way * speed <= limits(arm, wrist) * way.max() * (1.0 + 1e-9)).all()
    if np.abs(end - start).max() > 1e-3:
        assert speed * measured_tool_rate(start, end) <= 1.0


@given(angles, angles)
def test_a_motion_is_slowed_no_more_than_its_limit_requires(
    start: NDArray[np.float64], end: NDArray[np.float64]
) -> None:
    speed = limited_joint_speed(KINEMATICS, start, end, limits(3.0, 3.0), 1.0)
    if np.abs(end - start).max() > 1e-3 and speed < 2.99:
        assert speed * measured_tool_rate(start, end) > 0.95


def test_a_path_without_length_has_no_tool_speed(cell: CellConfig) -> None:
    home = np.array(cell.home)
    assert largest_tool_rate(KINEMATICS, home, home) == 0.0
    assert limited_joint_speed(KINEMATICS, home, home, limits(1.05, 2.1), 1.0) == 1.05


def test_no_path_between_home_workspace_and_bin_is_faster_than_one_meter_per_second(cell: CellConfig) -> None:
    grid, motion, drop = cell.workspace.grid, cell.motion, cell.drop_bin
    home, fastest = np.array(cell.home), 0.0
    cells = np.linspace(0, grid.rows - 1, 5)
    for row, column, step in itertools.product(cells, cells, range(0, ROTATIONS, 2)):
        place = (*grid.to_meters(row, column), motion.transit_height)
        above = KINEMATICS.nearest(tool_down(place, step * ROTATION_STEP), home)
        bin_ = KINEMATICS.nearest(tool_down((drop.x, drop.y, motion.release_height), step * ROTATION_STEP), home)
        assert above is not None
        assert bin_ is not None
        for start, end in ((home, above), (above, bin_), (bin_, home)):
            speed = limited_joint_speed(
                KINEMATICS, start, end, limits(motion.joint_speed, motion.wrist_speed), motion.max_tool_speed
            )
            fastest = max(fastest, speed * measured_tool_rate(start, end, 40))
    assert 0.5 < fastest <= 1.0


def commanded(cell: CellConfig, robot: FakeRobot, primitive: Primitive, scale: float) -> list[float]:
    """Commanded speeds of all motions of a primitive."""
    scaled = replace(cell, motion=replace(cell.motion, speed_scale=scale))
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, scaled)
    robot.arm.speeds.clear()
    executor.execute(primitive, Supervision(robot.canceled, robot.on_phase))
    return list(robot.arm.speeds)


@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
def test_the_speed_scale_slows_every_motion(cell: CellConfig, robot: FakeRobot, primitive: Primitive) -> None:
    full, half = (commanded(cell, robot, primitive, scale) for scale in (1.0, 0.5))
    np.testing.assert_allclose(half, 0.5 * np.array(full))
    assert max(full) <= 2.1


def test_a_tool_speed_limit_slows_the_free_motions_of_a_primitive(cell: CellConfig, robot: FakeRobot) -> None:
    slow = replace(cell, motion=replace(cell.motion, max_tool_speed=0.1))
    PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, slow).execute(PUSH)
    joint = [robot.arm.speeds[index] for index, command in enumerate(robot.arm.commands) if command == "joint"]
    assert max(joint) < 0.5


def test_deadlines_follow_the_speed_scale(cell: CellConfig, robot: FakeRobot) -> None:
    robot.arm.stuck, waited = True, []
    for scale in (1.0, 0.1):
        scaled = replace(cell, motion=replace(cell.motion, speed_scale=scale, deadline_margin=0.1))
        robot.arm._hold(np.array(cell.home))
        start = robot.clock.now()
        with pytest.raises(MotionTimeoutError, match="nominal"):
            PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, scaled).execute(PUSH)
        waited.append(robot.clock.now() - start)
    assert waited[1] > 4.0 * waited[0]


FORWARD = np.radians([0.0, -90.0, 90.0, -90.0, -90.0, 0.0])
"""Forearm forward, tool down: the tool is 0.4869 m in front of the shoulder axis and 0.10915 m beside it."""


def test_a_turn_of_the_shoulder_moves_the_tool_on_a_circle() -> None:
    radius, turn = math.hypot(0.39225 + 0.09465, 0.10915), np.array([-0.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert largest_tool_rate(KINEMATICS, FORWARD, FORWARD + turn) == pytest.approx(radius)
    assert limited_joint_speed(KINEMATICS, FORWARD, FORWARD + turn, limits(1.05, 2.1), 0.1) == pytest.approx(
        0.99 * 0.1 / radius
    )
    assert limited_joint_speed(KINEMATICS, FORWARD, FORWARD + turn, limits(0.1, 2.1), 1.0) == 0.1


def test_the_rate_is_per_radian_of_the_leading_axis() -> None:
    """The shoulder turns half as far as wrist 3, which only turns the tool in place."""
    radius = math.hypot(0.39225 + 0.09465, 0.10915)
    turn = np.array([0.4, 0.0, 0.0, 0.0, 0.0, -0.8])
    assert largest_tool_rate(KINEMATICS, FORWARD, FORWARD + turn) == pytest.approx(radius / 2)


def test_a_tool_that_turns_in_place_does_not_slow_the_joints() -> None:
    turn = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    assert limited_joint_speed(KINEMATICS, FORWARD, FORWARD + turn, limits(1.05, 2.1), 0.1) == 2.1


@pytest.mark.parametrize(
    ("arm", "wrist", "leading"), [(0.4, 0.8, 2.0), (0.8, 0.8, 1.0), (0.2, -0.8, 2.1), (0.4, 0.0, 1.0)]
)
def test_wrists_may_turn_faster_than_the_other_joints(arm: float, wrist: float, leading: float) -> None:
    turn = np.array([0.0, 0.0, arm, 0.0, 0.0, wrist])
    assert limited_joint_speed(KINEMATICS, FORWARD, FORWARD + turn, limits(1.0, 2.1), 9.0) == pytest.approx(leading)


def test_the_highest_tool_speed_may_be_in_the_middle_of_a_path() -> None:
    """The shoulder turns while the elbow stretches and folds again."""
    start, end = np.radians([0.0, -90.0, 115.0, 0.0, -90.0, 0.0]), np.radians([170.0, -90.0, -115.0, 0.0, -90.0, 0.0])
    rate = largest_tool_rate(KINEMATICS, start, end)
    assert rate == pytest.approx(measured_tool_rate(start, end, 2001), rel=0.01)
    ends = [(start, start + 0.01 * (end - start)), (end, end - 0.01 * (end - start))]
    assert rate > 1.05 * max(measured_tool_rate(*piece) for piece in ends)
