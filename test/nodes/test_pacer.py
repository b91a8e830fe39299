"""Coroutines of a node wait for answers without polling."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import rclpy
from dds import unused_domain
from graph import TIMEOUT, until
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

from impurity_grasp_ros.errors import PeerUnavailableError
from impurity_grasp_ros.nodes.runtime import Pacer, spin

pytestmark = pytest.mark.ros


class Spun:
    """A node with a pacer, spun by a thread that remembers why it ended."""

    def __init__(self, executor: MultiThreadedExecutor, pacer: Pacer) -> None:
        self.executor, self.pacer = executor, pacer
        self.stop, self.error = threading.Event(), ""
        self.thread = threading.Thread(target=self._spin)
        self.thread.start()

    def _spin(self) -> None:
        try:
            spin(self.executor, self.stop)
        except Exception as error:  # the test shows it
            self.error = str(error)

    def wait_for(self, future: Future, timeout: float) -> Future:
        """Have a coroutine wait for a future; returns the future end of the coroutine."""
        return self.executor.create_task(self.pacer.wait_for(future, timeout, "something"))


@contextmanager
def spinning(period: float) -> Iterator[Spun]:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    node = Node("paced", context=context)
    executor = MultiThreadedExecutor(4, context=context)
    executor.add_node(node)
    spun = Spun(executor, Pacer(node, period))
    try:
        yield spun
    finally:
        spun.stop.set()
        spun.thread.join()
        node.destroy_node()
        context.try_shutdown()


def test_an_answer_ends_the_wait_before_the_next_tick() -> None:
    with spinning(period=10 * TIMEOUT) as spun:
        future, waits = Future(), threading.Event()
        end = spun.executor.create_task(spun.pacer.wait_for(future, 100 * TIMEOUT, "something", waits.set))
        assert waits.wait(TIMEOUT)
        future.set_result(42)
        until(end.done, "the end of the wait")
        assert end.result() == 42


def test_a_wait_without_an_answer_times_out() -> None:
    with spinning(period=0.01) as spun:
        end = spun.wait_for(Future(), 0.05)
        until(end.done, "the end of the wait")
        assert isinstance(end.exception(), PeerUnavailableError)


def test_answers_at_any_moment_do_not_disturb_the_timer() -> None:
    with spinning(period=0.0002) as spun:
        for _ in range(200):
            futures, waits = [Future() for _ in range(20)], threading.Semaphore(0)
            ends = [
                spun.executor.create_task(spun.pacer.wait_for(future, TIMEOUT, "it", waits.release))
                for future in futures
            ]
            for _ in futures:
                assert waits.acquire(timeout=TIMEOUT), spun.error
            for future in futures:
                future.set_result(None)
            until(lambda ends=ends: all(end.done() for end in ends) or spun.error, "the ends of the waits")
            assert spun.error == ""
