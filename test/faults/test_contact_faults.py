"""Contacts with the tool, and objects that a stopped primitive leaves in the fingers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fault_table import Verdict, fault
from graph import until
from grippers import KINEMATICS
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rig import GRASP, code, during, ended
from robot_client import PUSH, Robot
from stopping import Journey

from impurity_grasp.msg import Attempt

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

WIDTH = 0.03
"""Width in meters of the object between the fingers."""

FREE = "remove what touches the tool or hangs on it, then continue; if there is nothing, correct the payload"


@pytest.fixture(autouse=True)
def nothing_touches(robot: Robot) -> Iterator[None]:
    """Remove force and object before each test."""
    yield
    robot.cell.do("force", newtons=[0.0, 0.0, 0.0])
    robot.cell.do("object", opening=None)


def tool(robot: Robot) -> Any:
    """Position (3,) of the tool in meters."""
    return KINEMATICS.forward(np.array(robot.joints()))[:3, 3]


def feel(robot: Robot, newtons: float) -> None:
    robot.cell.do("force", newtons=[0.0, 0.0, newtons])


@fault("something presses against the tool before a goal", FREE)
def test_a_load_before_a_goal(robot: Robot, verdict: Verdict) -> None:
    assert robot.home().success
    before = robot.joints()
    feel(robot, -30.0)
    result = robot.execute()
    verdict.expect(code(result), "RECOVERY_NEEDED", result.error_msg)
    robot.assert_still(before)


@fault("the tool is caught by something on its way to the object", FREE)
def test_a_load_on_the_way(robot: Robot, verdict: Verdict) -> None:
    phases: list[str] = []

    def caught() -> None:
        feel(robot, 30.0)
        phases.append("approach")

    handle = robot.send(PUSH, on_feedback=during("approach", caught))
    ended(robot, handle, verdict, "RECOVERY_NEEDED", "free air")
    assert phases == ["approach"]
    assert tool(robot)[2] > 0.19


@fault("a load of 60 N during the descent and the push", "nothing: the push ends where it begins")
def test_a_standing_load_blocks_a_push(robot: Robot, verdict: Verdict) -> None:
    places: list[Any] = []
    journey = Journey(robot, PUSH).await_phase("descend")
    feel(robot, 60.0)
    until(lambda: "retreat" in journey.phases, "retreat")
    places.append(tool(robot))
    feel(robot, 0.0)
    attempt = journey.result().attempt
    verdict.expect("BLOCKED" if attempt.status == Attempt.BLOCKED else str(attempt.status), "BLOCKED", "not pushed")
    assert np.linalg.norm(places[0][:2] - PUSH.position[:2]) < 0.008


def stop_while_holding(robot: Robot) -> None:
    """Stop a grasp so that the arm is over the workspace with an object between its fingers."""
    robot.cell.do("object", opening=WIDTH)
    robot.cell.do("speed_slider", fraction=0.3)
    journey = Journey(robot, GRASP).await_phase("lift")
    until(lambda: tool(robot)[2] > 0.08, "height")
    journey.handle.cancel_goal_async()
    assert code(journey.result()) == "CANCELED"
    until(lambda: robot.speed() < 1e-3, "rest")
    robot.cell.do("speed_slider", fraction=1.0)


def height_of_release(robot: Robot) -> float:
    """Wait until the fingers open; returns the height of the tool in meters at that moment."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        state = robot.cell.do("state")
        if state["object_state"] != "STALLED_CLOSING":
            return float(KINEMATICS.forward(np.array(state["joints"]))[2, 3])
        time.sleep(0.005)
    raise AssertionError("the fingers never let go")


@fault("a goal after one that was canceled with an object in the fingers", "nothing: the object is put down first")
def test_what_is_held_is_put_down(robot: Robot, verdict: Verdict) -> None:
    stop_while_holding(robot)
    journey = Journey(robot, GRASP)
    assert height_of_release(robot) < 0.005
    result = journey.result()
    verdict.expect("HELD" if result.attempt.status == Attempt.HELD else code(result), "HELD", "put down, then grasped")
    assert "put_down" in journey.phases


@fault("the same goal with `held_on_cancel: keep`", "`home`: it puts the object down where it is")
def test_what_is_held_is_kept(robot: Robot, verdict: Verdict) -> None:
    choose(robot, "keep")
    stop_while_holding(robot)
    before = robot.joints()
    result = robot.execute(GRASP)
    verdict.expect(code(result), "RECOVERY_NEEDED", result.error_msg)
    robot.assert_still(before)
    assert robot.cell.do("state")["object_state"] == "STALLED_CLOSING"
    assert robot.home().success
    assert robot.cell.do("state")["object_state"] != "STALLED_CLOSING"
    choose(robot, "put_down")


def choose(robot: Robot, value: str) -> None:
    """Set ``held_on_cancel``."""
    setter = robot.client.node.create_client(SetParameters, "motion_node/set_parameters")
    until(setter.service_is_ready, setter.srv_name)
    request = SetParameters.Request(
        parameters=[Parameter("cell.motion.held_on_cancel", value=value).to_parameter_msg()]
    )
    (answer,) = robot.client.call(setter, request).results
    assert answer.successful, answer.reason
