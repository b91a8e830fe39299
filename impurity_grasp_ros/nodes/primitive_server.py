"""The action ``execute_primitive``, whoever moves the arm: one goal at a time, with cancel and feedback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from builtin_interfaces.msg import Time
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.datatypes import Attempt, Outcome, Primitive
from impurity_grasp_ros.errors import BusyError
from impurity_grasp_ros.motion.executor import Supervision
from impurity_grasp_ros.nodes.conversions import from_primitive, to_attempt
from impurity_grasp_ros.nodes.runtime import answer_error, finish

Execute = Callable[[Primitive, Supervision], Outcome]


class PrimitiveServer:
    """Action server on a node. execute: moves the arm. completed: the time after which a camera frame shows the result.

    Not more than one motion is under way; others take turns with :meth:`claimed` and :meth:`check_resting`.
    """

    def __init__(self, node: Node, execute: Execute, completed: Callable[[], Time]) -> None:
        self._logger = node.get_logger()
        self._execute = execute
        self._completed = completed
        self._moving = False
        self.stopping = False  # set it: what is under way is cancelled, and whatever comes is refused
        self._server = ActionServer(
            node,
            ExecutePrimitive,
            "execute_primitive",
            self._on_execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def check_resting(self) -> None:
        """Raises BusyError while a motion is under way."""
        if self._moving:
            raise BusyError("expected a resting arm, it moves")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """The arm is taken for something else; raises BusyError."""
        self.check_resting()
        self._moving = True
        try:
            yield
        finally:
            self._moving = False

    def _on_goal(self, _goal: ExecutePrimitive.Goal) -> GoalResponse:
        if self._moving or self.stopping:
            return GoalResponse.REJECT
        self._moving = True
        return GoalResponse.ACCEPT

    def _on_execute(self, handle: ServerGoalHandle) -> ExecutePrimitive.Result:
        result = ExecutePrimitive.Result()
        start = time.monotonic()

        def report(phase: str) -> None:
            handle.publish_feedback(ExecutePrimitive.Feedback(phase=phase, elapsed=time.monotonic() - start))

        try:
            primitive = from_primitive(handle.request.primitive)
            supervision = Supervision(lambda: self.stopping or handle.is_cancel_requested, report)
            result.attempt = to_attempt(Attempt(primitive, self._execute(primitive, supervision)))
        except Exception as error:  # every fault is answered with its code, the node stays
            answer_error(result, error, self._logger)
        result.completed = self._completed()
        self._moving = False
        return finish(handle, result)
