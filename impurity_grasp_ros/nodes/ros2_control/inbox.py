"""Messages that are read when they are needed: topics with a high rate cost nothing otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from rclpy.node import Node
from rclpy.qos import QoSProfile


class Received(NamedTuple):
    """A message.

    Attributes:
        message: The message, or what it says.
        at: When the middleware received it, in seconds of the system clock.
        taken: When it was taken, in seconds of the monotonic clock.
    """

    message: Any
    at: float = 0.0
    taken: float = 0.0

    @property
    def age(self) -> float:
        """Seconds since it was received; a system clock that is set back does not make it younger than it was taken."""
        return max(time.time() - self.at, time.monotonic() - self.taken)


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
                yield Received(message, information["received_timestamp"] * 1e-9 or time.time(), time.monotonic())
