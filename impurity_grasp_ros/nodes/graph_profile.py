"""What the simulated graph costs as processes, beside the decisions themselves: start, idle load, overhead."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import rclpy
from builtin_interfaces.msg import Duration
from rclpy.context import Context
from rclpy.node import Node

from impurity_grasp.msg import Attention as AttentionMsg
from impurity_grasp.srv import Attend, CaptureHeightmap, SelectPrimitive
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import PeerUnavailableError
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.graphs import GRAPHS
from impurity_grasp_ros.nodes.composition import SimulatedSystem
from impurity_grasp_ros.nodes.conversions import from_heightmap
from impurity_grasp_ros.nodes.pick_client import PickClient
from impurity_grasp_ros.nodes.processes import NodeProcesses
from impurity_grasp_ros.nodes.runtime import SpinningThread
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.job_attention import JobAttention
from impurity_grasp_ros.policy.actors import PolicyNodeConfig

START_TIMEOUT, ANSWER_TIMEOUT = 120.0, 60.0
SETTLING, OBSERVED = 8.0, 20.0
"""Seconds before the idle graph is observed, and for which it is."""

TICKS = os.sysconf("SC_CLK_TCK")


def profile_graph(scene: str, seed: int, decisions: int) -> Iterator[tuple[str, str]]:
    """Start the simulated graph as processes and measure it.

    Args:
        scene: Name of a scene, or path of a preset.
        seed: Seed of the scene.
        decisions: Decisions to time.

    Yields:
        What was measured, and its value with unit.

    Raises:
        PeerUnavailableError: The graph did not become ready, or did not answer.
    """
    graph = GRAPHS["sim"]
    values = graph.values({"scene": scene, "seed": str(seed)})
    with tempfile.TemporaryDirectory() as folder, _Client() as client:
        began = time.monotonic()
        with NodeProcesses(graph.nodes, values, Path(folder)) as processes:
            accepted = client.await_goal() - began
            yield "start to the first accepted goal", f"{accepted:.1f} s"
            yield from _observe_idle(processes.pids())
            asked, alone = client.time_decisions(decisions)
            yield "decision, asked of the nodes", f"{1e3 * asked:.0f} ms"
            yield "decision, in one process", f"{1e3 * alone:.0f} ms"
            yield "overhead", f"{asked / alone - 1:.1%}"
            yield "job, nodes as processes", f"{client.time_job():.1f} s"
    alone = _time_job_in_one_process(scene, seed, values["cell_file"])
    yield "the same job, nodes in one process", f"{alone:.1f} s"


def _observe_idle(nodes: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Measure what an idle graph costs, given the process ID of each node."""
    time.sleep(SETTLING)
    pids = nodes | {"libraries": _parent(nodes["manager_node"])}  # from which the nodes are forked
    before = {name: _cpu_time(pid) for name, pid in pids.items()}
    time.sleep(OBSERVED)
    used = {name: (_cpu_time(pid) - before[name]) / OBSERVED for name, pid in pids.items()}
    memory = {name: _memory(pid) for name, pid in pids.items()}
    for name in used:
        yield f"idle, {name}", f"{used[name]:.1%} of a core, {memory[name]:.0f} MB"
    yield "idle, all", f"{sum(used.values()):.1%} of a core, {sum(memory.values()):.0f} MB"


def _time_job_in_one_process(scene: str, seed: int, cell_file: str) -> float:
    """Seconds that a job takes if all nodes are in this process."""
    bridge = {"scene": scene, "seed": seed}
    with (
        tempfile.TemporaryDirectory() as folder,
        SimulatedSystem(bridge, cell_file, Path(folder), on_line=lambda _line: None) as system,
    ):
        system.pick(dry_run=True)  # waits until all nodes are active
        began = time.monotonic()
        system.pick()
        return time.monotonic() - began


def _parent(pid: int) -> int:
    """The process that has started another one."""
    return int(_fields(pid)[1])


def _fields(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` that follow the name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int) -> float:
    """Proportional set size of a process in MB: memory that is shared counts in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


class _Client:
    """A context manager: a client of the graph."""

    def __enter__(self) -> _Client:
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node("profiler", context=self._context)
        self._capture = self._node.create_client(CaptureHeightmap, "capture_heightmap")
        self._attend = self._node.create_client(Attend, "attend")
        self._select = self._node.create_client(SelectPrimitive, "select_primitive")
        self._picker = PickClient(node=self._node)
        self._picker.__enter__()
        self._spinning = SpinningThread([self._node], 2, self._context)
        self._spinning.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._spinning.end()
        self._node.destroy_node()
        self._context.try_shutdown()

    def await_goal(self) -> float:
        """Start a dry run, wait for its end, and return when it was accepted, of time.monotonic."""
        job = self._picker.start(dry_run=True, timeout=START_TIMEOUT)
        accepted = time.monotonic()
        job.wait(ANSWER_TIMEOUT)
        return accepted

    def time_job(self) -> float:
        """Seconds that a job takes."""
        began = time.monotonic()
        self._picker.start().wait(ANSWER_TIMEOUT)
        return time.monotonic() - began

    def time_decisions(self, count: int) -> tuple[float, float]:
        """Median seconds of attention and decision for one view: asked of the nodes, and in this process."""
        request = CaptureHeightmap.Request(new_job=True, timeout=Duration(sec=10))
        view = self._answer(self._capture.call_async(request), "capture_heightmap").heightmap
        attention = AttentionMsg()

        def ask() -> None:
            nonlocal attention
            asked = Attend.Request(heightmap=view, new_job=True)
            attention = self._answer(self._attend.call_async(asked), "attend").attention
            self._answer(
                self._select.call_async(SelectPrimitive.Request(heightmap=view, attention=attention)), "select"
            )

        heightmap = from_heightmap(view)
        config = packaged_parameters("attention_node", AttentionConfig)
        policy = packaged_parameters("policy_node", PolicyNodeConfig)
        cell = load_cell(policy.cell_file)

        def decide() -> None:
            found = JobAttention().attend(heightmap, None, config)
            make_thinking_actor(policy, cell).select(heightmap, found, [])

        times = [(_duration(ask), _duration(decide)) for _ in range(count + 1)]
        asked, alone = (median(column) for column in zip(*times[1:], strict=True))  # the first one does not count
        return asked, alone

    def _answer(self, future: Any, what: str) -> Any:
        done = threading.Event()
        future.add_done_callback(lambda _future: done.set())
        if not done.wait(ANSWER_TIMEOUT):
            raise PeerUnavailableError(f"expected {what} to answer within {ANSWER_TIMEOUT:g} s")
        return future.result()


def _duration(action: Callable[[], None]) -> float:
    """Seconds that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
