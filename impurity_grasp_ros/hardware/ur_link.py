"""Keeps a child process with a connection to a UR controller alive, and talks to it."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.dashboard import stop_program
from impurity_grasp_ros.hardware.readiness import await_ready
from impurity_grasp_ros.hardware.ur_child import LEAVE_TIME, Ending, Started, serve
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_control import Reply, Request
from impurity_grasp_ros.hardware.ur_state import UrState

LIFE_SIGN = 0.1
"""Seconds between two signs of life to the child."""


class UrLink:
    """A supervised connection. Thread-safe. Reconnects by itself, with growing pauses; repeats no command.

    ``generation`` counts connections: what was started in another one is not under way any more.
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
        """The last reading; raises DeviceFaultError when there is none that is recent."""
        with self._lock:
            return self._recent()

    def age(self) -> float:
        """Seconds since the last reading, infinite before the first."""
        with self._lock:
            return time.monotonic() - self._read_at if self._state is not None else float("inf")

    def problem(self) -> str:
        """Why the arm cannot move, empty when it can."""
        with self._lock:
            try:
                return self._recent().obstacle
            except DeviceFaultError as error:
                return str(error)

    def call(self, method: str, *arguments: Any) -> Any:
        """Have the child do something and return its answer.

        Raises DeviceFaultError when it fails or takes too long; a child that takes too long is replaced.
        """
        with self._changed:
            self._recent()
            number = self._send(method, *arguments)
            if not self._changed.wait_for(
                lambda: number in self._replies or not self._pipe, self._config.command_timeout
            ):
                self._reason = f"the controller did not take {method} within {self._config.command_timeout:g} s"
                self._drop()
            reply = self._replies.pop(number, None)
            if reply is None:
                raise DeviceFaultError(f"expected the arm to take {method}: {self._reason}")
        if reply.error:
            raise DeviceFaultError(f"expected the arm to take {method}: {reply.error}")
        return reply.value

    def wait_until_ready(self, timeout: float, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Wait for an arm that can move; raises DeviceFaultError with what is in its way, and CanceledError."""
        await_ready("an arm", self.problem, timeout, must_stop)

    def release(self) -> None:
        """A person has asked for recovery: a new child may take control, whatever this one still has to report."""
        with self._lock:
            self._held, self._reason = "", "connecting anew after recovery"
            self._drop()

    def hold(self, reason: str) -> None:
        """No child takes control any more until :meth:`release`."""
        with self._lock:
            self._held = self._reason = reason
            self._drop()

    def close(self) -> None:
        """Stop the arm and end the connection."""
        self._closing.set()
        with self._lock:
            self._drop()
        self._thread.join(self._config.connect_timeout + 5.0)

    # Inside; the lock is held

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
            with contextlib.suppress(OSError):  # its end is noticed by whoever reads
                self._pipe.send(Request(self._requests, method, arguments))
        return self._requests

    def _drop(self) -> None:
        """Take leave of the child; one that does not go by itself is killed by the supervisor."""
        if self._pipe is not None:
            self._pipe.close()
        self._pipe, self._state = None, None
        self._replies.clear()
        self._changed.notify_all()

    # Supervisor thread

    def _supervise(self) -> None:
        pause = self._config.retry_first
        while not self._closing.is_set():
            if self._attend():
                pause = self._config.retry_first
            self._closing.wait(pause)
            pause = min(2.0 * pause, self._config.retry_longest)

    def _attend(self) -> bool:
        """One child from its start to its end; returns whether it was ever connected."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (self._host, self._config, self._tool_length, self._held, theirs)
        process = context.Process(target=serve, args=arguments, name="ur_child", daemon=True)
        process.start()
        theirs.close()
        with self._lock:
            self._pipe = ours
            self._explained = self._took_control = False
            self.generation += 1
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
        _end(process)
        if self._took_control and not self._explained:
            stop_program(self._host, LEAVE_TIME)  # it could not do that itself
        return connected

    def _is_open(self, pipe: Connection) -> bool:
        with self._lock:
            return self._pipe is pipe

    def _receive(self, pipe: Connection) -> bool:
        """Take in all that has arrived, so that a reading never waits behind older ones; False at the child's end.

        Bounded in time: signs of life go out also when readings arrive faster than a busy machine takes them in.
        """
        limit = time.monotonic() + LIFE_SIGN
        try:
            ready = pipe.poll(LIFE_SIGN / 2)
            while ready:
                message = pipe.recv()
                with self._changed:
                    if self._pipe is not pipe or not self._take_in(message):
                        return False
                ready = time.monotonic() < limit and pipe.poll()
        except (EOFError, OSError):
            with self._lock:
                if self._pipe is pipe:
                    self._reason = f"the connection to {self._host} broke down"
            return False
        return True

    def _take_in(self, message: Any) -> bool:
        """The lock is held; False when the child has said its last word."""
        if isinstance(message, UrState):
            self._state, self._read_at = message, time.monotonic()
            self._held = message.held or self._held
            self._took_control = self._took_control or message.program_running
        elif isinstance(message, Reply):
            self._replies[message.number] = message
            self._changed.notify_all()
        elif isinstance(message, Started):
            self.priority = message.priority
        elif isinstance(message, Ending):
            self._explained, self._reason = True, message.reason
            self._held = message.reason if message.held else self._held
            return False
        return True


def _end(process: BaseProcess) -> None:
    """Give a child time to stop the arm, then make sure that it is gone."""
    process.join(2.0 * LEAVE_TIME + 0.5)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
