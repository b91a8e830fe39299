"""Who is still there, within a process and between processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import rclpy
from dds import unused_domain
from graph import until
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from impurity_grasp_ros.nodes import liveliness
from impurity_grasp_ros.nodes.liveliness import Announcement, Watch, sender_topic
from impurity_grasp_ros.nodes.runtime import spin

pytestmark = [pytest.mark.ros]

OTHER = """
import sys, rclpy
from impurity_grasp_ros.nodes.liveliness import Announcement
rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("other")
Announcement(node, "somebody")
print("announced", flush=True)
sys.stdin.read()
"""


class Bench:
    """A node that spins, on a domain of its own."""

    def __init__(self) -> None:
        self.domain, self.context = unused_domain(), Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.node = Node("watcher", context=self.context)
        self.executor, self._stop = MultiThreadedExecutor(2, context=self.context), threading.Event()
        self.executor.add_node(self.node)
        self._thread = threading.Thread(target=spin, args=(self.executor, self._stop))
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@contextmanager
def other_process(bench: Bench) -> Iterator[subprocess.Popen[str]]:
    """Another process that announces itself."""
    command = [sys.executable, "-c", OTHER, str(bench.domain)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "announced\n"
        until(lambda: bench.node.count_publishers("somebody"), "its discovery")
        yield other
        other.kill()


def test_nobody_is_alive_before_an_announcement(bench: Bench) -> None:
    watch = Watch(bench.node, "somebody")
    assert not watch.wait(0.05)
    assert watch.count == 0


def test_an_announcement_of_the_same_process_counts_until_it_is_closed(bench: Bench) -> None:
    watch, announcement = Watch(bench.node, "somebody"), Announcement(bench.node, "somebody")
    assert watch.is_alive
    announcement.close()
    assert not watch.is_alive


def test_the_death_of_another_process_is_noticed_and_its_topic_stays_dead(bench: Bench) -> None:
    watch = Watch(bench.node, "somebody")
    with other_process(bench) as other:
        assert watch.wait(30.0)
        assert watch.count == 1
        other.kill()
        until(lambda: not watch.is_alive, "its death to be noticed", 5.0)


def test_a_second_watch_hears_what_a_closed_one_has_heard(bench: Bench) -> None:
    with other_process(bench):
        for _ in range(3):
            watch = Watch(bench.node, "somebody")
            assert watch.wait(10.0)
            watch.close()


def test_a_subscription_that_is_told_nothing_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast DDS tells a second subscription of the same lease nothing."""
    leases = iter([1, 1, 1, 2])
    monkeypatch.setattr(liveliness, "_LEASE_STEPS", leases)
    with other_process(bench):
        first = Watch(bench.node, "somebody")
        assert first.wait(10.0)
        first.close()
        second = Watch(bench.node, "somebody")
        until(lambda: second.is_alive, "the third try to hear it", 10.0)
        assert next(leases, None) is None


def test_a_watch_that_hears_everybody_keeps_its_subscriptions(bench: Bench) -> None:
    with other_process(bench):
        watch = Watch(bench.node, "somebody")
        assert watch.wait(10.0)
        before = list(watch._readers)
        watch._renew()
        assert watch._readers == before


def test_topics_of_senders_are_never_the_same(bench: Bench) -> None:
    first, second = sender_topic(bench.node), sender_topic(bench.node)
    assert first != second
    assert first.startswith("/execute_primitive/sender/watcher_")


def test_a_watch_that_ends_does_not_end_the_executor(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """rclpy raises when it has begun to wait for what is destroyed in that moment, here always."""
    spin_once, rounds = bench.executor.spin_once, []

    def racing(timeout_sec: float) -> None:
        rounds.append(timeout_sec)
        if len(rounds) == 1:
            raise InvalidHandle("cannot use Destroyable because destruction was requested")
        spin_once(timeout_sec=timeout_sec)

    monkeypatch.setattr(bench.executor, "spin_once", racing)
    Watch(bench.node, "somebody").close()
    until(lambda: len(rounds) > 1, "the executor's next round", 5.0)
