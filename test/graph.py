"""A running ROS graph for tests: every node in its own process, a separate DDS domain, and a client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from dds import unused_domain
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState

from impurity_grasp.action import ExecutePrimitive, PickImpurities
from impurity_grasp.msg import Decision, SceneState
from impurity_grasp.srv import Attend, CaptureHeightmap, ResetScene, SelectPrimitive
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.conversions import to_primitive
from impurity_grasp_ros.nodes.liveliness import Announcement, sender_topic
from impurity_grasp_ros.nodes.runtime import spin
from impurity_grasp_ros.nodes.signals import SUPERVISOR

COMMON_NODES = ("heightmap_node", "attention_node", "policy_node", "picker_node")
SIMULATED = ("bullet_bridge_node", *COMMON_NODES)
ROBOT = ("emulated_cell", "motion_node", *COMMON_NODES)
TIMEOUT = 60.0
POLL = 0.02


def until(condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> Any:
    """Wait until a condition is true and return its value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout} s for {what}"
        time.sleep(POLL)
    return value


class Client:
    """Client of the graph in the process of the test."""

    def __init__(self, domain: int) -> None:
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = Node("test_client", context=self._context)
        self.scene: SceneState | None = None
        self.joints: JointState | None = None
        self._hears_joints = False
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(
            SceneState, "scene_state", lambda message: setattr(self, "scene", message), latched
        )
        self.decisions: list[Decision] = []
        self.node.create_subscription(Decision, "decision", self.decisions.append, 100)
        self.feedback: list[PickImpurities.Feedback] = []  # an action client drops feedback after its result
        self.node.create_subscription(
            PickImpurities.Impl.FeedbackMessage,
            "pick_impurities/_action/feedback",
            lambda message: self.feedback.append(message.feedback),
            100,
        )
        self.capture = self.node.create_client(CaptureHeightmap, "capture_heightmap")
        self.attend = self.node.create_client(Attend, "attend")
        self.select = self.node.create_client(SelectPrimitive, "select_primitive")
        self.reset = self.node.create_client(ResetScene, "reset_scene")
        self.execute = ActionClient(self.node, ExecutePrimitive, "execute_primitive")
        self.sender = Announcement(self.node, sender_topic(self.node)).topic
        self.pick = ActionClient(self.node, PickImpurities, "pick_impurities")
        self._executor = MultiThreadedExecutor(2, context=self._context)
        self._executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=spin, args=(self._executor, self._stop))
        self._thread.start()

    def close(self, destroy: Callable[[], None] = lambda: None) -> None:
        """Stop spinning, then destroy the node and what ``destroy`` destroys."""
        self._stop.set()
        self._thread.join()
        destroy()
        self.node.destroy_node()
        self._context.try_shutdown()

    def await_graph(self) -> None:
        for client in (self.capture, self.attend, self.select):
            until(client.service_is_ready, client.srv_name)
        for action in (self.execute, self.pick):
            until(action.server_is_ready, action._action_name)
        until(lambda: self.scene is not None, "scene state")
        self.fresh_joints()
        until(self._feedback_arrives, "feedback of a dry run")

    def _feedback_arrives(self) -> bool:
        """Whether ``picker_node`` has discovered this client; this may be later than the reverse."""
        self.feedback.clear()
        self.result(self.send(self.pick, PickImpurities.Goal(dry_run=True)))
        return bool(self.feedback)

    def call(self, client: Any, request: Any) -> Any:
        """Call a service and return its response."""
        future = client.call_async(request)
        until(future.done, client.srv_name)
        return future.result()

    def answers(self, client: Any, request: Any, within: float = 2.0) -> bool:
        """Whether a service answers within some seconds; a request to a node that has just died is lost."""
        done = threading.Event()
        client.call_async(request).add_done_callback(lambda _: done.set())
        return done.wait(within)

    def send(self, action: ActionClient, goal: Any, on_feedback: Callable[[Any], None] = lambda _: None) -> Any:
        """Send a goal and return its handle, accepted or not."""
        future = action.send_goal_async(goal, feedback_callback=lambda message: on_feedback(message.feedback))
        until(future.done, "the goal's acceptance")
        return future.result()

    def primitive_goal(self, primitive: Primitive) -> ExecutePrimitive.Goal:
        """A goal that names this client as its sender."""
        return ExecutePrimitive.Goal(primitive=to_primitive(primitive), sender=self.sender)

    def result(self, handle: Any, timeout: float = TIMEOUT) -> Any:
        """Wait for an accepted goal and return its status and result."""
        assert handle.accepted
        future = handle.get_result_async()
        until(future.done, "the goal's result", timeout)
        return future.result()

    def await_motion(self, start: Sequence[float], radians: float) -> None:
        """Wait until a joint has moved by more than ``radians`` from its angle in ``start``."""
        until(lambda: np.abs(np.subtract(self.fresh_joints(), start)).max() > radians, "motion")

    def fresh_joints(self) -> list[float]:
        """Wait for the next joint angles, in rad."""
        if not self._hears_joints:  # subscribe late, as they are frequent; rclpy cannot unsubscribe while it spins
            self._hears_joints = True
            self.node.create_subscription(
                JointState, "joint_states", lambda message: setattr(self, "joints", message), 10
            )
        self.joints = None
        return list(until(lambda: self.joints, "joint states").position)


