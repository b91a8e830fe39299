"""Spinning goes on while other threads destroy what it waits for, and ends with other errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import rclpy
from dds import unused_domain
from rclpy._rclpy_pybind11 import RCLError
from rclpy.action import ActionServer
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.nodes import runtime
from impurity_grasp_ros.nodes.runtime import SpinningThread, spin, steady_timer

pytestmark = pytest.mark.ros


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    node = Node("spun", context=context)
    yield node
    node.destroy_node()
    context.try_shutdown()


def begin_to_destroy(node: Node) -> ActionServer:
    """Half of what ``ActionServer.destroy`` does: rclpy may build its wait set between the two halves."""
    server = ActionServer(node, PickImpurities, "pick_impurities", lambda _goal: PickImpurities.Result())
    server._handle.destroy_when_not_in_use()
    return server


def test_spinning_goes_on_while_an_action_server_is_destroyed(node: Node) -> None:
    server, ticked = begin_to_destroy(node), threading.Event()
    steady_timer(node, 0.01, ticked.set)
    spinning = SpinningThread([node], 2, node.context)
    spinning.start()
    time.sleep(0.2)  # in which it fails to wait, again and again
    node.remove_waitable(server)
    assert ticked.wait(10.0)
    spinning.end()


def test_what_stays_broken_ends_spinning(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "DESTROYING", 0.1)
    begin_to_destroy(node)
    executor = MultiThreadedExecutor(2, context=node.context)
    executor.add_node(node)
    with pytest.raises(RuntimeError, match="action server pointer is invalid"):
        spin(executor, threading.Event())
    executor.shutdown()


def test_an_error_of_a_callback_ends_spinning(node: Node) -> None:
    calls: list[None] = []

    def fail() -> None:
        calls.append(None)
        raise RCLError("expected a message that can be sent")

    steady_timer(node, 0.01, fail)
    executor = MultiThreadedExecutor(2, context=node.context)
    executor.add_node(node)
    stop = threading.Event()
    threading.Timer(10.0, stop.set).start()
    with pytest.raises(RCLError, match="that can be sent"):
        spin(executor, stop)
    assert len(calls) == 1, "at once"
    executor.shutdown()
