"""A path that is accepted touches nothing; one that is refused would come too close to something."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from engine_oracle import EngineOracle
from grippers import GRIPPER, KINEMATICS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from obstructed_cells import with_box

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.constants import ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Primitive, PrimitiveKind
from impurity_grasp_ros.errors import CollisionError, ConfigError, RecoveryNeededError
from impurity_grasp_ros.motion.collision import HandState
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.waypoints import Rise, Transit, tool_yaws, waypoints
from impurity_grasp_ros.transform import tool_down

CELL = load_cell()
HOME = np.array(CELL.home)
CLEARANCE, STEP = 0.01, 0.02
"""Distance in meters that every planned path must keep at the checked poses."""

tools = st.builds(
    tool_down, st.tuples(st.floats(0.2, 0.75), st.floats(-0.6, 0.3), st.floats(0.0, 0.5)), st.floats(-math.pi, math.pi)
)
turns = st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6).map(np.array)


@pytest.fixture(scope="module")
def oracle() -> Iterator[EngineOracle]:
    oracle = EngineOracle(CELL)
    yield oracle
    oracle.close()


@cache
def shipped() -> PathChecker:
    """Path checker of the shipped cell."""
    return PathChecker(CELL)


def joints_at(x: float, y: float, z: float, yaw: float = 0.0) -> NDArray[np.float64]:
    """Joint angles for a tool position, in the posture of home."""
    joints = KINEMATICS.nearest(tool_down((x, y, z), yaw), HOME)
    assert joints is not None
    return joints


SHELF = with_box(CELL, "shelf", (0.5, 0.29, 0.40), (0.2, 0.1, 0.04))
UNDER_THE_SHELF = joints_at(0.5, 0.2, 0.02)


@settings(max_examples=150)
@given(tools, turns, st.data())
def test_a_free_path_touches_nothing_by_the_physics_engine(
    oracle: EngineOracle, tool: NDArray[np.float64], turn: NDArray[np.float64], data: st.DataObject
) -> None:
    solutions = KINEMATICS.inverse(tool)
    assume(len(solutions))
    start = solutions[data.draw(st.integers(0, len(solutions) - 1))]
    try:
        shipped().check_joint_path(start, start + turn, "anywhere")
    except CollisionError:
        closest = min(oracle.distance(start + part * turn, limit=0.1) for part in np.linspace(0.0, 1.0, 60))
        fingers_box = 0.045  # largest distance of the open fingers from the box around all openings
        assert closest < CLEARANCE + STEP / 2 + fingers_box
        return
    for part in np.linspace(0.0, 1.0, 37):
        for travel in (0.0, GRIPPER.closed_travel):
            assert oracle.distance(start + part * turn, travel=travel) > 0.8 * CLEARANCE


def test_every_grasp_of_the_shipped_cell_is_free_from_home_to_home() -> None:
    grid = CELL.workspace.grid
    low, high = 0.002, 0.446
    for x in np.linspace(grid.x_min + low, grid.x_min + high, 4):
        for y in np.linspace(grid.y_min + low, grid.y_min + high, 4):
            for step in range(ROTATIONS):
                check(Primitive.grasp((x, y, CELL.reach.z_min), step * ROTATION_STEP))


def test_every_push_of_the_shipped_cell_is_free_from_home_to_home() -> None:
    center = CELL.workspace.x_min + 0.224, CELL.workspace.y_min + 0.224
    for x in (-0.22, 0.0, 0.22):
        for y in (-0.22, 0.0, 0.22):
            for step in range(0, ROTATIONS, 2):
                check(Primitive.push((center[0] + x, center[1] + y, 0.012), step * ROTATION_STEP))


def check(primitive: Primitive) -> None:
    """Check the plan with the smaller turn of the tool; pushes that leave the workspace are refused elsewhere."""
    yaws = tool_yaws(primitive)
    x, y, _ = primitive.position
    turns = [np.abs(joints_at(x, y, CELL.motion.transit_height, yaw) - HOME).max() for yaw in yaws]
    plan = waypoints(primitive, yaws[int(np.argmin(turns))], CELL)
    if primitive.kind is PrimitiveKind.PUSH:
        along = primitive.length * np.array([math.cos(primitive.angle), math.sin(primitive.angle)])
        if not CELL.workspace.grid.contains(*(np.array([x, y]) + along)):
            return
    shipped().check_plan(HOME, plan)


@pytest.mark.parametrize(
    ("start", "goal", "touch"),
    [
        (joints_at(0.36, -0.44, 0.3), joints_at(0.36, -0.44, 0.01), "touch the table"),
        (joints_at(0.36, -0.60, 0.05), joints_at(0.36, -0.44, 0.05), "touch the drop bin's wall"),
        (joints_at(0.5, 0.2, 0.5), joints_at(0.5, -0.2, 0.5), "touch the camera"),
        (
            joints_at(0.36, -0.44, 0.3),
            joints_at(0.36, -0.44, 0.3) + np.array([0, 0, 0, 2.5, 0, 0]),
            "touch the fingers",
        ),
    ],
    ids=["table", "bin", "camera", "itself"],
)
def test_a_path_through_something_is_refused_with_its_name(
    start: NDArray[np.float64], goal: NDArray[np.float64], touch: str
) -> None:
    with pytest.raises(CollisionError, match=rf"expected a free path of motion there, the .* would {touch}"):
        shipped().check_joint_path(start, goal, "there")


def test_an_obstacle_in_the_middle_of_a_path_is_noticed() -> None:
    start, goal = joints_at(0.36, -0.44, 0.2), joints_at(0.5, 0.0, 0.2)
    middle = KINEMATICS.forward((start + goal) / 2)[:3, 3]
    checker = PathChecker(with_box(CELL, "pole", (*middle[:2], 0.30), (0.01, 0.01, 0.02)))
    for place in (start, goal):
        checker.check_joint_path(place, place, "nowhere")
    with pytest.raises(CollisionError, match="would touch the pole"):
        checker.check_joint_path(start, goal, "carry")


def test_a_held_object_below_the_fingers_is_checked() -> None:
    cell = with_box(CELL, "curb", (0.36, -0.27, 0.075), (0.4, 0.02, 0.15))
    grasp = Primitive.grasp((0.5, 0.1, 0.02), 0.0)
    with pytest.raises(CollisionError, match="motion carry, the held object would touch the curb"):
        PathChecker(cell).check_plan(HOME, waypoints(grasp, 0.0, cell))
    push = Primitive.push((0.5, 0.1, 0.02), 0.0)
    PathChecker(cell).check_plan(HOME, waypoints(push, math.pi / 2, cell))


def test_a_descent_beside_something_is_refused() -> None:
    cell = with_box(CELL, "ledge", (0.5, -0.26, 0.05), (0.3, 0.03, 0.10))
    PathChecker(cell).check_plan(HOME, waypoints(Primitive.grasp((0.5, 0.1, 0.02), 0.0), 0.0, cell))
    with pytest.raises(CollisionError, match="motion descend, the fingers would touch the ledge"):
        PathChecker(cell).check_plan(
            HOME, waypoints(Primitive.grasp((0.5, -0.2, 0.02), math.pi / 2), math.pi / 2, cell)
        )


@pytest.mark.parametrize("place", [(0.5, 0.0, 0.001), (0.36, -0.44, 0.02), (0.16, -0.1, 0.05), (0.7, 0.2, 0.01)])
def test_from_low_poses_the_path_up_and_home_is_free(place: tuple[float, float, float]) -> None:
    start = joints_at(*place)
    top = KINEMATICS.forward(shipped().check_rise(start))
    np.testing.assert_allclose(top[:3, 3], [*place[:2], CELL.motion.transit_height], atol=1e-6)
    np.testing.assert_allclose(top[:3, :3], KINEMATICS.forward(start)[:3, :3], atol=1e-6)
    shipped().check_home(start)


def test_a_pose_above_the_transit_height_does_not_rise() -> None:
    start = joints_at(0.5, 0.0, 0.3)
    np.testing.assert_array_equal(shipped().check_rise(start), start)


def elbow_down() -> NDArray[np.float64]:
    """Joint angles with the tool low over the table and the elbow below it."""
    return KINEMATICS.inverse(tool_down((0.5, 0.0, 0.02), 0.0))[1]


@pytest.mark.parametrize(
    ("cell", "start", "reason"),
    [
        (SHELF, UNDER_THE_SHELF, "the wrist 2 would touch the shelf"),
        (CELL, elbow_down(), "the upper arm would touch the table"),
        (CELL, np.zeros(6), "would touch the table"),
        (CELL, joints_at(0.44, -0.44, 0.03), "the fingers would touch the drop bin's wall"),
        (CELL, joints_at(0.5, 0.0, -0.07), "the gripper would touch the table"),
        (CELL, joints_at(0.84, 0.0, 0.02), "cannot go straight up from this posture"),
    ],
    ids=["under a shelf", "elbow down", "stretched out", "in the bin's wall", "palm on the table", "out of reach"],
)
def test_a_blocked_path_up_needs_a_person(cell: CellConfig, start: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(RecoveryNeededError, match=rf"expected a free way up, .*{reason}.*by hand"):
        PathChecker(cell).check_home(start)


def test_another_posture_goes_home_only_if_the_path_is_free() -> None:
    branches = KINEMATICS.inverse(tool_down((0.5, 0.0, 0.25), 0.0))
    with pytest.raises(CollisionError, match=r"motion home, the gripper would touch the camera .*by hand"):
        shipped().check_home(branches[5])
    shipped().check_home(branches[0])


def test_a_primitive_needs_a_person_if_the_path_home_is_not_free_either() -> None:
    plan = waypoints(Primitive.grasp((0.5, 0.0, 0.02), 0.0), 0.0, CELL)
    start = KINEMATICS.inverse(tool_down((0.5, 0.0, 0.25), 0.0))[5]
    with pytest.raises(RecoveryNeededError, match="nor is the way home free"):
        shipped().check_plan(start, [replace(plan[1], T_base_tool=tool_down((0.5, 0.0, 0.6), 0.0)), *plan[2:]])


def test_a_cell_whose_home_touches_something_is_refused() -> None:
    wrist = KINEMATICS.forward(HOME)[:3, 3] + [0.0, 0.0, 0.25]
    cell = with_box(CELL, "lamp", tuple(wrist.tolist()), (0.05, 0.05, 0.05))
    with pytest.raises(ConfigError, match=r"home joints at which nothing touches, the .* touches the lamp"):
        PathChecker(cell)


def turn_of_wrist_3(turn: float) -> NDArray[np.float64]:
    """Joint displacement (6,) in radians that turns the tool in place."""
    return np.array([0.0, 0.0, 0.0, 0.0, 0.0, turn])


def test_a_planned_path_keeps_a_centimeter_and_half_a_step_more_while_it_moves() -> None:
    """The fingers are above the table while the arm rests and while the tool turns in place."""
    for turn, clearance in ((0.0, 0.010), (0.5, 0.020)):
        for above, fine in ((0.0006, True), (-0.0006, False)):
            start = joints_at(0.5, 0.0, clearance + above)
            if fine:
                shipped().check_joint_path(start, start + turn_of_wrist_3(turn), "there")
            else:
                with pytest.raises(CollisionError, match="the fingers would touch the table with the tool at"):
                    shipped().check_joint_path(start, start + turn_of_wrist_3(turn), "there")


def test_the_message_contains_the_position_of_the_tool() -> None:
    start = joints_at(0.45, 0.1, 0.005)
    with pytest.raises(CollisionError, match=r"with the tool at \[0\.45  0\.1   0\.005\] m$"):
        shipped().check_joint_path(start, start, "there")


def test_the_first_rise_keeps_two_millimeters_and_three_more_while_it_moves() -> None:
    """The narrow side of the fingers is beside the right wall of the bin, and beside a box at the transit height."""
    for gap, fine in ((0.0056, True), (0.0044, False)):
        start = joints_at(0.48 - 0.011 - gap, -0.44, 0.03, math.pi / 2)
        if fine:
            top = shipped().check_rise(start)
            assert KINEMATICS.forward(top)[2, 3] == pytest.approx(0.20)
        else:
            with pytest.raises(RecoveryNeededError, match="free way up, the fingers would touch the drop bin's wall"):
                shipped().check_rise(start)
    start = joints_at(0.5, 0.0, 0.3)
    for gap, fine in ((0.0025, True), (0.0015, False)):
        beside = PathChecker(with_box(CELL, "box", (0.5, 0.011 + gap + 0.01, 0.31), (0.02, 0.02, 0.02)))
        if fine:
            np.testing.assert_array_equal(beside.check_rise(start), start)
        else:
            with pytest.raises(RecoveryNeededError, match="free way up, the fingers would touch the box"):
                beside.check_rise(start)


def test_a_straight_motion_ends_at_its_pose_in_the_posture_of_its_start() -> None:
    start = joints_at(0.4, -0.1, 0.15, 0.4)
    goal = tool_down((0.6, 0.1, 0.02), 0.4)
    end = shipped().check_straight(start, goal, "anywhere")
    np.testing.assert_allclose(KINEMATICS.forward(end), goal, atol=1e-9)
    assert np.abs(end - start).max() < 1.0


def test_a_straight_motion_may_touch_the_table_and_nothing_else() -> None:
    start = joints_at(0.5, 0.0, 0.05)
    end = shipped().check_straight(start, tool_down((0.5, 0.0, 0.001), 0.0), "descend")
    np.testing.assert_allclose(KINEMATICS.forward(end)[:3, 3], [0.5, 0.0, 0.001], atol=1e-9)
    over_the_wall = joints_at(0.485, -0.44, 0.10)
    with pytest.raises(CollisionError, match="motion descend, the fingers would touch the drop bin's wall"):
        shipped().check_straight(over_the_wall, tool_down((0.485, -0.44, 0.05), 0.0), "descend")


def test_a_straight_motion_out_of_reach_is_refused_with_its_name() -> None:
    with pytest.raises(CollisionError, match="expected motion push to be straight, the arm cannot stretch or fold"):
        shipped().check_straight(joints_at(0.6, -0.3, 0.2), tool_down((1.0, -0.7, 0.2), 0.0), "push")


@pytest.mark.parametrize(("y", "fine"), [(-0.1105, True), (-0.1096, False)])
def test_a_straight_motion_close_to_the_shoulder_axis_is_refused(y: float, fine: bool) -> None:
    """The arm is offset by 0.10915 m from the shoulder axis; the closer the tool passes it, the more the axis turns.

    For the two cases, one step of 4 cm needs up to 0.55 and 0.65 radians.
    """
    start, goal = joints_at(0.3, y, 0.3), tool_down((-0.3, y, 0.3), 0.0)
    assert all(len(KINEMATICS.inverse(tool_down((x, y, 0.3), 0.0))) for x in np.linspace(-0.3, 0.3, 61))
    if fine:
        np.testing.assert_allclose(KINEMATICS.forward(shipped().check_straight(start, goal, "back")), goal, atol=1e-9)
    else:
        with pytest.raises(CollisionError, match="expected motion back to be straight"):
            shipped().check_straight(start, goal, "back")


def test_a_plan_that_leaves_the_reach_is_refused() -> None:
    plan = [Transit("approach", tool_down((1.3, 0.0, 0.2), 0.0))]
    with pytest.raises(
        CollisionError, match=r"expected a way to approach at \[1\.3 0\.  0\.2\] within the joint limits"
    ):
        shipped().check_plan(HOME, plan)


def test_after_the_first_rise_of_a_plan_a_held_object_is_assumed() -> None:
    """The path crosses a curb that only a held object would touch."""
    checker = PathChecker(with_box(CELL, "curb", (0.36, -0.27, 0.075), (0.4, 0.02, 0.15)))
    there, back = (
        Transit("there", tool_down((0.5, 0.1, 0.2), 0.0)),
        Transit("back", tool_down((0.36, -0.44, 0.2), 0.0)),
    )
    checker.check_plan(HOME, [there, back])
    for carrying in ([there, Rise("lift", 0.2, 0.5), back], [Rise("lift", 0.2, 0.5), there]):
        with pytest.raises(CollisionError, match=r"motion (there|back), the held object would touch the curb"):
            checker.check_plan(HOME, carrying)
    with pytest.raises(CollisionError, match="motion there, the held object would touch the curb"):
        checker.check_plan(HOME, [there], HandState.CARRYING)


def test_a_plan_rises_before_it_crosses() -> None:
    low = joints_at(0.36, -0.44, 0.03)
    shipped().check_plan(low, [Transit("across", tool_down((0.5, 0.0, 0.2), 0.0))])
    with pytest.raises(CollisionError, match="motion across, the fingers would touch the drop bin's wall"):
        shipped().check_joint_path(low, joints_at(0.5, 0.0, 0.2), "across")
