"""What all nodes have in common: spinning, waiting without blocking, and answers with an error code."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from rclpy._rclpy_pybind11 import RCLError
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from rclpy.timer import Timer

from impurity_grasp_ros.errors import ErrorCode, ImpurityGraspError, PeerUnavailableError

SPIN_PERIOD = 0.2
"""Seconds within which a spinning executor notices that it has to stop."""

DESTROYING = 1.0
"""Seconds that it may take to destroy an entity."""

WAIT_SET = "to wait set"
"""Words of the error that rclpy raises if it was about to wait for a destroyed entity."""

RESULT_TIMEOUT = 3600
"""Seconds for which the result of an action stays available after the end of its goal."""

BATCH_TOPIC = "batch"
"""Announces a batch of goods to a continuous job."""

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)
"""For topics that hold state: a late subscriber receives the last message at once."""


def spin(executor: MultiThreadedExecutor, stop: threading.Event) -> None:
    """Spin until ``stop`` is set, then wait for the running callbacks and shut the executor down."""
    with contextlib.suppress(ExternalShutdownException):
        while not stop.is_set():
            _spin_once(executor, stop)
    executor._executor.shutdown()  # wait for callbacks first: rclpy destroys what they need before it waits
    executor.shutdown()


def _spin_once(executor: MultiThreadedExecutor, stop: threading.Event) -> None:
    """Handle what arrives within a period.

    If rclpy is about to wait for an entity that another thread destroys, it raises InvalidHandle; for action servers
    and the like RCLError, until they are out of its lists.
    """
    deadline = time.monotonic() + DESTROYING
    while not stop.is_set():
        try:
            executor.spin_once(timeout_sec=SPIN_PERIOD)
        except InvalidHandle:
            return
        except RCLError as error:
            if WAIT_SET not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(1e-3)
        else:
            return


class SpinningThread:
    """A thread that spins nodes from :meth:`start` to :meth:`end`; their callbacks have ended then.

    Args:
        nodes: The nodes.
        threads: Threads of the executor.
        context: Their context; None for the default one.
    """

    def __init__(self, nodes: Iterable[Node], threads: int, context: Context | None = None) -> None:
        executor, self._stop = MultiThreadedExecutor(threads, context=context), threading.Event()
        for node in nodes:
            executor.add_node(node)
        self._thread = threading.Thread(target=spin, args=(executor, self._stop), name="ros", daemon=True)

    def start(self) -> None:
        """Begin to spin."""
        self._thread.start()

    def end(self) -> None:
        """Spin no more, and wait for the running callbacks."""
        self._stop.set()
        self._thread.join()


def steady_timer(node: Node, period: float, callback: Callable[[], Any]) -> Timer:
    """Create a timer with a ``period`` in wall-clock seconds, which runs even if simulated time stands still."""
    group = MutuallyExclusiveCallbackGroup()
    return node.create_timer(period, callback, callback_group=group, clock=Clock(clock_type=ClockType.STEADY_TIME))


def pace(timer: Timer, period: float) -> None:
    """Change the period of a timer to a number of seconds, which begin now."""
    if timer.timer_period_ns != (wanted := round(period * 1e9)):
        timer.timer_period_ns = wanted
        timer.reset()


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
            if not self._waiting:
                self._timer.cancel()  # here only: rclpy fails if a timer that is due is canceled by another thread
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_result(None)

    def tick(self) -> Future:
        """Return a future that is done within two periods, or when one that is waited for is."""
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
        future.add_done_callback(lambda _future: self._wake())
        tick = self.tick()
        while not future.done():
            if time.monotonic() > deadline:
                raise PeerUnavailableError(f"expected {what} to answer within {timeout:g} s")
            if watch is not None:
                watch()
            await tick
            tick = self.tick()  # before the future is looked at: what comes after that ends it
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
    response.error_code, response.error_msg = int(code_of(error)), str(error) or type(error).__name__
    log_error(error, logger)
    return response


def code_of(error: Exception) -> ErrorCode:
    """The code under which a fault is reported."""
    return error.code if isinstance(error, ImpurityGraspError) else ErrorCode.UNKNOWN


def log_error(error: Exception, logger: Any) -> None:
    """Log a fault with its code."""
    logger.error(f"{code_of(error).name}: {str(error) or type(error).__name__}")
