"""The graph in separate processes picks impurities, and says what is wrong when it cannot."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticArray
from graph import SIMULATED, Graph, running_graph, until
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock

from impurity_grasp.action import ExecutePrimitive, PickImpurities
from impurity_grasp.msg import Attempt, Attention, ErrorCode, Heightmap, Primitive
from impurity_grasp.srv import Attend, CaptureHeightmap, ResetScene, SelectPrimitive
from impurity_grasp_ros.datatypes import Primitive as PrimitiveValue
from impurity_grasp_ros.nodes.conversions import from_heightmap, to_heightmap

pytestmark = [pytest.mark.ros, pytest.mark.sim]

SMALL_SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 6}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """One graph for all tests that leave it as they found it: up, idle and with a small scene."""
    with running_graph(tmp_path_factory.mktemp("graph"), bullet_bridge_node=SMALL_SCENE) as running:
        yield running


@pytest.fixture(autouse=True)
def scene_start(request: pytest.FixtureRequest) -> Time:
    """Every test on the shared graph starts from the same scene; frames from before this time show the last test's."""
    if "graph" not in request.fixturenames:
        return Time()
    client = request.getfixturevalue("graph").client
    response = client.call(client.reset, ResetScene.Request(**SMALL_SCENE))
    assert response.error_code == ErrorCode.NONE, response.error_msg
    return response.state.stamp


def test_all_targets_end_in_the_bin_and_the_workspace_is_reported_clear(graph: Graph) -> None:
    client = graph.client
    client.decisions.clear()
    client.feedback.clear()
    answer = client.result(client.send(client.pick, PickImpurities.Goal()), 240.0)

    result = answer.result
    assert (answer.status, result.error_code) == (GoalStatus.STATUS_SUCCEEDED, ErrorCode.NONE), result.error_msg
    assert result.workspace_clear
    assert result.picked == 1
    assert len(result.attempts) == result.grasps + result.pushes + result.moves
    until(lambda: {feedback.phase for feedback in client.feedback} == {0, 1, 2, 3}, "feedback of all phases")
    until(lambda: client.scene.targets_in_bin == client.scene.targets == 1, "the target in the bin, by simulator body")
    until(lambda: len(client.decisions) == len(result.attempts) + 1, "all decisions")
    assert client.decisions[-1].attention.state == Attention.CLEAR


def test_the_example_of_the_readme_gets_the_job_done(graph: Graph) -> None:
    # A job of some length: it takes a moment until feedback finds a caller that has just come up.
    whole = ResetScene.Request(scene="random", seed=2, targets=2, blocks=15)
    assert graph.client.call(graph.client.reset, whole).error_code == ErrorCode.NONE
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    done = graph.run_script(example)
    assert done.returncode == 0, done.stderr
    assert "picked 2, workspace clear: True, NONE" in done.stdout.splitlines()[-1]
    assert "EXECUTE: 1 picked" in done.stdout, "no feedback was shown"


@pytest.mark.parametrize(
    ("node", "name", "low", "high"),
    [
        ("heightmap_node", "projection.z_max", 0.30, 99.0),
        ("attention_node", "occlusion.min_height", 0.048, -1.0),
        ("policy_node", "analytic.min_score", 0.35, 7.0),
        ("policy_node", "learned.push_cost", 1.3, 7.0),
        ("picker_node", "service_timeout", 10.0, -5.0),
    ],
)
def test_a_parameter_can_be_changed_at_run_time_and_a_bad_value_is_refused(
    graph: Graph, node: str, name: str, low: float, high: float
) -> None:
    setter = graph.client.node.create_client(SetParameters, f"{node}/set_parameters")
    until(setter.service_is_ready, setter.srv_name)
    values = [Parameter(name, value=value).to_parameter_msg() for value in (low, high)]
    good, bad = graph.client.call(setter, SetParameters.Request(parameters=values)).results
    assert good.successful, good.reason
    assert not bad.successful
    assert bad.reason


def test_diagnostics_tell_the_health_of_every_node(graph: Graph) -> None:
    values: dict[str, dict[str, str]] = {}

    def on_message(message: DiagnosticArray) -> None:
        values.update({status.name: {item.key: item.value for item in status.values} for status in message.status})

    client = graph.client
    subscription = client.node.create_subscription(DiagnosticArray, "/diagnostics", on_message, 100)
    client.result(client.send(client.pick, PickImpurities.Goal(dry_run=True)))
    until(lambda: set(values) == set(SIMULATED), "diagnostics of all nodes")
    until(lambda: "select_primitive" in values["policy_node"], "the time of the decision")
    until(lambda: "dry run" not in values["picker_node"]["job"] and "NONE" in values["picker_node"]["job"], "the job")
    assert "preset judge" in values["policy_node"]["judge"]
    assert values["attention_node"]["mode"]
    until(lambda: values["heightmap_node"].get("seen share of the workspace", "").endswith("%"), "the view")
    assert values["heightmap_node"]["camera rate"].endswith(" Hz")
    client.node.destroy_subscription(subscription)


