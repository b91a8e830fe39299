"""The drivers for ``ros2_control`` against emulated controllers: motions, stops, modes, silence, fingers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from emulated_controllers import HOME
from graph import until
from grippers import GRIPPER
from ros2_control_cell import CONFIG, Cell, emulated_cell, offset
from ur_dashboard_msgs.msg import SafetyMode

from impurity_grasp_ros.errors import DeviceFaultError, UnreachableError
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES, Kinematics
from impurity_grasp_ros.motion.trajectory import Profile, Trajectory
from impurity_grasp_ros.nodes.ros2_control.arm import to_message
from impurity_grasp_ros.nodes.ros2_control.inbox import Received
from impurity_grasp_ros.nodes.stamps import to_seconds

pytestmark = pytest.mark.ros


@pytest.fixture(scope="module")
def shared() -> Iterator[Cell]:
    with emulated_cell() as cell:
        yield cell


@pytest.fixture
def cell(shared: Cell) -> Cell:
    """A cell that is at home and ready, whatever the last test did."""
    shared.controllers.safety_mode, shared.controllers.program_running = SafetyMode.NORMAL, True
    shared.controllers.speed, shared.controllers.is_silent = 1.0, False
    shared.fingers.obstacle = None
    shared.mechanics.force[:] = 0.0
    until(lambda: not shared.arm._state.obstacle(), "a robot without obstacle")
    shared.arm.recover()
    shared.arm.start_joint_motion(HOME, 2.0, 8.0)
    shared.await_rest()
    return shared


def moving(cell: Cell) -> None:
    """Start a long motion and wait until the arm moves."""
    cell.arm.start_joint_motion(offset(1.5), 0.5, 4.0)
    until(lambda: abs(cell.arm.joint_positions()[0] - HOME[0]) > 0.05, "motion")


def assert_stopped(cell: Cell) -> None:
    """The arm comes to rest short of its target and stays there."""
    until(lambda: np.abs(cell.arm._state.arm().speeds).max() < 1e-6, "rest", 2.0)
    at = cell.arm.joint_positions()
    assert abs(at[0] - offset(1.5)[0]) > 0.3
    time.sleep(0.5)
    np.testing.assert_allclose(cell.arm.joint_positions(), at, atol=1e-6)


def test_a_joint_motion_ends_at_its_target_and_keeps_to_its_speed(cell: Cell) -> None:
    fastest = 0.0
    start = time.monotonic()
    cell.arm.start_joint_motion(offset(0.5), 0.5, 4.0)
    while cell.arm.is_moving():
        fastest = max(fastest, float(np.abs(cell.arm._state.arm().speeds).max()))
        time.sleep(0.005)
    assert time.monotonic() - start > 0.5 / 0.5
    assert 0.4 < fastest < 0.55
    np.testing.assert_allclose(cell.arm.joint_positions(), offset(0.5), atol=1e-3)


def test_a_linear_motion_keeps_to_its_line(cell: Cell) -> None:
    start = cell.arm.tool_pose()
    goal = start.copy()
    goal[:3, 3] += (0.0, 0.05, -0.08)
    cell.arm.start_linear_motion(goal, 0.1, 1.0)
    way = goal[:3, 3] - start[:3, 3]
    direction = way / np.linalg.norm(way)
    while cell.arm.is_moving():
        place = cell.arm.tool_pose()[:3, 3] - start[:3, 3]
        assert np.linalg.norm(place - (place @ direction) * direction) < 1e-3
        time.sleep(0.01)
    np.testing.assert_allclose(cell.arm.tool_pose(), goal, atol=1e-3)


def test_kinematics_and_forces_are_those_of_the_tool_in_the_base_frame(cell: Cell) -> None:
    expected = Kinematics(GRIPPER.tool_length).forward(HOME)
    np.testing.assert_allclose(cell.arm.tool_pose(), expected, atol=1e-3)
    np.testing.assert_allclose(cell.arm.inverse_kinematics(expected), HOME, atol=1e-3)
    far = expected.copy()
    far[0, 3] = 2.0
    assert cell.arm.inverse_kinematics(far) is None
    with pytest.raises(UnreachableError):
        cell.arm.start_linear_motion(far, 0.1, 1.0)
    cell.mechanics.force[:] = (1.0, 2.0, 3.0)  # the controller's base is turned by 180 degrees about z
    until(lambda: np.allclose(cell.arm.tool_force(), (-1.0, -2.0, 3.0), atol=1e-6), "the force")


def test_stop_stops_at_once_and_the_next_motion_starts_from_there(cell: Cell) -> None:
    moving(cell)
    cell.arm.stop()
    start = time.monotonic()
    until(lambda: np.abs(cell.arm._state.arm().speeds).max() < 1e-6, "rest", 2.0)
    assert time.monotonic() - start < 0.5
    assert not cell.arm.is_moving()
    assert_stopped(cell)
    cell.arm.start_joint_motion(HOME, 1.0, 4.0)
    cell.await_rest()
    np.testing.assert_allclose(cell.arm.joint_positions(), HOME, atol=1e-3)


def test_a_stop_before_the_controller_has_answered_still_reaches_it(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepts = cell.controllers._accepts
    stop = cell.arm.stop

    def late(goal: object) -> object:
        stop()  # while the answer is on its way
        return accepts(goal)

    server = cell.controllers._servers[0]
    monkeypatch.setattr(server, "_goal_callback", late)
    cell.arm.start_joint_motion(offset(1.5), 0.5, 4.0)
    assert not cell.arm.is_moving()
    assert_stopped(cell)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        pytest.param(
            lambda robot: setattr(robot, "safety_mode", SafetyMode.PROTECTIVE_STOP), "PROTECTIVE_STOP", id="protective"
        ),
        pytest.param(lambda robot: setattr(robot, "program_running", False), "not running", id="program"),
        pytest.param(lambda robot: setattr(robot, "is_silent", True), "joint states", id="silent"),
    ],
)
def test_what_interrupts_a_motion_holds_the_arm_until_recovery(
    cell: Cell, cause: Callable[[object], None], words: str
) -> None:
    moving(cell)
    cause(cell.controllers)
    with pytest.raises(DeviceFaultError, match=words):
        until(lambda: not cell.arm.is_moving(), "an error")
    assert words in cell.arm.problem()
    cell.controllers.safety_mode, cell.controllers.is_silent = SafetyMode.NORMAL, False
    if words != "not running":
        until(lambda: "recovery is requested" in cell.arm.problem(), "the hold")
    with pytest.raises(DeviceFaultError, match="expected an arm that can move"):
        cell.arm.start_joint_motion(HOME, 1.0, 4.0)
    assert_stopped(cell)
    cell.arm.recover()
    assert cell.arm.problem() == ""
    cell.arm.start_joint_motion(HOME, 1.0, 4.0)
    cell.await_rest()


def test_a_clock_that_is_set_back_does_not_make_old_messages_new(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    message = Received("joints", at=now, taken=time.monotonic() - 5.0)
    monkeypatch.setattr(time, "time", lambda: now - 3600.0)
    assert message.age == pytest.approx(5.0, abs=1.0)
    monkeypatch.setattr(time, "time", lambda: now + 7.0)
    assert message.age == pytest.approx(7.0, abs=0.1)


def test_recovery_does_not_clear_a_stop_of_the_controller(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impurity_grasp_ros.nodes.ros2_control.arm.RECOVERY_TIME", 0.3)
    cell.controllers.safety_mode = SafetyMode.ROBOT_EMERGENCY_STOP
    until(lambda: "ROBOT_EMERGENCY_STOP" in cell.arm.problem(), "the mode")
    with pytest.raises(DeviceFaultError, match="ROBOT_EMERGENCY_STOP"):
        cell.arm.recover()
    cell.controllers.safety_mode = SafetyMode.NORMAL
    until(lambda: "recovery failed" in cell.arm.problem(), "the hold")


def test_a_goal_that_the_controller_refuses_is_a_fault(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell.controllers, "_names", [f"other_{name}" for name in JOINT_NAMES])
    with pytest.raises(DeviceFaultError, match=r"follow_joint_trajectory to accept the goal, it refused"):
        cell.arm.start_joint_motion(HOME, 1.0, 4.0)


def test_the_speed_of_the_controller_is_known_and_slows_motions(cell: Cell) -> None:
    cell.controllers.speed = 0.25
    until(lambda: cell.arm.speed_fraction() == 0.25, "the speed")
    start = time.monotonic()
    cell.arm.start_joint_motion(offset(0.2), 0.5, 4.0)
    cell.await_rest()
    assert time.monotonic() - start > 0.4 / 0.25


def test_fingers_reach_their_opening_and_hold_what_is_between_them(cell: Cell) -> None:
    def move(opening: float) -> float:
        cell.gripper.start_motion(opening)
        assert cell.gripper.is_moving()
        until(lambda: not cell.gripper.is_moving(), "the fingers")
        return cell.gripper.opening()

    assert move(0.05) == pytest.approx(0.05, abs=2e-3)
    assert not cell.gripper.is_holding()
    cell.fingers.obstacle = 0.03
    assert move(0.0) == pytest.approx(0.03, abs=2e-3)
    assert cell.gripper.is_holding()
    cell.fingers.obstacle = None  # it slips away, and the fingers close
    until(lambda: cell.gripper.opening() < 0.01, "closed fingers")
    assert not cell.gripper.is_holding()
    assert move(0.085) == pytest.approx(0.085, abs=2e-3)
    cell.fingers.obstacle = 0.06
    assert not cell.gripper.is_holding(), "open fingers hold nothing"


def test_a_trajectory_message_ends_at_rest_and_its_times_rise() -> None:
    trajectory = Trajectory(Profile(0.5, 0.5, 4.0), np.array([HOME, offset(0.5)]))
    message = to_message(trajectory, list(JOINT_NAMES), CONFIG.period)
    times = [to_seconds(point.time_from_start) for point in message.points]
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(0.5 / 0.5 + 0.5 / 4.0)
    assert max(np.diff([0.0, *times])) < 1.5 * 0.02 + 1e-9
    np.testing.assert_allclose(message.points[-1].positions, offset(0.5))
    np.testing.assert_allclose(message.points[-1].velocities, 0.0)
    still = to_message(Trajectory(Profile(0.0, 1.0, 1.0), HOME[None]), list(JOINT_NAMES), CONFIG.period)
    assert len(still.points) == 1
