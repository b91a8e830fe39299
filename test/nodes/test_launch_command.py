"""``impurity-grasp launch`` starts a graph, ends it in order, and starts a node again that died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dds import unused_domain
from graph import Client, until

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import CellState
from impurity_grasp_ros.nodes.runtime import LATCHED

pytestmark = [pytest.mark.ros, pytest.mark.sim]

COMMAND = [sys.executable, "-c", "from impurity_grasp_ros.cli.main import main; main()", "launch", "sim"]
SCENE = ["scene:=random", "seed:=3"]


class Launched:
    """A launched graph and a client."""

    def __init__(self, process: subprocess.Popen[str], client: Client, states: list[CellState]) -> None:
        self.process, self.client, self.states = process, client, states
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def await_active(self) -> None:
        until(lambda: self.states and self.states[-1].active, "all nodes to be active", 120.0)

    def await_end(self) -> int:
        return self.process.wait(60.0)


def pid_of(executable: str, launcher: int) -> int:
    """The process of a node that a launcher has had forked."""
    for entry in Path("/proc").glob("[0-9]*/comm"):
        if (
            entry.exists()
            and entry.read_text().strip() == executable
            and parent(parent(int(entry.parent.name))) == launcher
        ):
            return int(entry.parent.name)
    raise AssertionError(f"no process of {executable}")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@contextmanager
def launched(folder: Path, *options: str) -> Iterator[Launched]:
    domain = unused_domain()
    environment = os.environ | {"ROS_DOMAIN_ID": str(domain), "OMP_NUM_THREADS": "1"}
    client, states = Client(domain), []
    client.node.create_subscription(CellState, "cell_state", states.append, LATCHED)
    command = [*COMMAND, *SCENE, "--output", str(folder), *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Launched(process, client, states)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60.0)
            client.close()


def test_a_launched_graph_does_a_job_and_ends_in_order(tmp_path: Path) -> None:
    with launched(tmp_path) as graph:
        graph.await_active()
        answer = graph.client.result(graph.client.send(graph.client.pick, PickImpurities.Goal(max_targets=1)), 240.0)
        assert answer.result.picked == 1, answer.result.error_msg
        graph.process.send_signal(signal.SIGINT)
        assert graph.await_end() == 0
        (folder,) = tmp_path.iterdir()
        assert "goal: at most 30 actions" in (folder / "picker_node.txt").read_text()
        assert any(line.startswith("[picker_node] ") and "goal:" in line for line in graph.lines)


def test_without_respawn_all_nodes_end_when_one_dies(tmp_path: Path) -> None:
    with launched(tmp_path) as graph:
        graph.await_active()
        os.kill(pid_of("policy_node", graph.process.pid), signal.SIGKILL)
        assert graph.await_end() == 2
        until(lambda: any("expected policy_node to keep running" in line for line in graph.lines), "the reason")


def test_a_node_that_dies_is_started_again_and_serves(tmp_path: Path) -> None:
    with launched(tmp_path, "--respawn") as graph:
        graph.await_active()
        os.kill(pid_of("policy_node", graph.process.pid), signal.SIGKILL)
        until(lambda: not graph.states[-1].active, "the manager to notice", 20.0)
        graph.await_active()
        dry_run = graph.client.result(graph.client.send(graph.client.pick, PickImpurities.Goal(dry_run=True)))
        assert dry_run.result.error_code == 0, dry_run.result.error_msg