def test_the_clock_ticks_slowly_while_nothing_happens(graph: Graph) -> None:
    times: list[float] = []
    clock = graph.client.node.create_subscription(Clock, "/clock", lambda message: times.append(time.monotonic()), 10)
    until(
        lambda: len(times) > 2 and times[-1] - times[-2] > 0.4 < times[-2] - times[-3], "two ticks that are 0.5 s apart"
    )
    assert graph.client.call(graph.client.reset, ResetScene.Request(**SMALL_SCENE)).error_code == ErrorCode.NONE
    until(lambda: times[-1] - times[-2] < 0.3, "two ticks at the camera's rate")
    graph.client.node.destroy_subscription(clock)


def test_a_dry_run_decides_but_moves_nothing(graph: Graph) -> None:
    client = graph.client
    before = client.fresh_joints()
    result = client.result(client.send(client.pick, PickImpurities.Goal(dry_run=True))).result
    assert result.error_code == ErrorCode.NONE
    assert not result.attempts
    assert client.fresh_joints() == before


@pytest.mark.parametrize(
    "limits",
    [{"max_targets": -1}, {"max_actions": -2}, {"time_limit": Duration(sec=-3)}],
    ids=lambda limits: next(iter(limits)),
)
def test_a_goal_with_a_negative_limit_is_aborted_by_name_and_moves_nothing(
    graph: Graph, limits: dict[str, Any]
) -> None:
    client = graph.client
    before = client.fresh_joints()
    answer = client.result(client.send(client.pick, PickImpurities.Goal(**limits)))
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert answer.result.error_code == ErrorCode.INVALID_GOAL
    assert next(iter(limits)) in answer.result.error_msg
    assert client.fresh_joints() == before


def test_a_time_limit_ends_the_job_with_its_code(graph: Graph) -> None:
    client = graph.client
    goal = PickImpurities.Goal(time_limit=Duration(nanosec=1))
    answer = client.result(client.send(client.pick, goal))
    assert answer.result.error_code == ErrorCode.TIME_LIMIT
    assert not answer.result.attempts


def test_an_action_limit_ends_the_job_with_its_code(graph: Graph) -> None:
    client = graph.client
    assert client.call(client.reset, ResetScene.Request(scene="random", seed=3, targets=2, blocks=8)).error_code == 0
    answer = client.result(client.send(client.pick, PickImpurities.Goal(max_actions=1)), 120.0)
    assert answer.result.error_code == ErrorCode.ACTION_LIMIT, answer.result.error_msg
    assert len(answer.result.attempts) == 1


def test_an_unknown_scene_is_refused_by_name(graph: Graph) -> None:
    client = graph.client
    response = client.call(client.reset, ResetScene.Request(scene="moon", targets=-1, blocks=-1))
    assert response.error_code == ErrorCode.UNKNOWN_SCENE
    assert "moon" in response.error_msg


def test_a_primitive_off_the_workspace_is_refused_and_moves_nothing(graph: Graph) -> None:
    client = graph.client
    before = client.fresh_joints()
    goal = client.primitive_goal(PrimitiveValue.grasp((2.0, 0.0, 0.01), 0.0))
    answer = client.result(client.send(client.execute, goal))
    assert answer.status == GoalStatus.STATUS_SUCCEEDED
    assert answer.result.attempt.status == Attempt.OUT_OF_WORKSPACE
    assert client.fresh_joints() == before


def test_a_primitive_of_an_unknown_kind_is_an_error_by_name(graph: Graph) -> None:
    client = graph.client
    goal = ExecutePrimitive.Goal(primitive=Primitive(kind=7), sender=client.sender)
    answer = client.result(client.send(client.execute, goal))
    assert (answer.status, answer.result.error_code) == (GoalStatus.STATUS_ABORTED, ErrorCode.INVALID_GOAL)


def captured(graph: Graph, not_before: Time) -> Heightmap:
    """A heightmap of the scene as it is; another test's scene is no earlier view of it."""
    request = CaptureHeightmap.Request(not_before=not_before, timeout=Duration(sec=20), new_job=True)
    response = graph.client.call(graph.client.capture, request)
    assert response.error_code == ErrorCode.NONE, response.error_msg
    return response.heightmap


def test_a_job_begins_with_a_frame_that_arrives_after_it_began(graph: Graph, scene_start: Time) -> None:
    seen = captured(graph, Time())  # the newest frame that has arrived so far is of before the reset
    assert (seen.header.stamp.sec, seen.header.stamp.nanosec) >= (scene_start.sec, scene_start.nanosec)


def test_a_heightmap_is_that_of_a_frame_taken_after_the_time_asked_for(graph: Graph, scene_start: Time) -> None:
    first = captured(graph, scene_start)
    later = Time(sec=first.header.stamp.sec + 1, nanosec=first.header.stamp.nanosec)
    response = graph.client.call(
        graph.client.capture, CaptureHeightmap.Request(not_before=later, timeout=Duration(sec=20))
    )
    stamp = response.heightmap.header.stamp
    assert (stamp.sec, stamp.nanosec) >= (later.sec, later.nanosec)


