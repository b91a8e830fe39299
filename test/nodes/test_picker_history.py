"""The picker tells ``attention_node`` what it has done so far, so that it knows what changed between two views.

It looks and decides while the arm still goes home, and moves it again only when it is at rest.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from impurity_grasp.msg import Attention
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.nodes import picker_node
from impurity_grasp_ros.nodes.job import Job
from impurity_grasp_ros.nodes.picker_node import PickerNode

pytestmark = pytest.mark.ros

CANDIDATE, TARGET, CLEAR = Attention.CANDIDATE, Attention.TARGET, Attention.CLEAR


class Peers:
    """Answers with one state after the other, and keeps what it was told and in which order."""

    def __init__(self, states: list[int]) -> None:
        self._states = iter(states)
        self._attempts = iter("abc")
        self.told: list[tuple[str, ...]] = []
        self.order: list[str] = []
        self.undecided = False

    async def observe(self, *_: Any) -> str:
        self.order.append("observe")
        return "heightmap"

    async def attend(self, _heightmap: str, history: list[str], _watch: Any) -> SimpleNamespace:
        self.told.append(tuple(history))
        return SimpleNamespace(state=next(self._states))

    async def decide(self, *_: Any) -> SimpleNamespace:
        if self.undecided:
            raise NoPrimitiveError("expected something to do, found no action")
        self.order.append("decide")
        return SimpleNamespace()

    async def execute(self, *_: Any) -> SimpleNamespace:
        attempt = next(self._attempts)
        self.order.append(f"begin {attempt}")

        async def clear(_watch: Any) -> tuple[str, int]:
            self.order.append(f"{attempt} is out of view")
            return attempt, 0

        async def ended(_watch: Any) -> str:
            self.order.append(f"{attempt} is at rest")
            return attempt

        return SimpleNamespace(clear=clear, ended=ended)


def job_of(done: bool = False) -> SimpleNamespace:
    attempts: list[str] = []
    job = SimpleNamespace(
        result=SimpleNamespace(attempts=attempts, workspace_clear=False),
        watch=None,
        done=lambda: done and bool(job.history()),
        enter=lambda _phase: None,
        decided=lambda _primitive: None,
        record=attempts.append,
        step=None,
    )
    job.history = lambda: Job.history(job)  # type: ignore[arg-type]
    return job


def node_of(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(picker_node, "describe", str)
    node = SimpleNamespace(
        _peers=peers,
        _publish=lambda *_: None,
        get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: 0)),
        get_logger=lambda: SimpleNamespace(info=lambda _text: None),
    )
    node._see = lambda job, not_before: PickerNode._see(node, job, not_before)  # type: ignore[arg-type]
    node._end_step = lambda job: PickerNode._end_step(node, job)  # type: ignore[arg-type]
    return node


def finish(coroutine: Any) -> None:
    """Run a coroutine that never waits."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_each_view_comes_with_what_was_done_before(monkeypatch: pytest.MonkeyPatch) -> None:
    peers, job = Peers([CANDIDATE, TARGET, CANDIDATE, CLEAR]), job_of()
    finish(PickerNode._pick(node_of(peers, monkeypatch), job, False))  # type: ignore[arg-type]
    assert job.result.workspace_clear
    assert job.result.attempts == ["a", "b", "c"]
    assert peers.told == [(), ("a",), ("a", "b"), ("a", "b", "c")]


def test_the_next_action_is_decided_while_the_arm_goes_home_and_begins_when_it_is_at_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peers, job = Peers([TARGET, TARGET, CLEAR]), job_of()
    finish(PickerNode._pick(node_of(peers, monkeypatch), job, False))  # type: ignore[arg-type]
    once = ["observe", "decide", "begin a", "a is out of view"]
    again = ["observe", "decide", "a is at rest", "begin b", "b is out of view"]
    assert peers.order == [*once, *again, "observe", "b is at rest"]


def test_the_last_action_of_a_job_is_awaited_without_another_view(monkeypatch: pytest.MonkeyPatch) -> None:
    peers, job = Peers([TARGET]), job_of(done=True)
    finish(PickerNode._pick(node_of(peers, monkeypatch), job, False))  # type: ignore[arg-type]
    assert peers.order == ["observe", "decide", "begin a", "a is out of view", "a is at rest"]
    assert job.result.attempts == ["a"]


def test_an_action_under_way_is_awaited_and_counts_if_the_job_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peers, job = Peers([TARGET, TARGET]), job_of()
    node, decide = node_of(peers, monkeypatch), peers.decide

    async def once(*arguments: Any) -> SimpleNamespace:
        peers.undecided = bool(job.history())
        return await decide(*arguments)

    monkeypatch.setattr(peers, "decide", once)
    with pytest.raises(NoPrimitiveError) as error:
        PickerNode._pick(node, job, False).send(None)  # type: ignore[arg-type]
    assert job.result.attempts == []
    finish(PickerNode._end_step_despite(node, job, error.value))  # type: ignore[arg-type]
    assert job.result.attempts == ["a"]
    assert peers.order[-1] == "a is at rest"
