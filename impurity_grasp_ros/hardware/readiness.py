"""Waiting for a device that says what is in its way."""

from __future__ import annotations

import time
from collections.abc import Callable

from impurity_grasp_ros.errors import CanceledError, DeviceFaultError

POLL_INTERVAL = 0.02


def await_ready(
    device: str, problem: Callable[[], str], timeout: float, must_stop: Callable[[], bool] = lambda: False
) -> None:
    """Wait until a device has no problem.

    Raises:
        DeviceFaultError: It still has one after ``timeout`` seconds, with the problem.
        CanceledError: ``must_stop`` said so.
    """
    deadline = time.monotonic() + timeout
    while (found := problem()) and time.monotonic() < deadline:
        if must_stop():
            raise CanceledError(f"expected to wait for {device}, was asked to stop")
        time.sleep(POLL_INTERVAL)
    if found:
        raise DeviceFaultError(f"expected {device} that is ready within {timeout:g} s: {found}")
