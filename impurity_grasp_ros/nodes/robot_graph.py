"""The nodes of a robot as ``real.launch.py`` starts them, in processes, with an emulated cell; and a client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from impurity_grasp.msg import CellState, SceneState
from impurity_grasp.srv import CaptureHeightmap, ResetScene
from impurity_grasp_ros.errors import DeviceFaultError, ErrorCode, PeerUnavailableError, ReportedError
from impurity_grasp_ros.graphs import GRAPHS
from impurity_grasp_ros.nodes.diagnostics import DIAGNOSTICS
from impurity_grasp_ros.nodes.pick_client import PickClient
from impurity_grasp_ros.nodes.pick_job import PickResult
from impurity_grasp_ros.nodes.processes import NodeProcesses
from impurity_grasp_ros.nodes.runtime import LATCHED, SpinningThread

ARM = "motion_node"
SLOWED = ("emulated_cell", ARM)
"""The nodes that ``prefix`` slows down: controller, camera and driver."""

START_TIMEOUT = 120.0
"""Seconds within which each part of the graph must become ready."""

ANSWER_TIMEOUT = 60.0
"""Seconds within which the graph must answer everything but a job."""

CAPTURE_TIMEOUT = 5
"""Seconds within which the camera must deliver a frame."""

POLL = 0.02
"""Seconds between checks while waiting."""


class RobotGraph:
    """A context manager that runs the nodes in processes.

    Args:
        folder: Where the nodes' output and logs are written.
        given: Values of launch arguments of the emulated robot, other than the defaults.
        prefix: Words to put in front of the commands of controller, camera and driver.
    """

    def __init__(self, folder: Path, given: Mapping[str, str], prefix: Sequence[str] = ()) -> None:
        graph = GRAPHS["emulated"]
        values = graph.values(given)
        self._processes = NodeProcesses(graph.nodes, values, folder, dict.fromkeys(SLOWED, prefix))
        self._context = Context()
        self.scene = SceneState()
        self.longest_age = 0.0
        self._problems: list[str] | None = None
        self._is_active = False

    def __enter__(self) -> RobotGraph:
        rclpy.init(context=self._context)
        self._node = Node("robot_graph_client", context=self._context)
        self._node.create_subscription(SceneState, "scene_state", self._on_scene, LATCHED)
        self._node.create_subscription(CellState, "cell_state", self._on_cell, LATCHED)
        self._node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, 10)
        self._reset = self._node.create_client(ResetScene, "reset_scene")
        self._capture = self._node.create_client(CaptureHeightmap, "capture_heightmap")
        self._services = {name: self._node.create_client(Trigger, name) for name in ("recover", "home")}
        self._picker = PickClient(node=self._node)
        self._picker.__enter__()
        self._spinning = SpinningThread([self._node], 2, self._context)
        self._spinning.start()
        self._processes.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.__exit__(kind, error, trace)  # their end stops the arm
        self._spinning.end()
        self._node.destroy_node()
        self._context.try_shutdown()

    def await_ready(self) -> None:
        """Wait until arm, gripper, camera and picker are ready.

        Raises:
            PeerUnavailableError: One of them was not ready in time, or a process has ended; the message says which.
        """
        self._await(lambda: self._is_active, START_TIMEOUT, "all nodes to be active")
        self._await(lambda: self._problems == [], START_TIMEOUT, "arm and gripper")
        self._await(self._captures, START_TIMEOUT, "a first heightmap")

    def _captures(self) -> bool:
        request = CaptureHeightmap.Request(timeout=Duration(sec=CAPTURE_TIMEOUT))
        answer = self._answer(self._capture.call_async(request), "capture_heightmap")
        return bool(answer.error_code == ErrorCode.NONE)

    def reset(self, scene: str, seed: int, targets: int = -1, blocks: int = -1) -> SceneState:
        """Replace the scene while the arm is at rest.

        Args:
            scene: Name of a scene, or path of a preset.
            seed: Seed of the scene.
            targets: Number of targets; -1: as the scene file says.
            blocks: Number of ordinary blocks; -1: as the scene file says.

        Returns:
            The state of the new scene.

        Raises:
            ReportedError: The scene could not be generated, or the arm is moving.
            PeerUnavailableError: There was no answer in time, or a process has ended.
        """
        request = ResetScene.Request(scene=scene, seed=seed, targets=targets, blocks=blocks)
        response = self._answer(self._reset.call_async(request), "reset_scene")
        if response.error_code != ErrorCode.NONE:
            raise ReportedError(response.error_code, response.error_msg)
        self.scene = response.state
        return response.state

    def recover(self) -> None:
        """Make the robot ready again and move it home, as a person does after a fault.

        Raises:
            DeviceFaultError: The robot cannot be made ready, or cannot move home.
            PeerUnavailableError: There was no answer in time, or a process has ended.
        """
        for name, client in self._services.items():
            response = self._answer(client.call_async(Trigger.Request()), name)
            if not response.success:
                raise DeviceFaultError(f"expected {name} to succeed after a fault: {response.message}")

    def pick(self) -> PickResult:
        """Run a job to its end and return its result.

        Raises:
            ReportedError: The goal was rejected.
            PeerUnavailableError: There was no answer in time, or a process has ended.
        """
        job = self._picker.start(timeout=ANSWER_TIMEOUT)
        self._await(lambda: job.done, float("inf"), "pick_impurities")
        return job.wait()

    def _on_cell(self, state: CellState) -> None:
        self._is_active = state.active

    def _on_scene(self, state: SceneState) -> None:
        self.scene = state

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        devices = [status for status in message.status if status.name.startswith(f"{ARM}: ")]
        if not devices:
            return
        self._problems = [status.message for status in devices if status.level != DiagnosticStatus.OK]
        values = {value.key: value.value for status in devices for value in status.values}
        if self._problems == []:
            self.longest_age = max(self.longest_age, float(values.get("link_age_s", 0.0)))

    def _answer(self, future: Future, what: str, timeout: float = ANSWER_TIMEOUT) -> Any:
        self._await(future.done, timeout, what)
        return future.result()

    def _await(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            for name, code in self._processes.ended().items():
                raise PeerUnavailableError(f"expected {name} to keep running, it ended with {code}")
            if time.monotonic() > deadline:
                raise PeerUnavailableError(f"expected {what} within {timeout:g} s: {self._problems}")
            time.sleep(POLL)
