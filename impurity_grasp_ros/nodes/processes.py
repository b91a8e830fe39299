"""The nodes of a graph as processes of this one: started in order, watched, restarted, shut down in reverse order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from impurity_grasp_ros.graphs import GraphNode
from impurity_grasp_ros.nodes.forked import ForkedNode
from impurity_grasp_ros.nodes.signals import SUPERVISOR
from impurity_grasp_ros.resources import resource

END_TIMEOUT = 15.0
"""Seconds that a node has to shut down before it is killed."""


class NodeProcesses:
    """A context manager that runs nodes as processes, each with a file for its output.

    Args:
        nodes: The nodes, in the order in which they are started.
        values: Values of all launch arguments.
        folder: Where output and logs are written.
        prefixes: Words to put in front of a node's command, by executable; for nodes that are not forked.
    """

    def __init__(
        self,
        nodes: Sequence[GraphNode],
        values: Mapping[str, str],
        folder: Path,
        prefixes: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._nodes = {node.executable: node for node in nodes if node.is_wanted(values)}
        self._values = values
        self._folder = folder
        self._prefixes = prefixes or {}
        self._processes: dict[str, subprocess.Popen[bytes] | ForkedNode] = {}

    def __enter__(self) -> NodeProcesses:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in self._nodes:
            self.start(name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes.values()):
            process.send_signal(signal.SIGINT)
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT)
            process.kill()
            process.wait()

    def start(self, name: str) -> None:
        """Start a node, or start it again after its end."""
        node, given = self._nodes[name], self._values
        options = [word for key, value in node.resolved(given).items() for word in ("-p", f"{key}:={_text(value)}")]
        arguments = ["--ros-args", "--params-file", str(resource(given["params_file"])), *options]
        arguments += ["--log-level", given["log_level"], "--enclave", f"/impurity_grasp/{name}"]
        if given["namespace"]:
            arguments += ["-r", f"__ns:=/{given['namespace'].strip('/')}"]
        environment = os.environ | {"ROS_LOG_DIR": str(self._folder), SUPERVISOR: str(os.getpid())}
        if node.is_forked:
            self._processes[name] = ForkedNode(name, arguments, environment, self.output(name))
            return
        command = [sys.executable, "-c", f"from impurity_grasp_ros.nodes.start import {name}; {name}()", *arguments]
        with self.output(name).open("ab") as output:
            self._processes[name] = subprocess.Popen(
                [*self._prefixes.get(name, ()), *command], env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def output(self, name: str) -> Path:
        """The file with the output of a node."""
        return self._folder / f"{name}.txt"

    def pids(self) -> dict[str, int]:
        """Process IDs of the nodes, by name."""
        return {name: process.pid for name, process in self._processes.items()}

    def ended(self) -> dict[str, int]:
        """Exit codes of the nodes that have ended, by name."""
        codes = {name: process.poll() for name, process in self._processes.items()}
        return {name: code for name, code in codes.items() if code is not None}


def _text(value: Any) -> str:
    """A parameter as YAML, which ``ros2`` reads from command lines."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
