"""Starting and stopping many times, and working for a long time among faults.

Short by default; ``scripts/soak.sh`` runs both in full.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dds import unused_domain
from graph import ROBOT, TIMEOUT, Graph, running_graph, until
from rig import Rig
from robot_client import Robot
from served_cell import ServedCell, free_host, served_cell
from stopping import rest, sender_process

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import Attempt, Decision
from impurity_grasp_ros.errors import ErrorCode

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

START_STOP = Path(__file__).parent / "start_stop.py"
LOOP_LIMIT = 60.0
SETTLED = 2
"""Loops after which nothing more may be held."""

MEMORY_GROWTH = 40_000
"""kB by which caches may grow after that."""

RESTING = 0.01
"""rad/s of the fastest joint."""

STOP_LIMIT = 1.0
"""Seconds from a cancel to rest on a busy machine; docs/hardware.md has those of a free one."""

Action = Callable[[Robot, Any], object]

GOAL_LIMIT = 240.0
"""Seconds after which a goal hangs."""

STAMP_SLACK = 6.0
UNLOCK_DELAY = 5.2


def test_starting_and_stopping_leaves_nothing_behind(request: pytest.FixtureRequest) -> None:
    loops = request.config.getoption("--loops")
    host = free_host()
    environment = os.environ | {"ROS_DOMAIN_ID": str(unused_domain()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    with served_cell(host):
        command = [sys.executable, str(START_STOP), host, str(loops)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LOOP_LIMIT * loops, check=False
        )
    assert done.returncode == 0, done.stderr[-2000:]
    held = [json.loads(line) for line in done.stdout.splitlines()]
    print(f"\n{loops} loops: {held[0]} ... {held[-1]}")
    settled, last = held[min(SETTLED, loops - 1)], held[-1]
    for what in ("threads", "sockets", "files", "children"):
        assert last[what] <= settled[what], what
    assert last["memory_kb"] <= settled["memory_kb"] + MEMORY_GROWTH


def test_a_cancel_stops_the_arm_soon(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Seconds of the controller from the moment a client asks until the arm rests, at random moments of a push."""
    rng, times = np.random.default_rng(0), []
    with Rig(tmp_path) as rig:
        robot = rig.start()
        for _ in range(request.config.getoption("--cancels")):
            handle = robot.start()
            time.sleep(float(rng.uniform(0.0, 2.0)))
            asked = robot.cell.do("state")["time"]
            handle.cancel_goal_async()
            until(lambda: robot.speed() < RESTING, "rest")
            times.append(robot.cell.do("state")["time"] - asked)
            robot.client.result(handle)
    print(f"\n{len(times)} cancels: median {np.median(times):.3f} s, longest {max(times):.3f} s")
    assert max(times) < STOP_LIMIT


def ended_by(number: signal.Signals) -> Callable[[Robot, Any], None]:
    """Sends a signal to the node."""
    return lambda robot, handle: robot.graph.processes["motion_node"].send_signal(number)


def interrupted_twice(robot: Robot, handle: Any) -> None:
    ended_by(signal.SIGINT)(robot, handle)
    ended_by(signal.SIGTERM)(robot, handle)


