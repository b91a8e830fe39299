"""The emulated controllers in a process of their own, for mechanics that another process simulates."""

from __future__ import annotations

import contextlib
import signal
import threading
from multiprocessing.connection import Connection

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.launch_arguments import ROS2_CONTROL
from impurity_grasp_ros.nodes.ros2_control.config import Ros2ControlConfig
from impurity_grasp_ros.nodes.ros2_control.emulation import EmulatedControllers
from impurity_grasp_ros.nodes.running import THREADS
from impurity_grasp_ros.nodes.runtime import SpinningThread
from impurity_grasp_ros.priority import raise_priority
from ur_emulator.mechanics_link import MechanicsLink, RemoteFingers
from ur_emulator.process import Ready


def serve_controllers(pipe: Connection, namespace: str, joints: NDArray[np.float64], gripper: GripperModel) -> None:
    """Entry point of a :class:`~ur_emulator.process.ControlProcess`.

    Args:
        pipe: Connected to the mechanics.
        namespace: Namespace of the cell.
        joints: (6,) float64, initial joint angles in radians.
        gripper: The gripper.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides, and closes the pipe
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node("controller_manager", namespace=namespace)
    link = MechanicsLink(pipe, joints, gripper.stroke)
    config = packaged_parameters("motion_node", Ros2ControlConfig, ROS2_CONTROL)
    controllers = EmulatedControllers(node, link, RemoteFingers(link), joints, gripper, config)
    link.in_motion = lambda: controllers.in_motion
    spinning = SpinningThread([node], THREADS)
    spinning.start()
    with contextlib.suppress(EOFError, OSError):  # the parent has ended
        pipe.send(Ready(raise_priority()))
        controllers.run(threading.Event())
    spinning.end()
    rclpy.try_shutdown()
