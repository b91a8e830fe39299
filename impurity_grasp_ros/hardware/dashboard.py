"""The dashboard server of a UR controller: lines of text on port 29999 (Universal Robots, dashboard server guide)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from impurity_grasp_ros.errors import CanceledError, DeviceFaultError

PORT = 29999
POLL = 0.2
"""Seconds between checks while waiting."""

STEP_TIMEOUT = 30.0
"""Seconds within which power must be on, or the brakes released."""

LONGEST_LINE = 4096
"""Bytes of the longest answer that is accepted."""


class Dashboard:
    """A connection to a dashboard server, as a context manager.

    Args:
        host: Address of the controller.
        timeout: Seconds for connecting, and for receiving each answer completely.
        must_stop: Called repeatedly while waiting; returns whether to stop.

    Raises:
        DeviceFaultError: In every method and on entry, if the server does not answer.
        CanceledError: In every method and on entry, if ``must_stop`` returns true.
    """

    def __init__(self, host: str, timeout: float = 3.0, must_stop: Callable[[], bool] = lambda: False) -> None:
        self._host = host
        self._timeout = timeout
        self._must_stop = must_stop
        self._received = b""

    def __enter__(self) -> Dashboard:
        try:
            self._socket = socket.create_connection((self._host, PORT), self._timeout)
        except OSError as error:
            raise DeviceFaultError(f"expected a dashboard at {self._host}:{PORT}: {error}") from error
        try:
            self._read_line("send its banner")
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()

    def ask(self, command: str) -> str:
        """Send a command and return the answer, without its line end."""
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(f"{command}\n".encode())
        except OSError as error:
            raise DeviceFaultError(f"expected the dashboard to accept {command!r}: {error}") from error
        return self._read_line(f"answer {command!r}")

    def is_in_remote_control(self) -> bool:
        """Whether remote programs may run; controllers before version 5 have no such mode and always allow it."""
        return not self.ask("is in remote control").lower().startswith("false")

    def make_ready(self) -> None:
        """Unlock a protective stop, or turn the power on and release the brakes. Call it only at a person's request.

        Raises:
            DeviceFaultError: This is not possible (an emergency stop is still pressed, the protective stop is too
                recent, safety limits are violated).
            CanceledError: ``must_stop`` returned true.
        """
        safety = self._mode("safetymode")
        if safety == "PROTECTIVE_STOP":
            self.ask("close safety popup")
            answer = self.ask("unlock protective stop")
            if "releasing" not in answer:
                raise DeviceFaultError(f"expected the protective stop to be unlocked: {answer}")
            self._wait_for("safetymode", "NORMAL", "REDUCED")
        elif safety not in ("NORMAL", "REDUCED"):
            raise DeviceFaultError(f"expected a safety mode that can be reset remotely, found {safety}")
        if self._mode("robotmode") != "RUNNING":
            self.ask("power on")
            self._wait_for("robotmode", "IDLE", "RUNNING")
            self.ask("brake release")
            self._wait_for("robotmode", "RUNNING")

    def _read_line(self, what: str) -> str:
        """Receive one line, which must be complete within the timeout; ``what`` the server should do, for messages."""
        deadline = time.monotonic() + self._timeout
        while b"\n" not in self._received:
            self._check_canceled()
            left = deadline - time.monotonic()
            if left <= 0.0 or len(self._received) > LONGEST_LINE:
                raise DeviceFaultError(
                    f"expected the dashboard to {what} within {self._timeout:g} s, received {self._received!r}"
                )
            self._receive(min(left, POLL), what)
        line, _, self._received = self._received.partition(b"\n")
        return line.decode("ascii", "replace").strip()

    def _receive(self, seconds: float, what: str) -> None:
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(1024)
        except TimeoutError:
            return
        except OSError as error:
            raise DeviceFaultError(f"expected the dashboard to {what}: {error}") from error
        if not data:
            raise DeviceFaultError(f"expected the dashboard to {what}, it closed the connection")
        self._received += data

    def _check_canceled(self) -> None:
        if self._must_stop():
            raise CanceledError("expected to finish the recovery, was asked to stop")

    def _mode(self, question: str) -> str:
        return self.ask(question).rpartition(" ")[2]

    def _wait_for(self, question: str, *modes: str) -> None:
        deadline = time.monotonic() + STEP_TIMEOUT
        while (mode := self._mode(question)) not in modes:
            self._check_canceled()
            if time.monotonic() > deadline:
                raise DeviceFaultError(f"expected {question} {' or '.join(modes)} in {STEP_TIMEOUT:g} s, found {mode}")
            time.sleep(POLL)


def stop_program(host: str, timeout: float) -> str:
    """Stop the program on a controller, running or paused, before the connection to it is given up.

    Args:
        host: Address of the controller.
        timeout: Seconds for connecting, and for each answer.

    Returns:
        The controller's answer, or why there was none; in that case, its watchdog stops the program.
    """
    try:
        with Dashboard(host, timeout) as dashboard:
            return dashboard.ask("stop")
    except DeviceFaultError as error:
        return str(error)
