"""The action ``execute_primitive`` and the service ``stop``, for any node that moves an arm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from builtin_interfaces.msg import Time
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from std_srvs.srv import Trigger

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.datatypes import Attempt, Outcome, Primitive
from impurity_grasp_ros.errors import (
    BusyError,
    CanceledError,
    InvalidGoalError,
    NotActiveError,
    SenderLostError,
    StoppedError,
)
from impurity_grasp_ros.motion.executor import Supervision
from impurity_grasp_ros.nodes.conversions import from_primitive, to_attempt
from impurity_grasp_ros.nodes.liveliness import Watch, announce_server, watch_servers
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.runtime import RESULT_TIMEOUT, answer_error, finish
from impurity_grasp_ros.nodes.stops import StopCounter

Execute = Callable[[Primitive, Supervision], Outcome]

SENDER_TIMEOUT = 3.0
"""Seconds within which the announcement of a goal's sender must be received."""

STOP_HOLD = 0.5
"""Seconds after a call of ``stop`` in which goals are refused, because their senders may not yet know of the stop."""


class PrimitiveServer:
    """Action server and service ``stop`` of a node. Only one motion runs at a time.

    Args:
        node: The node that moves the arm.
        execute: Executes a primitive; raises CanceledError soon after its supervision reports a cancel.
        halt: Stops the arm at once, even while ``execute`` runs in another thread.
        completed: Returns the time from which on camera frames show the result.
        watch_sender: Returns whether the arm has to stop when the sender of the goal is gone.
    """

    def __init__(
        self,
        node: ManagedNode,
        execute: Execute,
        halt: Callable[[], None],
        completed: Callable[[], Time],
        watch_sender: Callable[[], bool],
    ) -> None:
        self._node = node
        self._execute = execute
        self._halt = halt
        self._completed = completed
        self._watch_sender = watch_sender
        self._lock = threading.Lock()
        self._owner = ""  # what the arm is in use for, empty if it is idle
        self._reason = ""  # why it has to stop, empty if it may go on
        self._stopped_at = float("-inf")
        self._stops = StopCounter(node)
        self._senders: dict[str, Watch] = {}
        self._sender: Watch | None = None  # of the current goal
        self._sender_lost = False
        self._announcement = announce_server(node)
        self._servers = watch_servers(node)  # including this one
        self._server = ActionServer(
            node,
            ExecutePrimitive,
            "execute_primitive",
            self._on_execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
            result_timeout=RESULT_TIMEOUT,
        )
        node.create_service(Trigger, "stop", self._on_stop, callback_group=ReentrantCallbackGroup())

    def stop(self, reason: str) -> str:
        """Stop the arm, from any thread and at any time; it stays where it is until the next goal or service call.

        Args:
            reason: Why, for the error message of what is stopped.

        Returns:
            What the arm was in use for, empty if it was idle.
        """
        with self._lock:
            self._reason, owner = reason, self._owner
        self._halt()
        return owner

    def destroy(self) -> None:
        """End the action, and all announcements and subscriptions."""
        self._server.destroy()
        self._announcement.close()
        self._servers.close()
        for watch in self._senders.values():
            watch.close()

    @contextmanager
    def claimed(self, purpose: str) -> Iterator[Callable[[], bool]]:
        """Reserve the arm for a purpose other than a goal, as a context manager.

        Args:
            purpose: Name of the purpose, for messages.

        Yields:
            A function that returns whether to stop.

        Raises:
            BusyError: The arm is in use.
            NotActiveError: The node is not active.
            StoppedError: The arm was stopped.
        """
        self._claim(purpose)
        try:
            yield lambda: bool(self._reason)
        except CanceledError as error:
            raise StoppedError(f"expected {purpose} to continue: {self._reason}") from error
        finally:
            self._release()

    def _claim(self, purpose: str) -> None:
        with self._lock:
            self._node.check_active()
            if self._owner:
                raise BusyError(f"expected an idle arm, it is in use: {self._owner}")
            self._owner, self._reason, self._sender_lost = purpose, "", False

    def _release(self) -> None:
        with self._lock:
            self._owner = ""

    def _on_stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stopped_at = time.monotonic()
        owner = self.stop("service stop was called")
        self._stops.count()
        response.success = True
        response.message = f"stopped: {owner}" if owner else "nothing was under way"
        self._node.get_logger().info(f"stop: {response.message}")
        return response

    def _on_goal(self, _goal: ExecutePrimitive.Goal) -> GoalResponse:
        if self._servers.count > 1:
            found = f"{self._servers.count} nodes would execute it"
            self._node.get_logger().error(f"AMBIGUOUS_PEER: refused a goal: {found}")
            return GoalResponse.REJECT
        try:
            self._claim("execute_primitive")
        except (BusyError, NotActiveError) as error:
            self._node.get_logger().warning(f"{error.code.name}: refused a goal: {error}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_execute(self, handle: ServerGoalHandle) -> ExecutePrimitive.Result:
        result, feedback = ExecutePrimitive.Result(), ExecutePrimitive.Feedback()
        start = time.monotonic()

        def publish() -> None:
            feedback.elapsed = time.monotonic() - start
            handle.publish_feedback(feedback)

        def on_phase(phase: str) -> None:
            feedback.phase = phase
            publish()

        def on_clear(outcome: Outcome) -> None:
            feedback.attempt, feedback.clear = [to_attempt(Attempt(primitive, outcome))], self._completed()
            publish()

        try:
            if start - self._stopped_at < STOP_HOLD:
                raise StoppedError("expected a goal sent after the stop, this one came at the same time")
            primitive = from_primitive(handle.request.primitive)
            self._await_sender(handle.request.sender)
            supervision = Supervision(lambda: handle.is_cancel_requested or self._must_stop(), on_phase, on_clear)
            result.attempt = to_attempt(Attempt(primitive, self._execute_watched(primitive, supervision)))
        except Exception as error:  # every fault is answered with its code; the node keeps running
            answer_error(result, error, self._node.get_logger())
        result.completed = self._completed()
        self._release()
        return finish(handle, result)

    def _execute_watched(self, primitive: Primitive, supervision: Supervision) -> Outcome:
        """Execute a primitive; if it is stopped, raise an error that says why instead of CanceledError."""
        try:
            if supervision.canceled():
                raise CanceledError("expected to start, was asked to stop")
            return self._execute(primitive, supervision)
        except CanceledError as error:
            if self._sender_lost:
                raise SenderLostError(f"expected the goal's sender to stay alive: {self._reason}") from error
            if self._reason:
                raise StoppedError(f"expected to finish the motion: {self._reason}") from error
            raise

    def _must_stop(self) -> bool:
        if not self._reason and self._sender is not None and not self._sender.is_alive:
            self._sender_lost, self._reason = True, f"{self._sender.topic} fell silent"
        return bool(self._reason)

    def _await_sender(self, topic: str) -> None:
        """Watch the sender of a goal; raise InvalidGoalError if there is none, SenderLostError if it is silent."""
        self._sender = None
        if not self._watch_sender():
            return
        if not topic:
            raise InvalidGoalError(
                "sender: expected the liveliness topic of the goal's sender, received none; "
                "set watch_sender to false to accept goals without one"
            )
        self._sender = self._sender_watch(topic)
        if not self._sender.wait(SENDER_TIMEOUT):
            raise SenderLostError(f"expected the goal's sender to announce itself on {topic}, it does not")

    def _sender_watch(self, topic: str) -> Watch:
        """Return the watch of a sender, and close those of other senders that are gone."""
        for other in [name for name, watch in self._senders.items() if name != topic and not watch.is_alive]:
            self._senders.pop(other).close()
        if topic not in self._senders:
            self._senders[topic] = Watch(self._node, topic)
        return self._senders[topic]
