"""Faults of the arm, during a motion and before the first one."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time

import pytest
from fault_table import Verdict, fault
from graph import until
from rig import GRASP, Rig, code, during, ended
from robot_client import PUSH, Robot

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import ErrorCode

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

UNLOCK_DELAY = 5.2
"""Seconds for which a controller refuses to unlock a protective stop, with a margin."""


def refused(robot: Robot, words: str) -> None:
    """Check that another goal is refused."""
    result = robot.execute()
    assert code(result) == "DEVICE_FAULT"
    assert words in result.error_msg
    robot.assert_still()


def recovered(robot: Robot) -> None:
    """Check that recovery makes the arm ready and moves nothing."""
    answer = robot.recover()
    assert answer.success, answer.message
    robot.assert_still()


@fault("the RTDE connection breaks during a motion", "nothing: it reconnects by itself; `home`")
def test_rtde_drops(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("drop", service="rtde")
    ended(robot, handle, verdict, "DEVICE_FAULT", "connection")


@fault("the controller hangs for three seconds during a motion", "nothing: it reconnects by itself; `home`")
def test_the_controller_falls_silent(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("freeze", seconds=3.0)
    ended(robot, handle, verdict, "DEVICE_FAULT", "expected")


@fault("the client library crashes during a motion", "nothing: it is started again; `home`")
def test_the_native_client_crashes(robot: Robot, verdict: Verdict) -> None:
    node = robot.graph.processes["motion_node"]
    handle = robot.start()
    found = subprocess.run(["pgrep", "-P", str(node.pid), "-f", "spawn_main"], capture_output=True, text=True)
    assert found.stdout.split()
    for number in found.stdout.split():
        os.kill(int(number), signal.SIGKILL)
    ended(robot, handle, verdict, "DEVICE_FAULT", "was lost")


@fault("protective stop", "find the cause, wait 5 s, `recover`, `home`")
def test_protective_stop(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("protective_stop")
    ended(robot, handle, verdict, "DEVICE_FAULT", "PROTECTIVE_STOP")
    robot.await_diagnostic("arm", "PROTECTIVE_STOP")
    refused(robot, "PROTECTIVE_STOP")
    assert not robot.recover().success, "too early for the controller"
    time.sleep(UNLOCK_DELAY)
    recovered(robot)


@fault("the controller itself stops after a collision", "clear the way, wait 5 s, `recover`, `home`")
def test_collision(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("force", newtons=[0.0, 0.0, 400.0])
    until(lambda: robot.cell.do("state")["safety_mode"] == "PROTECTIVE_STOP", "the controller to notice")
    robot.cell.do("force", newtons=[0.0, 0.0, 0.0])
    ended(robot, handle, verdict, "DEVICE_FAULT", "PROTECTIVE_STOP")
    time.sleep(UNLOCK_DELAY)
    recovered(robot)


@fault("emergency stop", "release the button, `recover`, `home`")
def test_emergency_stop(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("emergency_stop")
    ended(robot, handle, verdict, "DEVICE_FAULT", "EMERGENCY_STOP")
    assert not robot.recover().success, "the button is still pressed"
    robot.cell.do("release_emergency_stop")
    recovered(robot)


@fault("the power fails during a motion", "`recover`, `home`")
def test_power_off(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("power_off")
    ended(robot, handle, verdict, "DEVICE_FAULT", "POWER_OFF")
    recovered(robot)


@fault("the program is stopped on the pendant", "`recover`, `home`")
def test_program_stopped(robot: Robot, verdict: Verdict) -> None:
    handle = robot.start()
    robot.cell.do("stop_program")
    ended(robot, handle, verdict, "DEVICE_FAULT", "program")
    refused(robot, "program")
    recovered(robot)


@fault("the speed slider stands at 0", "raise the slider, `home`")
def test_slider_at_zero(rig: Rig, verdict: Verdict) -> None:
    robot = rig.start(**{"cell.motion.deadline_factor": 1.0, "cell.motion.deadline_margin": 0.1})
    handle = robot.start()
    robot.cell.do("speed_slider", fraction=0.0)
    ended(robot, handle, verdict, "MOTION_TIMEOUT", "slider at 0%")
    robot.cell.do("speed_slider", fraction=1.0)
    robot.await_ready()
    assert robot.home().success


@pytest.mark.parametrize(
    ("primitive", "phase", "status"),
    [
        pytest.param(
            GRASP, "descend", "EMPTY",
            marks=fault("the gripper meets something during the descent", "nothing: it closes the fingers there"),
        ),
        pytest.param(
            PUSH, "push", "BLOCKED", marks=fault("a push meets too much resistance", "nothing: the push ends there")
        ),
    ],
)  # fmt: skip
def test_unexpected_contact(robot: Robot, verdict: Verdict, primitive: Primitive, phase: str, status: str) -> None:
    touched = []
    handle = robot.send(primitive, on_feedback=during(phase, lambda: touched.append(phase)))
    until(lambda: touched, phase)
    robot.cell.do("force", newtons=[0.0, 0.0, 60.0])
    time.sleep(0.5)
    robot.cell.do("force", newtons=[0.0, 0.0, 0.0])
    result = robot.client.result(handle).result
    assert result.attempt.status == getattr(Attempt, status), result
    verdict.expect(status, status, f"ended {phase} at the force limit")


def take_registers(host: str) -> socket.socket:
    """Connect another RTDE client that occupies the registers that ur_rtde needs."""
    client = socket.create_connection((host, 30004), timeout=5.0)
    names = ",".join(f"input_int_register_{number}" for number in range(4)).encode()
    for kind, payload in ((ord("V"), b"\x00\x02"), (ord("I"), names)):
        client.sendall(struct.pack(">HB", 3 + len(payload), kind) + payload)
        assert client.recv(4096)
    return client


@fault("another RTDE client holds the input registers", "end that client: the node takes control by itself")
def test_registers_are_taken(rig: Rig, verdict: Verdict) -> None:
    rig.start_cell()
    other = take_registers(rig.host)
    robot = rig.robot(rig.start_node())
    robot.await_diagnostic("arm", "already in use")
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    assert "already in use" in result.error_msg
    robot.assert_still()
    other.close()
    robot.assert_usable()


@fault("an e-Series robot is in local control", "switch to remote control on the pendant")
def test_local_control(rig: Rig, verdict: Verdict) -> None:
    rig.start_cell("e-series").do("remote_control", on=False)
    robot = rig.robot(rig.start_node())
    robot.await_diagnostic("gripper", "ready")
    result = robot.execute()
    assert code(result) == "DEVICE_FAULT"
    robot.assert_still()
    answer = robot.recover()
    assert not answer.success
    verdict.expect("DEVICE_FAULT", "DEVICE_FAULT", answer.message)
    assert "remote control" in answer.message
    robot.cell.do("remote_control", on=True)
    robot.assert_usable()


@fault(
    "the robot is off or its address is wrong when the node starts", "switch it on: the node becomes ready by itself"
)
def test_the_robot_boots_after_the_node(rig: Rig, verdict: Verdict) -> None:
    graph = rig.start_node()
    result = graph.client.result(graph.client.send(graph.client.execute, ExecutePrimitive.Goal())).result
    assert result.error_code != ErrorCode.NONE
    rig.start_cell()
    robot = rig.robot(graph)
    robot.cell.do("close", service="rtde")
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.cell.do("open", service="rtde")
    robot.assert_usable()


@fault("the RTDE port closes while the arm rests, and opens again later", "nothing: the node becomes ready by itself")
def test_the_port_closes_while_idle(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("close", service="rtde")
    robot.await_diagnostic("arm", "connection")
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.cell.do("open", service="rtde")


@fault("the dashboard server does not answer when recovery is requested", "check the controller, `recover` again")
def test_no_dashboard(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("close", service="dashboard")
    robot.cell.do("stop_program")
    robot.await_diagnostic("arm", "program")
    answer = robot.recover()
    assert not answer.success
    verdict.expect("DEVICE_FAULT", "DEVICE_FAULT", answer.message)
    robot.cell.do("open", service="dashboard")
    recovered(robot)
