"""One goal of an action, from sending to its result."""

from __future__ import annotations

import threading
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.task import Future

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.nodes.action_client import ActionClient


class SentGoal:
    """A goal that can be stopped at any time, also before the server has answered.

    Args:
        client: Client of the action.
        goal: The goal.
        name: What executes it, for messages.
    """

    def __init__(self, client: ActionClient, goal: Any, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._handle: Any = None
        self._result: Future | None = None
        self._stopped = False
        client.send_goal_async(goal).add_done_callback(self._on_answer)

    def _on_answer(self, future: Future) -> None:
        with self._lock:
            self._handle = future.result()
            if self._handle.accepted:
                self._result = self._handle.get_result_async()
            stopped = self._stopped
        self._answered.set()
        if stopped:
            self.stop()

    def await_acceptance(self, timeout: float) -> None:
        """Wait until the server has accepted the goal; otherwise stop it.

        Args:
            timeout: Seconds to wait.

        Raises:
            DeviceFaultError: It has refused the goal, or has not answered in time.
        """
        if not self._answered.wait(timeout):
            self.stop()
            raise DeviceFaultError(f"expected {self._name} to answer within {timeout:g} s, it did not")
        if self._result is None:
            raise DeviceFaultError(f"expected {self._name} to accept the goal, it refused")

    def stop(self) -> None:
        """Cancel the goal, at once or as soon as it has been accepted; may be called from any thread."""
        with self._lock:
            self._stopped = True
            running = self._result is not None and not self._result.done()
        if running:
            self._handle.cancel_goal_async()

    def outcome(self) -> tuple[bool, Any] | None:
        """Whether the goal has succeeded, and its result; None while it is being executed."""
        if self._result is None or not self._result.done():
            return None
        answer = self._result.result()
        return answer.status == GoalStatus.STATUS_SUCCEEDED, answer.result
