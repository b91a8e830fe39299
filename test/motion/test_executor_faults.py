"""Whatever goes wrong on the way, the caller hears of it and the arm stands still."""

import pytest
from fake_devices import Execute, FakeRobot

from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import CanceledError, DeviceFaultError, MotionTimeoutError
from impurity_grasp_ros.transform import tool_down

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.50, 0.05, 0.02), 0.4)
GRASP_PHASES = ("rise", "open", "approach", "descend", "close", "lift", "carry", "release", "home")
PUSH_PHASES = ("rise", "close", "approach", "descend", "push", "retreat", "home")
LOW = tool_down((0.45, -0.1, 0.05), 0.0)

GRASP_IN_PHASES = [(GRASP, phase) for phase in GRASP_PHASES]
PUSH_IN_PHASES = [(PUSH, phase) for phase in PUSH_PHASES]


@pytest.fixture
def busy(robot: FakeRobot) -> FakeRobot:
    """A robot that has something to do in every phase: low down, fingers half open, an object to grasp."""
    robot.move_to(LOW)
    robot.gripper.start_motion(0.04)
    robot.clock.sleep(1.0)
    robot.place_object(0.03)
    return robot


@pytest.mark.parametrize(("primitive", "phase"), GRASP_IN_PHASES + PUSH_IN_PHASES)
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
    [item for item in GRASP_IN_PHASES + PUSH_IN_PHASES if item[1] not in ("open", "close", "release")],
)
def test_an_arm_that_never_arrives_is_stopped_at_the_deadline(
    execute: Execute, busy: FakeRobot, primitive: Primitive, phase: str
) -> None:
    busy.at_phase[phase] = lambda: setattr(busy.arm, "stuck", True)
    with pytest.raises(MotionTimeoutError, match="deadline"):
        execute(primitive)
    assert busy.phases[-1] == phase
    assert busy.stands_still()


def test_a_lowered_speed_slider_stretches_the_deadline_down_to_a_tenth(execute: Execute, robot: FakeRobot) -> None:
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


def test_fingers_that_never_arrive_are_given_up_at_the_deadline(execute: Execute, robot: FakeRobot) -> None:
    robot.gripper.stuck = True
    with pytest.raises(MotionTimeoutError, match="deadline"):
        execute(GRASP)
    assert robot.stands_still()


@pytest.mark.parametrize("command", ["joint", "linear", "is_moving", "tool_force"])
def test_a_fault_of_the_arm_stops_it_and_comes_through(execute: Execute, robot: FakeRobot, command: str) -> None:
    robot.arm.faults = frozenset({command})
    with pytest.raises(DeviceFaultError, match=command):
        execute(PUSH)
    assert robot.stands_still()


def test_a_fault_of_the_gripper_stops_the_arm_and_comes_through(execute: Execute, robot: FakeRobot) -> None:
    robot.gripper.faults = frozenset({"start_motion"})
    with pytest.raises(DeviceFaultError, match="on strike"):
        execute(GRASP)
    assert robot.stands_still()


def test_a_keyboard_interrupt_stops_the_arm_too(execute: Execute, robot: FakeRobot) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    robot.at_phase["push"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        execute(PUSH)
    assert robot.stands_still()
