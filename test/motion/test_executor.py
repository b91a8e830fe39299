"""Outcomes of primitives, determined by the fingers and the contact force."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from fake_devices import Execute, FakeArm, FakeClock, FakeGripper, FakeRobot
from grippers import KINEMATICS

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.constants import ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import OutOfWorkspaceError, UnreachableError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.motion.waypoints import push_end, tool_yaws
from impurity_grasp_ros.transform import Transform, tool_down

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.50, 0.05, 0.02), 0.4)
LOW = tool_down((0.45, -0.1, 0.05), 0.0)

MOVE = Primitive.move((0.50, 0.05, 0.02), 0.4, (0.42, -0.1), opening=0.06)

GRASP_PHASES = ["rise", "open", "approach", "descend", "close", "lift", "carry", "release", "rise", "home"]
PUSH_PHASES = ["rise", "close", "approach", "descend", "push", "retreat", "rise", "home"]


def assert_is_home(arm: FakeArm, cell: CellConfig) -> None:
    """The joints are exactly those of home, without additional turns."""
    np.testing.assert_allclose(arm.joint_positions(), cell.home, atol=1e-9)


def assert_is_home_turned(arm: FakeArm, cell: CellConfig) -> None:
    """All joints but the last, which turns the tool, are exactly those of home; it can turn in both directions."""
    joints = arm.joint_positions()
    np.testing.assert_allclose(joints[:5], cell.home[:5], atol=1e-9)
    assert abs(joints[5]) <= math.pi


def test_a_grasp_of_an_object_is_held_and_reports_its_width(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    robot.place_object(0.03)
    outcome = execute(GRASP)
    assert outcome.status is OutcomeStatus.HELD
    assert outcome.opening == pytest.approx(0.03)
    assert robot.gripper.commands == [GRASP.opening, 0.0, GRASP.opening]
    assert_is_home_turned(robot.arm, cell)


def test_a_grasp_of_nothing_is_empty_and_is_not_carried(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    outcome = execute(GRASP)
    assert outcome.status is OutcomeStatus.EMPTY
    assert outcome.opening == pytest.approx(0.0)
    assert "carry" not in robot.phases
    assert_is_home(robot.arm, cell)


@pytest.mark.parametrize(
    ("phase", "status"), [("lift", OutcomeStatus.EMPTY), ("carry", OutcomeStatus.DROPPED)], ids=["lift", "carry"]
)
def test_a_lost_object_is_noticed_after_the_phase(
    execute: Execute, robot: FakeRobot, cell: CellConfig, phase: str, status: OutcomeStatus
) -> None:
    robot.place_object(0.03)
    robot.lose_object_at(phase)
    assert execute(GRASP).status is status
    assert_is_home(robot.arm, cell)


def test_an_object_thinner_than_the_threshold_counts_as_nothing(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    robot.place_object(0.9 * cell.motion.held_opening)
    assert execute(GRASP).status is OutcomeStatus.EMPTY


@pytest.mark.parametrize(
    ("width", "status"),
    [(0.0039, OutcomeStatus.EMPTY), (0.0041, OutcomeStatus.HELD), (0.0079, OutcomeStatus.HELD)],
)
def test_an_object_of_more_than_four_millimeters_is_held(
    execute: Execute, robot: FakeRobot, width: float, status: OutcomeStatus
) -> None:
    robot.place_object(width)
    outcome = execute(GRASP)
    assert outcome.status is status
    assert outcome.opening == pytest.approx(width)


def test_a_push_travels_its_stroke_with_closed_fingers(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    ends = []
    robot.at_phase["retreat"] = lambda: ends.append(robot.arm.tool_pose()[:3, 3])
    assert execute(PUSH).status is OutcomeStatus.PUSHED
    np.testing.assert_allclose(ends, [[*push_end(PUSH), PUSH.position[2]]], atol=1e-6)
    assert robot.gripper.commands == [0.0]
    assert_is_home(robot.arm, cell)


def test_a_push_is_blocked_where_the_force_exceeds_its_limit(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    wall = PUSH.position[0] + 0.05
    robot.arm.force = lambda T_base_tool: 100.0 if T_base_tool[0, 3] > wall and T_base_tool[2, 3] < 0.1 else 0.0
    ends = []
    robot.at_phase["retreat"] = lambda: ends.append(robot.arm.tool_pose()[0, 3])
    assert execute(PUSH).status is OutcomeStatus.BLOCKED
    assert ends == [pytest.approx(wall, abs=0.02)]
    assert_is_home(robot.arm, cell)


def test_a_force_in_the_descent_ends_it_and_the_grasp_continues_from_there(execute: Execute, robot: FakeRobot) -> None:
    robot.arm.force = lambda T_base_tool: 100.0 if T_base_tool[2, 3] < 0.05 else 0.0
    robot.place_object(0.03)
    heights = []
    robot.at_phase["lift"] = lambda: heights.append(robot.arm.tool_pose()[2, 3])
    assert execute(GRASP).status is OutcomeStatus.HELD
    assert heights == [pytest.approx(0.05, abs=0.02)]
    assert robot.phases == GRASP_PHASES


def test_forces_below_the_limits_stop_nothing(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    strongest = 0.9 * min(cell.motion.descend_force, cell.motion.push_force)
    robot.arm.force = lambda T_base_tool: strongest if T_base_tool[2, 3] < 0.1 else 0.0
    assert execute(PUSH).status is OutcomeStatus.PUSHED
    assert "stop" not in robot.arm.commands


@pytest.mark.parametrize(
    "primitive",
    [
        Primitive.grasp((0.50, 0.50, 0.02), 0.0),
        Primitive.grasp((0.50, 0.0, -0.01), 0.0),
        Primitive.grasp((0.50, 0.0, math.nan), 0.0),
        Primitive.push((0.70, 0.0, 0.02), 0.0),
    ],
    ids=["off the workspace", "below the table", "nan", "push that leaves"],
)
def test_a_primitive_outside_the_workspace_is_an_outcome_and_nothing_moves(
    execute: Execute, robot: FakeRobot, primitive: Primitive
) -> None:
    outcome = execute(primitive)
    assert outcome.status is OutcomeStatus.OUT_OF_WORKSPACE
    assert "expected" in outcome.message
    assert not robot.moved()
    assert robot.phases == []


@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
@pytest.mark.parametrize(
    "unreachable",
    [
        lambda T_base_tool: T_base_tool[2, 3] > 0.1,
        lambda T_base_tool: T_base_tool[2, 3] < 0.1,
    ],
    ids=["in transit", "at the table"],
)
def test_a_primitive_without_inverse_kinematics_is_an_outcome_and_nothing_moves(
    execute: Execute, robot: FakeRobot, primitive: Primitive, unreachable: Callable[[Transform], bool]
) -> None:
    robot.arm.reaches = lambda T_base_tool: not unreachable(T_base_tool)
    outcome = execute(primitive)
    assert outcome.status is OutcomeStatus.UNREACHABLE
    assert "expected a reachable tool position" in outcome.message
    assert not robot.moved()


def test_a_push_is_refused_if_only_its_end_is_unreachable(execute: Execute, robot: FakeRobot) -> None:
    end_x = push_end(PUSH)[0]
    robot.arm.reaches = lambda T_base_tool: T_base_tool[0, 3] < end_x - 0.001
    assert execute(PUSH).status is OutcomeStatus.UNREACHABLE
    assert not robot.moved()


@pytest.mark.parametrize(("primitive", "phases"), [(GRASP, GRASP_PHASES), (PUSH, PUSH_PHASES)], ids=["grasp", "push"])
def test_every_phase_is_reported_in_order(
    execute: Execute, robot: FakeRobot, primitive: Primitive, phases: list[str]
) -> None:
    if primitive is GRASP:
        robot.place_object(0.03)
    execute(primitive)
    assert robot.phases == phases


@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
def test_from_a_low_pose_the_arm_first_rises_straight_to_the_transit_height(
    execute: Execute, robot: FakeRobot, cell: CellConfig, primitive: Primitive
) -> None:
    robot.move_to(LOW)
    execute(primitive)
    assert robot.arm.commands[:2] == ["linear", "joint"]
    np.testing.assert_allclose(
        KINEMATICS.forward(robot.arm.targets[0]), tool_down((0.45, -0.1, cell.motion.transit_height), 0.0), atol=1e-9
    )


def test_from_a_high_pose_the_arm_does_not_rise(execute: Execute, robot: FakeRobot) -> None:
    execute(PUSH)
    assert robot.arm.commands[0] == "joint"


def test_home_is_reached_from_a_low_pose_by_rising_first(robot: FakeRobot, cell: CellConfig) -> None:
    robot.move_to(LOW)
    PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell).go_home()
    assert robot.arm.commands == ["linear", "joint"]
    assert_is_home(robot.arm, cell)


def largest_turn(primitive: Primitive, yaw: float, cell: CellConfig) -> float:
    """Largest distance in radians of any joint from home during the primitive."""
    x, y, z = primitive.position
    places = [(x, y, cell.motion.transit_height), (x, y, z)]
    if primitive.kind is PrimitiveKind.PUSH:
        places.append((*push_end(primitive), z))
    else:
        places.append((cell.drop_bin.x, cell.drop_bin.y, cell.motion.release_height))
    joints = [KINEMATICS.nearest(tool_down(place, yaw), np.array(cell.home)) for place in places]
    return max(float(np.abs(solution - cell.home).max()) for solution in joints if solution is not None)


@pytest.mark.parametrize("kind", [Primitive.grasp, Primitive.push], ids=["grasp", "push"])
@pytest.mark.parametrize("step", range(ROTATIONS))
def test_the_tool_takes_the_yaw_with_the_smaller_joint_turn(
    execute: Execute, robot: FakeRobot, cell: CellConfig, kind: Callable[..., Primitive], step: int
) -> None:
    primitive = kind((0.50, 0.0, 0.02), step * ROTATION_STEP)
    execute(primitive)
    closing = KINEMATICS.forward(robot.arm.targets[0])[:2, 0]
    better = min(tool_yaws(primitive), key=lambda yaw: largest_turn(primitive, yaw, cell))
    np.testing.assert_allclose(closing, [math.cos(better), math.sin(better)], atol=1e-9)


@pytest.mark.parametrize("kind", [PrimitiveKind.GRASP, PrimitiveKind.PUSH])
def test_primitives_all_over_the_workspace_end_at_home(cell: CellConfig, kind: PrimitiveKind) -> None:
    grid, make = cell.workspace.grid, Primitive.grasp if kind is PrimitiveKind.GRASP else Primitive.push
    clock = FakeClock()
    robot = FakeRobot(clock, FakeArm(clock, np.array(cell.home)), FakeGripper(clock))
    robot.place_object(0.03)
    executor = PrimitiveExecutor(robot.arm, robot.gripper, clock, cell)
    cells = np.linspace(0, grid.rows - 1, 4)
    for row, column, step in itertools.product(cells, cells, range(ROTATIONS)):
        primitive = make((*grid.to_meters(row, column), 0.01), step * ROTATION_STEP)
        on_grid = kind is PrimitiveKind.GRASP or grid.contains(*push_end(primitive))
        success = OutcomeStatus.HELD if kind is PrimitiveKind.GRASP else OutcomeStatus.PUSHED
        robot.gripper.width = 0.0
        outcome = executor.execute(primitive, Supervision(robot.canceled, robot.on_phase))
        assert outcome.status is (success if on_grid else OutcomeStatus.OUT_OF_WORKSPACE), primitive
        (assert_is_home_turned if kind is PrimitiveKind.GRASP else assert_is_home)(robot.arm, cell)


def test_an_outcome_contains_the_duration_of_the_primitive(execute: Execute, robot: FakeRobot) -> None:
    before = robot.clock.now()
    assert execute(PUSH).duration == pytest.approx(robot.clock.now() - before)


def test_an_executor_executes_one_primitive_after_another(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    assert [execute(item).status for item in (GRASP, PUSH, GRASP)] == [
        OutcomeStatus.EMPTY,
        OutcomeStatus.PUSHED,
        OutcomeStatus.EMPTY,
    ]
    assert_is_home(robot.arm, cell)


def test_a_check_plans_and_moves_nothing(robot: FakeRobot, cell: CellConfig) -> None:
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    executor.check(GRASP)
    with pytest.raises(OutOfWorkspaceError):
        executor.check(Primitive.grasp((0.50, 0.50, 0.02), 0.0))
    robot.arm.reaches = lambda T_base_tool: False
    with pytest.raises(UnreachableError):
        executor.check(PUSH)
    assert not robot.moved()


def test_a_refused_primitive_takes_no_time_and_reports_the_opening_of_the_fingers(
    execute: Execute, robot: FakeRobot
) -> None:
    robot.gripper.start_motion(0.05)
    robot.clock.sleep(1.0)
    outside = execute(Primitive.grasp((0.50, 0.50, 0.02), 0.0))
    robot.arm.reaches = lambda T_base_tool: False
    for outcome in (outside, execute(PUSH)):
        assert outcome.opening == pytest.approx(0.05)
        assert outcome.duration == 0.0


def test_the_status_of_a_push_does_not_depend_on_the_fingers(execute: Execute, robot: FakeRobot) -> None:
    robot.gripper.start_motion(0.05)
    robot.clock.sleep(1.0)
    outcome = execute(PUSH)
    assert outcome.status is OutcomeStatus.PUSHED
    assert outcome.opening == pytest.approx(0.05)  # measured before the fingers closed
    assert outcome.message == ""


def test_a_drop_is_reported_with_the_remaining_opening(execute: Execute, robot: FakeRobot) -> None:
    robot.place_object(0.03)
    robot.lose_object_at("carry")
    outcome = execute(GRASP)
    assert outcome.status is OutcomeStatus.DROPPED
    assert outcome.opening == pytest.approx(0.0)
    assert "release" not in robot.phases


def test_speeds_are_those_of_the_cell(execute: Execute, robot: FakeRobot) -> None:
    robot.move_to(LOW)
    execute(PUSH)
    speeds = [speed for command, speed in zip(robot.arm.commands, robot.arm.speeds, strict=True) if command == "linear"]
    assert speeds[:6] == [0.50, 0.25, 0.045, 0.045, 0.11, 0.50]
    accelerations = dict(zip(robot.arm.commands, robot.arm.accelerations, strict=True))
    assert accelerations == {"linear": 3.0, "joint": 8.0}


@pytest.mark.parametrize("step", range(ROTATIONS))
def test_the_tool_keeps_its_angle_from_the_grasp_until_the_next_primitive(
    execute: Execute, robot: FakeRobot, cell: CellConfig, step: int
) -> None:
    robot.place_object(0.03)
    poses = []
    robot.at_phase["lift"] = robot.at_phase["release"] = lambda: poses.append(robot.arm.tool_pose())
    execute(Primitive.grasp((0.50, 0.0, 0.02), step * ROTATION_STEP))
    grasped, released = poses
    np.testing.assert_allclose(released[:3, :3], grasped[:3, :3], atol=1e-6)
    np.testing.assert_allclose(released[:3, 3], [0.36, -0.44, 0.20], atol=1e-6)
    np.testing.assert_allclose(robot.arm.tool_pose()[:3, :3], grasped[:3, :3], atol=1e-4)


def test_a_move_puts_the_object_down_where_it_meets_something(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    """A force of 25 N from 12 mm above the table on; more than 20 N end the motion."""
    robot.place_object(0.03)
    released: list[Transform] = []
    robot.at_phase["lower"] = lambda: setattr(robot.arm, "force", lambda T: 25.0 * (T[2, 3] < 0.012))
    robot.at_phase["release"] = lambda: released.append(robot.arm.tool_pose())
    outcome = execute(MOVE)
    assert outcome.status is OutcomeStatus.MOVED
    assert outcome.opening == pytest.approx(0.03)
    assert robot.phases == [
        "rise", "open", "approach", "descend", "close", "lift", "carry", "lower", "release", "retreat", "rise", "home",
    ]  # fmt: skip
    np.testing.assert_allclose(released[0][:2, 3], MOVE.place, atol=1e-3)  # the fake moves in joint space
    assert 0.005 < released[0][2, 3] < 0.012
    assert robot.gripper.commands == [0.06, 0.0, 0.06]
    assert_is_home(robot.arm, cell)


@pytest.mark.parametrize(
    ("phase", "status"), [("lift", OutcomeStatus.EMPTY), ("carry", OutcomeStatus.DROPPED)], ids=["lift", "carry"]
)
def test_an_object_that_is_lost_is_not_put_down(
    execute: Execute, robot: FakeRobot, phase: str, status: OutcomeStatus
) -> None:
    robot.place_object(0.03)
    robot.lose_object_at(phase)
    assert execute(MOVE).status is status
    assert "lower" not in robot.phases
