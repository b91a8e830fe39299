"""The simulated arm keeps its speed profile, its line and its place."""

import math

import numpy as np
import pytest
from grippers import KINEMATICS
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tabletop import put

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.errors import UnreachableError
from impurity_grasp_ros.motion.trajectory import Profile, Trajectory, resting
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import cuboid
from impurity_grasp_ros.transform import tool_down

profiles = st.builds(Profile, st.floats(1e-4, 3.0), st.floats(0.01, 3.0), st.floats(0.1, 15.0))
parts = st.floats(0.0, 1.0)


@given(profiles)
def test_a_profile_starts_and_ends_at_rest(profile: Profile) -> None:
    assert profile.at(0.0) == (0.0, 0.0)
    assert profile.at(profile.duration) == (profile.distance, 0.0)
    assert profile.at(profile.duration + 1.0) == (profile.distance, 0.0)


@given(profiles, parts)
def test_a_profile_keeps_its_speed_limit_and_its_distance(profile: Profile, part: float) -> None:
    traveled, speed = profile.at(part * profile.duration)
    assert -1e-12 <= traveled <= profile.distance + 1e-9
    assert 0.0 <= speed <= profile.speed + 1e-9


@given(profiles, parts)
def test_the_speed_of_a_profile_is_the_derivative_of_its_distance(profile: Profile, part: float) -> None:
    time, step = part * profile.duration, 1e-5 * profile.duration
    assume(step < time < profile.duration - step)
    (before, _), (_, speed), (after, _) = profile.at(time - step), profile.at(time), profile.at(time + step)
    assert (after - before) / (2 * step) == pytest.approx(speed, abs=profile.acceleration * step + 1e-6)


@given(profiles)
def test_a_profile_is_never_faster_than_its_limits_allow(profile: Profile) -> None:
    assert profile.duration >= profile.distance / profile.speed - 1e-9
    assert profile.duration >= 2 * math.sqrt(profile.distance / profile.acceleration) - 1e-9


@given(profiles, parts)
def test_a_trajectory_stays_on_its_straight_pieces(profile: Profile, part: float) -> None:
    knots = np.array([[0.0] * 6, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [1.0, -2.0, 0.0, 0.0, 0.0, 0.0]])
    angles, velocities = Trajectory(profile, knots).at(part * profile.duration)
    assert angles[0] == pytest.approx(1.0) or angles[1] == pytest.approx(0.0)
    assert (angles[2:] == 0.0).all()
    assert (velocities[2:] == 0.0).all()


def test_a_resting_trajectory_is_over_and_stays(home: NDArray[np.float64]) -> None:
    trajectory = resting(home)
    assert trajectory.duration == 0.0
    angles, velocities = trajectory.at(5.0)
    np.testing.assert_array_equal(angles, home)
    np.testing.assert_array_equal(velocities, 0.0)


@pytest.fixture
def home(cell: CellConfig) -> NDArray[np.float64]:
    return np.array(cell.home)


def move(environment: Environment) -> float:
    """Let the motion that was started end; returns the simulated seconds."""
    start = environment.world.time
    while environment.arm.is_moving():
        environment.world.step()
        assert environment.world.time - start < 10.0
    return environment.world.time - start


def jump_over_the_table(environment: Environment, x: float, y: float, z: float) -> None:
    joints = KINEMATICS.nearest(tool_down((x, y, z), 0.0), np.array(environment.cell.home))
    assert joints is not None
    environment.arm.jump_to(joints)


@pytest.mark.sim
def test_a_joint_motion_arrives_in_the_time_of_its_profile(environment: Environment) -> None:
    arm = environment.arm
    goal = np.add(arm.joint_positions(), [0.5, 0.2, -0.2, 0.1, -0.1, 0.3])
    arm.start_joint_motion(goal, 1.5, 6.0)
    assert move(environment) == pytest.approx(Profile(0.5, 1.5, 6.0).duration, abs=0.01)
    np.testing.assert_allclose(arm.joint_positions(), goal, atol=2e-3)


@pytest.mark.sim
def test_a_linear_motion_keeps_to_the_line_and_to_its_attitude(environment: Environment) -> None:
    arm = environment.arm
    jump_over_the_table(environment, 0.40, -0.10, 0.20)
    start, goal = arm.tool_pose(), tool_down((0.62, 0.15, 0.05), 0.0)
    arm.start_linear_motion(goal, 0.25, 2.5)
    direction = (goal - start)[:3, 3] / np.linalg.norm((goal - start)[:3, 3])
    while arm.is_moving():
        environment.world.step(5)
        T_base_tool = arm.tool_pose()
        assert np.linalg.norm(np.cross(direction, (T_base_tool - start)[:3, 3])) < 0.002
        np.testing.assert_allclose(T_base_tool[:3, :3], start[:3, :3], atol=0.01)
    np.testing.assert_allclose(arm.tool_pose()[:3, 3], goal[:3, 3], atol=0.001)


