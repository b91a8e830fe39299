"""For tests of UR drivers: start an emulator in a process of its own, and ask it for faults."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ur_emulator.errors import EmulatorStartError, FaultRequestError
from ur_emulator.personality import CB3
from ur_emulator.plant import START_JOINTS
from ur_emulator.process import START_LIMIT
from ur_emulator.server import PORTS

TIMEOUT = 10.0
"""Seconds to wait for a connection to the fault port, and for an answer."""


class FaultClient:
    """Connection to the fault port of an emulator.

    Args:
        host: Address of the emulator.

    Raises:
        OSError: No emulator can be reached there.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        with socket.create_connection((host, PORTS["faults"]), timeout=TIMEOUT) as connection:
            self._stream = connection.makefile("rw")  # keeps the connection open

    @classmethod
    def is_served(cls, host: str) -> bool:
        """Whether an emulator can be reached at an address."""
        try:
            cls(host).close()
        except OSError:
            return False
        return True

    def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Send a request; ``state`` changes nothing.

        Args:
            what: Name of the request; ``README.md`` in this folder lists them.
            arguments: Arguments of the request.

        Returns:
            State of the robot after the request.

        Raises:
            FaultRequestError: The request or its arguments are invalid.
            OSError: The emulator does not answer.
        """
        self._stream.write(json.dumps({"do": what, **arguments}) + "\n")
        self._stream.flush()
        line = self._stream.readline()
        if not line:
            raise ConnectionError(f"expected an answer to {what!r}, the emulator on {self.host} has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise FaultRequestError(answer["error"])
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


@contextmanager
def running_emulator(
    host: str, personality: str = CB3.name, joints: Sequence[float] = START_JOINTS
) -> Iterator[FaultClient]:
    """Run ``python -m ur_emulator`` until the block ends.

    Args:
        host: Address on which the ports are served; :func:`free_host` finds one.
        personality: ``cb3`` or ``e-series``.
        joints: Initial joint angles, (6,) rad.

    Yields:
        Connection to the fault port; its ``host`` is the address to connect a driver to.

    Raises:
        EmulatorStartError: The emulator does not serve its ports.
    """
    command = [sys.executable, "-m", "ur_emulator", "--host", host, "--personality", personality, "--joints"]
    command += [f"{angle:.17f}" for angle in joints]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        _await_ready(process, host)
        with closing(FaultClient(host)) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def free_host() -> str:
    """Loopback address on which nothing listens: a different one in every process and at every call (Linux only)."""
    stamp = time.monotonic_ns() // 1000
    return f"127.{1 + stamp % 250}.{stamp // 250 % 250}.{1 + stamp // 62500 % 250}"


def _await_ready(process: subprocess.Popen[str], host: str) -> None:
    timer = threading.Timer(START_LIMIT, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        if not any(line.startswith("ready") for line in process.stdout):
            raise EmulatorStartError(f"expected an emulator on {host}, it ended with exit code {process.wait()}")
    finally:
        timer.cancel()
