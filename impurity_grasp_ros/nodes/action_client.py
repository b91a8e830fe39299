"""An action client that never loses the answer to a goal."""

from __future__ import annotations

import threading
from typing import Any

import rclpy.action
from rclpy.task import Future


class ActionClient(rclpy.action.ActionClient):
    """rclpy's, without its race.

    rclpy handles the answer to a goal in an executor's thread while another one may still be registering the future
    that it returns; the future then never completes (ros2/rclpy issue 1123; rclpy 9.1 registers two futures, of which
    it returns the later one). Here, incoming messages are handled only after sending has finished.
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
