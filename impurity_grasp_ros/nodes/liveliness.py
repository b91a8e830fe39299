"""Who is still there: nodes announce themselves by DDS liveliness, which a lease of silence ends.

The middleware's own threads renew the lease, so that neither a long computation nor a busy machine looks like a death.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import LivelinessPolicy, QoSProfile
from std_msgs.msg import Empty

from impurity_grasp_ros.priority import prioritize_threads

SENDER_LEASE = 0.18
"""Seconds of silence after which the sender of a goal counts as gone: the arm stops within 0.3 s."""

SERVER_LEASE = 1.0
"""Seconds of silence after which whoever moves the arm counts as gone: the job ends, nothing has to stop."""

ALIVE_TOPIC = "execute_primitive/alive"
"""Where whoever moves the arm announces itself."""

POLL = 0.01
"""Seconds between two looks while waiting for an announcement."""

MIDDLEWARE_THREADS = ("dds.ev", "dds.shm", "dds.udp")
"""Threads of Fast DDS that renew and receive announcements: given priority where that is permitted."""


def _qos(lease: float) -> QoSProfile:
    duration = Duration(nanoseconds=int(lease * 1e9))
    return QoSProfile(depth=1, liveliness=LivelinessPolicy.AUTOMATIC, liveliness_lease_duration=duration)


def sender_topic(node: Node) -> str:
    """A liveliness topic that no other process uses, for the ``sender`` of goals to ``execute_primitive``."""
    return str(node.resolve_topic_name(f"execute_primitive/sender/{node.get_name()}_{uuid.uuid4().hex[:12]}"))


_HERE: WeakKeyDictionary[Context, Counter[str]] = WeakKeyDictionary()
"""Announcements by topic: the middleware does not tell a context of its own."""


def _here(node: Node) -> Counter[str]:
    return _HERE.setdefault(node.context, Counter())


class Announcement:
    """Announces a node on a topic for as long as its process lives.

    Args:
        node: The node.
        topic: Where watchers look.
        lease: Seconds of silence after which they take the node for gone.
    """

    def __init__(self, node: Node, topic: str, lease: float = SENDER_LEASE) -> None:
        self._node = node
        self.topic = topic
        self._publisher = node.create_publisher(Empty, topic, _qos(lease))
        _here(node)[node.resolve_topic_name(topic)] += 1
        prioritize_threads(MIDDLEWARE_THREADS)

    def close(self) -> None:
        """Say goodbye; whoever watches knows it at once."""
        _here(self._node)[self._node.resolve_topic_name(self.topic)] -= 1
        self._node.destroy_publisher(self._publisher)


class Watch:
    """Whether somebody announces itself on a topic.

    To be kept for as long as the announcement may be of interest: Fast DDS does not tell a second subscription of the
    same process that the announcement is alive.

    Args:
        node: The node that watches; its executor has to spin.
        topic: See :class:`Announcement`.
        lease: That of the announcement.
    """

    def __init__(self, node: Node, topic: str, lease: float = SENDER_LEASE) -> None:
        self._node = node
        self.topic = topic
        self._alive = 0
        self._subscription = node.create_subscription(
            Empty,
            topic,
            lambda _message: None,
            _qos(lease),
            callback_group=ReentrantCallbackGroup(),
            event_callbacks=SubscriptionEventCallbacks(liveliness=self._on_change),
        )

    @property
    def count(self) -> int:
        """How many announcements are known whose lease has not run out."""
        return self._alive + _here(self._node)[self._node.resolve_topic_name(self.topic)]

    @property
    def is_alive(self) -> bool:
        """Whether there is one."""
        return self.count > 0

    def wait(self, timeout: float) -> bool:
        """Wait for an announcement; returns whether there is one after at most ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while not self.is_alive and time.monotonic() < deadline:
            time.sleep(POLL)
        return self.is_alive

    def close(self) -> None:
        """Watch no more."""
        self._node.destroy_subscription(self._subscription)

    def _on_change(self, event: Any) -> None:
        self._alive = event.alive_count
