"""Every fault during a primitive is raised, and the arm is stopped."""

import numpy as np
import pytest
from fake_devices import Execute, FakeRobot

from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import CanceledError, DeviceFaultError, MotionTimeoutError
from impurity_grasp_ros.transform import Transform, tool_down

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.50, 0.05, 0.02), 0.4)
GRASP_PHASES = ("rise", "open", "approach", "descend", "close", "lift", "carry", "release", "home")
PUSH_PHASES = ("rise", "close", "approach", "descend", "push", "retreat", "home")
LOW = tool_down((0.45, -0.1, 0.05), 0.0)

MOVE = Primitive.move((0.50, 0.05, 0.02), 0.4, (0.42, -0.1), opening=0.06)
MOVE_PHASES = (*GRASP_PHASES[:-2], "lower", "release", "retreat", "home")

GRASP_IN_PHASES = [(GRASP, phase) for phase in GRASP_PHASES]
PUSH_IN_PHASES = [(PUSH, phase) for phase in PUSH_PHASES]
MOVE_IN_PHASES = [(MOVE, phase) for phase in MOVE_PHASES]


@pytest.fixture
def busy(robot: FakeRobot) -> FakeRobot:
    """A robot for which every phase of a grasp needs a motion: low, fingers half open, with an object to grasp."""
    robot.move_to(LOW)
    robot.gripper.start_motion(0.04)
    robot.clock.sleep(1.0)
    robot.place_object(0.03)
    return robot


@pytest.mark.parametrize(("primitive", "phase"), GRASP_IN_PHASES + PUSH_IN_PHASES + MOVE_IN_PHASES)
def test_cancel_stops_the_arm_in_every_phase(
    execute: Execute, busy: FakeRobot, primitive: Primitive, phase: str
) -> None:
    busy.cancel_in = [phase]
    with pytest.raises(CanceledError):
        execute(primitive)
    assert busy.phases[-1] == phase
    assert busy.stands_still()


@pytest.mark.parametrize(
    ("primitive", "phase"),
    [item for item in GRASP_IN_PHASES + PUSH_IN_PHASES + MOVE_IN_PHASES if item[1] not in ("open", "close", "release")],
)
def test_an_arm_that_never_arrives_is_stopped_at_the_deadline(
    execute: Execute, busy: FakeRobot, primitive: Primitive, phase: str
) -> None:
    busy.at_phase[phase] = lambda: setattr(busy.arm, "stuck", True)
    with pytest.raises(MotionTimeoutError, match="deadline"):
        execute(primitive)
    assert busy.phases[-1] == phase
    assert busy.stands_still()


def test_a_low_speed_slider_extends_the_deadline_up_to_tenfold(execute: Execute, robot: FakeRobot) -> None:
    robot.arm.stuck = True
    waited = []
    for slider in (1.0, 0.25, 0.0):
        robot.arm.slider = slider
        robot.arm._hold(robot.arm.joints)
        start = robot.clock.time
        with pytest.raises(MotionTimeoutError, match=f"slider at {slider:.0%}"):
            execute(PUSH)
        waited.append(robot.clock.time - start)
    assert waited[1] == pytest.approx(4.0 * waited[0], rel=0.05)
    assert waited[2] == pytest.approx(10.0 * waited[0], rel=0.05)


def test_fingers_that_never_arrive_miss_the_deadline(execute: Execute, robot: FakeRobot) -> None:
    robot.gripper.stuck = True
    with pytest.raises(MotionTimeoutError, match="deadline"):
        execute(GRASP)
    assert robot.stands_still()


@pytest.mark.parametrize("command", ["joint", "linear", "is_moving", "tool_force"])
def test_a_fault_of_the_arm_stops_it_and_is_raised(execute: Execute, robot: FakeRobot, command: str) -> None:
    robot.arm.faults = frozenset({command})
    with pytest.raises(DeviceFaultError, match=command):
        execute(PUSH)
    assert robot.stands_still()


def test_a_fault_of_the_gripper_stops_the_arm_and_is_raised(execute: Execute, robot: FakeRobot) -> None:
    robot.gripper.faults = frozenset({"start_motion"})
    with pytest.raises(DeviceFaultError, match="on strike"):
        execute(GRASP)
    assert robot.stands_still()


