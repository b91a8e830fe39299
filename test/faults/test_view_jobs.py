"""Jobs with views that the robot must not act on: a job waits, reports the reason, and never moves or reports clear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from drawn_views import COLORS, farther, flat_hand, intruder, lit, paint, placed, without_depth
from fault_table import Verdict, fault
from graph import Client, running_graph, until
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from view_camera import CLEAN, GOOD, TARGET, CountingRobot, ViewCamera, scene

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import ErrorCode

pytestmark = [pytest.mark.ros]

NODES = ("heightmap_node", "attention_node", "policy_node", "picker_node")
HAND = paint(GOOD, placed(flat_hand(), 0.5, 0.02, 0.06, 0.4), COLORS["dark skin"])
Feedback = PickImpurities.Feedback


def ready(client: Client) -> None:
    for service in (client.capture, client.attend, client.select):
        until(service.service_is_ready, service.srv_name)
    until(client.pick.server_is_ready, "pick_impurities")


class Bench:
    """A graph with a simulated camera, and a server that stands for the robot."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.camera = ViewCamera(client.node, GOOD)
        self.robot = CountingRobot(client, self.camera)
        self._setter = client.node.create_client(SetParameters, "picker_node/set_parameters")
        until(self._setter.service_is_ready, "parameters")

    def wait_at_most(self, seconds: float) -> None:
        request = SetParameters.Request(parameters=[Parameter("view_timeout", value=seconds).to_parameter_msg()])
        assert self.client.call(self._setter, request).results[0].successful

    def start(self, frame: RgbdFrame, after: RgbdFrame = CLEAN, **goal: Any) -> Any:
        """Start a job whose first view is ``frame``; after its first action, the view is ``after``."""
        self.camera.show(frame)
        self.robot.started, self.robot.after = 0, after
        self.client.feedback.clear()
        return self.client.send(self.client.pick, PickImpurities.Goal(**goal))

    def end(self, handle: Any) -> PickImpurities.Result:
        return self.client.result(handle).result

    def await_waiting(self) -> str:
        """Wait until the job waits for a view; returns the reason."""

        def waits() -> str:
            said = [feedback.waiting_for for feedback in self.client.feedback if feedback.phase == Feedback.WAIT]
            return said[-1] if said else ""

        return str(until(waits, "a word about what the job waits for"))


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running_graph(tmp_path_factory.mktemp("jobs"), NODES, ready) as graph:
        bench = Bench(graph.client)
        yield bench
        bench.camera.close()


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    """A bench with a long ``view_timeout``; afterward a job with a good view must work."""
    shared_bench.wait_at_most(60.0)
    yield shared_bench
    shared_bench.wait_at_most(60.0)
    result = shared_bench.end(shared_bench.start(GOOD))
    assert result.error_code == ErrorCode.NONE, result.error_msg
    assert (shared_bench.robot.started, result.workspace_clear) == (1, True)


@fault("a hand is in view when a job begins, and is then removed", "nothing: the job goes on")
def test_a_job_waits_until_the_hand_is_gone(bench: Bench, verdict: Verdict) -> None:
    handle = bench.start(HAND)
    said = bench.await_waiting()
    assert said.startswith("VIEW_BLOCKED: expected ")
    assert bench.robot.started == 0
    bench.camera.show(GOOD)
    result = bench.end(handle)
    verdict.expect(ErrorCode(result.error_code).name, "NONE", f"waiting_for: {said}")
    assert (result.picked, result.workspace_clear) == (1, True)


@fault("a job is canceled while it waits for a clear view", "nothing: the next goal works")
def test_a_waiting_job_is_canceled(bench: Bench, verdict: Verdict) -> None:
    handle = bench.start(HAND)
    bench.await_waiting()
    handle.cancel_goal_async()
    result = bench.end(handle)
    verdict.expect(ErrorCode(result.error_code).name, "CANCELED", result.error_msg)
    assert bench.robot.started == 0


@pytest.mark.parametrize(
    ("frame", "goal", "expected"),
    [
        pytest.param(
            lambda: HAND, {}, "VIEW_BLOCKED", id="hand",
            marks=fault("a hand stays in view for longer than `view_timeout`", "remove it, send the goal again"),
        ),
        pytest.param(
            lambda: HAND, {"dry_run": True}, "VIEW_BLOCKED", id="dry_run",
            marks=fault("a hand stays in view of a dry run", "remove it, send the goal again"),
        ),
        pytest.param(
            lambda: lit(HAND, 0.05), {}, "BAD_EXPOSURE", id="hand_in_the_dark",
            marks=fault(
                "the lights are out, a hand is in view", "turn the lights on, remove the hand, send the goal again"
            ),
        ),
        pytest.param(
            lambda: farther(CLEAN, -0.01), {}, "TABLE_MOVED", id="short",
            marks=fault("a job while depth reads 10 mm too short", "calibrate the camera, including its depth"),
        ),
        pytest.param(
            lambda: farther(CLEAN, 0.01), {}, "TABLE_MOVED", id="long",
            marks=fault("a job while depth reads 10 mm too long", "calibrate the camera, including its depth"),
        ),
        pytest.param(
            lambda: without_depth(GOOD, (GOOD.color == TARGET.color).all(axis=2)), {}, "VIEW_INCOMPLETE", id="coal",
            marks=fault("the only impurity gives no depth", "remove it by hand"),
        ),
    ],
)  # fmt: skip
def test_a_job_ends_with_the_code_and_without_a_motion(
    bench: Bench, verdict: Verdict, frame: Callable[[], RgbdFrame], goal: dict[str, Any], expected: str
) -> None:
    bench.wait_at_most(0.5)
    result = bench.end(bench.start(frame(), **goal))
    verdict.expect(ErrorCode(result.error_code).name, expected, result.error_msg)
    assert bench.robot.started == 0
    assert not result.workspace_clear


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(
            lambda: lit(CLEAN, 0.05), "BAD_EXPOSURE", id="lights",
            marks=fault("the lights go out after a job's first action", "turn the lights on, send the goal again"),
        ),
        pytest.param(
            lambda: scene(x=0.508), "CAMERA_MOVED", id="camera",
            marks=fault("the camera is moved while the arm moves", "calibrate the camera"),
        ),
        pytest.param(
            lambda: farther(CLEAN, 0.015), "CAMERA_MOVED", id="depth",
            marks=fault("the table sinks by 15 mm while the arm moves", "calibrate the camera"),
        ),
        pytest.param(
            lambda: paint(CLEAN, intruder("fist", np.random.default_rng(0)), COLORS["orange glove"]),
            "VIEW_BLOCKED", id="fist",
            marks=fault("a fist comes into view while the arm moves, and stays", "remove it, send the goal again"),
        ),
    ],
)  # fmt: skip
def test_a_job_ends_in_the_middle_without_a_second_motion(
    bench: Bench, verdict: Verdict, after: Callable[[], RgbdFrame], expected: str
) -> None:
    bench.wait_at_most(0.5)
    result = bench.end(bench.start(GOOD, after()))
    verdict.expect(ErrorCode(result.error_code).name, expected, result.error_msg)
    assert (bench.robot.started, result.workspace_clear) == (1, False)
