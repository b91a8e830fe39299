"""SROS2 around running nodes: the policy covers what they use, and only who may reaches what moves the arm."""

from __future__ import annotations

import contextlib
import datetime
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

import pytest
import rclpy
from dds import unused_domain
from graph import until
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from served_cell import free_host

from impurity_grasp_ros.nodes.attention_node import AttentionNode
from impurity_grasp_ros.nodes.bullet_bridge_node import BulletBridgeNode
from impurity_grasp_ros.nodes.emulated_cell import EmulatedCellNode
from impurity_grasp_ros.nodes.heightmap_node import HeightmapNode
from impurity_grasp_ros.nodes.manager_node import ManagerNode
from impurity_grasp_ros.nodes.motion_node import MotionNode
from impurity_grasp_ros.nodes.picker_node import PickerNode
from impurity_grasp_ros.nodes.policy_node import PolicyNode
from impurity_grasp_ros.nodes.recording_node import RecordingNode
from impurity_grasp_ros.nodes.running import end

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from make_keystore import POLICY, make_keystore
from sros2_policy import read_policy

pytestmark = pytest.mark.ros

NODES = (
    *(AttentionNode, BulletBridgeNode, EmulatedCellNode, HeightmapNode),
    *(ManagerNode, MotionNode, PickerNode, PolicyNode, RecordingNode),
)
MANAGED = (
    *("motion_node", "bullet_bridge_node", "heightmap_node"),
    *("attention_node", "policy_node", "picker_node"),
)
EVERYONE_MAY = {  # whether a node does or not
    "ros_discovery_info", "rt/clock", "rt/parameter_events", "rt/rosout", "rq/stopRequest", "rr/stopReply",
}  # fmt: skip


@dataclass
class Used:
    """DDS topics that a node writes and reads."""

    writes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)


@pytest.fixture
def context() -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    yield context
    context.try_shutdown()


def announced(observer: Node, node: Node) -> Used:
    """What the ROS graph says of a node."""

    def names(ask: Callable[[str, str], list[Any]]) -> set[str]:
        with contextlib.suppress(rclpy.node.NodeNameNonExistentError):
            return {name for name, _types in ask(node.get_name(), node.get_namespace())}
        return set()

    used = Used()
    used.writes |= {f"rt{name}" for name in names(observer.get_publisher_names_and_types_by_node)}
    used.reads |= {f"rt{name}" for name in names(observer.get_subscriber_names_and_types_by_node)}
    for ask, asks, answers in (
        (observer.get_client_names_and_types_by_node, used.writes, used.reads),
        (observer.get_service_names_and_types_by_node, used.reads, used.writes),
    ):
        services = names(ask)
        asks |= {f"rq{name}Request" for name in services}
        answers |= {f"rr{name}Reply" for name in services}
    return used


def known(node: Node) -> set[str]:
    """DDS topics that a node is sure to use, by its own books."""
    requests = {f"rq{item.service_name}Request" for item in (*node.clients, *node.services)}
    actions = {
        f"rq/{item._action_name}/_action/send_goalRequest" for item in node.waitables if hasattr(item, "_action_name")
    }
    return {f"rt{item.topic_name}" for item in (*node.publishers, *node.subscriptions)} | requests | actions


@pytest.mark.sim
@pytest.mark.parametrize("create", NODES, ids=lambda create: create.__name__)
def test_the_policy_allows_what_a_node_uses_and_nothing_else(
    create: type[Node], context: Context, tmp_path: Path
) -> None:
    addresses = {"host": free_host(), "robot_ip": free_host()}
    given = {"folder": str(tmp_path), "use_sim_time": True, "mover": "", "nodes": [*MANAGED], **addresses}
    overrides = [Parameter(name, value=value) for name, value in given.items()]
    observer = Node("observer", context=context)
    node = create(context=context, parameter_overrides=overrides)
    try:
        enclave = next(item for item in read_policy(POLICY) if item.path == f"/impurity_grasp/{node.get_name()}")
        names = known(node) | {f"rq/{node.get_name()}/get_type_descriptionRequest", "rt/rosout"}
        until(lambda: (used := announced(observer, node)) and names <= used.writes | used.reads, "the graph")
        used = announced(observer, node)
    finally:
        end(node)
        observer.destroy_node()
    for topics, allowed in ((used.writes, enclave.writes), (used.reads, enclave.reads)):
        assert {topic for topic in topics if not any(fnmatchcase(topic, item) for item in allowed)} == set()
        assert {item for item in allowed if "*" not in item} - EVERYONE_MAY <= topics


