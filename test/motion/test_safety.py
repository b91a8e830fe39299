"""Invalid primitives and poses are refused with a typed error before anything moves."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import OutOfWorkspaceError
from impurity_grasp_ros.motion.safety import check_pose, check_primitive
from impurity_grasp_ros.motion.waypoints import push_end
from impurity_grasp_ros.transform import tool_down

CELL = load_cell()
GRID = CELL.workspace.grid
X_MAX, Y_MAX = GRID.x_min + GRID.columns * GRID.resolution, GRID.y_min + GRID.rows * GRID.resolution

angles = st.floats(-10.0, 10.0)
xs, ys = st.floats(GRID.x_min, X_MAX, exclude_max=True), st.floats(GRID.y_min, Y_MAX, exclude_max=True)
heights = st.floats(CELL.reach.z_min, CELL.motion.transit_height)
grasps = st.builds(Primitive.grasp, st.tuples(xs, ys, heights), angles)
pushes = st.builds(Primitive.push, st.tuples(xs, ys, heights), angles)


@given(grasps)
def test_a_grasp_anywhere_over_the_workspace_is_accepted(grasp: Primitive) -> None:
    check_primitive(grasp, CELL)


@given(pushes)
def test_a_push_is_accepted_exactly_if_its_end_lies_on_the_workspace(push: Primitive) -> None:
    if GRID.contains(*push_end(push)):
        check_primitive(push, CELL)
    else:
        with pytest.raises(OutOfWorkspaceError, match="expected a position on the workspace"):
            check_primitive(push, CELL)


@given(grasps, st.floats(0.2, 0.8), st.floats(-0.3, 0.3))
def test_a_move_is_accepted_exactly_if_it_ends_on_the_workspace(grasp: Primitive, x: float, y: float) -> None:
    move = Primitive.move(grasp.position, grasp.angle, (x, y))
    if GRID.contains(x, y):
        check_primitive(move, CELL)
    else:
        with pytest.raises(OutOfWorkspaceError, match="expected a position on the workspace"):
            check_primitive(move, CELL)


@given(st.one_of(grasps, pushes), st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_a_primitive_that_starts_off_the_workspace_is_refused(primitive: Primitive, x: float, y: float) -> None:
    assume(not GRID.contains(x, y))
    with pytest.raises(OutOfWorkspaceError, match="expected a position on the workspace"):
        check_primitive(replace(primitive, position=(x, y, primitive.position[2])), CELL)


@given(grasps, st.one_of(st.floats(-1.0, 0.0), st.floats(CELL.motion.transit_height + 1e-6, 1.0)))
def test_a_primitive_below_the_table_or_above_the_transit_height_is_refused(grasp: Primitive, z: float) -> None:
    with pytest.raises(OutOfWorkspaceError, match="expected a height in"):
        check_primitive(replace(grasp, position=(*grasp.position[:2], z)), CELL)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "change",
    [
        lambda number: {"position": (number, 0.0, 0.01)},
        lambda number: {"position": (0.5, number, 0.01)},
        lambda number: {"position": (0.5, 0.0, number)},
        lambda number: {"angle": number},
        lambda number: {"length": number},
        lambda number: {"opening": number},
        lambda number: {"place": (0.5, number)},
    ],
    ids=["x", "y", "z", "angle", "length", "opening", "place"],
)
@pytest.mark.parametrize("kind", [Primitive.grasp, Primitive.push])
def test_a_number_that_is_not_finite_is_refused(kind: Any, change: Any, number: float) -> None:
    with pytest.raises(OutOfWorkspaceError, match="expected finite numbers"):
        check_primitive(replace(kind((0.5, 0.0, 0.01), 0.0), **change(number)), CELL)


def test_a_tool_position_outside_the_reach_box_is_refused(cell: CellConfig) -> None:
    reach = cell.reach
    check_pose(tool_down((reach.x_min, reach.y_max, reach.z_min), 0.0), cell)
    for x, y, z in [
        (reach.x_max + 0.01, 0.0, 0.1),
        (0.5, reach.y_min - 0.01, 0.1),
        (0.5, 0.0, 0.0),
        (0.5, 0.0, math.nan),
    ]:
        with pytest.raises(OutOfWorkspaceError, match="expected a tool position within"):
            check_pose(tool_down((x, y, z), 0.0), cell)


def test_bin_workspace_and_transit_height_lie_in_the_reach_box(cell: CellConfig) -> None:
    check_pose(tool_down((cell.drop_bin.x, cell.drop_bin.y, cell.motion.release_height), 0.0), cell)
    for row, column in [(0, 0), (0, GRID.columns - 1), (GRID.rows - 1, 0), (GRID.rows - 1, GRID.columns - 1)]:
        check_pose(tool_down((*GRID.to_meters(row, column), cell.motion.transit_height), 0.0), cell)


@pytest.mark.parametrize(("z", "fine"), [(0.0009, False), (0.001, True), (0.20, True), (0.2001, False)])
@pytest.mark.parametrize("kind", [Primitive.grasp, Primitive.push])
def test_a_primitive_is_between_one_millimeter_and_the_transit_height(kind: Any, z: float, fine: bool) -> None:
    if fine:
        check_primitive(kind((0.5, 0.0, z), 0.0), CELL)
    else:
        with pytest.raises(OutOfWorkspaceError, match=rf"a height in \[0\.001, 0\.2\] m, received {z:.4f}"):
            check_primitive(kind((0.5, 0.0, z), 0.0), CELL)


@pytest.mark.parametrize(
    ("x", "y", "fine"),
    [(0.276, -0.224, True), (0.2759, 0.0, False), (0.7239, 0.0, True), (0.7241, 0.0, False), (0.5, 0.2241, False)],
)
def test_a_grasp_is_within_the_workspace(x: float, y: float, fine: bool) -> None:
    if fine:
        check_primitive(Primitive.grasp((x, y, 0.01), 0.0), CELL)
    else:
        with pytest.raises(OutOfWorkspaceError, match=rf"received \({x:.3f}, {y:.3f}\)"):
            check_primitive(Primitive.grasp((x, y, 0.01), 0.0), CELL)


def test_only_a_push_is_checked_at_its_end() -> None:
    start = (0.63, 0.0, 0.01)
    with pytest.raises(OutOfWorkspaceError, match=r"received \(0\.730, 0\.000\)"):
        check_primitive(Primitive.push(start, 0.0), CELL)
    check_primitive(Primitive.push(start, math.pi), CELL)
    check_primitive(replace(Primitive.grasp(start, 0.0), length=0.1), CELL)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ((0.15, 0.0, 0.2), (0.149, 0.0, 0.2)),
        ((0.80, 0.0, 0.2), (0.801, 0.0, 0.2)),
        ((0.5, -0.62, 0.2), (0.5, -0.621, 0.2)),
        ((0.5, 0.30, 0.2), (0.5, 0.301, 0.2)),
        ((0.5, 0.0, 0.001), (0.5, 0.0, 0.0009)),
        ((0.5, 0.0, 0.60), (0.5, 0.0, 0.601)),
    ],
)
def test_the_reach_box_has_six_faces(inside: tuple[float, float, float], outside: tuple[float, float, float]) -> None:
    check_pose(tool_down(inside, 0.0), CELL)
    with pytest.raises(OutOfWorkspaceError, match="expected a tool position within"):
        check_pose(tool_down(outside, 0.0), CELL)
