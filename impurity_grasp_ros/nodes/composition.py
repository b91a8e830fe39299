"""All nodes of the simulated system in one process, and a client that sends jobs to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from impurity_grasp.msg import CellState, SceneState
from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import BusyError, ErrorCode, PeerUnavailableError, ReportedError
from impurity_grasp_ros.nodes.attention_node import AttentionNode
from impurity_grasp_ros.nodes.bullet_bridge_node import BulletBridgeNode
from impurity_grasp_ros.nodes.heightmap_node import HeightmapNode
from impurity_grasp_ros.nodes.manager_node import ManagerNode
from impurity_grasp_ros.nodes.pick_client import PickClient
from impurity_grasp_ros.nodes.pick_job import PickFeedback, PickResult
from impurity_grasp_ros.nodes.picker_node import PickerNode
from impurity_grasp_ros.nodes.policy_node import PolicyNode
from impurity_grasp_ros.nodes.recorder_node import RecorderNode
from impurity_grasp_ros.nodes.recording_node import RecordingNode
from impurity_grasp_ros.nodes.running import end
from impurity_grasp_ros.nodes.runtime import LATCHED, SpinningThread

THREADS = 8
ANSWER_TIMEOUT = 60.0
"""Seconds within which the graph must answer everything but a job."""

DISCOVERY_TIME = 1.5
"""Seconds until other graphs in the same ROS domain have been discovered."""

RECORD_TIMEOUT = 5.0
"""Seconds that the recorder has to write the last pictures of a job."""


class SimulatedSystem:
    """A context manager that runs the composed graph.

    Args:
        bridge: Parameters of ``bullet_bridge_node`` except the cell, by name.
        cell_file: The cell; a path, or relative to the package.
        folder: Where the recorder writes its pictures.
        on_line: Receives each decision as a line of text.
        attention: Parameters of ``attention_node`` other than the shipped ones, by name.
        recordings: Folder in which jobs are recorded; None for no recordings.

    Raises:
        ConfigError: A parameter is invalid.
        UnknownSceneError: There is no such scene.
        InvalidGoalError: The seed or a number of objects is out of range.
        SceneNotSettledError: The scene could not be generated.
        CheckpointError: The weights of the policy cannot be used.
    """

    def __init__(
        self,
        bridge: Mapping[str, Any],
        cell_file: str,
        folder: Path,
        on_line: Callable[[str], None],
        attention: Mapping[str, Any] = MappingProxyType({}),
        recordings: Path | None = None,
    ) -> None:
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
            AttentionNode(parameter_overrides=[Parameter(name, value=value) for name, value in attention.items()]),
            PolicyNode(parameter_overrides=cell),
            PickerNode(),
            ManagerNode(parameter_overrides=[Parameter("mover", value="bullet_bridge_node")]),
            self.recorder,
            self._client,
        ]
        if recordings is not None:
            self._nodes.append(RecordingNode(parameter_overrides=[Parameter("folder", value=str(recordings))]))
        self.scene = SceneState()
        self._client.create_subscription(SceneState, "scene_state", self._on_scene, LATCHED)
        self._active = threading.Event()
        self._client.create_subscription(CellState, "cell_state", self._on_cell, LATCHED)
        self._reset = self._client.create_client(ResetScene, "reset_scene")
        self._picker = PickClient(node=self._client)
        self._spinning = SpinningThread(self._nodes, THREADS)

    def __enter__(self) -> SimulatedSystem:
        self._spinning.start()
        self._picker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._picker.__exit__(kind, error, trace)  # cancels a job that was interrupted
        finally:
            self._spinning.end()
            for node in self._nodes:
                end(node)
            rclpy.try_shutdown()

    def _on_cell(self, state: CellState) -> None:
        if state.active:
            self._active.set()

    def _on_scene(self, state: SceneState) -> None:
        self.scene = state

    def reset(self, scene: str, seed: int, targets: int | None, blocks: int | None) -> None:
        """Generate a scene.

        Args:
            scene: Name of a scene, or path of a preset.
            seed: Seed of the scene.
            targets: Number of targets; None: as the scene file says.
            blocks: Number of ordinary blocks; None: as the scene file says.

        Raises:
            BusyError: Another graph in this ROS domain would answer as well.
            ReportedError: The scene could not be generated.
            PeerUnavailableError: There was no answer in time.
        """
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
        """Raise BusyError if another graph is known; one that has just started may not be discovered yet."""
        time.sleep(max(0.0, self._created + DISCOVERY_TIME - time.monotonic()))
        if (graphs := self._client.count_publishers("decision")) > 1:
            raise BusyError(f"expected one graph in this ROS domain, found {graphs}: set another ROS_DOMAIN_ID")

    def pick(self, on_feedback: Callable[[PickFeedback], None] = lambda _feedback: None, **limits: Any) -> PickResult:
        """Run a job to its end.

        Args:
            on_feedback: Called with each feedback.
            limits: Keyword arguments of :meth:`PickClient.start`.

        Returns:
            The result.

        Raises:
            BusyError: Another graph in this ROS domain would answer as well.
            ReportedError: The goal was rejected.
            PeerUnavailableError: The nodes did not become active or answer in time.
        """
        if not self._active.wait(ANSWER_TIMEOUT):
            raise PeerUnavailableError(f"expected all nodes to be active within {ANSWER_TIMEOUT:g} s")
        self._check_alone()
        job = self._picker.start(timeout=ANSWER_TIMEOUT, **limits)
        for feedback in job.feedback():
            on_feedback(feedback)
        return job.wait()

    def await_decisions(self, count: int) -> None:
        """Wait for the recorder to catch up with a job that made ``count`` decisions."""
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
