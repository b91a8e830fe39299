#!/usr/bin/env python3
"""Bring the simulated graph up and down many times, and kill nodes at random moments while it does.

source scripts/bootstrap.sh simulation
python scripts/bring_ups.py                               # 1000 times, 50 of them with a killed node
python scripts/bring_ups.py --count 20 --kills 5 --seed 2

Up means that all nodes are configured and active, down that all are unconfigured again. A killed node is started again,
as by ``impurity-grasp launch sim --respawn``. Ends with an error if a state is not reached in time, or a node that was
not killed ends, or ends with another code than 0.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import rclpy
from lifecycle_msgs.msg import State
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

from impurity_grasp.msg import CellState
from impurity_grasp.srv import Manage
from impurity_grasp_ros.graphs import GRAPHS
from impurity_grasp_ros.nodes.processes import NodeProcesses
from impurity_grasp_ros.nodes.runtime import SpinningThread

UNCONFIGURED, ACTIVE = State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_ACTIVE

TIMEOUT = 60.0
"""Seconds within which all nodes must be where they are led."""

PERIOD = 3.0
"""Seconds within which a node is killed after a command."""


class Cell(Node):
    """Leads the nodes by ``manage``, and sees their states in ``cell_state``."""

    def __init__(self) -> None:
        super().__init__("bring_ups")
        self._manage = self.create_client(Manage, "manage")
        self._changed = threading.Condition()
        self._states: dict[str, int] = {}
        every = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)  # a state may last for milliseconds
        self.create_subscription(CellState, "cell_state", self._on_state, every)

    def _on_state(self, state: CellState) -> None:
        with self._changed:
            self._states = dict(zip(state.nodes, state.states, strict=True))
            self._changed.notify_all()

    def command(self, command: int) -> None:
        """Send a command; the nodes reach what it asks for later, and it may fail if one of them is killed."""
        assert self._manage.wait_for_service(TIMEOUT), "no service manage"
        self._manage.call_async(Manage.Request(command=command))

    def await_state(self, state: int) -> None:
        """Wait until all nodes are in a state."""
        self._await(lambda: set(self._states.values()) == {state}, f"all nodes in state {state}")

    def await_loss(self, name: str) -> None:
        """Wait until the manager has noticed that a node was killed."""
        self._await(lambda: self._states[name] != ACTIVE, f"the loss of {name}")

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, TIMEOUT):
                raise AssertionError(f"expected {what} within {TIMEOUT:g} s, received {self._states}")


def bring_ups(cell: Cell, processes: NodeProcesses, count: int, kills: int, generator: random.Random) -> None:
    """Bring the graph up and down."""
    managed = [name for name in processes.pids() if name != "manager_node"]
    killing = set(generator.sample(range(count), kills))
    for number in range(count):
        cell.command(Manage.Request.STARTUP)
        if number in killing:
            time.sleep(generator.uniform(0.0, PERIOD))
            victim = generator.choice(managed)
            kill(processes, victim)
            cell.await_loss(victim)
        cell.await_state(ACTIVE)
        cell.command(Manage.Request.RESET)
        cell.await_state(UNCONFIGURED)
        assert not processes.ended(), f"expected all nodes to keep running, {processes.ended()} have ended"
        if number in (0, count - 1) or (number + 1) % 100 == 0:
            print(f"{number + 1} of {count}: resident MB {resident(processes)}", flush=True)


def kill(processes: NodeProcesses, name: str) -> None:
    """Kill a node and start it again."""
    os.kill(processes.pids()[name], signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT
    while name not in processes.ended():
        assert time.monotonic() < deadline, f"{name} did not die"
        time.sleep(0.01)
    processes.start(name)


def resident(processes: NodeProcesses) -> dict[str, int]:
    """Resident memory of each node in MB."""
    page = os.sysconf("SC_PAGE_SIZE")
    pages = {name: int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for name, pid in processes.pids().items()}
    return {name: page * number >> 20 for name, number in pages.items()}


def main() -> None:
    """Run the graph and bring it up and down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("runs/bring_ups"), help="where the nodes' output goes")
    options = parser.parse_args()
    graph = GRAPHS["sim"]
    rclpy.init()
    cell = Cell()
    spinning = SpinningThread([cell], 2)
    spinning.start()
    began = time.monotonic()
    processes = NodeProcesses(graph.nodes, graph.values({}), options.output.absolute())
    with processes:
        bring_ups(cell, processes, options.count, options.kills, random.Random(options.seed))
    codes = processes.ended()
    spinning.end()
    cell.destroy_node()
    rclpy.try_shutdown()
    assert set(codes.values()) == {0}, f"expected exit codes 0, received {codes}"
    took = time.monotonic() - began
    print(f"{options.count} times up and down, {options.kills} nodes killed, {took:.0f} s: all well")


if __name__ == "__main__":
    main()
