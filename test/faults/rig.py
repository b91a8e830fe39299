"""``motion_node`` with an emulated controller and ideal mechanics, and common steps of its fault tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from fault_table import Verdict
from graph import Client, Graph, running_graph, until
from robot_client import Robot
from served_cell import ServedCell, free_host, served_cell

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import ErrorCode


def motion_ready(client: Client) -> None:
    """Wait until ``motion_node`` is running; its robot may not be ready."""
    until(client.execute.server_is_ready, "execute_primitive")


GRASP = Primitive.grasp((0.42, -0.16, 0.012), 0.0)


def code(result: ExecutePrimitive.Result) -> str:
    return ErrorCode(result.error_code).name


def ended(robot: Robot, handle: Any, verdict: Verdict, expected: str, words: str) -> None:
    """Check that a goal ends with a code and a reason, and that the arm stays where it stopped."""
    result = robot.client.result(handle).result
    verdict.expect(code(result), expected, result.error_msg)
    assert words in result.error_msg, result.error_msg
    robot.assert_still()


def during(phase: str, action: Callable[[], Any]) -> Callable[[ExecutePrimitive.Feedback], None]:
    """Return a feedback callback that calls ``action`` when a phase begins."""

    def on_feedback(feedback: ExecutePrimitive.Feedback) -> None:
        if feedback.phase == phase:
            action()

    return on_feedback


class Rig(ExitStack):
    """``motion_node`` and its own emulated controller, which can be started in either order."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.host = free_host()
        self._folder = folder

    def start_cell(self, personality: str = "cb3") -> ServedCell:
        return self.enter_context(served_cell(self.host, personality))

    def start_node(self, **parameters: Any) -> Graph:
        values = {"robot_ip": self.host, **parameters}
        return self.enter_context(running_graph(self._folder, ("motion_node",), motion_ready, motion_node=values))

    def robot(self, graph: Graph) -> Robot:
        return self.enter_context(closing(Robot(graph, self.host)))

    def start(self, **parameters: Any) -> Robot:
        """Start both and wait until they are ready."""
        self.start_cell()
        robot = self.robot(self.start_node(**parameters))
        robot.await_ready()
        return robot
