"""Topics for people, whose messages are made only if someone looks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node

from impurity_grasp_ros.nodes.runtime import LATCHED


class OnDemand:
    """A latched topic; its latest message is made while someone subscribes, or as soon as someone does.

    Args:
        node: The node that publishes.
        kind: Type of the message.
        topic: Name of the topic.
    """

    def __init__(self, node: Node, kind: Any, topic: str) -> None:
        self._lock = threading.Lock()
        self._make: Callable[[], Any] | None = None
        events = PublisherEventCallbacks(matched=lambda _info: self._publish())
        self._publisher = node.create_publisher(kind, topic, LATCHED, event_callbacks=events)

    def offer(self, make: Callable[[], Any]) -> None:
        """Replace the latest message.

        Args:
            make: Makes the message; may be called later, from another thread.
        """
        with self._lock:
            self._make = make
        self._publish()

    def _publish(self) -> None:
        with self._lock:
            if self._make is not None and self._publisher.get_subscription_count():
                self._publisher.publish(self._make())
                self._make = None
