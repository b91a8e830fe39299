"""A program follows, cancels and awaits jobs of a running graph with ``PickClient``."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from graph import Graph, running_graph, until

from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.client import Phase, PickClient, PickFeedback
from impurity_grasp_ros.datatypes import OutcomeStatus, PrimitiveKind
from impurity_grasp_ros.errors import ErrorCode, InvalidGoalError, PeerUnavailableError, ReportedError

pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 4}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph whose arm moves at the speed of a real one, so that there is time to interrupt it."""
    bridge = SCENE | {"real_time": True}
    with running_graph(tmp_path_factory.mktemp("graph"), bullet_bridge_node=bridge) as running:
        yield running


@pytest.fixture
def client(graph: Graph) -> Iterator[PickClient]:
    response = graph.client.call(graph.client.reset, ResetScene.Request(**SCENE))
    assert response.error_code == 0, response.error_msg
    with PickClient(node=graph.client.node) as picker:
        yield picker


def test_a_job_tells_what_it_does_and_how_it_ended(client: PickClient) -> None:
    job = client.start(max_targets=1)
    told = list(job.feedback())
    result = job.wait()
    phases = [feedback.phase for feedback in told]
    assert Phase.EXECUTE in phases
    assert phases.index(Phase.OBSERVE) < phases.index(Phase.ATTEND) < phases.index(Phase.EXECUTE)
    assert [feedback.elapsed for feedback in told] == sorted(feedback.elapsed for feedback in told)
    assert told[0].primitive is None
    assert told[-1].primitive is not None
    assert (result.error, result.message, result.picked, result.batches) == (ErrorCode.NONE, "", 1, 1)
    assert result.attempts[-1].primitive.kind is PrimitiveKind.GRASP
    assert result.attempts[-1].outcome.status is OutcomeStatus.HELD
    result.check()
    assert list(job.feedback()) == []


def test_in_asyncio_a_job_is_followed_and_awaited(client: PickClient) -> None:
    async def pick() -> tuple[list[PickFeedback], ErrorCode]:
        job = client.start(dry_run=True)
        told = [feedback async for feedback in job]
        return told, (await job).error

    told, error = asyncio.run(pick())
    assert error is ErrorCode.NONE
    assert Phase.DECIDE in [feedback.phase for feedback in told]


def test_a_canceled_job_has_stopped_the_arm_when_its_wait_ends(graph: Graph, client: PickClient) -> None:
    home = graph.client.fresh_joints()
    job = client.start()
    graph.client.await_motion(home, 0.2)
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        job.wait(0.05)
    job.cancel()
    result = job.wait()
    assert result.error is ErrorCode.CANCELED
    with pytest.raises(ReportedError) as raised:
        result.check()
    assert raised.value.code is ErrorCode.CANCELED
    assert_stopped(graph, home)


def test_a_job_ends_with_the_block_in_which_it_was_started(graph: Graph, client: PickClient) -> None:
    home = graph.client.fresh_joints()
    with PickClient(node=graph.client.node) as other:
        job = other.start()
        graph.client.await_motion(home, 0.2)
    assert job.done
    assert job.wait().error is ErrorCode.CANCELED
    assert_stopped(graph, home)


def assert_stopped(graph: Graph, home: list[float]) -> None:
    """The arm rests, and not at home."""
    stopped = graph.client.fresh_joints()
    time.sleep(1.0)
    assert np.allclose(graph.client.fresh_joints(), stopped, atol=2e-3)
    assert not np.allclose(stopped, home, atol=0.1)


def test_a_second_job_waits_for_the_end_of_the_first_one_or_is_refused(graph: Graph, client: PickClient) -> None:
    first = client.start(max_targets=1)
    with pytest.raises(ReportedError, match="another job is in progress") as raised:
        client.start(dry_run=True, timeout=0.3)
    assert raised.value.code is ErrorCode.BUSY
    second = client.start(dry_run=True, timeout=60.0)
    assert first.done
    assert second.wait(20.0).error is ErrorCode.NONE


def test_invalid_limits_are_refused(client: PickClient) -> None:
    refused = client.start(max_actions=-1).wait(20.0)
    assert refused.error is ErrorCode.INVALID_GOAL
    assert refused.message == "max_actions: expected 0 (no limit) or more, received -1"
    both = client.start(dry_run=True, continuous=True).wait(20.0)
    assert both.message == "continuous: expected false in a dry run, received true"
    with pytest.raises(InvalidGoalError, match="max_targets: expected at most 2147483647, received 2147483648"):
        client.start(max_targets=2**31)


def test_without_a_graph_there_is_an_error(graph: Graph) -> None:
    with (
        PickClient("nowhere") as lost,
        pytest.raises(PeerUnavailableError, match=r"expected pick_impurities to appear within 0\.3 s"),
    ):
        lost.start(timeout=0.3)


def test_a_job_whose_node_dies_or_hangs_is_given_up(tmp_path: Path) -> None:
    with running_graph(tmp_path, bullet_bridge_node=SCENE | {"real_time": True}) as own:
        client = PickClient(node=own.client.node).__enter__()
        home = own.client.fresh_joints()
        job = client.start()
        own.client.await_motion(home, 0.2)
        own.processes["picker_node"].send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(PeerUnavailableError, match="silent for 5 s"):
            job.wait(30.0)
        assert time.monotonic() - began < 15.0
        own.processes["picker_node"].send_signal(signal.SIGCONT)
        until(lambda: job.done, "the end of the job")
