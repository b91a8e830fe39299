"""Messages that are read when they are needed: topics with a high rate cost nothing otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from rclpy.node import Node
from rclpy.qos import QoSProfile


class Received(NamedTuple):
    """A message and the time at which it was received, in seconds of the system clock."""

    message: Any
    at: float

    @property
    def age(self) -> float:
        """Seconds since then."""
        return max(time.time() - self.at, 0.0)


class Inbox:
    """The messages of a topic that the middleware has kept. Not thread-safe.

    Args:
        node: A node that is not spun: an executor would take the messages.
        kind: Type of the messages.
        topic: Name of the topic.
        qos: Quality of service; its depth is the number of messages that are kept.
    """

    def __init__(self, node: Node, kind: Any, topic: str, qos: QoSProfile) -> None:
        self._subscription = node.create_subscription(kind, topic, lambda _message: None, qos)

    def new(self) -> Iterator[Received]:
        """Take the messages that have been received since the last call, oldest first."""
        handle = self._subscription.handle
        with handle:
            while (taken := handle.take_message(self._subscription.msg_type, False)) is not None:
                message, information = taken
                yield Received(message, information["received_timestamp"] * 1e-9 or time.time())
