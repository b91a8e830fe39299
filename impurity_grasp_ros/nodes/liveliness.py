"""Who is still there: nodes announce themselves by DDS liveliness, which a lease of silence ends.

The middleware's own threads renew the lease, so that neither a long computation nor a busy machine looks like a death.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import LivelinessPolicy, QoSProfile
from std_msgs.msg import Empty

from impurity_grasp_ros.nodes.runtime import steady_timer
from impurity_grasp_ros.priority import prioritize_threads

SENDER_LEASE = 0.18
"""Seconds of silence after which the sender of a goal counts as gone: the arm stops within 0.3 s."""

_SERVER_LEASE = 1.0
"""Seconds of silence after which whoever moves the arm counts as gone: the job ends, nothing has to stop."""

_SERVER_TOPIC = "execute_primitive/alive"
"""Where whoever moves the arm announces itself."""

POLL = 0.01
"""Seconds between two looks while waiting for an announcement."""

RENEWAL = 0.5
"""Seconds after which another subscription is tried where a publisher that discovery knows is not heard."""

MAX_READERS = 5
"""Subscriptions of one watch at most, as discovery goes on to know a dead publisher for some time."""

_LEASE_STEPS = itertools.count(1)
"""Microseconds by which the leases of this process's subscriptions differ from what is announced."""

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


class _Reader:
    """One subscription. alive: how many announcements it knows whose lease has not run out."""

    def __init__(self, node: Node, topic: str, lease: float) -> None:
        self.alive = 0
        self._node = node
        self._subscription = node.create_subscription(
            Empty,
            topic,
            lambda _message: None,
            _qos(lease),
            callback_group=MutuallyExclusiveCallbackGroup(),  # of two events the later one must have the last word
            event_callbacks=SubscriptionEventCallbacks(liveliness=self._on_change),
        )

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _on_change(self, event: Any) -> None:
        self.alive = event.alive_count


class Watch:
    """Whether somebody announces itself on a topic.

    Fast DDS tells each lease of a process only once that a publisher is alive, and not at all when an announcement
    arrives just as the two are being matched. So every subscription asks for a lease of its own, and one that hears
    less than discovery knows is replaced.

    Args:
        node: The node that watches; its executor has to spin.
        topic: See :class:`Announcement`.
        lease: That of the announcement.
    """

    def __init__(self, node: Node, topic: str, lease: float = SENDER_LEASE) -> None:
        self._node = node
        self._lease = lease
        self.topic = topic
        self._resolved = str(node.resolve_topic_name(topic))
        self._lock = threading.Lock()
        self._closed = False
        self._readers = [self._reader()]
        self._timer = steady_timer(node, RENEWAL, self._renew)

    @property
    def count(self) -> int:
        """How many announcements are known whose lease has not run out."""
        return max(reader.alive for reader in self._readers) + _here(self._node)[self._resolved]

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
        with self._lock:
            self._closed = True
            self._node.destroy_timer(self._timer)
            for reader in self._readers:
                reader.close()

    def _reader(self) -> _Reader:
        return _Reader(self._node, self.topic, self._lease + 1e-6 * next(_LEASE_STEPS))

    def _renew(self) -> None:
        """Try another subscription where somebody is not heard; one that hears anybody is never closed meanwhile."""
        with self._lock:
            known = self._node.count_publishers(self._resolved)
            if self._closed or self.count >= known or len(self._readers) >= MAX_READERS:
                return
            silent = [reader for reader in self._readers if reader.alive <= 0]
            self._readers = [reader for reader in self._readers if reader.alive > 0] + [self._reader()]
            for reader in silent:
                reader.close()


def announce_server(node: Node) -> Announcement:
    """Announce a node that executes the goals of ``execute_primitive``."""
    return Announcement(node, _SERVER_TOPIC, _SERVER_LEASE)


def watch_servers(node: Node) -> Watch:
    """Watch for nodes that execute the goals of ``execute_primitive``; ``node`` counts if it announced itself."""
    return Watch(node, _SERVER_TOPIC, _SERVER_LEASE)
