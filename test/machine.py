"""Whether the machine itself stood still while a test ran.

The host of a virtual machine can take a processor away for a second, and with it whatever runs there; a test with real
time limits says nothing about the code then. One thread on each processor, with the priority that the robot's own
processes have, notices that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from impurity_grasp_ros.priority import raise_priority

PERIOD = 0.02
LIMIT = 0.15
"""Seconds of standing still that count: half of what the link to the arm allows for."""


class StallMonitor:
    """Notes in a file when a processor stood still. folder: where the file lies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stalls.txt"
        with self._path.open("w") as file:
            self.process = subprocess.Popen([sys.executable, __file__], stdout=file)

    def stalls(self, since: float) -> list[float]:
        """Lengths in seconds of the stalls that ended after a moment of the monotonic clock."""
        lines = [line.split() for line in self._path.read_text().splitlines()]
        return [float(length) for end, length in lines if float(end) > since]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def watch(processor: int) -> None:
    """Write when this thread, on one processor, was late; ends with its parent."""
    os.sched_setaffinity(0, {processor})
    raise_priority()
    parent, before = os.getppid(), time.monotonic()
    while os.getppid() == parent:
        time.sleep(PERIOD)
        now = time.monotonic()
        if now - before > PERIOD + LIMIT:
            os.write(sys.stdout.fileno(), b"%.3f %.3f\n" % (now, now - before - PERIOD))  # lines stay whole
        before = now


if __name__ == "__main__":
    for each in os.sched_getaffinity(0):
        threading.Thread(target=watch, args=(each,)).start()
