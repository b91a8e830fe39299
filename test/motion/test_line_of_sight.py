"""An outcome is reported once, when it is settled and the robot is out of the camera's view; never when it is not."""

from __future__ import annotations

import numpy as np
import pytest
from fake_devices import FakeRobot
from grippers import KINEMATICS

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Outcome, OutcomeStatus, Primitive
from impurity_grasp_ros.errors import CanceledError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.motion.line_of_sight import LineOfSight
from impurity_grasp_ros.transform import tool_down

GRASP = Primitive.grasp((0.50, 0.0, 0.02), 0.0)
PUSH = Primitive.push((0.45, 0.0, 0.02), 0.4)
MOVE = Primitive.move((0.50, 0.0, 0.02), 0.0, (0.60, 0.10), opening=0.06)


class Watcher:
    """Notes what was reported, and the tool's position and the time left until the end at that moment."""

    def __init__(self, robot: FakeRobot) -> None:
        self._robot = robot
        self.reports: list[tuple[Outcome, np.ndarray, float]] = []

    def on_clear(self, outcome: Outcome) -> None:
        self.reports.append((outcome, self._robot.arm.tool_pose()[:3, 3], self._robot.clock.now()))


def executed(robot: FakeRobot, cell: CellConfig, primitive: Primitive) -> tuple[Outcome, Watcher]:
    watcher = Watcher(robot)
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    outcome = executor.execute(primitive, Supervision(robot.canceled, robot.on_phase, watcher.on_clear))
    return outcome, watcher


@pytest.mark.parametrize("primitive", [GRASP, PUSH, MOVE], ids=lambda item: item.kind.name)
@pytest.mark.parametrize("width", [0.0, 0.03])
def test_the_report_comes_once_before_the_end_and_tells_how_it_ends(
    robot: FakeRobot, cell: CellConfig, primitive: Primitive, width: float
) -> None:
    robot.place_object(width)
    outcome, watcher = executed(robot, cell, primitive)
    ((reported, (_, y, z), when),) = watcher.reports
    assert (reported.status, reported.opening) == (outcome.status, outcome.opening)
    on_table = y * 0.75 / (0.75 - z)
    assert on_table < -0.254, "seen from the camera, 0.75 m above the table: the workspace ends at y = -0.224 m"
    assert robot.clock.now() - when > 0.1
    assert reported.duration < outcome.duration


def test_a_grasp_that_held_is_reported_over_the_bin_before_the_fingers_open(robot: FakeRobot, cell: CellConfig) -> None:
    robot.place_object(0.03)
    openings: list[float] = []
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    report = Supervision(on_phase=robot.on_phase, on_clear=lambda _: openings.append(robot.gripper.opening()))
    assert executor.execute(GRASP, report).status is OutcomeStatus.HELD
    assert openings == [pytest.approx(0.03)]


def test_nothing_is_reported_of_a_primitive_that_is_canceled_or_faults_on_its_way(
    robot: FakeRobot, cell: CellConfig
) -> None:
    watcher = Watcher(robot)
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    phases: list[str] = []
    supervision = Supervision(lambda: phases[-1:] == ["retreat"], phases.append, watcher.on_clear)
    with pytest.raises(CanceledError):
        executor.execute(PUSH, supervision)
    assert not watcher.reports


def test_a_cancel_after_the_report_stops_the_arm(robot: FakeRobot, cell: CellConfig) -> None:
    watcher = Watcher(robot)
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    with pytest.raises(CanceledError):
        executor.execute(PUSH, Supervision(lambda: bool(watcher.reports), on_clear=watcher.on_clear))
    assert robot.arm.commands[-1] == "stop"
    assert len(watcher.reports) == 1


def test_home_is_out_of_view_and_a_tool_over_the_workspace_is_not(cell: CellConfig) -> None:
    sight, home = LineOfSight(cell), np.array(cell.home)
    assert sight.is_free(home)
    for x in (0.30, 0.50, 0.70):
        for y in (-0.20, 0.0, 0.20):
            joints = KINEMATICS.nearest(tool_down((x, y, 0.20), 0.0), home)
            assert joints is not None
            assert not sight.is_free(joints), (x, y)