@pytest.mark.sim
def test_a_line_that_leaves_the_reach_is_refused_before_the_arm_moves(environment: Environment) -> None:
    arm = environment.arm
    before = arm.joint_positions()
    with pytest.raises(UnreachableError, match="expected a reachable straight line"):
        arm.start_linear_motion(tool_down((1.5, 0.0, 0.2), 0.0), 0.25, 2.5)
    assert not arm.is_moving()
    environment.world.step(24)
    np.testing.assert_allclose(arm.joint_positions(), before, atol=1e-4)


@pytest.mark.sim
def test_a_pose_out_of_reach_has_no_joints(environment: Environment) -> None:
    assert environment.arm.inverse_kinematics(tool_down((1.5, 0.0, 0.2), 0.0)) is None


@pytest.mark.sim
def test_a_stopped_arm_stays_where_it_is(environment: Environment) -> None:
    arm = environment.arm
    arm.start_joint_motion(arm.joint_positions() + 0.5, 1.0, 6.0)
    environment.world.step(60)
    arm.stop()
    stopped = arm.joint_positions()
    assert not arm.is_moving()
    environment.world.step(120)
    np.testing.assert_allclose(arm.joint_positions(), stopped, atol=0.01)


@pytest.mark.sim
def test_nothing_is_felt_in_free_air(environment: Environment) -> None:
    jump_over_the_table(environment, 0.5, 0.0, 0.1)
    environment.arm.start_linear_motion(tool_down((0.5, 0.1, 0.1), 0.0), 0.25, 2.5)
    environment.world.step(60)
    np.testing.assert_array_equal(environment.arm.tool_force(), 0.0)


@pytest.mark.sim
def test_the_arm_yields_to_what_it_cannot_push(environment: Environment) -> None:
    jump_over_the_table(environment, 0.5, 0.0, 0.05)
    put(environment, cuboid(0.08, 0.08, 0.03), 0.5, 0.0)
    environment.arm.start_linear_motion(tool_down((0.5, 0.0, 0.0), 0.0), 0.05, 2.5)
    forces = []
    while environment.arm.is_moving():
        environment.world.step()
        forces.append(np.linalg.norm(environment.arm.tool_force()))
    assert environment.arm.tool_pose()[2, 3] > 0.02
    assert 10.0 < np.median(forces[-60:]) < 4 * environment.config.contact_force


@pytest.mark.sim
def test_jumping_places_the_arm_at_rest(environment: Environment, home: NDArray[np.float64]) -> None:
    arm, joints = environment.arm, np.add(home, [0.3, 0.0, 0.0, 0.0, 0.0, 0.3])
    arm.jump_to(joints)
    np.testing.assert_allclose(arm.joint_positions(), joints)
    assert not arm.is_moving()
    environment.world.step(60)
    np.testing.assert_allclose(arm.joint_positions(), joints, atol=1e-3)
    np.testing.assert_allclose(arm.tool_pose(), KINEMATICS.forward(arm.joint_positions()))


@pytest.mark.sim
def test_skipping_free_motion_takes_the_time_that_the_motion_takes(environment: Environment) -> None:
    arm = environment.arm
    goal = np.add(arm.joint_positions(), [0.8, 0.0, 0.0, 0.0, 0.0, 0.0])
    arm.start_joint_motion(goal, 1.5, 6.0)
    start = environment.world.time
    arm.skip_free_motion()
    assert environment.world.time - start == pytest.approx(Profile(0.8, 1.5, 6.0).duration)
    np.testing.assert_allclose(arm.joint_positions(), goal, atol=1e-6)
    assert not arm.is_moving()


@pytest.mark.sim
def test_a_descent_is_skipped_only_as_far_as_nothing_stands_there(environment: Environment) -> None:
    jump_over_the_table(environment, 0.5, 0.0, 0.22)
    put(environment, cuboid(0.04, 0.04, 0.06), 0.4, 0.1)
    environment.arm.start_linear_motion(tool_down((0.5, 0.0, 0.01), 0.0), 0.25, 2.5)
    environment.arm.skip_free_motion()
    assert 0.06 < environment.arm.tool_pose()[2, 3] < 0.09
    assert environment.arm.is_moving()
