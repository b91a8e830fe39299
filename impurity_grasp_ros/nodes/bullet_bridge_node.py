"""The simulated cell behind the robot's ROS interfaces: camera, joint states, clock, actions and services."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

from impurity_grasp.msg import SceneState
from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Outcome, Primitive
from impurity_grasp_ros.motion.executor import Supervision
from impurity_grasp_ros.nodes.bullet_topics import BulletTopics, SceneParameters
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.primitive_server import PrimitiveServer
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import answer_error, pace, steady_timer
from impurity_grasp_ros.nodes.stamps import to_time
from impurity_grasp_ros.simulation.environment import Environment

RESTING_PERIOD = 0.5
"""Seconds between ticks of the clock, each with joint states and a camera frame, while nothing happens: every tick
wakes all nodes."""

LIVELY_TIME = 2.0
"""Seconds after a motion or a new scene in which ticks come at the camera's rate."""


@dataclass(frozen=True)
class BulletBridgeConfig(SceneParameters):
    """The initial scene, how fast time passes, and the rates of the topics."""

    gui: bool = parameter("open the simulator's window; implies real_time")
    real_time: bool = parameter("move at the speed of the wall clock instead of as fast as possible")
    watch_sender: bool = parameter("stop the arm when the node that sent the goal is gone")
    camera_rate: float = parameter(
        "highest rate of camera frames in Hz; they pause while the arm moves, and are rarer some time after that",
        low=0.1,
        high=60.0,
    )
    joint_state_rate: float = parameter("Hz of joint states and clock, in simulated time", low=1.0, high=240.0)


class BulletBridgeNode(ManagedNode):
    """Takes the place of the camera driver and ``motion_node``.

    A lock guards the simulation; a motion holds it from start to end.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid, or the cell or the scene cannot be loaded.
        UnknownSceneError: There is no such scene.
        InvalidGoalError: The seed or a number of objects is out of range.
        SceneNotSettledError: The scene could not be generated.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("bullet_bridge_node", **options)
        self._settings = NodeParameters(self, "bullet_bridge_node", BulletBridgeConfig)
        self._lock = threading.Lock()
        self.start()

    def configure(self) -> None:
        """Build the simulated cell and begin to publish; see the base class."""
        config = self._settings.value
        self._real_time = config.real_time or config.gui
        self._environment = Environment(load_cell(config.cell_file), gui=config.gui, fast_forward=not self._real_time)
        self.own(self._close_environment)
        self._last_idle = self._last_event = time.monotonic()
        self._topics = BulletTopics(self, self._environment, config.joint_state_rate)
        self._reset(config.scene, config.seed, config.targets, config.blocks)
        self._timer = steady_timer(self, 1.0 / config.camera_rate, self._on_tick)
        self.serve(ResetScene, "reset_scene", self._on_reset, callback_group=MutuallyExclusiveCallbackGroup())
        self._primitives = PrimitiveServer(
            self,
            self._execute,
            lambda: None,  # the executor stops the simulated arm the next time it polls
            lambda: to_time(self._topics.now()),
            lambda: config.watch_sender,
        )
        self.own(self._primitives.destroy)

    def deactivate(self, reason: str) -> None:
        """Stop the arm; see the base class."""
        self._primitives.stop(reason)

    def _close_environment(self) -> None:
        """Wait for the end of a motion, and close the simulator."""
        with self._lock:
            self._environment.close()

    def _on_tick(self) -> None:
        """Let the clock advance and publish what is seen, unless the simulation is in use."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            self._topics.idle(now - self._last_idle)
            self._last_idle = now
            self._topics.publish_frame()
        finally:
            self._lock.release()
        if now - self._last_event > LIVELY_TIME:
            pace(self._timer, max(RESTING_PERIOD, 1.0 / self._settings.value.camera_rate))

    def _note_event(self) -> None:
        self._last_idle = self._last_event = time.monotonic()
        pace(self._timer, 1.0 / self._settings.value.camera_rate)

    def _on_reset(self, request: ResetScene.Request, response: ResetScene.Response) -> ResetScene.Response:
        try:
            with self._primitives.claimed("reset_scene"), self._lock:
                response.state = self._reset(request.scene, request.seed, request.targets, request.blocks)
                self._note_event()
        except Exception as error:  # every fault is answered with its code; the node keeps running
            answer_error(response, error, self.get_logger())
        return response

    def _reset(self, scene: str, seed: int, targets: int, blocks: int) -> SceneState:
        state = self._topics.reset(scene, seed, targets, blocks)
        if self._real_time:
            time_step = self._environment.config.physics.time_step
            self._environment.world.after_step(lambda: time.sleep(time_step))
        return state

    def _execute(self, primitive: Primitive, supervision: Supervision) -> Outcome:
        with self._lock:
            try:
                return self._environment.step(primitive, supervision)
            finally:
                self._topics.forget_frame()
                self._topics.publish_scene()
                self._note_event()


def main() -> None:
    """Entry point of the console script."""
    run(BulletBridgeNode)
