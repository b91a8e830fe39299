"""Fixtures with simulated devices."""

import numpy as np
import pytest
from fake_devices import Execute, FakeArm, FakeClock, FakeGripper, FakeRobot

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision


@pytest.fixture
def robot(cell: CellConfig) -> FakeRobot:
    """A robot at home with closed, empty fingers."""
    clock = FakeClock()
    return FakeRobot(clock, FakeArm(clock, np.array(cell.home)), FakeGripper(clock))


@pytest.fixture
def execute(cell: CellConfig, robot: FakeRobot) -> Execute:
    """Function that executes a primitive on the fake robot, which also supervises it."""
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    return lambda primitive: executor.execute(primitive, Supervision(robot.canceled, robot.on_phase))
