"""Calls of the service ``stop``, told to whoever sends one primitive after another: between two nothing else does."""

from __future__ import annotations

import threading

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import UInt32

TOPIC = "stops"
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class StopCounter:
    """Publishes how many times ``stop`` was called since the node started."""

    def __init__(self, node: Node) -> None:
        self._lock = threading.Lock()
        self._calls = UInt32()
        self._publisher = node.create_publisher(UInt32, TOPIC, LATCHED)
        self._publisher.publish(self._calls)

    def count(self) -> None:
        """``stop`` was called."""
        with self._lock:
            self._calls.data += 1
            self._publisher.publish(self._calls)


class StopListener:
    """Hears of calls of ``stop``; :attr:`calls` counts those in this node's life."""

    def __init__(self, node: Node) -> None:
        self.calls = 0
        self._published: int | None = None
        group = ReentrantCallbackGroup()
        node.create_subscription(UInt32, TOPIC, self._on_calls, LATCHED, callback_group=group)

    def _on_calls(self, message: UInt32) -> None:
        """A count that falls is another node's."""
        self.calls += self._published is not None and message.data > self._published
        self._published = message.data
