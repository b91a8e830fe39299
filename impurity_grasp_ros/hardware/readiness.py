"""Waiting until a device is ready."""

from __future__ import annotations

import time
from collections.abc import Callable

from impurity_grasp_ros.errors import CanceledError, DeviceFaultError

POLL_INTERVAL = 0.02
"""Seconds between checks."""


def await_ready(
    device: str, problem: Callable[[], str], timeout: float, must_stop: Callable[[], bool] = lambda: False
) -> None:
    """Wait until a device has no problem.

    Args:
        device: Name of the device with its article, for messages.
        problem: Returns what keeps the device from moving, empty if nothing does.
        timeout: Seconds to wait.
        must_stop: Called repeatedly while waiting; returns whether to stop.

    Raises:
        DeviceFaultError: The device still has a problem after the timeout; the message names it.
        CanceledError: ``must_stop`` returned true.
    """
    deadline = time.monotonic() + timeout
    while (found := problem()) and time.monotonic() < deadline:
        if must_stop():
            raise CanceledError(f"expected to wait for {device}, was asked to stop")
        time.sleep(POLL_INTERVAL)
    if found:
        raise DeviceFaultError(f"expected {device} to be ready within {timeout:g} s: {found}")
