"""Unmodified client libraries work with the emulated controller and gripper."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from emulated_controllers import HOME
from served_cell import ServedCell, free_host, served_cell

from ur_emulator.errors import FaultRequestError

rtde_control = pytest.importorskip("rtde_control")
rtde_receive = pytest.importorskip("rtde_receive")
pyrobotiqur = pytest.importorskip("pyrobotiqur")

SHIFTED = (HOME + np.eye(6)[0] * 0.2).tolist()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module", params=["cb3", "e-series"])
def cell(request: pytest.FixtureRequest) -> Iterator[ServedCell]:
    with served_cell(free_host(), request.param) as served:
        yield served


@pytest.fixture(scope="module")
def receive(cell: ServedCell) -> Iterator[Any]:
    interface = rtde_receive.RTDEReceiveInterface(cell.host)
    yield interface
    interface.disconnect()


@pytest.fixture(scope="module")
def control(cell: ServedCell) -> Iterator[Any]:
    interface = rtde_control.RTDEControlInterface(cell.host)
    yield interface
    interface.disconnect()


def test_joint_and_linear_motions_arrive(control: Any, receive: Any) -> None:
    assert control.moveJ(SHIFTED, 1.0, 4.0)
    until(lambda: np.allclose(receive.getActualQ(), SHIFTED, atol=1e-6))
    pose = receive.getActualTCPPose()
    pose[2] += 0.03
    assert control.moveL(pose, 0.25, 2.0)
    until(lambda: np.allclose(receive.getActualTCPPose(), pose, atol=1e-5))
    assert control.moveJ(HOME.tolist(), 1.0, 4.0)


def test_an_asynchronous_motion_can_be_stopped(control: Any, receive: Any) -> None:
    assert control.moveJ(SHIFTED, 0.2, 1.0, True)
    until(lambda: receive.getActualQ()[0] > HOME[0] + 0.01)
    assert control.getAsyncOperationProgress() >= 0
    control.stopJ(4.0)
    until(lambda: max(map(abs, receive.getActualQd())) < 1e-9)
    assert receive.getActualQ()[0] < SHIFTED[0] - 0.05
    assert control.moveJ(HOME.tolist(), 1.0, 4.0)


def test_kinematics_and_limits_are_the_controllers(control: Any, receive: Any) -> None:
    assert control.moveJ(HOME.tolist(), 1.0, 4.0)
    until(lambda: np.allclose(receive.getActualQ(), HOME, atol=1e-6))
    pose = receive.getActualTCPPose()
    np.testing.assert_allclose(control.getInverseKinematics(pose, HOME.tolist()), HOME, atol=1e-6)
    assert control.isPoseWithinSafetyLimits(pose)
    assert not control.isPoseWithinSafetyLimits([2.0, 0.0, 0.3, 0.0, 3.14, 0.0])


def test_clients_see_a_protective_stop_and_cannot_move_the_arm() -> None:
    with served_cell(free_host()) as cell:
        receive = rtde_receive.RTDEReceiveInterface(cell.host)
        control = rtde_control.RTDEControlInterface(cell.host)
        cell.do("protective_stop")
        until(receive.isProtectiveStopped)
        assert not control.moveJ(SHIFTED, 1.0, 4.0)
        np.testing.assert_allclose(cell.do("state")["joints"], HOME, atol=1e-6)
        control.disconnect()
        receive.disconnect()


def test_clients_see_a_safeguard_stop_and_the_motion_resumes_by_itself() -> None:
    with served_cell(free_host()) as cell:
        receive = rtde_receive.RTDEReceiveInterface(cell.host)
        control = rtde_control.RTDEControlInterface(cell.host)
        assert control.moveJ(SHIFTED, 0.4, 2.0, True)
        until(lambda: receive.getActualQ()[0] > HOME[0] + 0.02)
        cell.do("safeguard_stop", seconds=0.3)
        until(lambda: receive.getSafetyMode() == 5)
        assert receive.getSafetyStatusBits() == 1 << 4 | 1 << 10
        assert cell.do("state")["runtime_state"] == "PAUSED"
        until(lambda: receive.getSafetyMode() == 1)
        stopped_at = receive.getActualQ()[0]
        assert stopped_at < SHIFTED[0] - 0.02
        until(lambda: abs(receive.getActualQ()[0] - SHIFTED[0]) < 1e-6)
        control.disconnect()
        receive.disconnect()


@pytest.mark.parametrize("seconds_per_byte", [0.0, 0.05])
def test_the_dashboard_can_send_byte_by_byte(cell: ServedCell, seconds_per_byte: float) -> None:
    cell.do("dashboard_drip", seconds_per_byte=seconds_per_byte)
    start = time.monotonic()
    with socket.create_connection((cell.host, 29999), timeout=10.0) as client:
        lines = client.makefile("rb")
        assert lines.readline() == b"Connected: Universal Robots Dashboard Server\n"
    assert time.monotonic() - start >= 44 * seconds_per_byte
    cell.do("dashboard_drip", seconds_per_byte=0)


def test_rtde_packets_can_be_delayed_in_both_directions(cell: ServedCell) -> None:
    cell.do("delay", seconds=0.1)
    start = time.monotonic()
    with socket.create_connection((cell.host, 30004), timeout=10.0) as client:
        for question, answer in ((b"\0\x05V\0\2", b"\0\4V\1"), (b"\0\x05V\0\1", b"\0\4V\0")):
            client.sendall(question)
            assert client.recv(16) == answer
    assert time.monotonic() - start >= 4 * 0.1
    cell.do("delay", seconds=0.0)


def test_a_second_control_client_is_refused_its_registers(cell: ServedCell, control: Any) -> None:
    with pytest.raises(RuntimeError):
        rtde_control.RTDEControlInterface(cell.host)


def test_the_gripper_activates_grips_and_lets_go(cell: ServedCell) -> None:
    with pyrobotiqur.RobotiqGripper(cell.host) as gripper:
        gripper.activate()
        assert gripper.close(speed=255)[1] == 3
        assert gripper.open(speed=255) == (3, 3)
        cell.do("object", opening=0.04)
        assert gripper.close(speed=255) == (123, 2)
        cell.do("object", opening=None)


def test_an_unknown_request_to_the_fault_port_is_answered_with_the_known_ones(cell: ServedCell) -> None:
    with pytest.raises(FaultRequestError, match="protective_stop"):
        cell.do("explode")