class Graph:
    """The processes of the nodes, and a ``client`` in the same domain."""

    def __init__(self, folder: Path, nodes: Sequence[str], parameters: dict[str, dict[str, Any]]) -> None:
        self.domain = unused_domain()
        self._environment = os.environ | {
            "ROS_DOMAIN_ID": str(self.domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_LOG_DIR": str(folder),
            "OMP_NUM_THREADS": "1",
            "PYTHONFAULTHANDLER": "1",
            SUPERVISOR: os.environ.get(SUPERVISOR, str(os.getpid())),
        }
        self._folder = folder
        simulated = "bullet_bridge_node" in nodes
        self._common = {"use_sim_time": simulated, "refuse_repeated": not simulated}  # as in the launch files
        self._parameters = parameters
        self.processes = {name: self._start(name) for name in nodes}
        self.client = Client(self.domain)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        values = self._common | self._parameters.get(name, {})
        arguments = [word for key, value in values.items() for word in ("-p", f"{key}:={json.dumps(value)}")]
        command = [sys.executable, "-c", f"from impurity_grasp_ros.nodes.start import {name}; {name}()"]
        command += ["--ros-args", *arguments]
        with (self._folder / f"{name}.txt").open("ab") as output:
            return subprocess.Popen(command, env=self._environment, stdout=output, stderr=subprocess.STDOUT)

    def run_script(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program in its own process and in the domain of the graph."""
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=2 * TIMEOUT,
            check=False,
        )

    def kill(self, name: str) -> None:
        """Kill a node with SIGKILL."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restart(self, name: str, **parameters: Any) -> None:
        """Start a node that has ended again, with some parameters changed."""
        self._parameters = {**self._parameters, name: {**self._parameters.get(name, {}), **parameters}}
        self.processes[name] = self._start(name)

    def output(self, name: str) -> str:
        """The output of a node."""
        return (self._folder / f"{name}.txt").read_text(errors="replace")

    def close(self) -> dict[str, int]:
        """Interrupt all nodes and return their exit codes."""
        self.client.close()
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        try:
            return {name: self._end_of(name, process) for name, process in self.processes.items()}
        finally:
            for process in self.processes.values():
                process.kill()

    def _end_of(self, name: str, process: subprocess.Popen[bytes]) -> int:
        """Exit code of an interrupted node; if it does not end, the error shows the stacks of its threads."""
        try:
            return process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait(20.0)
            raise AssertionError(f"{name} did not end\n{self.output(name)}") from None


@contextmanager
def running_graph(
    folder: Path,
    nodes: Sequence[str] = SIMULATED,
    ready: Callable[[Client], None] = Client.await_graph,
    **parameters: dict[str, Any],
) -> Iterator[Graph]:
    """A running graph; keyword arguments are parameters by node. On failure the output of the nodes is printed."""
    graph = Graph(folder, nodes, parameters)
    try:
        ready(graph.client)
        yield graph
    except BaseException:
        for name in nodes:
            print(f"--- {name}\n{graph.output(name)}")
        raise
    finally:
        graph.close()
