"""The picker tells ``attention_node`` what it has done so far, so that it knows what changed between two views."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from impurity_grasp.msg import Attention
from impurity_grasp_ros.nodes import picker_node
from impurity_grasp_ros.nodes.picker_node import PickerNode

pytestmark = pytest.mark.ros

CANDIDATE, TARGET, CLEAR = Attention.CANDIDATE, Attention.TARGET, Attention.CLEAR


class Peers:
    """Answers with one state after the other, and keeps what it was told."""

    def __init__(self, states: list[int]) -> None:
        self._states = iter(states)
        self._attempts = iter("abc")
        self.told: list[tuple[str, ...]] = []

    async def observe(self, *_: Any) -> str:
        return "heightmap"

    async def attend(self, _heightmap: str, history: list[str], _watch: Any) -> SimpleNamespace:
        self.told.append(tuple(history))
        return SimpleNamespace(state=next(self._states))

    async def decide(self, *_: Any) -> SimpleNamespace:
        return SimpleNamespace()

    async def execute(self, *_: Any) -> tuple[str, int]:
        return next(self._attempts), 0


def test_each_view_comes_with_what_was_done_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picker_node, "describe", str)
    peers = Peers([CANDIDATE, TARGET, CANDIDATE, CLEAR])
    node = SimpleNamespace(
        _peers=peers,
        _publish=lambda *_: None,
        get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: 0)),
        get_logger=lambda: SimpleNamespace(info=lambda _text: None),
    )
    node._see = lambda job, not_before: PickerNode._see(node, job, not_before)  # type: ignore[arg-type]
    attempts: list[str] = []
    job = SimpleNamespace(
        result=SimpleNamespace(attempts=attempts, workspace_clear=False),
        watch=None,
        done=lambda: False,
        enter=lambda _phase: None,
        decided=lambda _primitive: None,
        record=attempts.append,
    )
    with pytest.raises(StopIteration):
        PickerNode._pick(node, job, False).send(None)  # type: ignore[arg-type]
    assert job.result.workspace_clear
    assert peers.told == [(), ("a",), ("a", "b"), ("a", "b", "c")]
