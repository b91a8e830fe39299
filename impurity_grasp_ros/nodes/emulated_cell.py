"""A robot that is none: the controller's and gripper's ports on loopback, and the camera's topics, over one simulation.

``real.launch.py robot_ip:=<host>`` works with it through the unmodified client libraries.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.emulation.controller import Controller
from impurity_grasp_ros.emulation.personality import personality
from impurity_grasp_ros.emulation.server import EmulatedCell
from impurity_grasp_ros.nodes.bullet_topics import SceneConfig, SceneTopics
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.runtime import ClosingNode, created, end
from impurity_grasp_ros.nodes.signals import StopSignal
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.plant import BulletArm, BulletFingers
from impurity_grasp_ros.simulation.sensor_noise import CameraNoise, SensorNoise

QUIET_SENSOR = CameraNoise(0.001, edge_jump=1.0, edge_width=1, edge_holes=0.0, color_cast=0.0, color_sigma=1.0)
"""The least noise of a real camera; two of its images are never alike."""

STOP_PERIOD = 0.1
"""Seconds within which a signal is noticed."""

CAMERA_STATES = ("on", "off", "frozen")


@dataclass(frozen=True)
class EmulatedCellConfig(SceneConfig):
    """Which controller, on which address, over which scene."""

    host: str = parameter("address on which the ports are served")
    controller: str = parameter("generation of the controller", choices=("cb3", "e-series"))
    camera_rate: float = parameter("Hz of camera frames; they pause while the arm moves", low=0.1, high=30.0)


class EmulatedCellNode(ClosingNode):
    """Parameters and camera topics. Control cycles and rendering take turns in :meth:`serve`.

    The control port takes ``camera`` with a ``state`` (on, off, frozen) and the ``age`` of its stamps in seconds, too.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("emulated_cell", **options)
        config = NodeParameters(self, "emulated_cell", EmulatedCellConfig).value
        self._environment = environment = Environment(fast_forward=False)
        self._topics = SceneTopics(self, environment)
        self._topics.reset(config.scene, config.seed, config.targets, config.blocks)
        if environment.camera.noise is None:
            environment.camera.noise = SensorNoise(QUIET_SENSOR, np.random.default_rng(config.seed))
        self._camera_state, self._stamp_age = CAMERA_STATES[0], 0.0
        joints = environment.arm.joint_positions()
        self._controller = Controller(personality(config.controller), BulletArm(environment), joints)
        faults = {"camera": self._set_camera}
        self._cell = EmulatedCell(self._controller, BulletFingers(environment), config.host, self._on_cycle, faults)
        self._cycles_per_frame = round(self._controller.personality.rate / config.camera_rate)
        self._cycles = 0

    async def serve(self) -> None:
        """Serve all ports until cancelled; raises OSError when one is taken."""
        await self._cell.run(lambda: self.get_logger().info("the emulated cell is ready"))

    def close(self) -> None:
        """Close the simulation."""
        self._environment.close()

    def _on_cycle(self) -> None:
        self._cycles += 1
        if self._cycles % self._cycles_per_frame:
            return
        if self._controller.axes.at_rest and self._camera_state != "off":
            if self._camera_state == "on":
                self._topics.forget_frame()
            self._topics.publish_frame(self._stamp_age)
        self._topics.publish_scene()

    def _set_camera(self, state: str = CAMERA_STATES[0], age: float = 0.0) -> None:
        if state not in CAMERA_STATES:
            raise ValueError(f"expected a state out of {CAMERA_STATES}, received {state!r}")
        self._camera_state, self._stamp_age = state, float(age)


async def _serve(node: EmulatedCellNode, stop: threading.Event) -> None:
    task = asyncio.ensure_future(node.serve())
    while not (stop.is_set() or task.done()):
        await asyncio.sleep(STOP_PERIOD)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Console script."""
    stop = StopSignal()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = created(EmulatedCellNode)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)  # for parameter services alone
        thread.start()
        asyncio.run(_serve(node, stop))
        executor.shutdown()
        thread.join()
        end(node)
    finally:
        rclpy.try_shutdown()
