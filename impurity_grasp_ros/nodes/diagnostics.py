"""The state of nodes and devices as ``diagnostic_msgs``, on the topic ``/diagnostics`` of all nodes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from impurity_grasp_ros.protocols import Device

DIAGNOSTICS = "/diagnostics"
"""The topic that ``diagnostic_aggregator`` and its viewers read; names on it include the namespace."""


def status_of(name: str, level: bytes, message: str, values: Mapping[str, str], hardware: str = "") -> DiagnosticStatus:
    """A status.

    Args:
        name: What it is about.
        level: A level of ``DiagnosticStatus``.
        message: The state in one line.
        values: Further values by name.
        hardware: Address of the device.
    """
    pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticStatus(level=level, name=name, message=message, hardware_id=hardware, values=pairs)


def status_of_device(name: str, device: Device, host: str) -> DiagnosticStatus:
    """The status of a device.

    Args:
        name: What it is about.
        device: The device.
        host: Address of the controller to which it is connected.
    """
    problem = device.problem()
    level = DiagnosticStatus.ERROR if problem else DiagnosticStatus.OK
    return status_of(name, level, problem or "ready", device.values(), host)


@dataclass
class Timing:
    """How long something takes that is done again and again.

    Attributes:
        count: How often it was done.
        last: Seconds that it took the last time.
        longest: Seconds that it took at most.
    """

    count: int = 0
    last: float = 0.0
    longest: float = 0.0

    def add(self, start: float) -> None:
        """Add a time that began at ``start`` seconds of the monotonic clock and ends now."""
        self.count += 1
        self.last = time.monotonic() - start
        self.longest = max(self.longest, self.last)

    def __str__(self) -> str:
        return f"{1e3 * self.last:.0f} ms, at most {1e3 * self.longest:.0f} ms of {self.count}"
