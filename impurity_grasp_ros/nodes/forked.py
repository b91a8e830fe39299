"""Processes of nodes, forked from one that has imported their libraries: they start sooner, and share memory."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from impurity_grasp_ros.nodes.start import start

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["__main__", "impurity_grasp_ros.nodes.preloaded"])


class ForkedNode:
    """A node in a process of its own, with the methods of :class:`subprocess.Popen` that are needed.

    Args:
        name: Name of a module in ``impurity_grasp_ros.nodes``.
        arguments: Arguments of its command line.
        environment: All environment variables.
        output: File to which its output is appended.
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        given = (name, list(arguments), dict(environment), output)
        self._process = FORKING.Process(target=_run, args=given, name=name)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process ID."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; see :meth:`subprocess.Popen.wait`."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        self.send_signal(signal.SIGKILL)


def _run(name: str, arguments: list[str], environment: dict[str, str], output: Path) -> None:
    """Become the node."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [name, *arguments]
    Path("/proc/self/comm").write_text(name)  # the kernel keeps 15 characters; for ps and top
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    start(name)
