"""The driver of the gripper against an emulated one: it activates, grips, and never hangs."""

import time
from collections.abc import Iterator

import pytest
from grippers import GRIPPER
from served_cell import ServedCell, free_host, served_cell

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.robotiq import RobotiqConfig, RobotiqGripper

pytest.importorskip("pyrobotiqur")

CONFIG = RobotiqConfig(
    speed=255, force=50, open_count=3, closed_count=230, timeout=0.5, activation_timeout=3.0, retry=0.2
)


@pytest.fixture
def cell() -> Iterator[ServedCell]:
    with served_cell(free_host()) as served:
        yield served


@pytest.fixture
def gripper(cell: ServedCell) -> Iterator[RobotiqGripper]:
    driver = RobotiqGripper(cell.host, CONFIG, GRIPPER.stroke)
    driver.wait_until_ready(5.0)
    yield driver
    driver.close()


def move(gripper: RobotiqGripper, opening: float) -> float:
    """Move and return the opening that was reached."""
    gripper.start_motion(opening)
    deadline = time.monotonic() + 3.0
    while gripper.is_moving():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return gripper.opening()


def test_fingers_go_where_they_are_sent_or_stall_on_an_object(cell: ServedCell, gripper: RobotiqGripper) -> None:
    assert gripper.opening() == GRIPPER.stroke
    assert move(gripper, 0.05) == pytest.approx(0.05, abs=0.001)
    cell.do("object", opening=0.03)
    assert move(gripper, 0.0) == pytest.approx(0.03, abs=0.001)
    cell.do("object", opening=None)
    time.sleep(0.5)
    assert gripper.opening() == pytest.approx(0.0, abs=0.001), "what was held is gone"


def test_a_fault_of_the_gripper_is_named(cell: ServedCell, gripper: RobotiqGripper) -> None:
    cell.do("gripper_fault", number=14)
    gripper.start_motion(0.0)
    with pytest.raises(DeviceFaultError, match="overcurrent"):
        gripper.is_moving()


@pytest.mark.parametrize("break_link", [{"do": "drop"}, {"do": "close"}])
def test_a_lost_gripper_is_a_fault_and_comes_back(
    cell: ServedCell, gripper: RobotiqGripper, break_link: dict[str, str]
) -> None:
    cell.do(break_link["do"], service="gripper")
    with pytest.raises(DeviceFaultError, match="does not answer"):
        gripper.opening()
    cell.do("open", service="gripper")
    gripper.wait_until_ready(5.0)
    assert gripper.opening() == GRIPPER.stroke


def test_a_silent_gripper_is_a_fault_within_its_timeout(cell: ServedCell, gripper: RobotiqGripper) -> None:
    cell.do("gripper_answers", on=False)
    start = time.monotonic()
    with pytest.raises(DeviceFaultError, match="does not answer"):
        gripper.start_motion(0.0)
    assert time.monotonic() - start < 2.0
    cell.do("gripper_answers", on=True)
    gripper.wait_until_ready(5.0)


def test_a_gripper_that_never_activates_is_named_and_tried_again() -> None:
    with served_cell(free_host()) as cell:
        cell.do("gripper_activates", on=False)
        gripper = RobotiqGripper(cell.host, CONFIG, GRIPPER.stroke)
        with pytest.raises(DeviceFaultError, match="activat"):
            gripper.wait_until_ready(4.0)
        with pytest.raises(DeviceFaultError):
            gripper.start_motion(0.0)
        cell.do("gripper_activates", on=True)
        gripper.wait_until_ready(8.0)
        gripper.close()
