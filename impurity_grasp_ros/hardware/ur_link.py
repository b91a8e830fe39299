"""Supervises the child process that is connected to a UR controller, and communicates with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.child_process import end, shut_down
from impurity_grasp_ros.hardware.dashboard import stop_program
from impurity_grasp_ros.hardware.readiness import await_ready
from impurity_grasp_ros.hardware.ur_child import LEAVE_TIME, Ending, Started, serve
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_control import Reply, Request
from impurity_grasp_ros.hardware.ur_state import NOT_RUNNING, UrState

LIFE_SIGN = 0.1
"""Seconds between signs of life to the child."""


class UrLink:
    """A supervised connection to a controller; thread-safe.

    It reconnects by itself, with growing pauses, and never repeats a command. :attr:`generation` counts connections: a
    motion that was started over an earlier one is no longer in progress.

    Args:
        host: Address of the controller.
        config: Settings of the driver.
    """

    def __init__(self, host: str, config: UrConfig, tool_length: float) -> None:
        self._host = host
        self._config = config
        self._tool_length = tool_length
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._state: UrState | None = None
        self._read_at = 0.0
        self._reason = f"not yet connected to {host}"
        self._failure = ""  # why the last child ended, until a control program runs
        self._held = ""
        self._pipe: Connection | None = None
        self._requests = 0
        self._replies: dict[int, Reply] = {}
        self._closing = threading.Event()
        self._explained = False
        self._took_control = False
        self.priority = "unknown"
        self.generation = 0
        self._thread = threading.Thread(target=self._supervise, name="ur_link", daemon=True)
        self._thread.start()

    def state(self) -> UrState:
        """The last reading of the controller's state.

        Raises:
            DeviceFaultError: There is no connection, or the last reading is too old.
        """
        with self._lock:
            return self._recent()

    def age(self) -> float:
        """Seconds since the last reading, infinite before the first one."""
        with self._lock:
            return time.monotonic() - self._read_at if self._state is not None else float("inf")

    def problem(self) -> str:
        """Why the arm cannot move, empty if it can."""
        with self._lock:
            try:
                obstacle = self._recent().obstacle
            except DeviceFaultError as error:
                return str(error)
            return f"{obstacle}: {self._failure}" if obstacle == NOT_RUNNING and self._failure else obstacle

    def call(self, method: str, *arguments: Any) -> Any:
        """Send a request to the child and return its answer.

        Args:
            method: Name of a public method of :class:`.UrCommands`.
            arguments: Its arguments.

        Raises:
            DeviceFaultError: No connection, a failed method, or no answer in time, after which the child is replaced.
        """
        with self._changed:
            self._recent()
            number = self._send(method, *arguments)
            if not self._changed.wait_for(
                lambda: number in self._replies or not self._pipe, self._config.command_timeout
            ):
                self._reason = f"the controller did not carry out {method} within {self._config.command_timeout:g} s"
                self._drop()
            reply = self._replies.pop(number, None)
            if reply is None:
                raise DeviceFaultError(f"expected the arm to carry out {method}: {self._reason}")
        if reply.error:
            raise DeviceFaultError(f"expected the arm to carry out {method}: {reply.error}")
        return reply.value

    def wait_until_ready(self, timeout: float, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Wait up to ``timeout`` seconds until the arm can move; ``must_stop`` returns whether to stop waiting.

        Raises:
            DeviceFaultError: The arm was not ready in time; the message says why.
            CanceledError: ``must_stop`` returned true.
        """
        await_ready("the arm", self.problem, timeout, must_stop)

    def release(self) -> None:
        """Replace the child by one that may take control, because a person has asked for recovery."""
        with self._lock:
            self._held, self._reason = "", "reconnecting after recovery"
            self._drop()

    def hold(self, reason: str) -> None:
        """Let no child take control until :meth:`release` is called; ``reason`` says why."""
        with self._lock:
            self._held = self._reason = reason
            self._drop()

    def close(self) -> None:
        """Stop the arm and close the connection."""
        self._closing.set()
        with self._lock:
            self._drop()
        self._thread.join(self._config.connect_timeout + 5.0)

    # Internal; the lock is held

    def _recent(self) -> UrState:
        if self._state is None:
            raise DeviceFaultError(f"expected a connection to the arm: {self._reason}")
        age = time.monotonic() - self._read_at
        if age > self._config.stale_after + LIFE_SIGN:
            raise DeviceFaultError(f"expected readings from {self._host}, the last is {age:.1f} s old")
        return self._state

    def _send(self, method: str, *arguments: Any) -> int:
        self._requests += 1
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # the reader notices that the child has ended
                self._pipe.send(Request(self._requests, method, arguments))
        return self._requests

    def _drop(self) -> None:
        """Disconnect from the child; if it does not end by itself, the supervisor kills it."""
        if self._pipe is not None:
            shut_down(self._pipe)
        self._pipe, self._state = None, None
        self._replies.clear()
        self._changed.notify_all()

    # Supervisor thread

    def _supervise(self) -> None:
        pause = self._config.retry_first
        while not self._closing.is_set():
            if self._run_child():
                pause = self._config.retry_first
            self._closing.wait(pause)
            pause = min(2.0 * pause, self._config.retry_longest)

    def _run_child(self) -> bool:
        """Run one child from its start to its end; return whether it was ever connected."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        held = self._held
        arguments = (self._host, self._config, self._tool_length, held, theirs)
        process = context.Process(target=serve, args=arguments, name="ur_child", daemon=True)
        process.start()
        theirs.close()
        with self._lock:
            self._pipe = ours
            self._explained = self._took_control = False
            self.generation += 1
            if self._closing.is_set() or self._held != held:  # said while the process was being started
                self._drop()
        connected = False
        limit = time.monotonic() + self._config.connect_timeout
        next_sign = 0.0
        while self._is_open(ours) and time.monotonic() < limit:
            if time.monotonic() >= next_sign:
                next_sign = time.monotonic() + LIFE_SIGN
                with self._lock:
                    self._send("alive")
            if not self._receive(ours):
                break
            if self.age() < self._config.stale_after:
                connected = True
                limit = time.monotonic() + self._config.connect_timeout
        with self._changed:
            if self._pipe is ours:
                if time.monotonic() >= limit:
                    self._reason = f"no reading from {self._host} within {self._config.connect_timeout:g} s"
                self._drop()
        ours.close()
        end(process, 2.0 * LEAVE_TIME + 0.5)
        if self._took_control and not self._explained:
            stop_program(self._host, LEAVE_TIME)  # the child could not do that itself
        return connected

    def _is_open(self, pipe: Connection) -> bool:
        with self._lock:
            return self._pipe is pipe

    def _receive(self, pipe: Connection) -> bool:
        """Process all messages, so that no reading waits behind older ones; return False if the child has ended."""
        limit = time.monotonic() + LIFE_SIGN  # send signs of life even if messages arrive faster than processed
        try:
            ready = pipe.poll(LIFE_SIGN / 2)
            while ready:
                message = pipe.recv()
                with self._changed:
                    if self._pipe is not pipe or not self._process(message):
                        return False
                ready = time.monotonic() < limit and pipe.poll()
        except (EOFError, OSError):
            with self._lock:
                if self._pipe is pipe:
                    self._reason = f"the connection to {self._host} was lost"
            return False
        return True

    def _process(self, message: Any) -> bool:
        """Process a message; return False if it is the child's last one. The lock is held."""
        if isinstance(message, UrState):
            self._state, self._read_at = message, time.monotonic()
            self._held = message.held or self._held
            if message.program_running:
                self._took_control, self._failure = True, ""
        elif isinstance(message, Reply):
            self._replies[message.number] = message
            self._changed.notify_all()
        elif isinstance(message, Started):
            self.priority = message.priority
        elif isinstance(message, Ending):
            self._explained, self._reason = True, message.reason
            self._failure = message.reason
            self._held = message.reason if message.held else self._held
            return False
        return True
