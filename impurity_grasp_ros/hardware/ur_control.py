"""The driver's program on a UR controller: sends it commands through ur_rtde, one after the other, in a thread.

The library waits for the controller in busy loops, sometimes for seconds. The thread that reads the robot's state must
not be blocked meanwhile, and such a loop must never run with real-time priority, where it would starve every other
process. Therefore every call that communicates with the program is made from a thread with ordinary scheduling.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from impurity_grasp_ros.hardware.ur_commands import UrCommands
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.priority import ordinary_thread

KICK_PERIOD = 0.02
"""Least number of seconds between kicks of the controller's watchdog."""

STOP_PATIENCE = 0.1
"""Seconds that a stop waits for the running command; then the whole program is stopped."""


@dataclass(frozen=True)
class Request:
    """A request of the parent process: the name of a public method of :class:`.UrCommands`, and its arguments."""

    number: int
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Reply:
    """The answer to a request: the value that the method returned, or why it failed."""

    number: int
    value: Any
    error: str


class UrControl:
    """Control of an arm, which is taken only once, so that a new connection never repeats a command.

    Args:
        host: Address of the controller.
        config: Settings of the driver.
        tool_length: Distance in meters from the flange to the tool center point.
        reply: Receives the answers to requests; may be called from any thread.
    """

    def __init__(self, host: str, config: UrConfig, tool_length: float, reply: Callable[[Reply], None]) -> None:
        self._host = host
        self._config = config
        self._tool_length = tool_length
        self._reply = reply
        self._requests: queue.SimpleQueue[tuple[int, Request] | None] = queue.SimpleQueue()  # None: kick the watchdog
        self._busy = threading.Lock()  # held while the library communicates with the program
        self._stops = 0
        self._kicked = 0.0
        self._thread: threading.Thread | None = None
        self._commands: UrCommands | None = None
        self.failure = ""
        self.has_program = False  # whether ours is on the controller: another one must not be stopped

    @property
    def is_taken(self) -> bool:
        """Whether control has been taken, or is being taken."""
        return self._thread is not None

    @property
    def is_running(self) -> bool:
        """Whether the program is running."""
        return self._commands is not None and self._commands.library.isProgramRunning()

    @property
    def is_ready(self) -> bool:
        """Whether the program accepts commands."""
        return self._commands is not None

    def take(self) -> None:
        """Upload and start the program, in a thread; :attr:`failure` says why if that fails."""
        self._thread = threading.Thread(target=self._work, name="ur_control", daemon=True)
        self._thread.start()

    def progress(self) -> tuple[int, bool]:
        """The number of motions that were started, and whether the last one is in progress."""
        return (0, False) if self._commands is None else self._commands.progress()

    def submit(self, request: Request) -> None:
        """Queue a request; if the arm is stopped before its turn, it is refused.

        Args:
            request: The request.
        """
        if self._commands is None:
            self._reply(Reply(request.number, None, "expected control of the arm, it has not been taken"))
        else:
            self._requests.put((self._stops, request))

    def kick(self) -> None:
        """Kick the controller's watchdog if it is due and no request is waiting; commands kick it by themselves."""
        if self._requests.empty() and time.monotonic() - self._kicked > KICK_PERIOD:
            self._kicked = time.monotonic()
            self._requests.put(None)

    def stop(self, number: int) -> None:
        """Stop the arm before pending requests, without waiting until it rests; ``number`` is that of the request."""
        self._stops += 1
        threading.Thread(target=self._stop, args=(number,), name="ur_stop", daemon=True).start()

    def end(self) -> None:
        """Stop the arm, then the program, and wait for both in the calling thread."""
        ordinary_thread()
        if self._commands is not None and self._busy.acquire(timeout=STOP_PATIENCE):
            with contextlib.suppress(Exception):  # of any kind: the caller stops the program by other means
                self._commands.library.stopJ(self._config.stop_deceleration)
                self._commands.library.stopScript()

    def _stop(self, number: int) -> None:
        ordinary_thread()
        if not self._busy.acquire(timeout=STOP_PATIENCE):
            self.failure = "expected the running command to return before a stop, it does not"
            return
        with self._recorded_failure():
            try:
                if self._commands is not None:
                    self._commands.stop()
            finally:
                self._busy.release()
            self._reply(Reply(number, None, ""))

    def _work(self) -> None:
        ordinary_thread()
        with self._recorded_failure():
            self._commands = self._take()
            while True:
                if task := self._requests.get():
                    self._reply(self._answer(*task))
                else:
                    with self._busy:
                        self._commands.library.kickWatchdog()

    @contextlib.contextmanager
    def _recorded_failure(self) -> Iterator[None]:
        """Turn any exception of the library into :attr:`failure`, with which the process ends."""
        try:
            yield
        except Exception as error:
            self.failure = str(error) or type(error).__name__

    def _answer(self, stops: int, request: Request) -> Reply:
        with self._busy:
            if stops != self._stops:
                return Reply(request.number, None, "the arm was stopped first")
            try:
                return Reply(request.number, getattr(self._commands, request.method)(*request.arguments), "")
            except Exception as error:  # report it; the process keeps running
                return Reply(request.number, None, str(error) or type(error).__name__)

    def _take(self) -> UrCommands:
        from rtde_control import RTDEControlInterface

        library, config = RTDEControlInterface(self._host), self._config
        self.has_program = True
        accepted = (
            library.setTcp([0.0, 0.0, self._tool_length, 0.0, 0.0, 0.0])
            and library.setPayload(config.payload, list(config.payload_center))
            and library.setWatchdog(config.watchdog_frequency)
        )
        if not accepted:
            raise RuntimeError("expected the controller to accept tool, payload and watchdog, it did not")
        return UrCommands(library, config)
