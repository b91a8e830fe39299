"""Checks of a UR controller and its gripper over the network. They only read; nothing takes control."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from impurity_grasp_ros.doctor.finding import Finding, Level, fault, ok, warning
from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.dashboard import Dashboard
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_state import SAFE, mode_obstacle

DASHBOARD, UPLOAD, RTDE, GRIPPER = 29999, 30003, 30004, 63352
PORTS = {DASHBOARD: "dashboard", UPLOAD: "program upload", RTDE: "RTDE", GRIPPER: "gripper"}
CONNECT_TIMEOUT, READ_TIMEOUT = 2.0, 20.0
SLOW_CONNECTION = 0.01
"""Seconds in which a controller on a network of its own accepts a connection."""

PAYLOAD_TOLERANCE = 0.05
"""kg by which the payload on the pendant may differ from the parameter."""


def check_robot(host: str, config: UrConfig) -> Iterator[Finding]:
    """The controller, the pendant's settings, and the gripper.

    Args:
        host: Address of the controller.
        config: What the driver expects.
    """
    findings = {port: _check_port(host, port, name) for port, name in PORTS.items()}
    yield from findings.values()
    if findings[DASHBOARD].level is not Level.FAULT:
        yield from _check_dashboard(host)
    if findings[RTDE].level is not Level.FAULT:
        yield from _check_state(host, config)


def _check_port(host: str, port: int, name: str) -> Finding:
    check, began = f"robot: {name}", time.monotonic()
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT).close()
    except OSError as error:
        return fault(
            check,
            f"expected a connection to {host}:{port}: {error}",
            "install the gripper's URCap" if port == GRIPPER else "switch the controller on, check cable and addresses",
        )
    took = time.monotonic() - began
    if took > SLOW_CONNECTION:
        return warning(check, f"port {port} answers after {1e3 * took:.0f} ms", "give the robot a network of its own")
    return ok(check, f"port {port} answers after {1e3 * took:.1f} ms")


def _check_dashboard(host: str) -> Iterator[Finding]:
    try:
        with Dashboard(host) as dashboard:
            version, remote = dashboard.ask("PolyscopeVersion"), dashboard.is_in_remote_control()
    except DeviceFaultError as error:
        yield fault("robot: pendant", str(error), "restart the controller")
        return
    yield ok("robot: software", version)
    if remote:
        yield ok("robot: remote control", "remote programs may run")
    else:
        yield fault("robot: remote control", "local control: programs are refused", "switch it on the pendant")


def _check_state(host: str, config: UrConfig) -> Iterator[Finding]:
    """What the controller tells over RTDE."""
    state = _read_state(host)
    if isinstance(state, str):
        yield fault("robot: state", state, "check the controller; source scripts/bootstrap.sh robot")
        return
    robot_mode, safety_mode, speed, payload = state
    obstacle = mode_obstacle(robot_mode, safety_mode)
    if obstacle:
        cure = "remove the cause, then call recover" if safety_mode not in SAFE else "call recover, or start it"
        yield fault("robot: modes", obstacle, cure)
    else:
        yield ok("robot: modes", "the arm may move")
    if speed < 1.0:
        yield warning("robot: speed slider", f"it stands at {speed:.0%}", "raise it once the first runs went well")
    else:
        yield ok("robot: speed slider", "100%")
    if abs(payload - config.payload) > PAYLOAD_TOLERANCE:
        yield warning(
            "robot: payload",
            f"expected {config.payload:g} kg (parameter arm.payload), found {payload:g} kg",
            "set the gripper's payload on the pendant, or correct the parameter",
        )
    else:
        yield ok("robot: payload", f"{payload:g} kg")


def _read_state(host: str) -> tuple[int, int, float, float] | str:
    """Robot mode, safety mode, speed fraction and payload in kg; or why they cannot be read."""
    context = multiprocessing.get_context("spawn")  # native code, which may crash or hang
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_state, args=(host, sender), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(READ_TIMEOUT):
            return f"expected readings within {READ_TIMEOUT:g} s, received none"
        answer: tuple[int, int, float, float] | str = receiver.recv()
    except EOFError:
        return "expected readings, the client library crashed"
    finally:
        process.kill()
        process.join()
    return answer


def _send_state(host: str, pipe: Connection) -> None:
    try:
        from rtde_receive import RTDEReceiveInterface

        receive = RTDEReceiveInterface(host)
        speed = min(receive.getTargetSpeedFraction(), 1.0)
        pipe.send((receive.getRobotMode(), receive.getSafetyMode(), speed, receive.getPayload()))
    except Exception as error:  # of any kind; the parent reports it
        pipe.send(str(error) or type(error).__name__)
