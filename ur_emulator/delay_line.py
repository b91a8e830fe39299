"""Emulated network latency."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class DelayLine:
    """Carries out actions in order, each ``delay`` seconds after it was requested.

    Attributes:
        delay: Seconds; 0 carries actions out at once.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()

    def push(self, action: Callable[[], None]) -> None:
        """Schedule an action; it never overtakes an earlier one."""
        if self.delay or self._waiting:
            self._waiting.append((time.monotonic() + self.delay, action))
        else:
            action()

    def flush(self) -> None:
        """Carry out the actions that are due; to be called in every control cycle."""
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._waiting.popleft()[1]()
