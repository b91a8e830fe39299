"""All nodes of the simulated system in one process, and a client that gives it jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import SceneState
from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import BusyError, ErrorCode, PeerUnavailableError
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.attention_node import AttentionNode
from impurity_grasp_ros.nodes.bullet_bridge_node import BulletBridgeNode
from impurity_grasp_ros.nodes.heightmap_node import HeightmapNode
from impurity_grasp_ros.nodes.peers import ReportedError
from impurity_grasp_ros.nodes.picker_node import PickerNode
from impurity_grasp_ros.nodes.policy_node import PolicyNode
from impurity_grasp_ros.nodes.recorder_node import RecorderNode
from impurity_grasp_ros.nodes.runtime import LATCHED, end, spin

THREADS = 8
ANSWER_TIMEOUT = 60.0
"""Seconds within which the graph answers anything but a job."""

DISCOVERY_TIME = 1.5
"""Seconds after which other graphs of the same ROS domain are known."""

RECORD_TIMEOUT = 5.0
"""Seconds that the recorder gets to write its last pictures."""


class SimulatedSystem:
    """Context manager around the composed graph.

    Args:
        bridge: Parameters of the bullet_bridge_node besides the cell.
        cell_file: The cell; a path, or relative to the package.
        folder: Where pictures of the decisions go.
        on_line: Gets each decision in words.
    """

    def __init__(self, bridge: Mapping[str, Any], cell_file: str, folder: Path, on_line: Callable[[str], None]) -> None:
        gripper = load_cell(cell_file).gripper_model
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._created = time.monotonic()
        cell = [Parameter("cell_file", value=cell_file)]
        overrides = [Parameter(name, value=value) for name, value in bridge.items()]
        self._client = Node("sim_client")
        self.recorder = RecorderNode(folder, gripper, on_line)
        self._nodes = [
            BulletBridgeNode(parameter_overrides=[*overrides, *cell]),
            HeightmapNode(  # the camera has no noise
                parameter_overrides=[Parameter("refuse_repeated", value=False), *cell]
            ),
            AttentionNode(),
            PolicyNode(parameter_overrides=cell),
            PickerNode(),
            self.recorder,
            self._client,
        ]
        self.scene = SceneState()
        self._client.create_subscription(SceneState, "scene_state", self._on_scene, LATCHED)
        self._reset = self._client.create_client(ResetScene, "reset_scene")
        self._pick = ActionClient(self._client, PickImpurities, "pick_impurities")
        self._executor = MultiThreadedExecutor(THREADS)
        for node in self._nodes:
            self._executor.add_node(node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=spin, args=(self._executor, self._stop), name="ros")

    def __enter__(self) -> SimulatedSystem:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        for node in self._nodes:
            end(node)
        rclpy.try_shutdown()

    def _on_scene(self, state: SceneState) -> None:
        self.scene = state

    def reset(self, scene: str, seed: int, targets: int | None, blocks: int | None) -> None:
        """Generate a scene; raises ReportedError when that is not possible, BusyError when two graphs would answer."""
        self._check_alone()
        request = ResetScene.Request(scene=scene, seed=seed)
        request.targets = -1 if targets is None else targets
        request.blocks = -1 if blocks is None else blocks
        response = self._wait(self._reset.call_async(request), ANSWER_TIMEOUT, "reset_scene")
        if response.error_code != ErrorCode.NONE:
            raise ReportedError(response.error_code, response.error_msg)
        self.scene = response.state
        self.recorder.count = 0

    def _check_alone(self) -> None:
        """Raise BusyError when another graph is known; one that has just started may not be yet."""
        time.sleep(max(0.0, self._created + DISCOVERY_TIME - time.monotonic()))
        if (graphs := self._client.count_publishers("decision")) > 1:
            raise BusyError(f"expected one graph in this ROS domain, found {graphs}: please set another ROS_DOMAIN_ID")

    def pick(
        self, goal: PickImpurities.Goal, on_feedback: Callable[[PickImpurities.Feedback], None]
    ) -> PickImpurities.Result:
        """Send a goal to ``pick_impurities`` and wait for its result; an interrupt cancels it and is raised again.

        Raises BusyError when two graphs would answer.
        """
        if not self._pick.wait_for_server(ANSWER_TIMEOUT):
            raise PeerUnavailableError(f"expected pick_impurities to appear within {ANSWER_TIMEOUT:g} s")
        self._check_alone()
        sent = self._pick.send_goal_async(goal, feedback_callback=lambda message: on_feedback(message.feedback))
        handle = self._wait(sent, ANSWER_TIMEOUT, "pick_impurities")
        if not handle.accepted:
            raise ReportedError(ErrorCode.BUSY, "expected pick_impurities to accept the goal, it is busy")
        outcome = handle.get_result_async()
        try:
            return self._wait(outcome, float("inf"), "pick_impurities").result
        except KeyboardInterrupt:
            handle.cancel_goal_async()
            self._wait(outcome, ANSWER_TIMEOUT, "pick_impurities, canceled,")
            raise

    def await_decisions(self, count: int) -> None:
        """Let the recorder catch up with a job that made ``count`` decisions."""
        deadline = time.monotonic() + RECORD_TIMEOUT
        while self.recorder.count < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def _wait(self, future: Future, timeout: float, what: str) -> Any:
        deadline = time.monotonic() + timeout
        while not future.done():
            if time.monotonic() > deadline:
                raise PeerUnavailableError(f"expected {what} to answer within {timeout:g} s")
            time.sleep(0.02)
        return future.result()
