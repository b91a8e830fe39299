"""A continuous job goes on with the next batch: told by a topic, or seen by the camera; otherwise, it waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from graph import Graph, running_graph, until
from std_msgs.msg import Empty
from std_srvs.srv import Trigger
from unique_identifier_msgs.msg import UUID

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import Attempt, JobState, Primitive
from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.client import Phase, PickClient, PickFeedback
from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.errors import ActionLimitError, ErrorCode, TimeLimitError
from impurity_grasp_ros.nodes.batches import BatchConfig, Changes
from impurity_grasp_ros.nodes.job import Job
from impurity_grasp_ros.perception.changes import changed_area

pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 4}
WAIT = 2.0
"""Seconds in which a job that waits must not begin anything."""


class Line:
    """A line that brings batches to a graph with a continuous job."""

    def __init__(self, graph: Graph, picker: PickClient, **limits: Any) -> None:
        self._graph = graph
        self._announce = graph.client.node.create_publisher(Empty, "batch", 10)
        self.bring(3)
        self.job = picker.start(continuous=True, **limits)
        self._feedback = self.job.feedback()

    def bring(self, seed: int) -> None:
        """Replace what lies in the workspace."""
        answer = self._graph.client.call(self._graph.client.reset, ResetScene.Request(**{**SCENE, "seed": seed}))
        assert answer.error_code == 0, answer.error_msg

    def announce(self) -> None:
        until(self._announce.get_subscription_count, "picker_node")
        self._announce.publish(Empty())

    def await_waiting(self, batch: int) -> PickFeedback:
        """Follow the job until it waits for the batch after this one."""
        deadline = time.monotonic() + 60.0
        for feedback in self._feedback:
            if feedback.phase is Phase.WAIT and feedback.batches == batch:
                assert feedback.waiting_for == "the next batch"
                return feedback
            assert time.monotonic() < deadline, feedback
        raise AssertionError(self.job.wait())

    def assert_waits(self) -> None:
        """The job does nothing for some seconds."""
        end = time.monotonic() + WAIT
        for feedback in self._feedback:
            assert feedback.phase is Phase.WAIT, feedback
            if time.monotonic() > end:
                return
        raise AssertionError(self.job.wait())


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with running_graph(tmp_path_factory.mktemp("graph"), bullet_bridge_node=SCENE) as running:
        yield running


@pytest.fixture
def line(graph: Graph) -> Iterator[Line]:
    with PickClient(node=graph.client.node) as picker:
        yield Line(graph, picker)


def test_a_message_begins_the_next_batch_and_nothing_else_does(line: Line) -> None:
    assert line.await_waiting(1).picked == 1
    line.bring(4)
    line.assert_waits()
    line.announce()
    assert line.await_waiting(2).picked == 2
    line.job.cancel()
    result = line.job.wait()
    assert (result.error, result.batches, result.picked) == (ErrorCode.CANCELED, 2, 2)
    assert 0 < len(result.attempts) < result.grasps + result.pushes + result.moves, "those of the last batch only"


def test_a_message_during_a_batch_is_about_the_next_one(line: Line) -> None:
    line.announce()
    line.await_waiting(2)
    line.assert_waits()


def test_service_stop_ends_a_job_that_waits(graph: Graph, line: Line) -> None:
    stop = graph.client.node.create_client(Trigger, "stop")
    line.await_waiting(1)
    assert graph.client.call(stop, Trigger.Request()).success
    assert line.job.wait(20.0).error is ErrorCode.STOPPED


def test_the_camera_sees_the_next_batch(tmp_path: Path) -> None:
    seeing = {"batches.by_camera": True, "batches.look_period": 0.2}
    with (
        running_graph(tmp_path, bullet_bridge_node=SCENE, picker_node=seeing) as graph,
        PickClient(node=graph.client.node) as picker,
    ):
        line = Line(graph, picker)
        line.await_waiting(1)
        line.assert_waits()
        line.bring(4)
        assert line.await_waiting(2).picked == 2


# --- limits ----------------------------------------------------------------------------------------------------------


def test_the_limits_are_those_of_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    request = PickImpurities.Goal(continuous=True, max_actions=1, max_targets=1, time_limit=Duration(sec=10))
    goal = {"request": request, "goal_id": UUID(), "is_cancel_requested": False}
    handle = SimpleNamespace(**goal, publish_feedback=lambda _: None)
    told: list[JobState] = []
    job = Job(handle, lambda: 0, lambda: None, told.append)  # type: ignore[arg-type]
    job.decided(Primitive())
    job.record(Attempt(status=Attempt.HELD))
    assert job.done()
    with pytest.raises(ActionLimitError):
        job.decided(Primitive())

    now += 100.0
    job.wait_for_batch()  # for as long as it takes
    with pytest.raises(TimeLimitError):
        job.enter(PickImpurities.Feedback.OBSERVE)

    assert not told[-2].active, "between two batches"
    job.begin_batch()
    job.enter(PickImpurities.Feedback.OBSERVE)
    assert told[-1].active
    assert told[-1].job != told[0].job
    job.decided(Primitive())
    assert not job.done()
    assert (job.result.batches, job.result.picked, job.result.grasps) == (2, 1, 1)


# --- what counts as a batch ------------------------------------------------------------------------------------------

CONFIG = BatchConfig(by_camera=True, look_period=1.0, min_height=0.01, min_area=0.0004)


def view(*blocks: int) -> Heightmap:
    """A view with blocks of 3 cm at these columns."""
    height = np.zeros((100, 100), np.float32)
    for column in blocks:
        height[40:55, column : column + 15] = 0.03
    grid = Grid(0.0, 0.0, 100, 100, 0.002)
    return Heightmap(np.zeros((100, 100, 3), np.uint8), height, np.ones((100, 100), np.bool_), grid)


def test_goods_that_were_put_down_are_a_batch_once_they_lie_still() -> None:
    changes = Changes(CONFIG, view(10))
    assert [changes.show_a_batch(seen) for seen in (view(10), view(10, 40), view(10, 60), view(10, 60))] == [
        *(False, False, False, True)
    ]


def test_goods_that_were_taken_away_are_a_change_too() -> None:
    changes = Changes(CONFIG, view(10, 40))
    assert [changes.show_a_batch(seen) for seen in (view(10), view(10))] == [False, True]


def test_without_a_view_of_the_end_the_first_one_counts() -> None:
    changes = Changes(CONFIG, None)
    assert [changes.show_a_batch(seen) for seen in (view(10), view(10), view(30), view(30))] == [
        *(False, False, False, True)
    ]


def test_edges_that_flicker_and_cells_that_were_not_seen_are_no_change() -> None:
    before, after = view(10), view(12)  # two cells beside
    assert changed_area(before, after, 0.01) == 0.0
    hidden = replace(view(60), valid=before.height > 1.0)
    assert changed_area(before, hidden, 0.01) == 0.0
    assert changed_area(before, view(10, 60), 0.01) == pytest.approx(15 * 15 * 0.002**2)
