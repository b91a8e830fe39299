"""Inconsistent cells, and arms without a free path."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cell_files import write_cell
from fault_table import Verdict, fault
from graph import Graph, until
from grippers import GRIPPER, KINEMATICS
from numpy.typing import NDArray
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from rig import Rig, code, during
from robot_client import PUSH, Robot
from served_cell import ServedCell

from impurity_grasp.msg import Attempt
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.cell_parts import ObstaclesConfig
from impurity_grasp_ros.cli.touch_test import move_over, poses_over
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import CollisionError, RecoveryNeededError
from impurity_grasp_ros.hardware.ur_arm import UrArm
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.transform import tool_down

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

CELL = load_cell()
PRIMARY_PORT = 30002
REFUSED = "nothing: the old value remains; set a consistent one, together with others if they depend on each other"
BY_HAND = "move the arm by hand (freedrive) to where nothing is above it, then `recover`"
CLEAR_AWAY = "remove the obstacle, or correct `obstacles` in config/cell.yaml"

Thing = tuple[str, tuple[float, ...], tuple[float, ...]]  # name, center and size of a box
SHELF: Thing = ("shelf", (0.5, 0.29, 0.40), (0.2, 0.1, 0.04))
"""A shelf beside the workspace: a low gripper at the border is below it."""
POLE: Thing = ("pole", (0.46, -0.30, 0.30), (0.02, 0.02, 0.20))
"""A pole between the drop bin and the far half of the workspace, in the path of the gripper."""
LEDGE: Thing = ("ledge", (0.5, -0.26, 0.05), (0.3, 0.03, 0.10))


def joints_at(x: float, y: float, z: float) -> NDArray[np.float64]:
    joints = KINEMATICS.nearest(tool_down((x, y, z), 0.0), np.array(CELL.home))
    assert joints is not None
    return joints


def with_boxes(*boxes: Thing) -> ObstaclesConfig:
    """The shipped obstacles and additional ones."""
    names, centers, sizes = CELL.obstacles.names, CELL.obstacles.centers, CELL.obstacles.sizes
    for name, center, size in boxes:
        names, centers, sizes = (*names, name), (*centers, *center), (*sizes, *size)
    return ObstaclesConfig(names, centers, sizes)


def set_parameters(robot: Robot, **values: object) -> tuple[bool, str]:
    """Set parameters of ``motion_node`` together; returns whether they were accepted, and the reason."""
    setter = robot.client.node.create_client(SetParametersAtomically, "motion_node/set_parameters_atomically")
    until(setter.service_is_ready, setter.srv_name)
    parameters = [
        Parameter(f"cell.{name.replace('__', '.')}", value=value).to_parameter_msg() for name, value in values.items()
    ]
    answer = robot.client.call(setter, SetParametersAtomically.Request(parameters=parameters)).result
    robot.client.node.destroy_client(setter)
    return answer.successful, answer.reason


def set_obstacles(robot: Robot, *boxes: Thing) -> None:
    obstacles = with_boxes(*boxes)
    values = {f"obstacles__{name}": list(getattr(obstacles, name)) for name in ("names", "centers", "sizes")}
    assert set_parameters(robot, **values) == (True, "")


def lead(cell: ServedCell, joints: NDArray[np.float64]) -> None:
    """Move the arm without ``motion_node``, as a person would by hand."""
    script = f"def lead():\n  movej({joints.tolist()}, a=20, v=3)\nend\n"
    with socket.create_connection((cell.host, PRIMARY_PORT), timeout=10.0) as primary:
        primary.sendall(script.encode())
        until(lambda: np.allclose(cell.do("state")["joints"], joints, atol=1e-3), "the arm led there")


def started_at(rig: Rig, joints: NDArray[np.float64], *boxes: Thing) -> Robot:
    """A robot whose arm was moved before the node started, with additional obstacles."""
    obstacles = with_boxes(*boxes)
    values = {f"cell.obstacles.{name}": list(getattr(obstacles, name)) for name in ("names", "centers", "sizes")}
    lead(rig.start_cell(), joints)
    robot = rig.robot(rig.start_node(**values))
    robot.await_ready()
    return robot


@pytest.fixture(scope="module")
def placed_robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    with Rig(tmp_path_factory.mktemp("rig")) as rig:
        yield rig.start()


@pytest.fixture
def cleared(placed_robot: Robot) -> Iterator[Robot]:
    """A robot at home; afterward it must work with the shipped obstacles alone."""
    until(lambda: placed_robot.recover().success, "recovery")
    yield placed_robot
    set_obstacles(placed_robot)
    until(lambda: placed_robot.recover().success and placed_robot.home().success, "home")
    placed_robot.assert_usable()


def refused_cells() -> list[object]:
    rows = []
    for what, changes, words in (
        ("`home` leads below the table", {"home": [-1.07826, -1.09, 1.75, -2.23, -1.5708, -2.64906]}, "-0.020) m"),
        ("`home` leads over the workspace, into the camera's view",
         {"home": joints_at(0.5, 0.0, 0.3).tolist()}, "beside the workspace"),
        ("the drop bin stands in the workspace", {"drop_bin__y": -0.2}, "outside of the workspace"),
        ("the drop bin is out of reach", {"drop_bin__x": 0.79}, "drop_bin within reach"),
        ("the limits of reach are swapped", {"reach__x_min": 0.8, "reach__x_max": 0.15}, "reach.x_min below"),
        ("the workspace is out of reach", {"workspace__x_min": 0.5}, "workspace within reach"),
    ):  # fmt: skip
        rows.append(pytest.param(changes, words, marks=fault(f"{what} (file)", "correct the cell file"), id=what))
    return rows


@pytest.mark.parametrize(("changes", "words"), refused_cells())
def test_an_inconsistent_cell(tmp_path: Path, verdict: Verdict, changes: dict[str, object], words: str) -> None:
    """Tested with ``motion_node``; heightmap, simulation and launch file read the same file."""
    graph = Graph(tmp_path, ("motion_node",), {"motion_node": {"cell_file": str(write_cell(tmp_path, **changes))}})
    try:
        assert graph.processes["motion_node"].wait(60.0) == 1
        said = " ".join(graph.output("motion_node").split())
    finally:
        graph.close()
    assert words in said
    assert "Traceback" not in said
    verdict.expect(said.partition(": ")[0], "INVALID_CONFIG", said.partition(": ")[2].replace(str(tmp_path), "…"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(changes, words, marks=fault(f"{what} (parameter)", REFUSED), id=what)
        for what, changes, words in (
            ("the release height is too low for a held object", {"motion__release_height": 0.09}, "0.11 m"),
            ("the transit height is below what the camera checks", {"motion__transit_height": 0.19}, "at least"),
            ("an obstacle stands in the workspace",
             {"obstacles__centers": [0.5, 0.0, 0.1, 0.72, 0.0, 0.8, 0.96, 0.0, 0.41]}, "obstacle camera beside"),
        )
    ],
)  # fmt: skip
def test_settings_that_are_not_consistent_with_the_cell(
    placed_robot: Robot, verdict: Verdict, changes: dict[str, object], words: str
) -> None:
    successful, reason = set_parameters(placed_robot, **changes)
    assert not successful
    assert words in reason
    verdict.expect("INVALID_CONFIG", "INVALID_CONFIG", reason)


@pytest.mark.parametrize(
    ("boxes", "start", "expected", "words"),
    [
        pytest.param(
            [SHELF], joints_at(0.5, 0.2, 0.02), "RECOVERY_NEEDED", "free way up", id="shelf",
            marks=fault("`home` with a shelf above the arm", BY_HAND),
        ),
        pytest.param(
            [], KINEMATICS.inverse(tool_down((0.5, 0.0, 0.02), 0.0))[1], "RECOVERY_NEEDED", "the table", id="elbow",
            marks=fault("`home` with the elbow below the arm, on the table", BY_HAND),
        ),
        pytest.param(
            [], KINEMATICS.inverse(tool_down((0.5, 0.0, 0.25), 0.0))[5], "COLLISION", "touch the camera", id="camera",
            marks=fault("`home` from a posture from which the path home leads through the camera", BY_HAND),
        ),
    ],
)  # fmt: skip
def test_home_without_a_free_path(
    rig: Rig, verdict: Verdict, boxes: list[Thing], start: NDArray[np.float64], expected: str, words: str
) -> None:
    robot = started_at(rig, start, *boxes)
    before = robot.joints()
    answer = robot.home()
    assert not answer.success
    assert words in answer.message
    verdict.expect(expected, expected, answer.message)
    robot.assert_still(before)


@fault("a goal with a shelf above the arm", BY_HAND)
def test_a_goal_from_under_a_shelf(rig: Rig, verdict: Verdict) -> None:
    robot = started_at(rig, joints_at(0.5, 0.2, 0.02), SHELF)
    before = robot.joints()
    result = robot.execute()
    verdict.expect(code(result), "RECOVERY_NEEDED", result.error_msg)
    robot.assert_still(before)


@pytest.mark.parametrize(
    ("box", "primitive"),
    [
        pytest.param(
            POLE, Primitive.push((0.50, 0.05, 0.012), 0.0),
            marks=fault("a goal with an obstacle in its path", CLEAR_AWAY),
        ),
        pytest.param(
            LEDGE, Primitive.grasp((0.5, -0.20, 0.02), np.pi / 2),
            marks=fault("a goal so close to an obstacle that the fingers would touch it in the descent", CLEAR_AWAY),
        ),
    ],
    ids=["pole", "ledge"],
)  # fmt: skip
def test_a_goal_with_an_obstacle_in_its_path(
    cleared: Robot, verdict: Verdict, box: Thing, primitive: Primitive
) -> None:
    set_obstacles(cleared, box)
    before = cleared.joints()
    attempt = (result := cleared.execute(primitive)).attempt
    assert attempt.status == Attempt.COLLISION, result
    assert f"would touch the {box[0]}" in attempt.message
    verdict.expect("COLLISION", "COLLISION", attempt.message)
    cleared.assert_still(before)


@fault("a goal is canceled, and an obstacle is added before `home`", CLEAR_AWAY)
def test_an_obstacle_after_a_cancel(cleared: Robot, verdict: Verdict) -> None:
    phases: list[str] = []
    handle = cleared.send(PUSH, on_feedback=during("push", lambda: phases.append("push")))
    until(lambda: phases, "push")
    handle.cancel_goal_async()
    assert code(cleared.client.result(handle).result) == "CANCELED"
    until(lambda: cleared.speed() < 0.01, "rest")
    x, y, _ = PUSH.position
    set_obstacles(cleared, ("pole", (x + 0.03, y - 0.15, 0.25), (0.03, 0.03, 0.5)))
    before = cleared.joints()
    answer = cleared.home()
    assert not answer.success
    assert "would touch the pole" in answer.message
    verdict.expect("COLLISION", "COLLISION", answer.message)
    cleared.assert_still(before)


@pytest.mark.parametrize(
    ("box", "start", "expected"),
    [
        pytest.param(
            SHELF, joints_at(0.5, 0.2, 0.02), RecoveryNeededError, id="shelf",
            marks=fault("`touch-test` with a shelf above the arm", "move the arm by hand, then call it again"),
        ),
        pytest.param(
            POLE, np.array(CELL.home), CollisionError, id="pole",
            marks=fault("`touch-test` with an obstacle in the path to the point", CLEAR_AWAY),
        ),
    ],
)  # fmt: skip
def test_touch_test_moves_nothing_if_the_path_is_not_free(
    rig: Rig,
    verdict: Verdict,
    box: Thing,
    start: NDArray[np.float64],
    expected: type[RecoveryNeededError | CollisionError],
) -> None:
    served = rig.start_cell()
    lead(served, start)
    cell = replace(CELL, obstacles=with_boxes(box))
    with closing(UrArm(served.host, packaged_parameters("motion_node", UrConfig, "arm"), GRIPPER.tool_length)) as arm:
        arm.wait_until_ready(15.0)
        with pytest.raises(expected, match=f"would touch the {box[0]}") as refused:
            move_over(arm, *poses_over(np.array([0.5, 0.05, 0.0]), 0.05, cell), 0.3, cell)
        verdict.expect(refused.value.code.name, expected.code.name, str(refused.value))
        np.testing.assert_allclose(served.do("state")["joints"], start, atol=1e-3)
