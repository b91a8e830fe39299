"""A robot that is none: the controller's and gripper's ports on loopback, and the camera's topics, over one simulation.

``real.launch.py robot_ip:=<host>`` works with it through the unmodified client libraries. The controller keeps its own
time in a process of its own; this one plays its commands in the simulated world and renders while nothing moves.
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
from impurity_grasp_ros.constants import GRIPPER_STROKE
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import BusyError, ConfigError
from impurity_grasp_ros.nodes.bullet_topics import SceneConfig, SceneTopics
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.runtime import ClosingNode, answer_error, created, end
from impurity_grasp_ros.nodes.signals import StopSignal, ignore_signals
from impurity_grasp_ros.priority import ordinary_thread, raise_priority
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.plant import BulletArm, BulletFingers
from impurity_grasp_ros.simulation.sensor_noise import CameraNoise, SensorNoise
from ur_emulator.errors import EmulatorStartError
from ur_emulator.mechanics_server import MechanicsServer
from ur_emulator.personality import PERSONALITIES, personality
from ur_emulator.process import ControllerProcess

QUIET_SENSOR = CameraNoise(0.001, edge_jump=1.0, edge_width=1, edge_holes=0.0, color_cast=0.0, color_sigma=1.0)
"""The least noise of a real camera; two of its images are never alike."""

WAIT = 0.01
"""Seconds to wait for the next command before looking at the camera."""

OVERDUE = 0.3
"""Seconds after which a picture is taken although commands wait: those of an arm that stands are not urgent."""

FREE_SHARE = 2.0
"""Times as long as a picture took that the camera then leaves the processor to others."""

CAMERA_STATES = ("on", "off", "frozen")


@dataclass(frozen=True)
class EmulatedCellConfig(SceneConfig):
    """Which controller, on which address, over which scene."""

    host: str = parameter("address on which the ports are served")
    controller: str = parameter("generation of the controller", choices=tuple(PERSONALITIES))
    camera_rate: float = parameter(
        "Hz of camera frames, at most; they pause while the arm moves and come more slowly on a busy machine",
        low=0.1,
        high=30.0,
    )


class CellTopics(SceneTopics):
    """Topics of a camera with noise. The scene is rendered when it has changed; the noise is new in every image."""

    def __init__(self, node: Node, environment: Environment) -> None:
        super().__init__(node, environment)
        self._noise = SensorNoise(QUIET_SENSOR, np.random.default_rng())
        self._rendered: RgbdFrame | None = None
        self._places: NDArray[np.float64] = np.zeros(0)

    def reset(self, scene: str, seed: int, targets: int, blocks: int) -> SceneState:
        """As :meth:`SceneTopics.reset`; the noise is the scene's own where it has one."""
        try:
            return super().reset(scene, seed, targets, blocks)
        finally:
            camera = self._environment.camera
            self._noise = camera.noise or SensorNoise(QUIET_SENSOR, np.random.default_rng(seed))
            camera.noise, self._rendered = None, None

    def forget_frame(self) -> None:
        """The next image has noise of its own, and shows the scene as it will be."""
        super().forget_frame()
        places = self._found()
        if self._rendered is None or not np.array_equal(places, self._places):
            self._rendered, self._places = None, places

    def publish_frame(self, age: float = 0.0) -> None:
        """As :meth:`SceneTopics.publish_frame`."""
        if self._frame is None and self._depth.get_subscription_count():
            self._rendered = self._rendered or self._environment.observe()
            color, depth = self._noise.apply(self._rendered.color, self._rendered.depth)
            self._frame = replace(self._rendered, color=color, depth=depth)
        super().publish_frame(age)

    def _found(self) -> NDArray[np.float64]:
        """Where everything in the scene is."""
        world = self._environment.world
        poses = [np.concatenate(world.pose(body)) for body in world.bodies]
        hand = [self._environment.arm.joint_positions(), np.array([self._environment.gripper.opening()])]
        return np.concatenate([*poses, *hand])


class EmulatedCellNode(ClosingNode):
    """Parameters, camera topics and ``reset_scene``. The main thread plays and renders in :meth:`serve`.

    The fault port takes ``camera`` with a ``state`` (on, off, frozen) and the ``age`` of its stamps in seconds, too.
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
        self._controller = _start_controller(config, environment.arm.joint_positions(), tuple(requests))
        arm, fingers = BulletArm(environment), BulletFingers(environment)
        self._mechanics = MechanicsServer(self._controller.pipe, arm, fingers, requests)
        self.create_service(ResetScene, "reset_scene", self._on_reset, callback_group=MutuallyExclusiveCallbackGroup())
        priority = self._controller.priority
        self.get_logger().info(f"the emulated cell is ready; its controller runs with {priority} priority")

    def serve(self, stop: threading.Event) -> None:
        """Play and render until told to stop; raises SystemExit when the controller's process has ended."""
        self.get_logger().info(f"the simulation runs with {raise_priority()} priority, pictures with an ordinary one")
        try:
            while not stop.is_set():
                heard = self._mechanics.wait(WAIT)
                with self._lock:
                    if heard:
                        self._mechanics.handle_next()
                    late = time.monotonic() - self._next_frame
                    if late >= 0.0 and (late > OVERDUE or not self._mechanics.wait(0.0)):
                        self._look()
        except (EOFError, OSError) as error:
            raise SystemExit(f"expected the emulated controller to go on, its process has ended: {error}") from None

    def close(self) -> None:
        """End the controller and close the simulation."""
        self._controller.close()
        self._environment.close()

    def _look(self) -> None:
        start = time.monotonic()
        ordinary_thread()  # a picture takes long and may wait
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
        """Another scene under an arm that stays where it is."""
        arm, gripper = self._environment.arm, self._environment.gripper
        try:
            with self._lock:
                if not self._mechanics.at_rest:
                    raise BusyError("expected arm and fingers at rest to change the scene, they move")
                joints, opening = arm.joint_positions(), gripper.opening()
                response.state = self._topics.reset(request.scene, request.seed, request.targets, request.blocks)
                self._environment.arm.jump_to(joints)
                self._environment.gripper.jump_to(opening)
        except Exception as error:  # every fault is answered with its code, the node stays
            answer_error(response, error, self.get_logger())
        return response

    def _set_camera(self, state: str = CAMERA_STATES[0], age: float = 0.0) -> None:
        if state not in CAMERA_STATES:
            self.get_logger().error(f"camera: expected a state out of {CAMERA_STATES}, received {state!r}")
            return
        self._camera_state, self._stamp_age = state, float(age)


def _start_controller(
    config: EmulatedCellConfig, joints: NDArray[np.float64], requests: tuple[str, ...]
) -> ControllerProcess:
    """The emulated controller; raises ConfigError when its ports cannot be served."""
    try:
        return ControllerProcess(config.host, personality(config.controller), joints, requests, GRIPPER_STROKE)
    except EmulatorStartError as error:
        raise ConfigError(str(error)) from error


def main() -> None:
    """Console script."""
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
            end(node)
    finally:
        rclpy.try_shutdown()
        ignore_signals()
