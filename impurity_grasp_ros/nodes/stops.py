"""Reports calls of the service ``stop`` to nodes that send primitives, since between two goals they see no effect."""

from __future__ import annotations

import threading

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import UInt32

from impurity_grasp_ros.nodes.runtime import LATCHED

TOPIC = "stops"


class StopCounter:
    """Publishes how often the service ``stop`` has been called since its node started."""

    def __init__(self, node: Node) -> None:
        self._lock = threading.Lock()
        self._calls = UInt32()
        self._publisher = node.create_publisher(UInt32, TOPIC, LATCHED)
        self._publisher.publish(self._calls)

    def count(self) -> None:
        """Count a call of ``stop``."""
        with self._lock:
            self._calls.data += 1
            self._publisher.publish(self._calls)


class StopListener:
    """Receives the number of calls of ``stop``; :attr:`calls` counts those since this listener was created."""

    def __init__(self, node: Node) -> None:
        self.calls = 0
        self._published: int | None = None
        group = ReentrantCallbackGroup()
        node.create_subscription(UInt32, TOPIC, self._on_calls, LATCHED, callback_group=group)

    def _on_calls(self, message: UInt32) -> None:
        """Count a call if the number has grown; a smaller number comes from another node, or a new one."""
        self.calls += self._published is not None and message.data > self._published
        self._published = message.data
