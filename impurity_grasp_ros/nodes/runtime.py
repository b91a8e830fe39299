"""What all nodes share: starting, spinning, stopping, waiting without blocking, and answering with an error code."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import rclpy
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.executors import Executor, ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rclpy.timer import Timer

from impurity_grasp_ros.errors import ErrorCode, ImpurityGraspError, PeerUnavailableError
from impurity_grasp_ros.nodes.signals import StopSignal, ignore_signals

THREADS = 6

SPIN_PERIOD = 0.2
"""Seconds within which a spinning executor notices that it has to stop."""

RESULT_TIMEOUT = 3600
"""Seconds that the result of an action stays available to whoever asks late."""

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)
"""For state: a late subscriber gets the last message at once."""

AnyNode = TypeVar("AnyNode", bound=Node)


class ClosingNode(Node):
    """A node with something to stop and to put in order. One whose start fails is destroyed without either."""

    def stop(self) -> None:
        """Called at once, from another thread, when the node is told to end: must be quick. Callbacks still run."""

    def close(self) -> None:
        """Called once, after the last callback."""


def run(create: Callable[[], Node]) -> None:
    """Spin one node until SIGINT or SIGTERM, then let it clean up; the process ends with exit code 0.

    Signals are handled here and not by rclpy, whose handler would take the context away before the clean-up. What
    moves is stopped at once, before callbacks under way are waited for. Further signals, as ``ros2 launch`` sends
    them, change nothing. A node that cannot start says why and exits with 1.

    Args:
        create: Makes the node.
    """
    stop = StopSignal()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = created(create)
        executor = MultiThreadedExecutor(THREADS)
        executor.add_node(node)
        node.get_logger().info("ready")
        stop.then(lambda: halt(node, executor))
        spin(executor, stop)
        end(node)
    finally:
        rclpy.try_shutdown()
        ignore_signals()


def created(create: Callable[[], AnyNode]) -> AnyNode:
    """A new node; the process ends with exit code 1 and the reason when it cannot start."""
    try:
        return create()
    except ImpurityGraspError as error:
        raise SystemExit(f"{error.code.name}: {error}") from None


def halt(node: Node, executor: Executor) -> None:
    """Stop what a node moves, and wake its executor so that it notices."""
    if isinstance(node, ClosingNode):
        node.stop()
    executor.wake()


def end(node: Node) -> None:
    """Close and destroy a node."""
    if isinstance(node, ClosingNode):
        node.close()
    node.destroy_node()


def spin(executor: MultiThreadedExecutor, stop: threading.Event) -> None:
    """Spin until ``stop`` is set, then let the callbacks under way end and shut the executor down."""
    with contextlib.suppress(ExternalShutdownException):
        while not stop.is_set():
            with contextlib.suppress(InvalidHandle):  # rclpy may have begun to wait for what was just destroyed
                executor.spin_once(timeout_sec=SPIN_PERIOD)
    executor._executor.shutdown()  # rclpy itself takes away what running callbacks need before it waits for them
    executor.shutdown()


def steady_timer(node: Node, period: float, callback: Callable[[], None]) -> Timer:
    """Call something every ``period`` seconds of the wall clock, also when simulated time stands still."""
    group = MutuallyExclusiveCallbackGroup()
    return node.create_timer(period, callback, callback_group=group, clock=Clock(clock_type=ClockType.STEADY_TIME))


class Pacer:
    """Lets coroutines of a node wait by the wall clock, also when simulated time stands still.

    Its timer runs only while somebody waits.
    """

    def __init__(self, node: Node, period: float = 0.02) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Future] = []
        self._timer = steady_timer(node, period, self._tick)

    def _tick(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                self._timer.cancel()
        for future in waiting:
            future.set_result(None)

    def tick(self) -> Future:
        """A future that is done within two periods."""
        future = Future()
        with self._lock:
            self._waiting.append(future)
            if self._timer.is_canceled():
                self._timer.reset()
        return future

    async def wait_for(self, future: Future, timeout: float, what: str, watch: Callable[[], None] | None = None) -> Any:
        """Result of a future; ``watch`` is called while waiting and may raise.

        Raises PeerUnavailableError after ``timeout`` seconds of the wall clock.
        """
        deadline = time.monotonic() + timeout
        while not future.done():
            if time.monotonic() > deadline:
                raise PeerUnavailableError(f"expected {what} to answer within {timeout:g} s")
            if watch is not None:
                watch()
            await self.tick()
        return future.result()


def finish(handle: ServerGoalHandle, result: Any) -> Any:
    """End a goal as its result's error code says and return the result."""
    if result.error_code == ErrorCode.NONE:
        handle.succeed()
    elif result.error_code == ErrorCode.CANCELED and handle.is_cancel_requested:
        handle.canceled()
    else:
        handle.abort()
    return result


def answer_error(response: Any, error: Exception, logger: Any) -> Any:
    """Fill ``error_code`` and ``error_msg`` of a service response or an action result, and log the fault."""
    response.error_code = int(error.code if isinstance(error, ImpurityGraspError) else ErrorCode.UNKNOWN)
    response.error_msg = str(error) or type(error).__name__
    logger.error(f"{ErrorCode(response.error_code).name}: {response.error_msg}")
    return response
