"""Execution of single waypoints: commands, force limits and deadlines."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from fake_devices import FakeRobot
from numpy.typing import NDArray
from obstructed_cells import with_box

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus
from impurity_grasp_ros.errors import (
    CanceledError,
    CollisionError,
    DeviceFaultError,
    MotionTimeoutError,
    OutOfWorkspaceError,
    RecoveryNeededError,
    UnreachableError,
)
from impurity_grasp_ros.motion.collision import HandState
from impurity_grasp_ros.motion.follower import Follower, reachable_joints
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.motion.waypoints import Fingers, FreeAir, Rise, Straight, Transit, Verify
from impurity_grasp_ros.transform import tool_down

LOOK = 0.0167
"""Seconds between two polls of a motion."""

LOW = tool_down((0.45, -0.1, 0.05), 0.0)
VERIFY = Verify("verify", OutcomeStatus.EMPTY)


def wrist_3(turn: float) -> NDArray[np.float64]:
    """Joint displacement (6,) in radians that turns the tool in place."""
    return np.array([0.0, 0.0, 0.0, 0.0, 0.0, turn])


def follower_of(robot: FakeRobot, cell: CellConfig) -> Follower:
    supervision = Supervision(robot.canceled, robot.on_phase)
    return Follower(robot.arm, robot.gripper, robot.clock, cell, PathChecker(cell), supervision)


@pytest.fixture
def follower(robot: FakeRobot, cell: CellConfig) -> Follower:
    return follower_of(robot, cell)


def grip(robot: FakeRobot, width: float) -> None:
    """Place an object of ``width`` meters between the fingers, which are at rest."""
    robot.gripper.start_motion(0.085)
    robot.clock.sleep(5.0)
    robot.gripper.width = width
    robot.gripper.start_motion(0.0)
    robot.clock.sleep(5.0)


@pytest.mark.parametrize(
    ("width", "held"), [(0.0, False), (0.0039, False), (0.004, True), (0.0079, True), (0.03, True)]
)
def test_fingers_closed_to_less_than_four_millimeters_hold_nothing(
    follower: Follower, robot: FakeRobot, width: float, held: bool
) -> None:
    grip(robot, width)
    assert follower.holds() is held
    assert follower.hand_state() is (HandState.CARRYING if held else HandState.FREE)
    assert follower.follow(VERIFY) is held
    assert robot.arm.payloads == [0.1 if held else 0.0]


def test_open_fingers_hold_nothing(follower: Follower, robot: FakeRobot) -> None:
    robot.gripper.start_motion(0.05)
    robot.clock.sleep(5.0)
    assert not follower.holds()
    assert follower.hand_state() is HandState.FREE


def test_verify_waits_for_fingers_that_have_lost_the_object(follower: Follower, robot: FakeRobot) -> None:
    grip(robot, 0.03)
    robot.gripper._started = robot.clock.time  # they close further from 85 mm, at 0.1 m/s
    robot.gripper.width = 0.0
    before = robot.clock.time
    assert follower.follow(VERIFY) is False
    assert robot.clock.time - before == pytest.approx(0.85, abs=LOOK)


def test_the_arm_is_told_its_payload_only_when_it_changes(follower: Follower, robot: FakeRobot) -> None:
    follower.adjust_payload()
    follower.adjust_payload()
    assert robot.arm.payloads == [0.0]
    grip(robot, 0.03)
    follower.adjust_payload()
    follower.adjust_payload()
    assert robot.arm.payloads == [0.0, 0.1]


def test_fingers_reach_their_opening_and_the_payload_is_adjusted(follower: Follower, robot: FakeRobot) -> None:
    assert follower.follow(Fingers("open", 0.06, must_reach=True)) is True
    assert robot.gripper.opening() == pytest.approx(0.06)
    robot.gripper.width = 0.03
    assert follower.follow(Fingers("close", 0.0)) is True
    assert robot.gripper.commands == [0.06, 0.0]
    assert robot.arm.payloads == [0.0, 0.1]


def test_fingers_may_move_while_the_arm_approaches(follower: Follower, robot: FakeRobot) -> None:
    """Closing takes 0.85 s, the way 0.3 s and later 2 s: a transit ends when both have arrived."""
    follower.follow(Fingers("open", 0.085, must_reach=True))
    for turn, duration in ((0.3, 0.85), (2.0, 2.0)):
        start, pose = robot.clock.time, robot.arm.tool_pose()
        follower.follow(Fingers("close", 0.0, must_reach=True, on_the_way=True))
        assert robot.clock.time == start
        follower.follow(Transit("approach", tool_down(pose[:3, 3], math.atan2(*pose[1::-1, 0]) + turn)))
        assert robot.clock.time - start == pytest.approx(duration, abs=0.05)
        assert robot.gripper.opening() == 0.0
        follower.follow(Fingers("open", 0.085, must_reach=True))


def test_fingers_that_jam_on_the_way_are_a_fault_at_its_end(follower: Follower, robot: FakeRobot) -> None:
    robot.gripper.jam = 0.02
    follower.follow(Fingers("close", 0.0, must_reach=True, on_the_way=True))
    with pytest.raises(DeviceFaultError, match=r"reached 20\.0 mm"):
        follower.follow(Transit("approach", robot.arm.tool_pose()))


@pytest.mark.parametrize("reached", [0.0041, 0.03])
def test_fingers_that_must_be_closed_may_stay_open_by_four_millimeters(
    follower: Follower, robot: FakeRobot, reached: float
) -> None:
    robot.gripper.jam = 0.004
    assert follower.follow(Fingers("close", 0.0, must_reach=True))
    robot.gripper.jam = reached
    assert follower.follow(Fingers("close", 0.0))
    with pytest.raises(DeviceFaultError, match=rf"open to 0\.0 mm, reached {1e3 * reached:.1f} mm: they are jammed"):
        follower.follow(Fingers("close", 0.0, must_reach=True))


def test_an_opening_that_is_nan_is_a_fault(follower: Follower, robot: FakeRobot) -> None:
    robot.gripper.jam = math.nan
    with pytest.raises(DeviceFaultError, match="reached nan mm"):
        follower.follow(Fingers("open", 0.06, must_reach=True))


def test_a_rise_goes_straight_up_and_never_down(follower: Follower, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    follower.follow(Rise("rise", 0.20, 0.50))
    assert robot.arm.commands == ["linear"]
    assert (robot.arm.speeds, robot.arm.accelerations) == ([0.50], [3.0])
    np.testing.assert_allclose(robot.arm.tool_pose(), tool_down((0.45, -0.1, 0.20), 0.0), atol=1e-9)
    for height in (float(robot.arm.tool_pose()[2, 3]), 0.1):
        follower.follow(Rise("rise", height, 0.50))
    assert robot.arm.commands == ["linear"]


def test_a_straight_motion_moves_the_tool_by_its_displacement(follower: Follower, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    assert follower.follow(Straight("push", (0.03, -0.02, 0.01), 0.11, 40.0)) is True
    assert (robot.arm.speeds, robot.arm.accelerations) == ([0.11], [3.0])
    np.testing.assert_allclose(robot.arm.tool_pose(), tool_down((0.48, -0.12, 0.06), 0.0), atol=1e-9)


def test_no_displacement_is_no_motion(follower: Follower, robot: FakeRobot) -> None:
    assert follower.follow(Straight("descend", (0.0, 0.0, 0.0), 0.25, 20.0)) is True
    assert robot.arm.commands == []
    robot.move_to(LOW)
    assert follower.follow(Straight("descend", (0.0, 0.0, -0.001), 0.25, 20.0)) is True
    assert robot.arm.commands == ["linear"]


@pytest.mark.parametrize(("force", "ends"), [(20.0, False), (20.01, True), (math.nan, True)])
def test_a_force_above_its_limit_ends_a_straight_motion_at_once(
    follower: Follower, robot: FakeRobot, force: float, ends: bool
) -> None:
    robot.move_to(LOW)
    follower.follow(FreeAir("free_air"))
    robot.arm.force = lambda T_base_tool: force if T_base_tool[2, 3] < 0.03 else 0.0
    assert follower.follow(Straight("descend", (0.0, 0.0, -0.04), 0.25, 20.0)) is not ends
    assert robot.arm.commands == (["linear", "stop"] if ends else ["linear"])
    assert robot.arm.tool_pose()[2, 3] == pytest.approx(0.03 if ends else 0.01, abs=0.02 if ends else 1e-9)
    assert robot.arm.tool_pose()[2, 3] < 0.03


def test_a_force_limit_is_relative_to_the_force_in_free_air(follower: Follower, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    robot.arm.offset = (0.0, 0.0, 14.0)
    assert follower.follow(FreeAir("free_air")) is True
    robot.arm.force = lambda T_base_tool: 19.0
    assert follower.follow(Straight("descend", (0.0, 0.0, -0.02), 0.25, 20.0)) is True
    with pytest.raises(RecoveryNeededError, match=r"at most 15 N at the tool in free air, received 33\.0 N"):
        follower.follow(FreeAir("free_air"))
    assert robot.arm.commands == ["linear"]


def test_the_rest_of_a_phase_that_a_force_has_ended_is_skipped(follower: Follower, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    follower.follow(FreeAir("free_air"))
    robot.arm.force = lambda T_base_tool: 60.0
    assert follower.follow(Straight("descend", (0.0, 0.0, -0.02), 0.25, 20.0)) is False
    assert follower.follow(Straight("descend", (0.0, 0.0, -0.01), 0.045, 20.0)) is True
    assert robot.arm.commands == ["linear", "stop"]
    assert follower.follow(Straight("push", (0.05, 0.0, 0.0), 0.11, 40.0)) is False
    assert robot.arm.commands == ["linear", "stop", "linear", "stop"]


def test_without_a_force_limit_no_force_ends_a_motion(follower: Follower, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    robot.arm.force = lambda T_base_tool: 500.0
    assert follower.follow(Straight("push", (0.03, 0.0, 0.0), 0.11)) is True
    follower.follow(Rise("retreat", 0.20, 0.50))
    assert "stop" not in robot.arm.commands


def test_a_transit_moves_the_joints_to_the_pose(follower: Follower, robot: FakeRobot) -> None:
    pose = tool_down((0.50, 0.05, 0.20), 0.4 + math.pi)
    assert follower.follow(Transit("approach", pose)) is True
    assert robot.arm.commands == ["joint"]
    assert robot.arm.accelerations == [8.0]
    assert 0.3 < robot.arm.speeds[0] <= 1.05
    np.testing.assert_allclose(robot.arm.tool_pose(), pose, atol=1e-9)


def test_a_phase_is_reported_once_and_measurements_are_not_phases(follower: Follower, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    for waypoint in (
        Straight("descend", (0.0, 0.0, -0.01), 0.25),
        FreeAir("free_air"),
        Straight("descend", (0.0, 0.0, -0.01), 0.045),
        VERIFY,
        Rise("lift", 0.1, 0.5),
    ):
        follower.follow(waypoint)
    assert robot.phases == ["descend", "lift"]


def test_a_joint_motion_without_a_phase_belongs_to_the_last_one(
    follower: Follower, robot: FakeRobot, cell: CellConfig
) -> None:
    turned = np.array(cell.home) + wrist_3(0.1)
    follower.move_joints(turned, "approach")
    follower.move_joints(np.array(cell.home))
    follower.move_joints(turned, "home")
    assert robot.phases == ["approach", "home"]
    with pytest.raises(CollisionError, match="motion home, "):
        follower.move_joints(np.zeros(6))
    assert len(robot.arm.targets) == 3


def test_a_held_object_is_included_in_the_path_check(robot: FakeRobot, cell: CellConfig) -> None:
    start, end = tool_down((0.36, -0.44, 0.20), 0.0), tool_down((0.5, -0.1, 0.20), 0.0)
    curb = with_box(cell, "curb", (0.36, -0.27, 0.075), (0.4, 0.02, 0.15))
    for width in (0.0, 0.03):
        robot.move_to(start)
        grip(robot, width)
        follower = follower_of(robot, curb)
        if width:
            with pytest.raises(CollisionError, match="motion carry, the held object would touch the curb"):
                follower.follow(Transit("carry", end))
        else:
            follower.follow(Transit("carry", end))
    assert robot.arm.commands == ["joint"]


def waited(robot: FakeRobot, follower: Follower, *, turn: float = 0.0) -> tuple[float, str]:
    """Seconds until a motion that never ends misses its deadline, and the message: fingers, or a turn of wrist 3."""
    before, goal = robot.clock.time, robot.arm.joint_positions() + wrist_3(turn)
    move = partial(follower.move_joints, goal, "turn") if turn else partial(follower.follow, Fingers("close", 0.0))
    with pytest.raises(MotionTimeoutError) as caught:
        move()
    return robot.clock.time - before, str(caught.value)


def assert_deadline(found: float, deadline: float) -> None:
    """The deadline was noticed at the first poll after it."""
    assert deadline < found <= deadline + LOOK + 1e-9


def test_fingers_get_three_times_their_duration_and_two_seconds(follower: Follower, robot: FakeRobot) -> None:
    robot.gripper.stuck = True
    time, words = waited(robot, follower)
    assert_deadline(time, 5.0)
    assert "within its deadline (1.00 s nominal, speed slider at 100%)" in words


@pytest.mark.parametrize("turn", [0.42, -0.42])
def test_a_joint_motion_gets_three_times_its_duration_and_two_seconds(
    follower: Follower, robot: FakeRobot, turn: float
) -> None:
    """Wrist 3 turns the tool in place: 0.42 rad at 2.1 rad/s and 8 rad/s2 take 0.2 + 0.2625 s."""
    robot.arm.stuck = True
    time, words = waited(robot, follower, turn=turn)
    assert_deadline(time, 3 * 0.4625 + 2.0)
    assert "0.46 s nominal" in words
    assert robot.arm.speeds == [2.1]


def test_the_axis_that_turns_farthest_determines_the_deadline(follower: Follower, robot: FakeRobot) -> None:
    robot.arm.stuck = True
    with pytest.raises(MotionTimeoutError) as caught:
        follower.move_joints(robot.arm.joint_positions() + np.array([0.05, 0.0, 0.0, 0.1, 0.1, 0.42]), "turn")
    speed = robot.arm.speeds[0]
    assert f"({0.42 / speed + speed / 8.0:.2f} s nominal" in str(caught.value)


@pytest.mark.parametrize(("scale", "nominal"), [(1.0, 0.15 / 0.5 + 0.5 / 3.0), (0.5, 0.15 / 0.25 + 0.25 / 3.0)])
def test_a_straight_motion_gets_three_times_its_duration_and_two_seconds(
    robot: FakeRobot, cell: CellConfig, scale: float, nominal: float
) -> None:
    robot.move_to(LOW)
    robot.arm.stuck = True
    follower = follower_of(robot, replace(cell, motion=replace(cell.motion, speed_scale=scale)))
    before = robot.clock.time
    with pytest.raises(MotionTimeoutError, match=f"{nominal:.2f} s nominal"):
        follower.follow(Rise("rise", 0.20, 0.50))
    assert_deadline(robot.clock.time - before, 3 * nominal + 2.0)
    assert robot.arm.speeds == [0.5 * scale]


def test_the_speed_scale_slows_the_joints_and_extends_their_deadline(robot: FakeRobot, cell: CellConfig) -> None:
    robot.arm.stuck = True
    follower = follower_of(robot, replace(cell, motion=replace(cell.motion, speed_scale=0.5)))
    time, _ = waited(robot, follower, turn=0.42)
    assert robot.arm.speeds == [pytest.approx(1.05)]
    assert_deadline(time, 3 * (0.4 + 1.05 / 8.0) + 2.0)


@pytest.mark.parametrize(
    ("slider", "deadline", "shown"), [(0.5, 10.0, "50%"), (0.1, 50.0, "10%"), (0.05, 50.0, "5%"), (0.0, 50.0, "0%")]
)
def test_the_speed_slider_extends_a_deadline_tenfold_at_most(
    follower: Follower, robot: FakeRobot, slider: float, deadline: float, shown: str
) -> None:
    robot.gripper.stuck = True
    robot.arm.slider = slider
    time, words = waited(robot, follower)
    assert_deadline(time, deadline)
    assert f"speed slider at {shown})" in words


def test_the_speed_slider_extends_a_deadline_only_while_it_is_low(follower: Follower, robot: FakeRobot) -> None:
    """Half of the five seconds passes at full speed; the other half takes five seconds at half speed."""
    robot.gripper.stuck = True
    start = robot.clock.time

    def fraction() -> float:
        return 1.0 if robot.clock.time <= start + 2.5 else 0.5

    robot.arm.speed_fraction = fraction  # type: ignore[method-assign]
    time, _ = waited(robot, follower)
    assert 7.5 - 2 * LOOK < time < 7.5 + 2 * LOOK


def test_a_motion_is_polled_at_the_poll_interval(follower: Follower, robot: FakeRobot) -> None:
    times: list[float] = []
    robot.gripper.start_motion(0.05)
    moving = robot.gripper.is_moving

    def is_moving() -> bool:
        times.append(robot.clock.time)
        return moving()

    robot.gripper.is_moving = is_moving  # type: ignore[method-assign]
    follower.await_fingers()
    assert len(times) == math.ceil(0.5 / LOOK) + 1
    np.testing.assert_allclose(np.diff(times), LOOK)


def test_a_cancel_is_noticed_before_during_and_at_the_report_of_a_phase(robot: FakeRobot, cell: CellConfig) -> None:
    asked: list[float] = []
    robot.canceled = lambda: bool(asked)  # type: ignore[method-assign]
    follower = follower_of(robot, cell)
    robot.move_to(LOW)
    robot.at_phase["rise"] = lambda: asked.append(0.0)
    with pytest.raises(CanceledError):
        follower.follow(Rise("rise", 0.2, 0.5))
    for waypoint in (FreeAir("free_air"), VERIFY, Fingers("open", 0.05), Straight("push", (0.01, 0.0, 0.0), 0.1)):
        with pytest.raises(CanceledError, match="asked to stop"):
            follower.follow(waypoint)
    assert robot.phases == ["rise"]
    assert not robot.moved()
    asked.clear()
    robot.at_phase.clear()
    robot.gripper.on_start = lambda opening: asked.append(opening)
    with pytest.raises(CanceledError):
        follower.follow(Fingers("open", 0.05))
    assert robot.gripper.is_moving()


def test_a_pose_out_of_reach_has_no_joints(robot: FakeRobot, cell: CellConfig) -> None:
    joints = reachable_joints(robot.arm, LOW, cell)
    robot.arm._hold(joints)
    np.testing.assert_allclose(robot.arm.tool_pose(), LOW, atol=1e-9)
    with pytest.raises(OutOfWorkspaceError, match="within"):
        reachable_joints(robot.arm, tool_down((0.81, 0.0, 0.2), 0.0), cell)
    robot.arm.reaches = lambda T_base_tool: False
    with pytest.raises(UnreachableError, match=r"reachable tool position, received \[ 0\.45 -0\.1   0\.05\]"):
        reachable_joints(robot.arm, LOW, cell)