def test_a_frame_that_never_comes_is_reported_as_stale(graph: Graph) -> None:
    request = CaptureHeightmap.Request(not_before=Time(sec=10**6), timeout=Duration(nanosec=300_000_000))
    assert graph.client.call(graph.client.capture, request).error_code == ErrorCode.SENSOR_STALE


def test_a_capture_without_a_timeout_is_refused(graph: Graph) -> None:
    assert graph.client.call(graph.client.capture, CaptureHeightmap.Request()).error_code == ErrorCode.INVALID_GOAL


def broken(heightmap: Heightmap, fault: str) -> Heightmap:
    """A heightmap message with one fault."""
    if fault == "NaN":
        value = from_heightmap(heightmap)
        height = value.height.copy()
        height[3, 4] = np.nan
        return to_heightmap(type(value)(value.color, height, value.valid, value.grid))
    if fault == "encoding":
        heightmap.color.encoding = "plaid"
    if fault == "size":
        heightmap.height.width -= 1
    if fault == "empty":
        return Heightmap()
    return heightmap


@pytest.mark.parametrize("fault", ["NaN", "encoding", "size", "empty"])
def test_a_broken_heightmap_is_an_error_by_name_and_the_nodes_live_on(
    graph: Graph, scene_start: Time, fault: str
) -> None:
    client, good = graph.client, captured(graph, scene_start)
    bad = broken(captured(graph, scene_start), fault)
    attended = client.call(client.attend, Attend.Request(heightmap=good, new_job=True))
    for answer in (
        client.call(client.attend, Attend.Request(heightmap=bad)),
        client.call(client.select, SelectPrimitive.Request(heightmap=bad, attention=attended.attention)),
    ):
        assert answer.error_code == ErrorCode.INVALID_FRAME
        assert answer.error_msg
    request = SelectPrimitive.Request(heightmap=good, attention=attended.attention)
    assert client.call(client.select, request).error_code == ErrorCode.NONE


def test_a_second_goal_is_refused_while_the_first_is_under_way(tmp_path: Path) -> None:
    with running_graph(tmp_path, bullet_bridge_node=SMALL_SCENE | {"real_time": True}) as graph:
        client = graph.client
        first = client.send(client.pick, PickImpurities.Goal())
        assert not client.send(client.pick, PickImpurities.Goal()).accepted
        first.cancel_goal_async()
        client.result(first)
        assert "BUSY" in graph.output("picker_node")


def test_cancel_stops_the_arm_in_mid_motion_and_the_next_goal_works(tmp_path: Path) -> None:
    with running_graph(tmp_path, bullet_bridge_node=SMALL_SCENE | {"real_time": True}) as graph:
        client = graph.client
        home = client.fresh_joints()
        handle = client.send(client.pick, PickImpurities.Goal())
        client.await_motion(home, 0.2)
        handle.cancel_goal_async()
        answer = client.result(handle, 10.0)
        assert (answer.status, answer.result.error_code) == (GoalStatus.STATUS_CANCELED, ErrorCode.CANCELED)
        stopped = client.fresh_joints()
        time.sleep(1.0)
        assert np.allclose(client.fresh_joints(), stopped, atol=2e-3)
        assert not np.allclose(stopped, home, atol=0.1), "expected the arm to stop where it was, not at home"

        done = client.result(client.send(client.pick, PickImpurities.Goal(max_targets=1)), 240.0)
        assert done.result.error_code == ErrorCode.NONE, done.result.error_msg


@pytest.mark.parametrize("victim", ["bullet_bridge_node", "policy_node"])
def test_a_node_that_dies_in_mid_run_ends_the_job_with_a_code(tmp_path: Path, victim: str) -> None:
    patience = {"service_timeout": 3.0, "execute_timeout": 8.0, "startup_timeout": 3.0, "stop_timeout": 1.0}
    heap = {"scene": "invisible", "seed": 1, "targets": 1, "blocks": 12, "real_time": True}  # more than one decision
    with running_graph(tmp_path, bullet_bridge_node=heap, picker_node=patience) as graph:
        client = graph.client
        executing: list[int] = []
        handle = client.send(client.pick, PickImpurities.Goal(), lambda feedback: executing.append(feedback.phase))
        until(lambda: PickImpurities.Feedback.EXECUTE in executing, "the first motion")
        graph.kill(victim)
        answer = client.result(handle, 60.0)
        assert answer.status == GoalStatus.STATUS_ABORTED
        assert answer.result.error_code == ErrorCode.PEER_UNAVAILABLE
        assert answer.result.error_msg


def test_interrupted_nodes_end_with_exit_code_zero(tmp_path: Path) -> None:
    graph = Graph(tmp_path, SIMULATED, {"bullet_bridge_node": SMALL_SCENE})
    graph.client.await_graph()
    assert set(graph.close().values()) == {0}
