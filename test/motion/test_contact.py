"""Contact is a change of the force from free air; a load that is already present is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fake_devices import Execute, FakeRobot

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.errors import RecoveryNeededError
from impurity_grasp_ros.motion.contact import ContactForce
from impurity_grasp_ros.motion.waypoints import push_end
from impurity_grasp_ros.transform import Transform

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.50, 0.05, 0.02), 0.4)


def contact_of(robot: FakeRobot, cell: CellConfig) -> ContactForce:
    return ContactForce(robot.arm, robot.clock, cell.motion)


def test_the_baseline_is_the_mean_of_four_readings_one_poll_apart(robot: FakeRobot, cell: CellConfig) -> None:
    readings = iter([1.0, 2.0, 3.0, 6.0, 10.0])
    times: list[float] = []

    def force(_: object) -> float:
        times.append(robot.clock.time)
        return next(readings)

    robot.arm.force = force
    contact = contact_of(robot, cell)
    contact.take_baseline()
    np.testing.assert_allclose(times, 100.0 + 0.0167 * np.arange(1, 5))
    assert contact.change() == pytest.approx(10.0 - 3.0)


def test_the_change_is_the_magnitude_of_the_difference_vector(robot: FakeRobot, cell: CellConfig) -> None:
    contact = contact_of(robot, cell)
    robot.arm.offset = (3.0, 4.0, 0.0)
    contact.take_baseline()
    assert contact.change() == 0.0
    robot.arm.offset = (-3.0, 4.0, 0.0)
    assert contact.change() == pytest.approx(6.0)
    robot.arm.offset = (5.0, 7.0, -6.0)
    assert contact.change() == pytest.approx(7.0)


def test_without_a_baseline_the_force_itself_is_the_change(robot: FakeRobot, cell: CellConfig) -> None:
    robot.arm.offset = (2.0, -3.0, 6.0)
    assert contact_of(robot, cell).change() == pytest.approx(7.0)


@pytest.mark.parametrize("offset", [(0.0, 0.0, -15.0), (9.0, 12.0, 0.0)])
def test_fifteen_newtons_are_accepted_as_free_air(
    robot: FakeRobot, cell: CellConfig, offset: tuple[float, float, float]
) -> None:
    robot.arm.offset = offset
    contact = contact_of(robot, cell)
    contact.take_baseline()
    assert contact.change() == 0.0


@pytest.mark.parametrize(
    ("offset", "received"),
    [((0.0, 0.0, 15.06), "15.1"), ((10.0, 12.0, 0.0), "15.6"), ((math.nan, 0.0, 0.0), "nan")],
)
def test_more_than_fifteen_newtons_are_refused(
    robot: FakeRobot, cell: CellConfig, offset: tuple[float, float, float], received: str
) -> None:
    robot.arm.offset = offset
    with pytest.raises(RecoveryNeededError, match=f"at most 15 N at the tool in free air, received {received} N"):
        contact_of(robot, cell).take_baseline()


def low(T_base_tool: Transform) -> bool:
    return bool(T_base_tool[2, 3] < 0.1)


def stroke_traveled(robot: FakeRobot, push: Primitive) -> list[float]:
    """List that gets the distance in meters of the tool from the start of a push when it retreats."""
    traveled: list[float] = []
    robot.at_phase["retreat"] = lambda: traveled.append(
        float(np.linalg.norm(robot.arm.tool_pose()[:2, 3] - push.position[:2]))
    )
    return traveled


@pytest.mark.parametrize("offset", [(9.0, 0.0, 0.0), (0.0, -9.0, 9.0), (0.0, 0.0, -14.0)])
def test_an_offset_of_the_sensor_is_no_contact(
    execute: Execute, robot: FakeRobot, offset: tuple[float, float, float]
) -> None:
    robot.arm.offset = offset
    robot.arm.force = lambda T_base_tool: 19.0 if low(T_base_tool) else 0.0
    traveled = stroke_traveled(robot, PUSH)
    assert execute(PUSH).status is OutcomeStatus.PUSHED
    assert "stop" not in robot.arm.commands
    assert traveled == [pytest.approx(0.10)]


def test_a_contact_is_detected_even_if_the_offset_hides_it_in_the_magnitude(execute: Execute, robot: FakeRobot) -> None:
    robot.arm.offset = (0.0, 0.0, -14.0)
    robot.arm.force = lambda T_base_tool: 30.0 if low(T_base_tool) else 0.0  # 16 N are read
    heights = []
    robot.at_phase["close"] = lambda: heights.append(robot.arm.tool_pose()[2, 3])
    execute(GRASP)
    assert heights == [pytest.approx(0.1, abs=0.03)]


def test_a_load_from_the_descent_on_blocks_the_push_where_it_starts(execute: Execute, robot: FakeRobot) -> None:
    robot.arm.force = lambda T_base_tool: 60.0 if low(T_base_tool) else 0.0
    traveled = stroke_traveled(robot, PUSH)
    assert execute(PUSH).status is OutcomeStatus.BLOCKED
    assert traveled == [pytest.approx(0.0, abs=0.03)]
    assert push_end(PUSH) != PUSH.position[:2]


@pytest.mark.parametrize("force", [15.1, 60.0, math.nan])
@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
def test_a_load_in_free_air_refuses_the_goal_and_nothing_moves(
    execute: Execute, robot: FakeRobot, primitive: Primitive, force: float
) -> None:
    robot.arm.force = lambda T_base_tool: force
    with pytest.raises(RecoveryNeededError, match="expected at most 15 N at the tool in free air, received"):
        execute(primitive)
    assert not robot.moved()


@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
def test_a_load_that_appears_in_the_approach_ends_the_goal_before_the_descent(
    execute: Execute, robot: FakeRobot, primitive: Primitive
) -> None:
    robot.at_phase["approach"] = lambda: setattr(robot.arm, "offset", (0.0, 0.0, -16.0))
    with pytest.raises(RecoveryNeededError, match="free air"):
        execute(primitive)
    assert robot.phases[-1] == "approach"
    assert robot.stands_still()


def test_a_load_within_the_limit_of_free_air_does_not_refuse_a_goal(execute: Execute, robot: FakeRobot) -> None:
    robot.arm.force = lambda T_base_tool: 14.9
    assert execute(PUSH).status is OutcomeStatus.PUSHED


def test_a_descent_that_ended_in_its_fast_part_skips_its_slow_part(execute: Execute, robot: FakeRobot) -> None:
    robot.arm.force = lambda T_base_tool: 30.0 if low(T_base_tool) else 0.0
    commands: list[str] = []
    robot.at_phase["close"] = lambda: commands.extend(robot.arm.commands)
    execute(GRASP)
    assert commands == ["joint", "linear", "stop"]
