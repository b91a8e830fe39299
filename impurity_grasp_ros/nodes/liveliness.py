"""Which nodes are still alive: nodes announce themselves by DDS liveliness, which expires after a lease of silence.

Threads of the middleware renew the lease, so that a node is not mistaken for dead during a long computation or on a
busy machine.
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

from impurity_grasp_ros.nodes.runtime import pace, steady_timer
from impurity_grasp_ros.priority import prioritize_threads

SENDER_LEASE = 0.18
"""Seconds of silence after which the sender of a goal is considered gone: the arm stops within 0.3 s."""

_SERVER_LEASE = 1.0
"""Seconds of silence after which the node that moves the arm is considered gone: the job ends, nothing has to stop."""

_SERVER_TOPIC = "execute_primitive/alive"
"""Where the node that moves the arm announces itself."""

POLL = 0.01
"""Seconds between checks while waiting for an announcement."""

RENEWAL, RESTING_RENEWAL = 0.5, 2.0
"""Seconds between checks for publishers that discovery knows but no subscription hears, which get another one: after
some was not heard, and after all were heard."""

MAX_READERS = 5
"""Most subscriptions of one watch: discovery lists a dead publisher for some time, and none of them hears it."""

_LEASE_STEPS = itertools.count(1)
"""Microseconds to add to the lease of each further subscription of this process, so that all of them differ."""

MIDDLEWARE_THREADS = ("dds.ev", "dds.shm", "dds.udp")
"""Names of the Fast DDS threads that renew and receive announcements; they get priority where that is permitted."""


def _qos(lease: float) -> QoSProfile:
    duration = Duration(nanoseconds=int(lease * 1e9))
    return QoSProfile(depth=1, liveliness=LivelinessPolicy.AUTOMATIC, liveliness_lease_duration=duration)


def sender_topic(node: Node) -> str:
    """A unique name for a liveliness topic, to be used as ``sender`` in goals of ``execute_primitive``."""
    return str(node.resolve_topic_name(f"execute_primitive/sender/{node.get_name()}_{uuid.uuid4().hex[:12]}"))


_HERE: WeakKeyDictionary[Context, Counter[str]] = WeakKeyDictionary()
"""Number of announcements in each context, by topic: the middleware does not report those of the same context."""


def _here(node: Node) -> Counter[str]:
    return _HERE.setdefault(node.context, Counter())


class Announcement:
    """Announces a node on a topic until it is closed or its process dies.

    Args:
        node: The node to announce.
        topic: The topic that other nodes watch.
        lease: Seconds of silence after which they consider the node gone.
    """

    def __init__(self, node: Node, topic: str, lease: float = SENDER_LEASE) -> None:
        self._node = node
        self.topic = topic
        self._publisher = node.create_publisher(Empty, topic, _qos(lease))
        _here(node)[node.resolve_topic_name(topic)] += 1
        prioritize_threads(MIDDLEWARE_THREADS)

    def close(self) -> None:
        """End the announcement; those who watch the topic learn of it at once."""
        _here(self._node)[self._node.resolve_topic_name(self.topic)] -= 1
        self._node.destroy_publisher(self._publisher)


class _Reader:
    """One subscription; ``alive`` counts the announcements it knows whose lease has not expired."""

    def __init__(self, node: Node, topic: str, lease: float) -> None:
        self.alive = 0
        self._node = node
        self._subscription = node.create_subscription(
            Empty,
            topic,
            lambda _message: None,
            _qos(lease),
            callback_group=MutuallyExclusiveCallbackGroup(),  # the latest event must be handled last
            event_callbacks=SubscriptionEventCallbacks(liveliness=self._on_change),
        )

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _on_change(self, event: Any) -> None:
        self.alive = event.alive_count


class Watch:
    """Watches whether any node announces itself on a topic.

    Within a process, Fast DDS reports that a publisher is alive only once for each lease duration, and not at all if
    the announcement arrives while publisher and subscription are being matched. Therefore every subscription requests
    a lease of its own, and while fewer publishers are heard than discovery knows, silent subscriptions are replaced.

    Args:
        node: The node that watches; its executor has to spin.
        topic: The topic of the announcements.
        lease: The lease of the announcements, in seconds.
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
        """The number of known announcements whose lease has not expired."""
        return max(reader.alive for reader in self._readers) + _here(self._node)[self._resolved]

    @property
    def is_alive(self) -> bool:
        """Whether there is an announcement."""
        return self.count > 0

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for an announcement and return whether there is one."""
        deadline = time.monotonic() + timeout
        while not self.is_alive and time.monotonic() < deadline:
            time.sleep(POLL)
        return self.is_alive

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            self._closed = True
            self._node.destroy_timer(self._timer)
            for reader in self._readers:
                reader.close()

    def _reader(self) -> _Reader:
        return _Reader(self._node, self.topic, self._lease + 1e-6 * next(_LEASE_STEPS))

    def _renew(self) -> None:
        """Replace silent subscriptions if a known publisher is not heard; those that hear a publisher stay open."""
        with self._lock:
            known = self._node.count_publishers(self._resolved)
            if self._closed:
                return
            pace(self._timer, RESTING_RENEWAL if self.count >= known > 0 else RENEWAL)
            if self.count >= known or len(self._readers) >= MAX_READERS:
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
