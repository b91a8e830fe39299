"""The unmodified client libraries cannot tell the emulated controller and gripper from real ones."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from emulated_controllers import HOME
from served_cell import ServedCell, free_host, served_cell

rtde_control = pytest.importorskip("rtde_control")
rtde_receive = pytest.importorskip("rtde_receive")
pyrobotiqur = pytest.importorskip("pyrobotiqur")

SHIFTED = (HOME + np.eye(6)[0] * 0.2).tolist()


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
    time.sleep(0.05)
    np.testing.assert_allclose(receive.getActualQ(), SHIFTED, atol=1e-6)
    pose = receive.getActualTCPPose()
    pose[2] += 0.03
    assert control.moveL(pose, 0.25, 2.0)
    time.sleep(0.05)
    np.testing.assert_allclose(receive.getActualTCPPose(), pose, atol=1e-5)
    assert control.moveJ(HOME.tolist(), 1.0, 4.0)


def test_an_asynchronous_motion_can_be_stopped(control: Any, receive: Any) -> None:
    assert control.moveJ(SHIFTED, 0.2, 1.0, True)
    time.sleep(0.3)
    assert control.getAsyncOperationProgress() >= 0
    control.stopJ(4.0)
    time.sleep(0.05)
    assert max(map(abs, receive.getActualQd())) < 1e-9
    assert receive.getActualQ()[0] < SHIFTED[0] - 0.05
    assert control.moveJ(HOME.tolist(), 1.0, 4.0)


def test_kinematics_and_limits_are_the_controllers(control: Any, receive: Any) -> None:
    assert control.moveJ(HOME.tolist(), 1.0, 4.0)
    time.sleep(0.05)
    pose = receive.getActualTCPPose()
    np.testing.assert_allclose(control.getInverseKinematics(pose, HOME.tolist()), HOME, atol=1e-6)
    assert control.isPoseWithinSafetyLimits(pose)
    assert not control.isPoseWithinSafetyLimits([2.0, 0.0, 0.3, 0.0, 3.14, 0.0])


def test_a_protective_stop_is_seen_and_nothing_moves_any_more() -> None:
    with served_cell(free_host()) as cell:
        receive = rtde_receive.RTDEReceiveInterface(cell.host)
        control = rtde_control.RTDEControlInterface(cell.host)
        cell.do("protective_stop")
        time.sleep(0.1)
        assert receive.isProtectiveStopped()
        assert not control.moveJ(SHIFTED, 1.0, 4.0)
        np.testing.assert_allclose(cell.do("state")["joints"], HOME, atol=1e-6)
        control.disconnect()
        receive.disconnect()


def test_a_second_control_client_finds_the_registers_taken(cell: ServedCell, control: Any) -> None:
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


def test_unknown_requests_to_the_fault_port_are_refused_with_what_is_possible(cell: ServedCell) -> None:
    with pytest.raises(AssertionError, match="protective_stop"):
        cell.do("explode")
