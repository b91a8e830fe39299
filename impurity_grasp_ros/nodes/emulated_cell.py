"""Emulated robot: a simulated cell behind the network ports of controller and gripper, and camera topics.

``real.launch.py robot_ip:=<host>`` works with it through the unmodified client libraries. The emulated controller runs
in real time in a separate process; this process carries out its commands in the simulated world and renders camera
images while nothing moves.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from impurity_grasp.msg import SceneState
from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import BusyError, ConfigError
from impurity_grasp_ros.launch_arguments import DRIVERS, ROS2_CONTROL
from impurity_grasp_ros.nodes.bullet_topics import SceneParameters, SceneTopics
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.running import created
from impurity_grasp_ros.nodes.runtime import answer_error
from impurity_grasp_ros.nodes.signals import StopSignal, ignore_signals
from impurity_grasp_ros.priority import ordinary_thread, raise_priority
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.plant import BulletArm, BulletFingers
from impurity_grasp_ros.simulation.sensor_noise import CameraNoise, SensorNoise
from ur_emulator.errors import EmulatorStartError
from ur_emulator.mechanics_server import MechanicsServer
from ur_emulator.personality import PERSONALITIES, personality
from ur_emulator.process import ControllerProcess, ControlProcess

QUIET_SENSOR = CameraNoise(0.001, edge_jump=1.0, edge_width=1, edge_holes=0.0, color_cast=0.0, color_sigma=1.0)
"""As little noise as a real camera can have: no two of its images are identical."""

WAIT = 0.01
"""Seconds to wait for the next command before checking whether a camera image is due."""

OVERDUE = 0.3
"""Seconds after which an overdue image is rendered even if commands are waiting: while the arm rests, they can wait."""

FREE_SHARE = 2.0
"""Pause after each image, as a multiple of its rendering time, to leave CPU time to other processes."""

CAMERA_STATES = ("on", "off", "frozen")
"""States of the camera; ``frozen`` repeats the last image. The first is the initial one."""


@dataclass(frozen=True)
class EmulatedCellConfig(SceneParameters):
    """Which controller to emulate, at which address, with which scene."""

    driver: str = parameter(
        "what to emulate: the ports of a controller, or controllers of ros2_control", choices=DRIVERS
    )
    host: str = parameter("IP address on which the ports are served")
    controller: str = parameter("generation of the controller with ports", choices=tuple(PERSONALITIES))
    camera_rate: float = parameter(
        "highest rate of camera frames in Hz; they pause while the arm moves and are slower on a busy machine",
        low=0.1,
        high=30.0,
    )


class CellTopics(SceneTopics):
    """Topics of a camera with noise: a scene is rendered only if it has changed, and every image has new noise.

    Args:
        node: The node that publishes.
        environment: The simulated cell.
    """

    def __init__(self, node: Node, environment: Environment) -> None:
        super().__init__(node, environment)
        self._noise = SensorNoise(QUIET_SENSOR, np.random.default_rng())
        self._rendered: RgbdFrame | None = None
        self._rendered_poses: NDArray[np.float64] = np.zeros(0)

    def reset(self, scene: str, seed: int, targets: int, blocks: int) -> SceneState:
        """Generate a scene, see :meth:`SceneTopics.reset`; if it defines camera noise, that noise is used."""
        try:
            return super().reset(scene, seed, targets, blocks)
        finally:
            camera = self._environment.camera
            self._noise = camera.noise or SensorNoise(QUIET_SENSOR, np.random.default_rng(seed))
            camera.noise, self._rendered = None, None

    def forget_frame(self) -> None:
        """Request new noise for the next image, and a new rendering if anything has moved."""
        super().forget_frame()
        poses = self._current_poses()
        if self._rendered is None or not np.array_equal(poses, self._rendered_poses):
            self._rendered, self._rendered_poses = None, poses

    def publish_frame(self, age: float = 0.0) -> None:
        """Publish a frame, see :meth:`SceneTopics.publish_frame`.

        Args:
            age: Seconds by which its stamp is too old.
        """
        if self._frame is None and self._depth.get_subscription_count():
            self._rendered = self._rendered or self._environment.observe()
            color, depth = self._noise.apply(self._rendered.color, self._rendered.depth)
            self._frame = replace(self._rendered, color=color, depth=depth)
        super().publish_frame(age)

    def _current_poses(self) -> NDArray[np.float64]:
        """The poses of all bodies, the joint angles and the finger opening, as one array."""
        world = self._environment.world
        poses = [np.concatenate(world.pose(body)) for body in world.bodies]
        hand = [self._environment.arm.joint_positions(), np.array([self._environment.gripper.opening()])]
        return np.concatenate([*poses, *hand])


class EmulatedCellNode(Node):
    """The emulated cell's parameters, camera topics and service ``reset_scene``.

    :meth:`serve` carries out commands and renders, in the main thread. The fault port accepts the additional command
    ``camera`` with a ``state`` (on, off, frozen) and an ``age`` in seconds by which its stamps are too old.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid, the cell or the scene cannot be loaded, or a port is in use.
        UnknownSceneError: There is no such scene.
        InvalidGoalError: The seed or a number of objects is out of range.
        SceneNotSettledError: The scene could not be generated.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("emulated_cell", **options)
        config = NodeParameters(self, "emulated_cell", EmulatedCellConfig).value
        self._lock = threading.Lock()
        self._environment = environment = Environment(load_cell(config.cell_file), fast_forward=False)
        self._topics = CellTopics(self, environment)
        self._topics.reset(config.scene, config.seed, config.targets, config.blocks)
        self._camera_state, self._stamp_age = CAMERA_STATES[0], 0.0
        self._period, self._next_frame = 1.0 / config.camera_rate, 0.0
        requests = {"camera": self._set_camera}
        self._controller = _start_controller(config, self.get_namespace(), environment, tuple(requests))
        arm, fingers = BulletArm(environment), BulletFingers(environment)
        self._mechanics = MechanicsServer(self._controller.pipe, arm, fingers, requests)
        self.create_service(ResetScene, "reset_scene", self._on_reset, callback_group=MutuallyExclusiveCallbackGroup())
        priority = self._controller.priority
        self.get_logger().info(f"the emulated cell is ready; its controller runs with {priority} priority")

    def serve(self, stop: threading.Event) -> None:
        """Carry out commands and render until told to stop.

        Args:
            stop: Set when the node has to shut down.

        Raises:
            SystemExit: The process of the controller has ended.
        """
        self.get_logger().info(f"the simulation runs with {raise_priority()} priority, rendering with ordinary")
        try:
            while not stop.is_set():
                heard = self._mechanics.wait(WAIT)
                with self._lock:
                    if heard:
                        self._mechanics.handle_next()
                    late = time.monotonic() - self._next_frame
                    if late >= 0.0 and (late > OVERDUE or not self._mechanics.wait(0.0)):
                        self._render()
        except (EOFError, OSError) as error:
            raise SystemExit(f"expected the emulated controller to run, its process has ended: {error}") from None

    def close(self) -> None:
        """End the controller's process and close the simulation."""
        self._controller.close()
        self._environment.close()

    def _render(self) -> None:
        start = time.monotonic()
        ordinary_thread()  # rendering takes long and is not urgent
        self._publish()
        raise_priority()
        now = time.monotonic()
        self._next_frame = max(start + self._period, now + FREE_SHARE * (now - start))

    def _publish(self) -> None:
        if self._mechanics.at_rest and self._camera_state != "off":
            if self._camera_state == "on":
                self._topics.forget_frame()
            self._topics.publish_frame(self._stamp_age)
        self._topics.publish_scene()

    def _on_reset(self, request: ResetScene.Request, response: ResetScene.Response) -> ResetScene.Response:
        """Replace the scene while the arm and the fingers stay where they are."""
        arm, gripper = self._environment.arm, self._environment.gripper
        try:
            with self._lock:
                if not self._mechanics.at_rest:
                    raise BusyError("expected the arm and the fingers to be at rest, they are moving")
                joints, opening = arm.joint_positions(), gripper.opening()
                response.state = self._topics.reset(request.scene, request.seed, request.targets, request.blocks)
                self._environment.arm.jump_to(joints)
                self._environment.gripper.jump_to(opening)
        except Exception as error:  # every fault is answered with its code; the node keeps running
            answer_error(response, error, self.get_logger())
        return response

    def _set_camera(self, state: str = CAMERA_STATES[0], age: float = 0.0) -> None:
        if state not in CAMERA_STATES:
            self.get_logger().error(f"camera: expected a state of {CAMERA_STATES}, received {state!r}")
            return
        self._camera_state, self._stamp_age = state, float(age)


def _start_controller(
    config: EmulatedCellConfig, namespace: str, environment: Environment, requests: tuple[str, ...]
) -> ControlProcess:
    """The emulated controller; raises ConfigError when it cannot serve."""
    joints, gripper = environment.arm.joint_positions(), environment.cell.gripper_model
    try:
        if config.driver == ROS2_CONTROL:
            from impurity_grasp_ros.nodes.ros2_control.process import serve_controllers  # has messages of its own

            return ControlProcess(serve_controllers, namespace, joints, gripper)
        return ControllerProcess(config.host, personality(config.controller), joints, requests, gripper.stroke)
    except EmulatorStartError as error:
        raise ConfigError(str(error)) from error


def main() -> None:
    """Entry point of the console script."""
    stop = StopSignal()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = created(EmulatedCellNode)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)  # for parameters and reset_scene
        thread.start()
        try:
            node.serve(stop)
        finally:
            executor.shutdown()
            thread.join()
            node.close()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
        ignore_signals()
