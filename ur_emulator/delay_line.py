"""A network that takes its time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class DelayLine:
    """Does things ``delay`` seconds late, in the order in which they were asked for; at once without a delay."""

    def __init__(self) -> None:
        self.delay = 0.0
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()

    def push(self, action: Callable[[], None]) -> None:
        """Have something done; never before what was asked for earlier."""
        if self.delay or self._waiting:
            self._waiting.append((time.monotonic() + self.delay, action))
        else:
            action()

    def flush(self) -> None:
        """Do what is due; to be called in every cycle."""
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._waiting.popleft()[1]()
