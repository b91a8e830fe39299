"""Goals that cannot be executed, must not be executed, or are canceled."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from cell_files import write_cell
from fault_table import Verdict, fault
from graph import until
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rig import GRASP, Rig, code, during, ended
from robot_client import PUSH, Robot

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt
from impurity_grasp.msg import Primitive as PrimitiveMsg
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.nodes.conversions import to_primitive

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

NOTHING = "nothing: nothing has moved"
FROM_THERE = "nothing: the next goal starts from there"


@pytest.mark.parametrize(
    ("primitive", "status"),
    [
        pytest.param(
            Primitive.grasp((2.0, 0.0, 0.01), 0.0), "OUT_OF_WORKSPACE",
            marks=fault("a goal outside the workspace", NOTHING),
        ),
        pytest.param(
            Primitive.grasp((0.5, 0.0, -0.05), 0.0), "OUT_OF_WORKSPACE", marks=fault("a goal below the table", NOTHING)
        ),
        pytest.param(
            Primitive.push((0.3, 0.0, 0.012), math.pi, 0.30), "OUT_OF_WORKSPACE",
            marks=fault("a push that would leave the workspace", NOTHING),
        ),
    ],
)  # fmt: skip
def test_a_place_that_is_refused(robot: Robot, verdict: Verdict, primitive: Primitive, status: str) -> None:
    before = robot.joints()
    attempt = robot.execute(primitive).attempt
    found = {getattr(Attempt, name): name for name in ("OUT_OF_WORKSPACE", "UNREACHABLE", "HELD", "PUSHED")}
    verdict.expect(found[attempt.status], status, attempt.message)
    robot.assert_still(before)


@fault("a goal that the arm cannot reach", NOTHING)
def test_out_of_reach(rig: Rig, tmp_path: Path, verdict: Verdict) -> None:
    post_aside = [0.50, 0.0, 0.75, 0.72, 0.0, 0.80, 1.20, 0.0, 0.41]
    far = {"workspace__x_min": 0.54, "reach__x_max": 1.0, "obstacles__centers": post_aside}
    robot = rig.start(cell_file=str(write_cell(tmp_path, **far)))
    before = robot.joints()
    attempt = robot.execute(Primitive.grasp((0.98, 0.1, 0.02), 0.0)).attempt
    assert attempt.status == Attempt.UNREACHABLE
    verdict.expect("UNREACHABLE", "UNREACHABLE", attempt.message)
    robot.assert_still(before)
    assert robot.home().success


def broken_goals() -> list[object]:
    """Goals with one invalid value."""
    rows = []
    for name, value, what in (
        ("position.x", math.nan, "a position that is not a number"),
        ("position.z", math.inf, "a position that is infinite"),
        ("angle", math.nan, "an angle that is not a number"),
        ("kind", 7, "an unknown kind of primitive"),
        ("opening", -0.5, "a negative finger opening"),
    ):
        rows.append(pytest.param(name, value, marks=fault(f"a goal with {what}", NOTHING), id=f"{name}={value}"))
    return rows


@pytest.mark.parametrize(("name", "value"), broken_goals())
def test_a_broken_goal(robot: Robot, verdict: Verdict, name: str, value: float) -> None:
    message: PrimitiveMsg = to_primitive(GRASP)
    owner, _, last = name.rpartition(".")
    setattr(getattr(message, owner) if owner else message, last, value)
    before = robot.joints()
    handle = robot.client.send(
        robot.client.execute, ExecutePrimitive.Goal(primitive=message, sender=robot.client.sender)
    )
    result = robot.client.result(handle).result
    verdict.expect(code(result), "INVALID_GOAL", result.error_msg)
    robot.assert_still(before)


@fault("a goal while `dry_run` is set", "set `dry_run` to false")
def test_dry_run(rig: Rig, verdict: Verdict) -> None:
    robot = rig.start(dry_run=True)
    before = robot.joints()
    result = robot.execute()
    while code(result) == "DEVICE_FAULT":  # the watchdog of a busy machine
        robot.await_ready()
        result = robot.execute()
    verdict.expect(code(result), "DRY_RUN", result.error_msg)
    assert not robot.home().success
    robot.assert_still(before)
    setter = robot.client.node.create_client(SetParameters, "motion_node/set_parameters")
    until(setter.service_is_ready, setter.srv_name)
    request = SetParameters.Request(parameters=[Parameter("dry_run", value=False).to_parameter_msg()])
    assert robot.client.call(setter, request).results[0].successful
    robot.assert_usable()


@fault("a second goal, `home` or `recover` while the arm moves", "wait, or cancel the first")
def test_a_second_goal(robot: Robot, verdict: Verdict) -> None:
    first = robot.start()
    assert not robot.send().accepted
    for answer in (robot.home(), robot.recover()):
        assert not answer.success
        assert "idle arm" in answer.message
    verdict.expect("BUSY", "BUSY", answer.message)
    assert robot.client.result(first).result.attempt.status == Attempt.PUSHED


@pytest.mark.parametrize(
    ("primitive", "phase"),
    [
        pytest.param(primitive, phase, marks=fault(f"cancel during `{phase}`", FROM_THERE))
        for primitive, phase in (
            (GRASP, "open"), (GRASP, "approach"), (GRASP, "descend"), (GRASP, "close"), (PUSH, "push"),
            (PUSH, "retreat"), (PUSH, "home"),
        )
    ],
)  # fmt: skip
def test_cancel(robot: Robot, verdict: Verdict, primitive: Primitive, phase: str) -> None:
    reached: list[str] = []
    handle = robot.send(primitive, on_feedback=during(phase, lambda: reached.append(phase)))
    until(lambda: reached, phase)
    handle.cancel_goal_async()
    ended(robot, handle, verdict, "CANCELED", "asked to stop")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(99.0, marks=fault("a parameter value that is out of range", "set a value that is in range")),
        pytest.param("fast", marks=fault("a parameter value of the wrong type", "set a value of the right type")),
    ],
)
def test_a_bad_parameter(robot: Robot, verdict: Verdict, value: object) -> None:
    setter = robot.client.node.create_client(SetParameters, "motion_node/set_parameters")
    until(setter.service_is_ready, setter.srv_name)
    request = SetParameters.Request(parameters=[Parameter("cell.motion.joint_speed", value=value).to_parameter_msg()])
    (answer,) = robot.client.call(setter, request).results
    assert not answer.successful
    verdict.expect("INVALID_CONFIG", "INVALID_CONFIG", answer.reason)
