"""Waiting for a device that says what is in its way."""

from __future__ import annotations

import time
from collections.abc import Callable

from impurity_grasp_ros.errors import DeviceFaultError

POLL_INTERVAL = 0.02


def await_ready(device: str, problem: Callable[[], str], timeout: float) -> None:
    """Wait until a device has no problem; raises DeviceFaultError with the one it still has after ``timeout`` s."""
    deadline = time.monotonic() + timeout
    while (found := problem()) and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL)
    if found:
        raise DeviceFaultError(f"expected {device} that is ready within {timeout:g} s: {found}")
