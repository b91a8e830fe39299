"""The dashboard server of a UR controller (Universal Robots, dashboard server guide): port 29999, lines of text."""

from __future__ import annotations

import socket
import time

from impurity_grasp_ros.errors import DeviceFaultError

PORT = 29999
POLL = 0.2
STEP_TIMEOUT = 30.0
"""Seconds for power and brakes."""


class Dashboard:
    """A connection, used as a context manager. Raises DeviceFaultError for whatever goes wrong."""

    def __init__(self, host: str, timeout: float = 3.0) -> None:
        self._host = host
        self._timeout = timeout

    def __enter__(self) -> Dashboard:
        try:
            self._socket = socket.create_connection((self._host, PORT), self._timeout)
            self._lines = self._socket.makefile("rw", newline="\n")
            self._lines.readline()
        except OSError as error:
            raise DeviceFaultError(f"expected the dashboard at {self._host}:{PORT}: {error}") from error
        return self

    def __exit__(self, *_error: object) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, command: str) -> str:
        """The answer to a command."""
        try:
            self._lines.write(f"{command}\n")
            self._lines.flush()
            return self._lines.readline().strip()
        except OSError as error:
            raise DeviceFaultError(f"expected the dashboard to answer {command!r}: {error}") from error

    def is_in_remote_control(self) -> bool:
        """Whether programs from outside may run; controllers before version 5 know no such mode."""
        return not self.ask("is in remote control").lower().startswith("false")

    def make_ready(self) -> None:
        """Unlock a protective stop, or switch power on and release the brakes: a person has asked for it.

        Raises DeviceFaultError when that is not possible (an emergency stop that is still pressed, a stop that is too
        recent, a violation of safety limits).
        """
        safety = self._mode("safetymode")
        if safety == "PROTECTIVE_STOP":
            self.ask("close safety popup")
            answer = self.ask("unlock protective stop")
            if "releasing" not in answer:
                raise DeviceFaultError(f"expected the protective stop to be unlocked: {answer}")
            self._wait_for("safetymode", "NORMAL", "REDUCED")
        elif safety not in ("NORMAL", "REDUCED"):
            raise DeviceFaultError(f"expected a safety system that can be recovered from here, found {safety}")
        if self._mode("robotmode") != "RUNNING":
            self.ask("power on")
            self._wait_for("robotmode", "IDLE", "RUNNING")
            self.ask("brake release")
            self._wait_for("robotmode", "RUNNING")

    def _mode(self, question: str) -> str:
        return self.ask(question).rpartition(" ")[2]

    def _wait_for(self, question: str, *modes: str) -> None:
        deadline = time.monotonic() + STEP_TIMEOUT
        while (mode := self._mode(question)) not in modes:
            if time.monotonic() > deadline:
                raise DeviceFaultError(f"expected {question} {' or '.join(modes)} in {STEP_TIMEOUT:g} s, found {mode}")
            time.sleep(POLL)
