"""What all nodes have in common: start, spin, stop, waiting without blocking, and answers with an error code."""

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
"""Threads of a node's executor."""

SPIN_PERIOD = 0.2
"""Seconds within which a spinning executor notices that it has to stop."""

RESULT_TIMEOUT = 3600
"""Seconds for which the result of an action stays available after the end of its goal."""

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)
"""For topics that hold state: a late subscriber receives the last message at once."""

AnyNode = TypeVar("AnyNode", bound=Node)


class ClosingNode(Node):
    """A node that has something to stop and to clean up. Neither method is called if its constructor fails."""

    def stop(self) -> None:
        """Called at once, from another thread, when the node has to shut down; must be quick. Callbacks still run."""

    def close(self) -> None:
        """Clean up; called once, after the last callback."""


def run(create: Callable[[], Node]) -> None:
    """Spin a node until SIGINT or SIGTERM, then let it clean up; the process ends with exit code 0.

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
        spin(executor, stop)
        end(node)
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
    if isinstance(node, ClosingNode):
        node.stop()
    executor.wake()


def end(node: Node) -> None:
    """Close and destroy a node."""
    if isinstance(node, ClosingNode):
        node.close()
    node.destroy_node()


def spin(executor: MultiThreadedExecutor, stop: threading.Event) -> None:
    """Spin until ``stop`` is set, then wait for the running callbacks and shut the executor down."""
    with contextlib.suppress(ExternalShutdownException):
        while not stop.is_set():
            with contextlib.suppress(InvalidHandle):  # rclpy may be waiting for an entity that was destroyed
                executor.spin_once(timeout_sec=SPIN_PERIOD)
    executor._executor.shutdown()  # wait for callbacks first: rclpy destroys what they need before it waits
    executor.shutdown()


def steady_timer(node: Node, period: float, callback: Callable[[], None]) -> Timer:
    """Create a timer with a ``period`` in wall-clock seconds, which runs even if simulated time stands still."""
    group = MutuallyExclusiveCallbackGroup()
    return node.create_timer(period, callback, callback_group=group, clock=Clock(clock_type=ClockType.STEADY_TIME))


class Pacer:
    """Lets the coroutines of a node wait in wall-clock time, even if simulated time stands still.

    Its timer runs only while a coroutine is waiting.

    Args:
        node: The node.
        period: Seconds between ticks.
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
        """Return a future that is done within two periods."""
        future = Future()
        with self._lock:
            self._waiting.append(future)
            if self._timer.is_canceled():
                self._timer.reset()
        return future

    async def wait_for(self, future: Future, timeout: float, what: str, watch: Callable[[], None] | None = None) -> Any:
        """Wait for a future and return its result.

        Args:
            future: The future.
            timeout: Wall-clock seconds to wait.
            what: What should answer, for the error message.
            watch: Called repeatedly while waiting; may raise an exception to stop waiting.

        Returns:
            The result of the future.

        Raises:
            PeerUnavailableError: The future was not done in time.
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
    """End a goal according to the error code of its result: succeeded, canceled or aborted.

    Args:
        handle: The goal.
        result: Its result.

    Returns:
        The same result.
    """
    if result.error_code == ErrorCode.NONE:
        handle.succeed()
    elif result.error_code == ErrorCode.CANCELED and handle.is_cancel_requested:
        handle.canceled()
    else:
        handle.abort()
    return result


def answer_error(response: Any, error: Exception, logger: Any) -> Any:
    """Report a fault in a service response or an action result, and log it.

    Args:
        response: Its ``error_code`` and ``error_msg`` are filled in.
        error: The fault; anything but an :class:`ImpurityGraspError` is reported as ``UNKNOWN``.
        logger: The logger of the node.

    Returns:
        The same response.
    """
    response.error_code = int(error.code if isinstance(error, ImpurityGraspError) else ErrorCode.UNKNOWN)
    response.error_msg = str(error) or type(error).__name__
    logger.error(f"{ErrorCode(response.error_code).name}: {response.error_msg}")
    return response
