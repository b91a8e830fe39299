"""Stalls of the machine are detected."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import until
from machine import LIMIT, StallMonitor


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[StallMonitor]:
    monitor = StallMonitor(tmp_path)
    yield monitor
    monitor.close()


def test_a_stall_is_noticed_on_each_processor(monitor: StallMonitor) -> None:
    def stall() -> bool:
        start = time.monotonic()
        monitor.process.send_signal(signal.SIGSTOP)
        time.sleep(2.0 * LIMIT)
        monitor.process.send_signal(signal.SIGCONT)
        time.sleep(LIMIT)
        return len(monitor.stalls(start)) == len(os.sched_getaffinity(0))

    until(stall, "a stall to be noticed")  # the monitor may still be starting
    assert min(monitor.stalls(0.0)) > LIMIT
    assert monitor.stalls(time.monotonic()) == []