def test_a_keyboard_interrupt_stops_the_arm(execute: Execute, robot: FakeRobot) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    robot.at_phase["push"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        execute(PUSH)
    assert robot.stands_still()


@pytest.mark.parametrize("jam", [0.0, 0.041, 0.085], ids=["closed", "half", "open"])
def test_fingers_that_do_not_open_as_commanded_never_descend(execute: Execute, robot: FakeRobot, jam: float) -> None:
    robot.gripper.jam = jam
    with pytest.raises(DeviceFaultError, match=f"expected fingers open to 60.0 mm, reached {1e3 * jam:.1f} mm"):
        execute(GRASP)
    assert robot.phases == ["rise", "open", "approach"]
    assert robot.arm.tool_pose()[2, 3] == pytest.approx(0.20)


def test_fingers_that_hold_something_do_not_push(execute: Execute, robot: FakeRobot) -> None:
    robot.gripper.jam = 0.02
    with pytest.raises(DeviceFaultError, match=r"expected fingers open to 0.0 mm, reached 20.0 mm"):
        execute(PUSH)
    assert robot.phases == ["rise", "close", "approach"]
    assert robot.arm.tool_pose()[2, 3] == pytest.approx(0.20)


@pytest.mark.parametrize("error", [-0.0039, 0.0039])
def test_fingers_may_miss_their_opening_by_the_tolerance(execute: Execute, robot: FakeRobot, error: float) -> None:
    robot.gripper.jam = GRASP.opening + error
    execute(GRASP)
    assert "descend" in robot.phases


def test_fingers_that_do_not_release_are_a_fault(execute: Execute, robot: FakeRobot) -> None:
    robot.place_object(0.03)
    robot.at_phase["release"] = lambda: setattr(robot.gripper, "jam", 0.03)
    with pytest.raises(DeviceFaultError, match=r"expected fingers open to 60.0 mm, reached 30.0 mm"):
        execute(GRASP)


@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
def test_nothing_begins_after_a_cancel_in_a_phase_without_motion(
    execute: Execute, robot: FakeRobot, primitive: Primitive
) -> None:
    """The arm is at home, so its first phase has no motion."""
    robot.cancel_in = ["rise"]
    with pytest.raises(CanceledError):
        execute(primitive)
    assert robot.phases == ["rise"]
    assert not robot.moved()


@pytest.mark.parametrize(("primitive", "phase"), GRASP_IN_PHASES + PUSH_IN_PHASES + MOVE_IN_PHASES)
def test_after_a_cancel_in_any_phase_the_tool_stops_within_one_poll(
    execute: Execute, busy: FakeRobot, primitive: Primitive, phase: str
) -> None:
    """The cancel comes half a second into a phase; the arm moves at 1 rad/s for one poll."""
    asked: list[tuple[float, np.ndarray]] = []

    def canceled() -> bool:
        if busy.phases[-1:] == [phase] and not asked:
            asked.append((busy.clock.time, busy.arm.joint_positions()))
        return bool(asked)

    busy.canceled = canceled  # type: ignore[method-assign]
    with pytest.raises(CanceledError):
        execute(primitive)
    assert busy.phases[-1] == phase
    assert busy.stands_still()
    assert np.abs(busy.arm.joint_positions() - asked[0][1]).max() <= 0.0167 + 1e-6


@pytest.mark.parametrize("phase", ["approach", "descend", "push", "retreat", "home"])
def test_a_phase_that_is_canceled_when_it_begins_starts_no_motion(
    execute: Execute, robot: FakeRobot, phase: str
) -> None:
    started: list[int] = []
    robot.at_phase[phase] = lambda: started.append(len(robot.arm.targets))
    robot.cancel_in = [phase]
    with pytest.raises(CanceledError):
        execute(PUSH)
    assert started == [len(robot.arm.targets)]


def test_after_a_cancel_between_two_phases_the_next_one_does_not_begin(execute: Execute, robot: FakeRobot) -> None:
    def feel(T_base_tool: Transform) -> float:
        robot.cancel_in = ["approach"]  # the force is read in free air, after the approach has ended
        return 0.0

    robot.at_phase["approach"] = lambda: setattr(robot.arm, "force", feel)
    with pytest.raises(CanceledError):
        execute(PUSH)
    assert robot.phases[-1] == "approach"
    assert robot.stands_still()
