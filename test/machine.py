"""Detection of stalls of the whole machine during a test.

The host of a virtual machine can suspend a processor for a second, and everything that runs on it. A test with real
time limits that fails then proves nothing about the code. One thread on each processor, with the priority of the
robot's own processes, detects such stalls.
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
"""Shortest stall that counts, in seconds: half of the longest one that the connection to the arm tolerates."""


class StallMonitor:
    """Records stalls of the processors in a file. folder: folder of this file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stalls.txt"
        with self._path.open("w") as file:
            self.process = subprocess.Popen([sys.executable, __file__], stdout=file)

    def stalls(self, since: float) -> list[float]:
        """Lengths in seconds of the stalls that ended after ``since``, a time of the monotonic clock."""
        lines = [line.split() for line in self._path.read_text().splitlines()]
        return [float(length) for end, length in lines if float(end) > since]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def watch(processor: int) -> None:
    """Print a line whenever this thread, bound to one processor, was late; end when the parent ends."""
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
