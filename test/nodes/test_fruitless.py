"""The picker counts the pushes of candidates that brought no target into view, and tells ``attention_node``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from impurity_grasp.msg import Attention, Primitive
from impurity_grasp_ros.nodes import picker_node
from impurity_grasp_ros.nodes.picker_node import PickerNode

pytestmark = pytest.mark.ros

PUSH, MOVE = Primitive.PUSH, Primitive.MOVE
CANDIDATE, TARGET, CLEAR = Attention.CANDIDATE, Attention.TARGET, Attention.CLEAR


class Peers:
    """Answers with one state after the other, and keeps what it was told."""

    def __init__(self, states: list[int], kinds: list[int]) -> None:
        self._states = iter(states)
        self._kinds = iter(kinds)
        self.fruitless: list[int] = []

    async def observe(self, *_: Any) -> str:
        return "heightmap"

    async def attend(self, _heightmap: str, _new_job: bool, fruitless: int, _watch: Any) -> SimpleNamespace:
        self.fruitless.append(fruitless)
        return SimpleNamespace(state=next(self._states))

    async def decide(self, *_: Any) -> SimpleNamespace:
        return SimpleNamespace(kind=next(self._kinds))

    async def execute(self, *_: Any) -> tuple[str, int]:
        return "attempt", 0


def test_pushes_of_candidates_are_counted_until_a_target_is_acted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picker_node, "describe", str)
    states = [CANDIDATE, CANDIDATE, CANDIDATE, TARGET, CANDIDATE, CLEAR]
    peers = Peers(states, [PUSH, MOVE, PUSH, PUSH, PUSH])
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
        fruitless=0,
        watch=None,
        done=lambda: False,
        enter=lambda _phase: None,
        decided=lambda _primitive: None,
        record=attempts.append,
    )
    with pytest.raises(StopIteration):
        PickerNode._pick(node, job, False).send(None)  # type: ignore[arg-type]
    assert job.result.workspace_clear
    assert peers.fruitless == [0, 1, 1, 2, 0, 1]