ASK = """
import select, sys
import rclpy
from rclpy.action import ActionClient
from std_srvs.srv import Trigger
from impurity_grasp.action import ExecutePrimitive

def created(create, kind, name):
    try:
        return create(kind, name)
    except (RuntimeError, ValueError):  # how rclpy says that the middleware denies it
        print("denied", name, flush=True)

rclpy.init()
node = rclpy.create_node("asks")
services = {name: created(node.create_client, Trigger, name) for name in ("recover", "stop")}
action = created(lambda *words: ActionClient(node, *words), ExecutePrimitive, "execute_primitive")
ready = {name: (item.service_is_ready, lambda item=item: item.call_async(Trigger.Request()))
         for name, item in services.items() if item}
if action:
    ready["execute_primitive"] = action.server_is_ready, lambda: action.send_goal_async(ExecutePrimitive.Goal())
print("started", flush=True)
asked = {}
while not select.select([sys.stdin], [], [], 0)[0]:
    for name in [name for name, (is_ready, ask) in ready.items() if is_ready()]:
        asked[name] = ready.pop(name)[1]()
    rclpy.spin_once(node, timeout_sec=0.05)
    for name in [name for name, future in asked.items() if future.done()]:
        del asked[name]
        print("answered", name, flush=True)
"""
SERVE = "from impurity_grasp_ros.nodes.motion_node import main; main()"

ANSWERED = {  # who asks for recover, stop and execute_primitive, and gets an answer
    "operator": {"recover", "stop"},
    "line_control": {"stop"},
    "picker_node": {"stop", "execute_primitive"},
    "operator with foreign keys": set(),
    "stranger": set(),
}


class Processes:
    """Processes with an enclave each; what they print goes to files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._domain = unused_domain()
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("own", "foreign"):
            make_keystore(folder / name, POLICY, self._domain, datetime.timedelta(days=1))

    def start(
        self, name: str, code: str, enclave: str, *parameters: str, keys: str = "own", enable: str = "true"
    ) -> None:
        environment = os.environ | {
            "ROS_DOMAIN_ID": str(self._domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_LOG_DIR": str(self._folder),
            "ROS_SECURITY_ENABLE": enable,
            "ROS_SECURITY_STRATEGY": "Enforce",
            "ROS_SECURITY_KEYSTORE": str(self._folder / keys),
        }
        named = ["--ros-args", "--enclave", f"/impurity_grasp/{enclave}", "-r", f"__node:={enclave}"]
        command = [sys.executable, "-c", code, *named, *parameters]
        with (self._folder / f"{name}.txt").open("wb") as output:
            self._started[name] = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )

    def output(self, name: str) -> str:
        return (self._folder / f"{name}.txt").read_text(errors="replace")

    def answered(self, name: str) -> set[str]:
        """What a process has been answered."""
        return {line.split()[1] for line in self.output(name).splitlines() if line.startswith("answered ")}

    def await_start(self, name: str, word: str) -> bool:
        """Whether a process has started; False when it has ended instead."""
        until(lambda: word in self.output(name) or self._started[name].poll() is not None, name)
        return self._started[name].poll() is None

    def close(self) -> None:
        for process in self._started.values():
            stdin: IO[bytes] | None = process.stdin
            assert stdin is not None
            stdin.close()
            process.terminate()
        for process in self._started.values():
            process.wait(20.0)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.close()


def test_nobody_reaches_the_arm_but_who_may(processes: Processes) -> None:
    """Where the middleware comes without DDS security nothing starts at all, rather than in the open."""
    processes.start("stranger", ASK, "operator", enable="false")
    processes.start("operator with foreign keys", ASK, "operator", keys="foreign")
    assert processes.await_start("stranger", "started")
    processes.start("motion_node", SERVE, "motion_node", "-p", f"robot_ip:={free_host()}")
    is_secured = processes.await_start("motion_node", "ready")
    assert is_secured or "security" in processes.output("motion_node").lower()
    for name in ("operator", "line_control", "picker_node"):
        processes.start(name, ASK, name)
        assert processes.await_start(name, "started") == is_secured, processes.output(name)
    expected = ANSWERED if is_secured else {name: set() for name in ANSWERED}
    for name, answered in expected.items():
        until(lambda name=name, answered=answered: answered <= processes.answered(name), f"answers to {name}")
    assert {name: processes.answered(name) for name in expected} == expected


def test_an_identity_that_the_keystore_does_not_know_does_not_start(processes: Processes) -> None:
    processes.start("nobody", ASK, "nobody")
    assert not processes.await_start("nobody", "started")
    assert "no security enclave" in processes.output("nobody").lower() or "SECURITY ERROR" in processes.output("nobody")
