"""A running graph with the emulated robot, and a connection to the emulated cell."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from graph import Graph, until
from served_cell import ServedCell
from std_srvs.srv import Trigger

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt, ErrorCode
from impurity_grasp_ros.datatypes import Primitive

PUSH = Primitive.push((0.42, -0.16, 0.012), 0.0)
"""A push at the border of the workspace, where there are no blocks."""

STILL_TIME = 2.0
"""Seconds after which a stopped arm must not have moved."""


class Robot:
    """Client of ``motion_node`` with access to the state of the emulated cell."""

    def __init__(self, graph: Graph, host: str) -> None:
        self.graph = graph
        self.client = graph.client
        self.cell = ServedCell(host)
        self.status: dict[str, DiagnosticStatus] = {}
        self.client.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._recover = self.client.node.create_client(Trigger, "recover")
        self._home = self.client.node.create_client(Trigger, "home")
        self._stop = self.client.node.create_client(Trigger, "stop")

    def close(self) -> None:
        self.cell.close()

    def await_ready(self) -> None:
        """Wait until new diagnostics report that arm and gripper are ready."""
        self.status = {}
        until(self.is_ready, "arm and gripper")

    def is_ready(self) -> bool:
        levels = [status.level for status in self.status.values()]
        return levels == [DiagnosticStatus.OK] * 2

    def await_diagnostic(self, device: str, words: str) -> None:
        """Wait until the diagnostics of ``arm`` or ``gripper`` contain ``words``."""
        until(lambda: device in self.status and words in self.status[device].message, f"{device}: {words}")

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        named = {status.name.partition(": ")[2]: status for status in message.status}
        self.status = {device: status for device, status in named.items() if device} or self.status

    def joints(self) -> list[float]:
        return list(self.cell.do("state")["joints"])

    def speed(self) -> float:
        """Speed of the fastest joint, in rad/s."""
        return max(map(abs, self.cell.do("state")["speeds"]))

    def send(self, primitive: Primitive = PUSH, **options: Any) -> Any:
        """Send a goal and return its handle."""
        return self.client.send(self.client.execute, self.client.primitive_goal(primitive), **options)

    def start(self, primitive: Primitive = PUSH, **options: Any) -> Any:
        """Send a goal, wait until the arm moves, and return the handle."""
        handle = self.send(primitive, **options)
        until(lambda: self.speed() > 0.1, "motion")
        return handle

    def execute(self, primitive: Primitive = PUSH) -> ExecutePrimitive.Result:
        """Send a goal and return its result."""
        return self.client.result(self.send(primitive)).result

    def recover(self) -> Trigger.Response:
        until(self._recover.service_is_ready, "recover")
        return self.client.call(self._recover, Trigger.Request())

    def home(self) -> Trigger.Response:
        return self.client.call(self._home, Trigger.Request())

    def stop(self) -> Trigger.Response:
        return self.client.call(self._stop, Trigger.Request())

    def assert_still(self, before: list[float] | None = None) -> None:
        """Assert that the arm comes to rest and stays there, or at ``before`` (joint angles in rad) if given."""
        until(lambda: self.speed() < 0.02, "rest", 5.0)
        before = before or self.joints()
        time.sleep(STILL_TIME)
        np.testing.assert_allclose(self.joints(), before, atol=1e-3)

    def assert_usable(self) -> None:
        """Assert that the robot is or becomes ready, and that the next goal succeeds."""
        self.await_ready()
        answer = self.client.result(self.send())
        assert (answer.status, answer.result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), answer
        assert answer.result.attempt.status == Attempt.PUSHED
