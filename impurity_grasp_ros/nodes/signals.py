"""What ends a node: SIGINT and SIGTERM, from its first moment to its last, and the end of whoever started it."""

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
"""Environment variable: process id of what started the nodes. When that process is gone, they end as on SIGTERM: a
launch that is killed, or gets SIGTERM, leaves its nodes running."""


def leave_on_signals() -> None:
    """While a process starts, nothing is under way yet: a signal ends it at once, with exit code 0."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda _number, _frame: os._exit(0))


def ignore_signals() -> None:
    """From now on nothing disturbs the end of the process."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class StopSignal(threading.Event):
    """Set by SIGINT, by SIGTERM and by the end of the supervisor at once, whatever the main thread is doing.

    Python runs signal handlers in the main thread only, and only between two bytecodes. So a thread of its own waits
    for the byte that the C handler writes. To be made in the main thread, once a process;
    exits when the supervisor is gone already.
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
        while not self._is_told():
            pass
        with self._lock:
            self.set()
            actions = list(self._actions)
        for action in actions:
            action()

    def _is_told(self) -> bool:
        """Wait for a signal or the end of the supervisor; returns whether it is one to end."""
        sources: list[Any] = [self._reader, *self._supervisor]
        ready, _, _ = select.select(sources, [], [])
        return self._reader not in ready or bool(set(self._reader.recv(64)) & set(STOP_SIGNALS))


def _supervisor() -> list[int]:
    """A file descriptor that becomes readable when the supervisor ends, if there is one."""
    number = os.environ.get(SUPERVISOR)
    try:
        return [os.pidfd_open(int(number))] if number else []
    except ProcessLookupError:  # it ended while this process started, nothing is under way yet
        raise SystemExit(0) from None
