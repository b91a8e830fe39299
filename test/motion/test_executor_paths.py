"""The executor starts no motion whose path is not free."""

from __future__ import annotations

import numpy as np
import pytest
from fake_devices import FakeRobot
from grippers import KINEMATICS
from obstructed_cells import with_box

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.errors import CollisionError, RecoveryNeededError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.transform import tool_down

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.50, 0.05, 0.02), 0.4)


def executor_of(robot: FakeRobot, cell: CellConfig) -> PrimitiveExecutor:
    return PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)


@pytest.fixture
def barred(cell: CellConfig) -> CellConfig:
    """A pole between drop bin and workspace."""
    return with_box(cell, "pole", (0.46, -0.30, 0.30), (0.02, 0.02, 0.20))


@pytest.mark.parametrize("primitive", [GRASP, PUSH], ids=["grasp", "push"])
def test_a_primitive_with_an_obstacle_in_its_path_is_an_outcome_and_nothing_moves(
    robot: FakeRobot, barred: CellConfig, primitive: Primitive
) -> None:
    outcome = executor_of(robot, barred).execute(primitive, Supervision(robot.canceled, robot.on_phase))
    assert outcome.status is OutcomeStatus.COLLISION
    assert "expected a free path of motion approach" in outcome.message
    assert "would touch the pole" in outcome.message
    assert outcome.duration == 0.0
    assert not robot.moved()
    with pytest.raises(CollisionError, match="approach"):
        executor_of(robot, barred).check(primitive)


def test_home_with_an_obstacle_in_its_path_is_refused_and_nothing_moves(robot: FakeRobot, barred: CellConfig) -> None:
    robot.move_to(tool_down((0.5, 0.1, 0.05), 0.0))
    with pytest.raises(CollisionError, match=r"motion home, .* would touch the pole"):
        executor_of(robot, barred).go_home()
    assert not robot.moved()


def test_nothing_moves_if_the_path_up_is_not_free(robot: FakeRobot, cell: CellConfig) -> None:
    robot.arm.joints = KINEMATICS.inverse(tool_down((0.5, 0.0, 0.02), 0.0))[1]
    robot.arm._hold(robot.arm.joints)
    for order in (lambda: executor_of(robot, cell).go_home(), lambda: executor_of(robot, cell).execute(GRASP)):
        with pytest.raises(RecoveryNeededError, match="free way up, the upper arm would touch the table"):
            order()
    assert not robot.moved()


def test_a_joint_motion_is_checked_from_the_measured_joints(robot: FakeRobot, cell: CellConfig) -> None:
    """After planning, the arm is moved below the camera beam."""
    elsewhere = KINEMATICS.inverse(tool_down((0.5, 0.0, 0.25), 0.0))[5]

    def displace() -> None:
        robot.arm._hold(elsewhere)

    robot.at_phase["home"] = displace
    with pytest.raises(CollisionError, match="motion home, the gripper would touch the camera"):
        executor_of(robot, cell).execute(PUSH, Supervision(robot.canceled, robot.on_phase))
    np.testing.assert_array_equal(robot.arm.joint_positions(), elsewhere)
    assert robot.arm.commands[-1] == "stop"
