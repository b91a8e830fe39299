"""Waypoints of primitives: phases, their order, and the tool poses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.motion.waypoints import (
    Fingers,
    FreeAir,
    Rise,
    Straight,
    Transit,
    Verify,
    Waypoint,
    push_end,
    tool_yaws,
    waypoints,
)
from impurity_grasp_ros.transform import Transform, tool_down

CELL = load_cell()
angles = st.floats(-math.pi, math.pi)
positions = st.tuples(st.floats(0.28, 0.70), st.floats(-0.20, 0.20), st.floats(0.002, 0.10))
grasps = st.builds(Primitive.grasp, positions, angles, opening=st.floats(0.02, 0.085))
pushes = st.builds(Primitive.push, positions, angles)


def poses_by_phase(primitive: Primitive, yaw: float) -> dict[str, Transform]:
    """Tool pose at the end of each phase if no force limit is reached; the last of phases with the same name."""
    T_base_tool: Transform = np.full((4, 4), np.nan)
    poses: dict[str, Transform] = {}
    for waypoint in waypoints(primitive, yaw, CELL):
        if isinstance(waypoint, Transit):
            T_base_tool = waypoint.T_base_tool
        T_base_tool = T_base_tool.copy()
        if isinstance(waypoint, Straight):
            T_base_tool[:3, 3] += waypoint.displacement
        elif isinstance(waypoint, Rise):
            T_base_tool[2, 3] = max(T_base_tool[2, 3], waypoint.height)
        poses[waypoint.phase] = T_base_tool
    return poses


@given(grasps)
def test_a_grasp_opens_approaches_descends_closes_lifts_verifies_carries_verifies_and_releases(
    grasp: Primitive,
) -> None:
    phases = [waypoint.phase for waypoint in waypoints(grasp, grasp.angle, CELL)]
    looks = [
        "open",
        "approach",
        "free_air",
        "descend",
        "descend",
        "close",
        "lift",
        "verify",
        "carry",
        "verify",
        "release",
    ]
    assert phases == looks


@given(pushes)
def test_a_push_closes_approaches_descends_pushes_and_retreats(push: Primitive) -> None:
    phases = [waypoint.phase for waypoint in waypoints(push, tool_yaws(push)[0], CELL)]
    assert phases == ["close", "approach", "free_air", "descend", "descend", "push", "push", "retreat"]


@given(st.one_of(grasps, pushes))
def test_the_tool_descends_straight_onto_the_primitives_position_in_either_yaw(primitive: Primitive) -> None:
    x, y, _ = primitive.position
    for yaw in tool_yaws(primitive):
        poses = poses_by_phase(primitive, yaw)
        np.testing.assert_allclose(poses["approach"], tool_down((x, y, CELL.motion.transit_height), yaw), atol=1e-12)
        np.testing.assert_allclose(poses["descend"], tool_down(primitive.position, yaw), atol=1e-12)


@given(pushes)
def test_a_push_travels_ten_centimeters_at_constant_height_along_its_angle(push: Primitive) -> None:
    poses = poses_by_phase(push, tool_yaws(push)[0])
    stroke = poses["push"][:3, 3] - poses["descend"][:3, 3]
    np.testing.assert_allclose(stroke, [0.10 * math.cos(push.angle), 0.10 * math.sin(push.angle), 0.0], atol=1e-12)
    np.testing.assert_allclose(push_end(push), poses["push"][:2, 3], atol=1e-12)
    assert push.length == PUSH_LENGTH == 0.10


@given(st.one_of(grasps, pushes))
def test_both_yaws_are_half_a_turn_apart(primitive: Primitive) -> None:
    first, second = tool_yaws(primitive)
    assert abs(second - first) == pytest.approx(math.pi)


def test_the_first_yaw_is_the_angle_of_a_grasp_or_a_quarter_turn_left_of_a_push() -> None:
    position = (0.5, 0.0, 0.01)
    assert tool_yaws(Primitive.push(position, 0.3)) == pytest.approx((0.3 + math.pi / 2, 0.3 + 3 * math.pi / 2))
    assert tool_yaws(Primitive.grasp(position, 0.3)) == pytest.approx((0.3, 0.3 + math.pi))


@given(grasps)
def test_a_grasp_closes_along_its_angle(grasp: Primitive) -> None:
    closing = tool_down(grasp.position, tool_yaws(grasp)[0])[:2, 0]
    np.testing.assert_allclose(closing, [math.cos(grasp.angle), math.sin(grasp.angle)], atol=1e-12)


@given(pushes)
def test_the_closing_axis_is_perpendicular_to_a_push(push: Primitive) -> None:
    for yaw in tool_yaws(push):
        closing = tool_down(push.position, yaw)[:2, 0]
        assert closing @ np.subtract(push_end(push), push.position[:2]) == pytest.approx(0.0, abs=1e-12)


@given(grasps)
def test_a_grasp_opens_as_told_closes_fully_and_releases_over_the_bin(grasp: Primitive) -> None:
    plan = waypoints(grasp, grasp.angle, CELL)
    fingers = {waypoint.phase: waypoint.opening for waypoint in plan if isinstance(waypoint, Fingers)}
    assert fingers == {"open": grasp.opening, "close": 0.0, "release": grasp.opening}
    x, y, z = poses_by_phase(grasp, grasp.angle)["carry"][:3, 3]
    assert CELL.drop_bin.contains(x, y)
    assert z > CELL.drop_bin.wall_height


def test_an_object_lost_before_the_carry_is_empty_and_after_it_dropped(cell: CellConfig) -> None:
    plan = waypoints(Primitive.grasp((0.5, 0.0, 0.01), 0.0), 0.0, cell)
    assert [item.lost for item in plan if isinstance(item, Verify)] == [OutcomeStatus.EMPTY, OutcomeStatus.DROPPED]


@given(pushes)
def test_a_push_keeps_its_fingers_closed(push: Primitive) -> None:
    assert [item.opening for item in waypoints(push, 0.0, CELL) if isinstance(item, Fingers)] == [0.0]


@given(st.one_of(grasps, pushes))
def test_only_contact_motions_have_a_force_limit(primitive: Primitive) -> None:
    limited = {item.phase: item.force for item in waypoints(primitive, 0.0, CELL) if isinstance(item, Straight)}
    assert limited.pop("descend") == CELL.motion.descend_force
    assert all(force == CELL.motion.push_force for force in limited.values())


def written(waypoint: Waypoint) -> list[object]:
    """The type and values of a waypoint."""
    values = (value.tolist() if isinstance(value, np.ndarray) else value for value in vars(waypoint).values())
    return [type(waypoint), *values]


def assert_plan(plan: list[Waypoint], expected: list[Waypoint]) -> None:
    assert [type(item) for item in plan] == [type(item) for item in expected]
    for found, item in zip(plan, expected, strict=True):
        for value, wanted in zip(written(found)[2:], written(item)[2:], strict=True):
            if isinstance(wanted, float | tuple | list):
                np.testing.assert_allclose(value, wanted, atol=1e-12)  # type: ignore[arg-type]
            else:
                assert value is wanted
        assert found.phase == item.phase


def test_all_values_of_a_grasp() -> None:
    grasp = Primitive.grasp((0.5, 0.05, 0.03), 0.4, opening=0.06)
    expected = [
        Fingers("open", 0.06, must_reach=True, on_the_way=True),
        Transit("approach", tool_down((0.5, 0.05, 0.20), 0.4)),
        FreeAir("free_air"),
        Straight("descend", (0.0, 0.0, -0.15), 0.25, 20.0),
        Straight("descend", (0.0, 0.0, -0.02), 0.045, 20.0),
        Fingers("close", 0.0, must_reach=False),
        Rise("lift", 0.20, 0.50),
        Verify("verify", OutcomeStatus.EMPTY),
        Transit("carry", tool_down((0.36, -0.44, 0.20), 0.4)),
        Verify("verify", OutcomeStatus.DROPPED),
        Fingers("release", 0.06, must_reach=True),
    ]
    assert_plan(waypoints(grasp, 0.4, CELL), expected)


def test_all_values_of_a_push() -> None:
    push = Primitive.push((0.5, 0.05, 0.01), math.pi / 6)
    c, s = math.sqrt(3) / 2, 0.5
    expected = [
        Fingers("close", 0.0, must_reach=True, on_the_way=True),
        Transit("approach", tool_down((0.5, 0.05, 0.20), 2.0)),
        FreeAir("free_air"),
        Straight("descend", (0.0, 0.0, -0.17), 0.25, 20.0),
        Straight("descend", (0.0, 0.0, -0.02), 0.045, 20.0),
        Straight("push", (0.01 * c, 0.01 * s, 0.0), 0.045, 40.0),
        Straight("push", (0.09 * c, 0.09 * s, 0.0), 0.11, 40.0),
        Rise("retreat", 0.20, 0.50),
    ]
    assert_plan(waypoints(push, 2.0, CELL), expected)


def test_all_values_of_a_move() -> None:
    """The object hangs 30 mm below the tool at most, as it was grasped 30 mm above the table."""
    move = Primitive.move((0.5, 0.05, 0.03), 0.4, (0.42, -0.1), opening=0.06)
    expected = [
        Fingers("open", 0.06, must_reach=True, on_the_way=True),
        Transit("approach", tool_down((0.5, 0.05, 0.20), 0.4)),
        FreeAir("free_air"),
        Straight("descend", (0.0, 0.0, -0.15), 0.25, 20.0),
        Straight("descend", (0.0, 0.0, -0.02), 0.045, 20.0),
        Fingers("close", 0.0, must_reach=False),
        Rise("lift", 0.20, 0.50),
        Verify("verify", OutcomeStatus.EMPTY),
        Transit("carry", tool_down((0.42, -0.1, 0.20), 0.4)),
        Verify("verify", OutcomeStatus.DROPPED),
        FreeAir("free_air"),
        Straight("lower", (0.0, 0.0, -0.15), 0.25, 20.0),
        Straight("lower", (0.0, 0.0, -0.049), 0.045, 20.0),
        Fingers("release", 0.06, must_reach=True),
        Rise("retreat", 0.20, 0.50),
    ]
    assert_plan(waypoints(move, 0.4, CELL), expected)
    assert tool_yaws(move) == pytest.approx((0.4, 0.4 + math.pi))


def test_a_short_descent_and_a_short_stroke_have_the_contact_speed_throughout() -> None:
    push = Primitive.push((0.5, 0.05, 0.19), 0.0, length=0.005)
    ways = [item for item in waypoints(push, 0.0, CELL) if isinstance(item, Straight)]
    assert [(item.phase, item.speed) for item in ways] == [
        ("descend", 0.25),
        ("descend", 0.045),
        ("push", 0.045),
        ("push", 0.11),
    ]
    lengths = [[0.0, 0.0, 0.0], [0.0, 0.0, -0.01], [0.005, 0.0, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose([item.displacement for item in ways], lengths, atol=1e-12)
    assert not any(ways[0].displacement)
    assert not any(ways[3].displacement)


def test_by_default_a_straight_motion_has_no_force_limit_and_fingers_may_stop_early() -> None:
    assert Straight("push", (0.1, 0.0, 0.0), 0.1).force == math.inf
    assert Fingers("close", 0.0).must_reach is False
