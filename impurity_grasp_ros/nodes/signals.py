"""What shuts a node down: SIGINT and SIGTERM, from its start to its end, and the end of the process that started it."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

SUPERVISOR = "IMPURITY_GRASP_SUPERVISOR"
"""Environment variable with the ID of the process that started the nodes. When that process ends, they shut down as on
SIGTERM; otherwise a launch that is killed, or receives SIGTERM, would leave its nodes running."""


def leave_on_signals() -> None:
    """Let a signal end the process at once, with exit code 0; for the start, when nothing has to be stopped yet."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: os._exit(0))


def ignore_signals() -> None:
    """Ignore further signals, so that they do not disturb the end of the process."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class StopSignal(threading.Event):
    """Set at once on SIGINT, SIGTERM or the end of the supervisor, whatever the main thread is doing.

    Python runs signal handlers only in the main thread and only between two bytecodes. Therefore, a separate thread
    waits for the byte that the C handler writes. Create it once per process, in the main thread.

    Raises:
        SystemExit: The supervisor has already ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._actions: list[Callable[[], None]] = []
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._supervisor = _supervisor()
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        threading.Thread(target=self._watch, name="signals", daemon=True).start()

    def then(self, action: Callable[[], None]) -> None:
        """Call a function as soon as the event is set, or at once if it is set already.

        Args:
            action: Called once, possibly from another thread; must be quick.
        """
        with self._lock:
            self._actions.append(action)
            late = self.is_set()
        if late:
            action()

    def _watch(self) -> None:
        while not self._is_told():
            pass
        with self._lock:
            self.set()
            actions = list(self._actions)
        for action in actions:
            action()

    def _is_told(self) -> bool:
        """Wait for a signal or the end of the supervisor, and return whether the node has to shut down."""
        sources: list[Any] = [self._reader, *self._supervisor]
        ready, _, _ = select.select(sources, [], [])
        return self._reader not in ready or bool(set(self._reader.recv(64)) & set(STOP_SIGNALS))


def _supervisor() -> list[int]:
    """A file descriptor that becomes readable when the supervisor ends; empty if there is no supervisor."""
    number = os.environ.get(SUPERVISOR)
    try:
        return [os.pidfd_open(int(number))] if number else []
    except ProcessLookupError:  # it ended while this process was starting: nothing has to be stopped yet
        raise SystemExit(0) from None
