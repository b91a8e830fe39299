"""SIGINT and SIGTERM, from the first moment of a process to its last."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_on_signals() -> None:
    """While a process starts, nothing is under way yet: a signal ends it at once, with exit code 0."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: os._exit(0))


def ignore_signals() -> None:
    """From now on nothing disturbs the end of the process."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class StopSignal(threading.Event):
    """Set by SIGINT and SIGTERM at once, whatever the main thread is doing.

    Python runs signal handlers in the main thread only, and only between two bytecodes. So a thread of its own waits
    for the byte that the C handler writes. To be made in the main thread, once a process.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._actions: list[Callable[[], None]] = []
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        threading.Thread(target=self._watch, name="signals", daemon=True).start()

    def then(self, action: Callable[[], None]) -> None:
        """Call something as soon as the event is set; at once when it is set already.

        Args:
            action: Called once, from another thread; must be quick.
        """
        with self._lock:
            self._actions.append(action)
            late = self.is_set()
        if late:
            action()

    def _watch(self) -> None:
        while not set(self._reader.recv(64)) & set(STOP_SIGNALS):
            pass
        with self._lock:
            self.set()
            actions = list(self._actions)
        for action in actions:
            action()
