"""Messages for people are made only if someone looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import rclpy
from dds import unused_domain
from graph import until
from rclpy.context import Context
from rclpy.node import Node
from std_msgs.msg import String

from impurity_grasp_ros.nodes.on_demand import OnDemand
from impurity_grasp_ros.nodes.runtime import LATCHED, SpinningThread

pytestmark = pytest.mark.ros


class Offers:
    """A publisher in one node, whose messages are counted when they are made, and a node that may subscribe."""

    def __init__(self, node: Node, viewer: Node) -> None:
        self._viewer = viewer
        self._topic = OnDemand(node, String, "picture")
        self.made: list[str] = []

    def offer(self, text: str) -> None:
        def make() -> String:
            self.made.append(text)
            return String(data=text)

        self._topic.offer(make)

    def subscribe(self) -> list[Any]:
        received: list[Any] = []
        self._viewer.create_subscription(String, "picture", lambda message: received.append(message.data), LATCHED)
        return received


@contextmanager
def running() -> Iterator[Offers]:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    nodes = [Node(name, context=context) for name in ("publisher", "viewer")]
    offers = Offers(*nodes)
    spinning = SpinningThread(nodes, 2, context)
    spinning.start()
    try:
        yield offers
    finally:
        spinning.end()
        for node in nodes:
            node.destroy_node()
        context.try_shutdown()


def test_nothing_is_made_while_nobody_looks_and_the_latest_as_soon_as_somebody_does() -> None:
    with running() as offers:
        offers.offer("old")
        offers.offer("new")
        assert offers.made == []
        first = offers.subscribe()
        until(lambda: first == ["new"], "the latest message")
        offers.offer("newer")
        until(lambda: first == ["new", "newer"], "the next message")
        second = offers.subscribe()
        until(lambda: second == ["newer"], "the latched message")
        assert offers.made == ["new", "newer"]
