"""``impurity-grasp launch``: start a graph where there is no ``ros2 launch``, with the same arguments."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.table import Table

from impurity_grasp_ros.errors import ConfigError, PeerUnavailableError
from impurity_grasp_ros.graphs import GRAPHS, Graph
from impurity_grasp_ros.launch_arguments import death_of_a_node, discovery_variables

POLL = 0.1
"""Seconds between checks whether a node has ended or said something."""

RESPAWN_DELAY = 2.0
"""Seconds before a node that has ended is started again: one that cannot start must not keep the machine busy."""


def launch(
    graph: Annotated[str, typer.Argument(help=f"One of {', '.join(GRAPHS)}.")],
    arguments: Annotated[Optional[list[str]], typer.Argument(help="Arguments, as name:=value.")] = None,
    show_args: Annotated[bool, typer.Option("--show-args", help="Only show the arguments.")] = False,
    respawn: Annotated[bool, typer.Option(help="Start a node again that has ended; otherwise, all end.")] = False,
    output: Annotated[Path, typer.Option(help="Folder in which the run's folder is created.")] = Path("runs"),
) -> None:
    """Start the nodes of a graph, each as a process, until Ctrl-C; the exit code is 0 if all ended by that.

    For machines with ROS 2 from wheels, which have no `ros2 launch`. Names, values and defaults are the same.
    """
    chosen = GRAPHS.get(graph)
    if chosen is None:
        raise ConfigError(f"expected one of {', '.join(GRAPHS)}, received {graph!r}")
    if show_args:
        Console().print(_table(chosen))
        return
    values = chosen.values(_given(arguments or []))
    os.environ.update(discovery_variables(values["discovery"], os.environ.get("ROS_DISTRO", "")))
    folder = (output / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_launch_{graph}").absolute()
    _run(chosen, values, folder, respawn)


def _given(words: Sequence[str]) -> dict[str, str]:
    """The values in ``name:=value``, by name."""
    for word in words:
        if ":=" not in word:
            raise ConfigError(f"expected name:=value, received {word!r}")
    return dict(word.split(":=", 1) for word in words)


def _run(graph: Graph, values: dict[str, str], folder: Path, respawn: bool) -> None:
    from impurity_grasp_ros.nodes.processes import NodeProcesses  # needs ROS 2, other commands do not
    from impurity_grasp_ros.nodes.signals import StopSignal

    stop, read = StopSignal(), dict.fromkeys((node.executable for node in graph.nodes), 0)
    needed, missing = {node.executable for node in graph.nodes if node.is_needed}, set[str]()
    print(f"output of the nodes: {folder}", flush=True)

    def show(processes: NodeProcesses) -> None:
        """Print the new lines of all nodes."""
        for name in read:
            if (file := processes.output(name)).exists():
                with file.open("rb") as lines:
                    lines.seek(read[name])
                    new = lines.read()
                whole = new[: new.rfind(b"\n") + 1]
                read[name] += len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    print(f"[{name}] {line}", flush=True)

    with NodeProcesses(graph.nodes, values, folder) as processes:
        while not stop.is_set():
            show(processes)
            for name, code in processes.ended().items():
                if name in missing:
                    continue
                ended = f"{name} ended with exit code {code}"
                if respawn and not stop.is_set():
                    print(f"{ended}: starting it again in {RESPAWN_DELAY:g} s", file=sys.stderr, flush=True)
                    if not stop.wait(RESPAWN_DELAY):
                        processes.start(name)
                elif name in needed:
                    show(processes)
                    raise PeerUnavailableError(death_of_a_node(name, code))
                else:
                    missing.add(name)
                    print(f"{ended}: the others go on without it", file=sys.stderr, flush=True)
            time.sleep(POLL)
    show(processes)


def _table(graph: Graph) -> Table:
    table = Table(title="arguments")
    for name in ("name", "default", "meaning"):
        table.add_column(name)
    for item in graph.arguments:
        if item.name not in graph.fixed:
            choices = f" ({', '.join(item.choices)})" if item.choices else ""
            table.add_row(item.name, item.default, f"{item.description}{choices}")
    return table
