"""A node as a process: it spins until a signal, stops what moves at once, and cleans up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

import rclpy
from rclpy.executors import Executor, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.runtime import spin
from impurity_grasp_ros.nodes.signals import StopSignal, ignore_signals

THREADS = 6
"""Threads of a node's executor."""

AnyNode = TypeVar("AnyNode", bound=Node)


@runtime_checkable
class EndingNode(Protocol):
    """A node that may end its process itself.

    Attributes:
        failure: Why it ends, for exit code 1; empty if all is well.
    """

    failure: str

    def when_ended(self, action: Callable[[], None]) -> None:
        """Set what is called when it ends."""


def run(create: Callable[[], Node]) -> None:
    """Spin a node until SIGINT, SIGTERM or a shutdown by its manager, then clean up; the exit code is 0.

    Signals are handled here and not by ``rclpy``, whose handler would shut the context down before the cleanup. Motion
    is stopped at once, before the running callbacks have ended. Further signals, such as ``ros2 launch`` sends, have no
    effect.

    Args:
        create: Creates the node.

    Raises:
        SystemExit: The node cannot start; with the reason, for exit code 1.
    """
    stop = StopSignal()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = created(create)
        executor = MultiThreadedExecutor(THREADS)
        executor.add_node(node)
        node.get_logger().info("ready")
        stop.then(lambda: halt(node, executor))
        if isinstance(node, EndingNode):
            node.when_ended(stop.set)
        spin(executor, stop)
        end(node)
        if isinstance(node, EndingNode) and node.failure:
            raise SystemExit(node.failure)
    finally:
        rclpy.try_shutdown()
        ignore_signals()


def created(create: Callable[[], AnyNode]) -> AnyNode:
    """Create a node.

    Args:
        create: Creates the node.

    Returns:
        The node.

    Raises:
        SystemExit: The node cannot start; with the reason, for exit code 1.
    """
    try:
        return create()
    except ImpurityGraspError as error:
        raise SystemExit(f"{error.code.name}: {error}") from None


def halt(node: Node, executor: Executor) -> None:
    """Stop what a node moves, and wake its executor so that it notices."""
    if isinstance(node, ManagedNode):
        node.halt()
    executor.wake()


def end(node: Node) -> None:
    """Close and destroy a node."""
    if isinstance(node, ManagedNode):
        node.close()
    node.destroy_node()
