"""Nodes that are stopped, die, cannot start, or do not find each other."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from builtin_interfaces.msg import Duration
from cell_files import write_cell
from fault_table import Verdict, fault
from graph import Client, Graph, running_graph, until
from grippers import GRIPPER
from rclpy.action import ActionServer, GoalResponse
from rig import Rig
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from std_srvs.srv import Trigger
from stopping import Journey, stops_short

from impurity_grasp.action import ExecutePrimitive, PickImpurities
from impurity_grasp.srv import Attend, CaptureHeightmap, ResetScene
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.nodes.liveliness import announce_server
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.policy.checkpoint import load_agent
from impurity_grasp_ros.resources import resource

pytestmark = [pytest.mark.ros]

IMPATIENT = {"startup_timeout": 3.0, "service_timeout": 10.0, "frame_timeout": 3.0}  # decisions on a busy machine
SCENE = {"scene": "random", "seed": 3, "targets": 2, "blocks": 6}  # more than one decision
Feedback = PickImpurities.Feedback


def children(number: int) -> list[str]:
    found = subprocess.run(["pgrep", "-P", str(number)], capture_output=True, text=True)
    return found.stdout.split()


@fault("`motion_node` crashes during a motion", "start the node, `home`")
def test_the_motion_node_crashes(rig: Rig, verdict: Verdict) -> None:
    pytest.importorskip("rtde_control")
    robot = rig.start()
    node = robot.graph.processes["motion_node"]
    offspring = children(node.pid)
    with stops_short(Journey(robot).await_phase("approach")):
        node.kill()
        node.wait()
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in offspring), "the end of its children")
    until(lambda: robot.cell.do("state")["runtime_state"] == "STOPPED", "a stopped program")
    verdict.expect("STOPPED", "STOPPED", "the arm is at rest: the process that holds the link has stopped it")
    robot.graph.restart("motion_node")
    robot.assert_usable()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with running_graph(
        tmp_path_factory.mktemp("graph"), bullet_bridge_node={**SCENE, "real_time": True}, picker_node=IMPATIENT
    ) as running:
        yield running


@pytest.fixture
def client(graph: Graph) -> Iterator[Client]:
    """A client of the shared graph with a new scene; afterward the next goal must work."""
    client = graph.client
    assert client.call(client.reset, ResetScene.Request(**SCENE)).error_code == ErrorCode.NONE
    yield client
    until(lambda: dry_run(client).error_code == ErrorCode.NONE, "a goal that works")


def dry_run(client: Client) -> PickImpurities.Result:
    return client.result(client.send(client.pick, PickImpurities.Goal(dry_run=True))).result


def start_job(client: Client, phase: int) -> Any:
    """Start a job and wait for one of its phases."""
    client.feedback.clear()
    handle = client.send(client.pick, PickImpurities.Goal())
    until(lambda: phase in [feedback.phase for feedback in client.feedback], "the phase")
    return handle


@pytest.mark.sim
@pytest.mark.parametrize(
    "victim",
    [
        pytest.param(name, marks=fault(f"`{name}` dies during a job", "start the node again"))
        for name in ("heightmap_node", "attention_node", "policy_node")
    ],
)
def test_a_peer_dies(graph: Graph, client: Client, verdict: Verdict, victim: str) -> None:
    handle = start_job(client, Feedback.EXECUTE)
    graph.kill(victim)
    try:
        answer = client.result(handle).result
        before = client.fresh_joints()
        time.sleep(2.0)
        assert client.fresh_joints() == pytest.approx(before, abs=1e-3)
    finally:
        graph.restart(victim)
    verdict.expect(ErrorCode(answer.error_code).name, "PEER_UNAVAILABLE", answer.error_msg)
    until(lambda: dry_run(client).error_code == ErrorCode.NONE, "its successor")


@pytest.mark.sim
@fault("the node that moves the arm dies during a primitive", "start the node again")
def test_the_node_of_the_arm_dies(graph: Graph, client: Client, verdict: Verdict) -> None:
    handle = start_job(client, Feedback.EXECUTE)
    graph.kill("bullet_bridge_node")
    start = time.monotonic()
    answer = client.result(handle).result
    elapsed = time.monotonic() - start
    graph.restart("bullet_bridge_node")
    verdict.expect(ErrorCode(answer.error_code).name, "PEER_UNAVAILABLE", answer.error_msg)
    assert elapsed < 5.0
    until(lambda: client.answers(client.reset, ResetScene.Request(**SCENE)), "its successor to be heard")
    until(lambda: dry_run(client).error_code == ErrorCode.NONE, "its successor")


@pytest.mark.sim
@fault("two nodes offer `execute_primitive` in one ROS domain", "end one of them, or use another domain for it")
def test_two_arms(graph: Graph, client: Client, verdict: Verdict) -> None:
    received: list[object] = []

    def refuse(goal: object) -> GoalResponse:
        received.append(goal)
        return GoalResponse.REJECT

    def answer_of_a_job() -> PickImpurities.Result:
        return client.result(client.send(client.pick, PickImpurities.Goal())).result

    other = Client(graph.domain)  # with an executor of its own: rclpy cannot destroy a server that another thread spins
    server = ActionServer(other.node, ExecutePrimitive, "execute_primitive", lambda _: None, goal_callback=refuse)
    announce_server(other.node)
    try:
        until(lambda: client.node.count_publishers("/execute_primitive/_action/status") == 2, "the second server")
        # the picker may discover it later than this client
        until(lambda: answer_of_a_job().error_code != ErrorCode.BUSY, "the picker to discover the second server")
        received.clear()
        before = client.fresh_joints()
        answer = answer_of_a_job()
        verdict.expect(ErrorCode(answer.error_code).name, "AMBIGUOUS_PEER", answer.error_msg)
        assert not received
        assert client.fresh_joints() == pytest.approx(before, abs=1e-3)
    finally:
        other.close(server.destroy)


@pytest.mark.sim
@fault("`attention_node` is restarted during a job", "start the job again: it learns anew which objects are ordinary")
def test_the_memory_of_a_job_is_lost(graph: Graph, client: Client, verdict: Verdict) -> None:
    """The services are called directly, because the picker would not wait until the restarted node is ready."""
    seen = client.call(client.capture, CaptureHeightmap.Request(new_job=True, timeout=Duration(sec=10))).heightmap
    assert client.call(client.attend, Attend.Request(heightmap=seen, new_job=True)).error_code == ErrorCode.NONE
    graph.kill("attention_node")
    graph.restart("attention_node")
    later = Attend.Request(heightmap=seen, new_job=False)
    until(lambda: client.answers(client.attend, later), "its successor to be heard")
    answer = client.call(client.attend, later)
    verdict.expect(ErrorCode(answer.error_code).name, "INVALID_GOAL", answer.error_msg)


@pytest.mark.sim
@fault("service `stop` of the simulated cell during a job", "nothing: the next goal works")
def test_the_simulated_arm_stops(client: Client, verdict: Verdict) -> None:
    stop = client.node.create_client(Trigger, "stop")
    until(stop.service_is_ready, "stop")
    at_rest = client.fresh_joints()
    handle = start_job(client, Feedback.EXECUTE)
    client.await_motion(at_rest, 0.05)
    assert client.call(stop, Trigger.Request()).success
    answer = client.result(handle).result
    assert "service stop was called" in answer.error_msg  # the arm's node says so, or the picker, who comes first
    verdict.expect(ErrorCode(answer.error_code).name, "STOPPED", "service stop was called")
    before = client.fresh_joints()
    time.sleep(1.0)
    assert client.fresh_joints() == pytest.approx(before, abs=1e-3)


@pytest.mark.sim
@fault("service `stop` between two actions of a job", "nothing: the next job works")
def test_a_stop_between_two_motions(graph: Graph, client: Client, verdict: Verdict) -> None:
    stop = client.node.create_client(Trigger, "stop")
    until(stop.service_is_ready, "stop")
    before = client.fresh_joints()
    graph.processes["policy_node"].send_signal(signal.SIGSTOP)  # the decision takes longer than goals are refused
    try:
        handle = start_job(client, Feedback.DECIDE)
        assert client.call(stop, Trigger.Request()).message == "nothing was under way"
        time.sleep(1.0)
    finally:
        graph.processes["policy_node"].send_signal(signal.SIGCONT)
    answer = client.result(handle).result
    verdict.expect(ErrorCode(answer.error_code).name, "STOPPED", answer.error_msg)
    time.sleep(1.0)
    assert client.fresh_joints() == pytest.approx(before, abs=1e-3)


@pytest.mark.sim
@fault("a job while there is no impurity in the workspace", "nothing")
def test_nothing_to_pick(client: Client, verdict: Verdict) -> None:
    assert client.call(client.reset, ResetScene.Request(scene="random", seed=4, targets=0, blocks=8)).error_code == 0
    before = client.fresh_joints()
    answer = client.result(client.send(client.pick, PickImpurities.Goal())).result
    assert answer.workspace_clear
    assert not answer.attempts
    verdict.expect(ErrorCode(answer.error_code).name, "NONE", f"workspace_clear: {answer.workspace_clear}")
    time.sleep(2.0)
    assert client.fresh_joints() == before


@pytest.mark.sim
@fault("the objects are exchanged during a job", "start the job again: it learns anew which objects are ordinary")
def test_the_objects_are_exchanged(client: Client, verdict: Verdict) -> None:
    """The answer depends on the moment, but clear is reported only if all targets of the new heap are in the bin."""
    handle = start_job(client, Feedback.EXECUTE)
    other = ResetScene.Request(scene="random", seed=4, targets=3, blocks=8)
    until(lambda: client.call(client.reset, other).error_code == ErrorCode.NONE, "a moment between two motions")
    answer = client.result(handle, 120.0).result
    name = ErrorCode(answer.error_code).name
    if answer.workspace_clear:
        until(lambda: client.scene.targets_in_bin == client.scene.targets, "every target in the bin")
    else:
        refusals = ("CAMERA_MOVED", "VIEW_BLOCKED", "SENSOR_STALE")  # the last while a busy machine makes the new heap
        assert name in refusals, answer.error_msg
    verdict.expect(name, name, answer.error_msg or "workspace_clear: True")


NAMES = {
    Feedback.OBSERVE: "observes",
    Feedback.ATTEND: "attends",
    Feedback.DECIDE: "decides",
    Feedback.EXECUTE: "moves",
}


@pytest.mark.sim
@pytest.mark.parametrize(
    "phase",
    [
        pytest.param(phase, marks=fault(f"a job is canceled while it {what}", "nothing: the next goal works"))
        for phase, what in NAMES.items()
    ],
)
def test_a_job_is_canceled(client: Client, verdict: Verdict, phase: int) -> None:
    handle = start_job(client, phase)
    handle.cancel_goal_async()
    answer = client.result(handle).result
    verdict.expect(ErrorCode(answer.error_code).name, "CANCELED", answer.error_msg)
    before = client.fresh_joints()
    time.sleep(2.0)
    assert client.fresh_joints() == pytest.approx(before, abs=1e-3)


def wrong_shape(folder: Path) -> str:
    """Weights with one truncated tensor."""
    shipped = resource("models/default.safetensors")
    with safe_open(shipped, "pt") as file:
        head = file.metadata()
    tensors = load_file(shipped)
    name = next(name for name, tensor in tensors.items() if tensor.ndim == 4)
    save_file(tensors | {name: tensors[name][:1].clone()}, folder / "cut.safetensors", head)
    return str(folder / "cut.safetensors")


@pytest.mark.parametrize(
    ("node", "parameter", "value", "expected"),
    [
        pytest.param(
            "heightmap_node", "cell_file",
            lambda folder: str(write_cell(folder, camera_calibration="/nowhere/camera.yaml")), "INVALID_CONFIG",
            marks=fault("the camera calibration is missing", "`impurity-grasp calibrate`"), id="calibration",
        ),
        *(
            pytest.param(
                name, "cell_file", lambda _: "/nowhere/cell.yaml", "INVALID_CONFIG",
                marks=fault(f"`{name}`: the cell's file is missing", "give the path of an existing file"), id=name,
            )
            for name in ("heightmap_node", "motion_node", "bullet_bridge_node", "emulated_cell")
        ),
        pytest.param(
            "policy_node", "weights", lambda _: "/nowhere/weights.safetensors", "INVALID_WEIGHTS",
            marks=fault("the weights file is missing", "give the path of an existing file"), id="weights",
        ),
        pytest.param(
            "policy_node", "weights", wrong_shape, "INVALID_WEIGHTS",
            marks=fault("the weights have the wrong shape", "use weights that match their configuration"), id="shape",
        ),
    ],
)  # fmt: skip
def test_a_node_cannot_start(
    tmp_path: Path, verdict: Verdict, node: str, parameter: str, value: Any, expected: str
) -> None:
    graph = Graph(tmp_path, (node,), {node: {parameter: value(tmp_path)}})
    try:
        assert graph.processes[node].wait(60.0) == 1
        name, _, said = " ".join(graph.output(node).split()).partition(": ")
        verdict.expect(name, expected, said.replace(str(tmp_path), "…"))
        assert "Traceback" not in graph.output(node)
    finally:
        graph.close()


@fault("there is no CUDA device", "nothing: the policy runs on the CPU")
def test_no_cuda(verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    costs = packaged_parameters("policy_node", PolicyNodeConfig).learned
    agent = load_agent(resource("models/default.safetensors"), GRIPPER, costs)
    devices = {parameter.device.type for parameter in agent.network.parameters()}
    assert devices == {"cpu"}
    verdict.expect("NONE", "NONE", f"on {devices.pop()}")


def test_a_robot_without_an_address_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("rtde_control")
    with running_graph(
        tmp_path, ("motion_node",), lambda client: until(client.execute.server_is_ready, "action"), motion_node={}
    ) as graph:
        until(lambda: "expected robot_ip" in graph.output("motion_node"), "a word about robot_ip")
