"""An emulated ``ros2_control`` cell with ideal mechanics, and the drivers, in one DDS domain of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import rclpy
from dds import unused_domain
from emulated_controllers import HOME
from graph import until
from grippers import GRIPPER
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.ros2_control.arm import TrajectoryArm
from impurity_grasp_ros.nodes.ros2_control.config import Ros2ControlConfig
from impurity_grasp_ros.nodes.ros2_control.emulation import EmulatedControllers
from impurity_grasp_ros.nodes.ros2_control.gripper import CommandGripper
from impurity_grasp_ros.nodes.ros2_control.state import ControlState
from impurity_grasp_ros.nodes.runtime import spin
from ur_emulator.gripper import IdealFingers
from ur_emulator.plant import IdealArm

SHIPPED = packaged_parameters("motion_node", Ros2ControlConfig, "ros2_control")
CONFIG = replace(SHIPPED, stale_after=1.0)  # the machine may be busy


@dataclass
class Cell:
    """The drivers, what they drive, and its ideal mechanics."""

    arm: TrajectoryArm
    gripper: CommandGripper
    controllers: EmulatedControllers
    mechanics: IdealArm
    fingers: IdealFingers

    def await_ready(self) -> None:
        until(lambda: not (self.arm.problem() or self.gripper.problem()), "arm and gripper")

    def await_rest(self) -> None:
        until(lambda: not self.arm.is_moving(), "the end of the motion")


@contextmanager
def emulated_cell() -> Iterator[Cell]:
    """A running cell; the control loop runs in a thread of its own, in real time."""
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    robot = Node("controllers", context=context)
    driver = ManagedNode("driver", context=context)
    mechanics, fingers = IdealArm(HOME.copy()), IdealFingers(GRIPPER.stroke)
    controllers = EmulatedControllers(robot, mechanics, fingers, HOME.copy(), GRIPPER, CONFIG)
    state = ControlState(driver, CONFIG)
    arm = TrajectoryArm(driver, CONFIG, GRIPPER.tool_length, state)
    gripper = CommandGripper(driver, CONFIG, GRIPPER, state)
    executor, stop = MultiThreadedExecutor(8, context=context), threading.Event()
    executor.add_node(robot)
    executor.add_node(driver)

    targets = (lambda: controllers.run(stop), lambda: spin(executor, stop))
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    try:
        cell = Cell(arm, gripper, controllers, mechanics, fingers)
        cell.await_ready()
        yield cell
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        driver.close()
        driver.destroy_node()
        robot.destroy_node()
        context.try_shutdown()


def offset(radians: float) -> np.ndarray:
    """Home with the first joint turned."""
    return HOME + np.array([radians, 0.0, 0.0, 0.0, 0.0, 0.0])
