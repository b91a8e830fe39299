"""A robot that only pretends."""

import numpy as np
import pytest
from fake_devices import Execute, FakeArm, FakeClock, FakeGripper, FakeRobot

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision


@pytest.fixture
def robot(cell: CellConfig) -> FakeRobot:
    """Arm at home, fingers closed on nothing, nothing in reach."""
    clock = FakeClock()
    return FakeRobot(clock, FakeArm(clock, np.array(cell.home)), FakeGripper(clock))


@pytest.fixture
def execute(cell: CellConfig, robot: FakeRobot) -> Execute:
    """Execute a primitive on the pretended robot, under its supervision."""
    executor = PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, cell)
    return lambda primitive: executor.execute(primitive, Supervision(robot.canceled, robot.on_phase))
