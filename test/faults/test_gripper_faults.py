"""Faults of the gripper, and lost objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fault_table import Verdict, fault
from graph import until
from rig import GRASP, Rig, code, during, ended
from robot_client import PUSH, Robot
from stopping import Journey

from impurity_grasp.msg import Attempt

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

WIDTH = 0.03
"""Width in meters of the object between the fingers."""


@pytest.fixture(autouse=True)
def healthy_gripper(robot: Robot) -> Iterator[None]:
    """Remove object and fault before each test."""
    yield
    robot.cell.do("object", opening=None)


def start_grasp(robot: Robot, phase: str) -> Any:
    """Start a grasp and wait for one of its phases."""
    reached: list[str] = []
    handle = robot.send(GRASP, on_feedback=during(phase, lambda: reached.append(phase)))
    until(lambda: reached, phase)
    return handle


@fault("the gripper's socket breaks while the fingers close", "nothing: it reconnects by itself; `home`")
def test_socket_drops(robot: Robot, verdict: Verdict) -> None:
    handle = start_grasp(robot, "close")
    robot.cell.do("drop", service="gripper")
    ended(robot, handle, verdict, "DEVICE_FAULT", "gripper")


@fault("the gripper stops answering while the fingers close", "check URCap and cable; it reconnects by itself; `home`")
def test_the_gripper_falls_silent(robot: Robot, verdict: Verdict) -> None:
    handle = start_grasp(robot, "close")
    robot.cell.do("gripper_answers", on=False)
    ended(robot, handle, verdict, "DEVICE_FAULT", "does not answer")
    robot.await_diagnostic("gripper", "not")
    robot.cell.do("gripper_answers", on=True)


@fault("the gripper reports a fault while the fingers close", "check the gripper, `recover`, `home`")
def test_gripper_fault(robot: Robot, verdict: Verdict) -> None:
    handle = start_grasp(robot, "close")
    robot.cell.do("gripper_fault", number=14)
    ended(robot, handle, verdict, "DEVICE_FAULT", "overcurrent")
    answer = robot.recover()
    assert answer.success, answer.message
    assert robot.cell.do("state")["gripper_fault"] == 0, "recovery must reset the gripper"


@fault("a gripper fault that persists", "check fingers, cable and power; `recover` again once the cause is gone")
def test_a_fault_that_stays(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("gripper_fault", number=12, stays=True)
    robot.await_diagnostic("gripper", "internal fault")
    answer = robot.recover()
    assert not answer.success
    verdict.expect("DEVICE_FAULT", "DEVICE_FAULT", answer.message)
    assert "reset" in answer.message
    assert code(robot.execute()) == "DEVICE_FAULT"
    robot.cell.do("gripper_fault", number=0)
    until(lambda: robot.recover().success, "recovery")


@fault("recovery fails because the gripper returns only later", "`recover` again; its fingers do not move before")
def test_a_failed_recovery_leaves_no_permission(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("gripper_power_cycle")
    robot.cell.do("close", service="gripper")
    robot.await_diagnostic("gripper", "not")
    answer = robot.recover()
    assert not answer.success
    verdict.expect("DEVICE_FAULT", "DEVICE_FAULT", answer.message)
    robot.cell.do("open", service="gripper")
    robot.await_diagnostic("gripper", "is not active")
    assert robot.cell.do("state")["gripper_status"] == "RESET", "activated without being asked"
    assert robot.recover().success


@fault("the gripper overheats and cools down", "nothing: the fault ends by itself")
def test_a_minor_fault(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("gripper_fault", number=8, stays=True)
    robot.await_diagnostic("gripper", "temperature")
    result = robot.execute(GRASP)
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.cell.do("gripper_fault", number=0)


@fault("the fingers are jammed", "free the fingers, `home`")
def test_jammed_fingers(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("gripper_jam", opening=0.04)
    journey = Journey(robot, PUSH)
    result = journey.result()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    assert "descend" not in journey.phases
    robot.cell.do("gripper_jam", on=False)


@fault("the RTDE connection breaks while the gripper reports a fault", "check the gripper, `recover`, `home`")
def test_link_and_gripper(robot: Robot, verdict: Verdict) -> None:
    handle = start_grasp(robot, "close")
    robot.cell.do("drop", service="rtde")
    robot.cell.do("gripper_fault", number=13)
    ended(robot, handle, verdict, "DEVICE_FAULT", "expected")
    until(lambda: robot.recover().success, "recovery")


@fault("the gripper's port is closed", "check URCap and cable; the node becomes ready by itself")
def test_port_closed(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("close", service="gripper")
    robot.await_diagnostic("gripper", "not")
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.assert_still()
    robot.cell.do("open", service="gripper")


@fault("the gripper loses power for a moment", "remove what it holds, `recover`: its fingers move")
def test_power_cycle(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("gripper_power_cycle")
    robot.await_diagnostic("gripper", "not active")
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.assert_still()
    assert robot.cell.do("state")["gripper_status"] == "RESET", "activated without being asked"
    answer = robot.recover()
    assert answer.success, answer.message


@fault("the gripper never becomes active", "check its LED; the node becomes ready by itself")
def test_never_active(rig: Rig, verdict: Verdict) -> None:
    rig.start_cell().do("gripper_activates", on=False)
    robot = rig.robot(rig.start_node(**{"gripper.activation_timeout": 1.5}))
    robot.await_diagnostic("gripper", "not active within")
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.assert_still()
    robot.cell.do("gripper_activates", on=True)
    robot.assert_usable()


@pytest.mark.parametrize(
    ("prepare", "phase", "status"),
    [
        pytest.param(
            lambda robot: None, "", "EMPTY",
            marks=fault("nothing is between the closed fingers", "nothing: the job goes on"),
        ),
        pytest.param(
            lambda robot: robot.cell.do("object", opening=WIDTH), "carry", "DROPPED",
            marks=fault("the object is lost on its way to the bin", "nothing: the job goes on"),
        ),
    ],
)  # fmt: skip
def test_the_hand_is_empty(
    robot: Robot, verdict: Verdict, prepare: Callable[[Robot], object], phase: str, status: str
) -> None:
    prepare(robot)
    handle = robot.send(GRASP, on_feedback=during(phase, lambda: robot.cell.do("object", opening=None)))
    attempt = robot.client.result(handle).result.attempt
    found = {getattr(Attempt, name): name for name in ("HELD", "EMPTY", "DROPPED")}[attempt.status]
    verdict.expect(found, status, f"{attempt.opening * 1000:.1f} mm between the fingers")
