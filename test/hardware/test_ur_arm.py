"""The driver of the arm against an emulated controller: it moves as asked, every fault ends in rest and a reason."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import numpy as np
import pytest
from emulated_controllers import HOME
from graph import until
from grippers import GRIPPER
from served_cell import ServedCell, free_host, served_cell

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.ur_arm import UrArm
from impurity_grasp_ros.hardware.ur_config import UrConfig

pytest.importorskip("rtde_control")

CONFIG = UrConfig(
    payload=0.95,
    payload_center=(0.0, 0.0, 0.06),
    stop_deceleration=12.0,
    watchdog_frequency=5.0,
    stale_after=0.3,
    command_timeout=2.0,
    connect_timeout=10.0,
    retry_first=0.2,
    retry_longest=1.0,
)
READY_LIMIT = 15.0
AWAY = HOME + np.array([0.6, 0.0, 0.0, 0.0, 0.0, 0.0])


@pytest.fixture(params=["cb3", "e-series"])
def cell(request: pytest.FixtureRequest) -> Iterator[ServedCell]:
    with served_cell(free_host(), request.param) as served:
        yield served


@pytest.fixture
def arm(cell: ServedCell) -> Iterator[UrArm]:
    driver = UrArm(cell.host, CONFIG, GRIPPER.tool_length)
    driver.wait_until_ready(READY_LIMIT)
    yield driver
    driver.close()


def finish(arm: UrArm, limit: float = 10.0) -> None:
    """Wait for the end of a motion, or for the fault that ends it."""
    deadline = time.monotonic() + limit
    while arm.is_moving():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def start_slow_motion(arm: UrArm) -> None:
    arm.start_joint_motion(AWAY, 0.3, 2.0)
    time.sleep(0.3)
    assert arm.is_moving()


def assert_stays(cell: ServedCell, seconds: float = 1.0) -> None:
    """Whatever was under way has ended, and nothing starts by itself."""
    time.sleep(1.0)
    before = cell.do("state")["joints"]
    time.sleep(seconds)
    np.testing.assert_allclose(cell.do("state")["joints"], before, atol=1e-6)


def test_motions_end_where_they_were_sent(arm: UrArm) -> None:
    arm.start_joint_motion(AWAY, 2.0, 8.0)
    finish(arm)
    np.testing.assert_allclose(arm.joint_positions(), AWAY, atol=1e-6)
    goal = arm.tool_pose()
    goal[2, 3] -= 0.05
    arm.start_linear_motion(goal, 0.25, 3.0)
    finish(arm)
    np.testing.assert_allclose(arm.tool_pose(), goal, atol=1e-5)
    np.testing.assert_allclose(arm.inverse_kinematics(goal), arm.joint_positions(), atol=1e-5)
    far = goal.copy()
    far[0, 3] = 2.0
    assert arm.inverse_kinematics(far) is None


def test_stop_brings_the_arm_to_rest_at_once(arm: UrArm) -> None:
    arm.start_joint_motion(AWAY, 2.0, 8.0)
    time.sleep(0.2)
    start = time.monotonic()
    arm.stop()
    while max(map(abs, arm.state().speeds)) > 1e-6:
        assert time.monotonic() - start < 2.0
    assert np.abs(arm.joint_positions() - AWAY).max() > 0.1
    assert not arm.is_moving()
    arm.start_joint_motion(HOME, 2.0, 8.0)
    finish(arm)


def test_a_protective_stop_is_a_fault_until_recovery_is_asked_for(cell: ServedCell, arm: UrArm) -> None:
    start_slow_motion(arm)
    cell.do("protective_stop")
    with pytest.raises(DeviceFaultError, match="PROTECTIVE_STOP"):
        finish(arm)
    with pytest.raises(DeviceFaultError, match="5s"):
        arm.recover()
    time.sleep(5.2)
    with pytest.raises(DeviceFaultError, match="PROTECTIVE_STOP"):
        arm.start_joint_motion(HOME, 1.0, 2.0)
    arm.recover()
    assert_stays(cell)
    arm.start_joint_motion(HOME, 1.0, 2.0)
    finish(arm)


def test_an_emergency_stop_needs_the_button_and_recovery(cell: ServedCell, arm: UrArm) -> None:
    start_slow_motion(arm)
    cell.do("emergency_stop")
    with pytest.raises(DeviceFaultError, match="EMERGENCY"):
        finish(arm)
    with pytest.raises(DeviceFaultError, match="EMERGENCY"):
        arm.recover()
    cell.do("release_emergency_stop")
    assert_stays(cell)
    assert "POWER_OFF" in arm.problem()
    arm.recover()
    arm.start_joint_motion(HOME, 1.0, 2.0)
    finish(arm)


def test_a_program_stopped_on_the_pendant_is_not_started_again_by_itself(cell: ServedCell, arm: UrArm) -> None:
    start_slow_motion(arm)
    cell.do("stop_program")
    with pytest.raises(DeviceFaultError, match="program"):
        finish(arm)
    deadline = time.monotonic() + READY_LIMIT
    while "recovery" not in arm.problem():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_stays(cell)
    assert cell.do("state")["runtime_state"] == "STOPPED"
    arm.recover()
    assert_stays(cell)
    arm.start_joint_motion(HOME, 1.0, 2.0)
    finish(arm)


def children() -> list[int]:
    """Process numbers of the drivers' children."""
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "spawn_main"], capture_output=True, text=True)
    return [int(number) for number in found.stdout.split()]