ORDERS: dict[str, Action] = {
    "cancel": lambda robot, handle: handle.cancel_goal_async(),
    "service stop": lambda robot, handle: robot.stop(),
    "SIGINT": ended_by(signal.SIGINT),
    "SIGTERM": ended_by(signal.SIGTERM),
    "SIGINT and SIGTERM": interrupted_twice,
    "SIGKILL": ended_by(signal.SIGKILL),
    "death of the sender": lambda robot, handle: handle.kill(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDERS)
def test_every_order_stops_the_arm_soon(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    """Seconds of the controller from the order to rest, and radians, at random moments of a push."""
    rng, times, angles = np.random.default_rng(1), [], []
    with Rig(tmp_path) as rig:
        robot = rig.start()
        for _ in range(request.config.getoption("--cancels")):
            handle = sender_process(robot, "watched") if name == "death of the sender" else robot.send()
            until(lambda: robot.speed() > 0.1, "motion")
            time.sleep(float(rng.uniform(0.0, 2.0)))
            before = robot.cell.do("state")
            ORDERS[name](robot, handle)
            after = rest(robot)
            times.append(after["time"] - before["time"])
            angles.append(np.abs(np.subtract(after["joints"], before["joints"])).max())
            if name.startswith("SIG"):
                robot.graph.processes["motion_node"].wait(20.0)
                robot.graph.restart("motion_node")
            robot.await_ready()
            until(lambda: robot.home().success, "the arm at home")
    print(f"\n{name}: {len(times)} times, median {np.median(times):.3f} s, longest {max(times):.3f} s", end=", ")
    print(f"at most {max(angles):.3f} rad")
    assert max(times) < STOP_LIMIT


@dataclass
class Tally:
    """What the soak has seen. goals: answers by code."""

    goals: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    picked: int = 0
    scenes: int = 0
    cleared: int = 0

    def count(self, kind: dict[str, int], name: str) -> None:
        kind[name] = kind.get(name, 0) + 1


FAULTS: dict[str, Action] = {
    "none": lambda robot, handle: None,
    "cancel": lambda robot, handle: handle.cancel_goal_async(),
    "protective stop": lambda robot, handle: robot.cell.do("protective_stop"),
    "emergency stop": lambda robot, handle: robot.cell.do("emergency_stop"),
    "program stopped": lambda robot, handle: robot.cell.do("stop_program"),
    "power off": lambda robot, handle: robot.cell.do("power_off"),
    "RTDE dropped": lambda robot, handle: robot.cell.do("drop", service="rtde"),
    "controller hangs": lambda robot, handle: robot.cell.do("freeze", seconds=2.5),
    "gripper dropped": lambda robot, handle: robot.cell.do("drop", service="gripper"),
    "gripper loses power": lambda robot, handle: robot.cell.do("gripper_power_cycle"),
    "gripper fault": lambda robot, handle: robot.cell.do("gripper_fault", number=14),
    "slider low": lambda robot, handle: robot.cell.do("speed_slider", fraction=0.3),
    "camera off": lambda robot, handle: robot.cell.do("camera", state="off"),
    "camera frozen": lambda robot, handle: robot.cell.do("camera", state="frozen"),
    "stamps late": lambda robot, handle: robot.cell.do("camera", age=STAMP_SLACK),
}


def make_whole(robot: Robot) -> None:
    """What an operator does after any of them, and after switching the robot on."""
    robot.cell.do("camera")
    robot.cell.do("speed_slider", fraction=1.0)
    robot.cell.do("gripper_fault", number=0)
    robot.cell.do("release_emergency_stop")
    time.sleep(UNLOCK_DELAY)
    until(lambda: robot.recover().success and robot.home().success, "a robot at home", 2 * TIMEOUT)


def work_on(robot: Robot, rng: np.random.Generator, tally: Tally, end: float) -> None:
    """Clear one scene, with a fault or none at a random moment of every goal; every count must agree."""
    client, picked = robot.client, 0
    while time.monotonic() < end:
        client.decisions.clear()
        name = str(rng.choice(list(FAULTS)))
        handle = client.send(client.pick, PickImpurities.Goal())
        time.sleep(float(rng.uniform(0.0, 8.0)))
        FAULTS[name](robot, handle)
        result = client.result(handle, GOAL_LIMIT).result
        tally.count(tally.faults, name)
        tally.count(tally.goals, ErrorCode(result.error_code).name)
        count = len(result.attempts)
        until(partial(_have_heard_of, client.decisions, count), f"{count} decisions with their attempts")
        assert result.grasps + result.pushes + result.moves == count
        assert result.picked == sum(attempt.status == Attempt.HELD for attempt in result.attempts)
        tally.attempts += count
        picked += result.picked
        make_whole(robot)
        if result.workspace_clear:
            tally.cleared += 1
            break
    tally.picked += picked
    tally.scenes += 1
    until(lambda: client.scene.targets_in_bin + client.scene.others_in_bin >= picked, "what was picked, in the bin")


def test_no_goal_hangs_and_no_count_is_lost(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Scene after scene; between two of them the robot is switched off and on."""
    end = time.monotonic() + 60.0 * request.config.getoption("--soak-minutes")
    rng, tally, host = np.random.default_rng(request.config.getoption("--soak-seed")), Tally(), free_host()
    scene = {"host": host, "scene": "random", "targets": 2, "blocks": 8}
    node = {"robot_ip": host}
    memory: list[int] = []
    with running_graph(tmp_path, ROBOT, emulated_cell={**scene, "seed": 0}, motion_node=node) as graph:
        while True:
            until(lambda: ServedCell.is_served(host), "the emulated cell")
            with closing(Robot(graph, host)) as robot:
                make_whole(robot)
                work_on(robot, rng, tally, end)
            memory.append(memory_of(graph))
            if time.monotonic() >= end:
                break
            graph.kill("emulated_cell")
            graph.restart("emulated_cell", seed=tally.scenes)
    print(f"\n{tally}\nmemory of the nodes, MB: {[number // 1000 for number in memory]}")
    assert memory[-1] <= memory[0] + len(graph.processes) * MEMORY_GROWTH


def _have_heard_of(decisions: Sequence[Decision], attempts: int) -> bool:
    return sum(len(decision.attempt) for decision in decisions) == attempts


def memory_of(graph: Graph) -> int:
    """kB of all nodes but the emulated cell, which is started anew for every scene."""
    pages = 0
    for name, process in graph.processes.items():
        if name != "emulated_cell":
            pages += int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1000
