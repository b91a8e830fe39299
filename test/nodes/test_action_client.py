"""Answers that come while a goal is still being sent."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from dds import unused_domain
from graph import until
from rclpy.action import ActionServer
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.runtime import spin

pytestmark = [pytest.mark.ros]


class SlowDict(dict[bytes, Any]):
    """Noting where feedback goes takes long enough for the answer to come first."""

    def __setitem__(self, key: bytes, value: Any) -> None:
        time.sleep(0.3)
        super().__setitem__(key, value)


@pytest.fixture
def node() -> Iterator[Node]:
    """A node that spins and takes any goal."""
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    node = Node("both", context=context)
    server = ActionServer(node, ExecutePrimitive, "execute_primitive", lambda _goal: ExecutePrimitive.Result())
    executor, stop = MultiThreadedExecutor(2, context=context), threading.Event()
    executor.add_node(node)
    thread = threading.Thread(target=spin, args=(executor, stop))
    thread.start()
    yield node
    stop.set()
    thread.join()
    server.destroy()
    node.destroy_node()
    context.try_shutdown()


def test_no_answer_is_lost(node: Node) -> None:
    client = ActionClient(node, ExecutePrimitive, "execute_primitive")
    until(client.server_is_ready, "the server")
    client._feedback_callbacks = SlowDict()
    future = client.send_goal_async(ExecutePrimitive.Goal(), feedback_callback=lambda _: None)
    until(future.done, "the goal's acceptance", 5.0)
    assert future.result().accepted
