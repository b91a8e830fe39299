"""An action client that never loses the response to a goal."""

from __future__ import annotations

import threading
from typing import Any

import rclpy.action
from rclpy.task import Future


class ActionClient(rclpy.action.ActionClient):
    """The action client of ``rclpy`` without its race condition.

    ``rclpy`` may process the response to a goal in an executor thread while the sending thread is still registering
    the future that it will return; that future then never completes (ros2/rclpy issue 1123; rclpy 9.1 registers two
    futures and returns the later one). Here, incoming messages are processed only after sending has finished.

    Args:
        arguments: Positional arguments of :class:`rclpy.action.ActionClient`.
        options: Its keyword arguments.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._sending = threading.Lock()
        super().__init__(*arguments, **options)

    def send_goal_async(self, *arguments: Any, **options: Any) -> Future:
        """See :meth:`rclpy.action.ActionClient.send_goal_async`."""
        with self._sending:
            return super().send_goal_async(*arguments, **options)

    async def execute(self, taken_data: Any) -> None:
        """See :meth:`rclpy.action.ActionClient.execute`."""
        with self._sending:
            pass
        await super().execute(taken_data)