def kill_child(_cell: ServedCell) -> None:
    for number in children():
        os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize(
    "break_link",
    [
        lambda cell: cell.do("drop", service="rtde"),
        lambda cell: cell.do("freeze", seconds=3.0),
        kill_child,
    ],
    ids=["dropped", "frozen", "killed"],
)
def test_after_a_lost_link_nothing_is_resent_and_the_next_motion_works(
    cell: ServedCell, arm: UrArm, break_link: Callable[[ServedCell], object]
) -> None:
    start_slow_motion(arm)
    break_link(cell)
    with pytest.raises(DeviceFaultError, match="expected"):
        finish(arm)
    arm.stop()
    arm.wait_until_ready(READY_LIMIT)
    assert_stays(cell)
    assert np.abs(arm.joint_positions() - AWAY).max() > 0.2
    arm.start_joint_motion(HOME, 1.0, 2.0)
    finish(arm)


def between(function: Callable[..., Any], action: Callable[[], object]) -> Callable[..., Any]:
    """The function, which the first time is held up until ``action`` is done in another thread."""
    due = [action]

    def held_up(*arguments: Any) -> Any:
        while due:
            thread = threading.Thread(target=due.pop())
            thread.start()
            thread.join()
        return function(*arguments)

    return held_up


def test_a_hold_while_a_message_is_being_read_ends_the_child_and_recovery_works(
    arm: UrArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    monkeypatch.setattr(Connection, "_recv", between(Connection._recv, lambda: arm._link.hold("asked to")))
    until(lambda: "asked to" in arm.problem(), "the hold")
    until(lambda: not set(before) & set(children()), "the end of the child")
    arm._link.release()
    arm.wait_until_ready(READY_LIMIT)


def test_a_hold_while_a_child_is_being_started_reaches_it(
    cell: ServedCell, arm: UrArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SpawnProcess, "start", between(SpawnProcess.start, lambda: arm._link.hold("asked to")))
    kill_child(cell)
    until(lambda: "asked to" in arm.problem(), "the hold")
    with pytest.raises(DeviceFaultError, match="asked to"):
        arm.wait_until_ready(3.0)


def test_a_close_while_a_child_is_being_started_ends_it(
    cell: ServedCell, arm: UrArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing = threading.Thread(target=arm.close)

    def close() -> None:
        closing.start()
        until(lambda: arm._link._closing.is_set(), "closing")

    monkeypatch.setattr(SpawnProcess, "start", between(SpawnProcess.start, close))
    kill_child(cell)
    until(lambda: closing.ident is not None, "the next child")
    closing.join()
    assert not arm._link._thread.is_alive()
    assert not children()


def test_an_absent_robot_is_named_and_found_when_it_appears() -> None:
    host = free_host()
    arm = UrArm(host, replace(CONFIG, connect_timeout=3.0), GRIPPER.tool_length)
    try:
        with pytest.raises(DeviceFaultError, match="expected the arm to be ready"):
            arm.wait_until_ready(1.0)
        with pytest.raises(DeviceFaultError):
            arm.joint_positions()
        with served_cell(host):
            arm.wait_until_ready(READY_LIMIT)
    finally:
        arm.close()


def test_local_control_is_named_and_remote_control_makes_the_arm_ready() -> None:
    with served_cell(free_host(), "e-series") as cell:
        cell.do("remote_control", on=False)
        arm = UrArm(cell.host, CONFIG, GRIPPER.tool_length)
        try:
            until(lambda: "remote control" in arm.problem(), "the first attempt to take control", READY_LIMIT)
            until(
                lambda: re.match(r"(?!.*expected).*not running: .*remote control", arm.problem()), "the next one", 20.0
            )
            with pytest.raises(DeviceFaultError, match="remote control"):
                arm.wait_until_ready(1.0)
            cell.do("remote_control", on=True)
            arm.wait_until_ready(READY_LIMIT)
        finally:
            arm.close()


def test_a_second_driver_finds_the_registers_taken_and_does_not_disturb_the_first(cell: ServedCell, arm: UrArm) -> None:
    second = UrArm(cell.host, CONFIG, GRIPPER.tool_length)
    try:
        until(lambda: "in use" in second.problem(), "a second driver that is refused", 20.0)
    finally:
        second.close()
    arm.start_joint_motion(AWAY, 2.0, 8.0)
    finish(arm)


def test_a_speed_slider_at_zero_holds_the_arm_and_is_told(cell: ServedCell, arm: UrArm) -> None:
    cell.do("speed_slider", fraction=0.0)
    arm.start_joint_motion(AWAY, 1.0, 2.0)
    time.sleep(1.0)
    assert arm.is_moving()
    assert arm.speed_fraction() == 0.0
    np.testing.assert_allclose(arm.joint_positions(), HOME, atol=1e-9)
    arm.stop()
    cell.do("speed_slider", fraction=1.0)
    assert_stays(cell)


@pytest.mark.parametrize("target", [HOME * np.nan, HOME * np.inf])
def test_numbers_that_are_none_never_reach_the_controller(cell: ServedCell, arm: UrArm, target: np.ndarray) -> None:
    with pytest.raises(DeviceFaultError, match="finite"):
        arm.start_joint_motion(target, 1.0, 2.0)
    assert_stays(cell, 0.2)


def test_closing_stops_a_motion_and_leaves_no_process(cell: ServedCell) -> None:
    arm = UrArm(cell.host, CONFIG, GRIPPER.tool_length)
    arm.wait_until_ready(READY_LIMIT)
    start_slow_motion(arm)
    arm.close()
    assert_stays(cell)
    assert cell.do("state")["runtime_state"] == "STOPPED"
    assert not children()


def test_a_load_that_stands_at_the_tool_is_felt_before_and_after_a_linear_motion_starts(
    cell: ServedCell, arm: UrArm
) -> None:
    """Nothing is zeroed; a controller of version 3 has no function for that."""
    upward = np.array([0.0, 0.0, 60.0])
    cell.do("force", newtons=upward.tolist())
    deadline = time.monotonic() + 5.0
    while np.linalg.norm(arm.tool_force() - upward) > 1e-6:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    goal = arm.tool_pose()
    goal[2, 3] -= 0.02
    arm.start_linear_motion(goal, 0.05, 1.0)
    finish(arm)
    np.testing.assert_allclose(arm.tool_force(), upward, atol=1e-6)


def test_forces_are_told_in_the_robots_base_frame(cell: ServedCell, arm: UrArm) -> None:
    """It is the controller's turned half around z."""
    cell.do("force", newtons=[5.0, -3.0, 2.0])
    deadline = time.monotonic() + 5.0
    while not arm.tool_force().any():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    np.testing.assert_allclose(arm.tool_force(), [-5.0, 3.0, 2.0], atol=1e-6)


def test_what_is_held_adds_to_the_payload_until_it_is_released(cell: ServedCell, arm: UrArm) -> None:
    assert cell.do("state")["payload"] == pytest.approx(0.95)
    arm.set_payload(0.25)
    assert cell.do("state")["payload"] == pytest.approx(1.2)
    arm.set_payload(0.0)
    assert cell.do("state")["payload"] == pytest.approx(0.95)
