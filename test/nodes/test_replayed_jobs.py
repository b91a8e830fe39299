"""A replay tells attention and policy what the job had done so far, and names what is decided differently."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from impurity_grasp_ros.datatypes import Attempt, AttentionState, Outcome, OutcomeStatus, Primitive
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.nodes import replay
from impurity_grasp_ros.nodes.recorded_job import RecordedJob, Step
from impurity_grasp_ros.nodes.replay import Replay

pytestmark = pytest.mark.ros

PUSH = Primitive.push((0.5, 0.0, 0.01), 1.0, q_value=2.0)
GRASP = Primitive.grasp((0.5, 0.1, 0.01), 0.5)
PUSHED, HELD = (
    Attempt(PUSH, Outcome(OutcomeStatus.PUSHED, 0.0, 5.0)),
    Attempt(GRASP, Outcome(OutcomeStatus.HELD, 0.03, 4.0)),
)
TARGET, CLEAR = SimpleNamespace(state=AttentionState.TARGET), SimpleNamespace(state=AttentionState.CLEAR)
VIEW = SimpleNamespace(grid=None, stamp=1.0)
JOB = RecordedJob([Step(VIEW, TARGET, PUSH, PUSHED), Step(VIEW, TARGET, GRASP, HELD), Step(VIEW, CLEAR, None, None)])  # type: ignore[arg-type]


class Today:
    """Attention and policy that answer with what they are given here, and keep what they were told."""

    def __init__(self, found: list[Any], chosen: list[Any]) -> None:
        self._found, self._chosen = iter(found), iter(chosen)
        self.lasts: list[Attempt | None] = []
        self.histories: list[list[Attempt]] = []

    def attend(self, _heightmap: Any, last: Attempt | None, _config: Any) -> Any:
        self.lasts.append(last)
        return next(self._found)

    def select(self, _heightmap: Any, _attention: Any, history: list[Attempt]) -> Primitive:
        self.histories.append([*history])
        chosen = next(self._chosen)
        if isinstance(chosen, Exception):
            raise chosen
        return chosen


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replays the job above, given what is found and chosen today; returns the changes and what was told."""

    def run(found: list[Any], chosen: list[Any]) -> tuple[list[tuple[int, str]], Today]:
        today = Today(found, chosen)
        monkeypatch.setattr(replay, "JobAttention", lambda: today)
        monkeypatch.setattr(replay, "make_thinking_actor", lambda *_: today)
        for name in ("to_attention", "from_attention", "to_primitive", "from_primitive"):
            monkeypatch.setattr(replay, name, lambda value, *_: value)
        return [(change.index, change.what) for change in Replay.as_shipped().compare(JOB).changes], today

    return run


def test_everything_is_told_in_its_order(decide: Any) -> None:
    changes, told = decide([TARGET, TARGET, CLEAR], [PUSH, GRASP])
    assert changes == []
    assert told.lasts == [None, PUSHED, HELD]
    assert told.histories == [[], [PUSHED]]


def test_another_value_is_no_change_and_another_motion_is(decide: Any) -> None:
    other = replace(PUSH, angle=1.001)
    changes, _ = decide([TARGET, TARGET, CLEAR], [replace(PUSH, q_value=0.0), other])
    assert changes == [
        (2, "chosen push at (0.500, +0.000, 0.010) m, 57 deg, recorded grasp at (0.500, +0.100, 0.010) m, 29 deg")
    ]
    changes, _ = decide([TARGET, TARGET, CLEAR], [other, GRASP])
    assert [index for index, _ in changes] == [1]


def test_another_finding_is_a_change_and_the_rest_is_decided_on_the_recorded_views(decide: Any) -> None:
    changes, told = decide([CLEAR, TARGET, TARGET], [GRASP, PUSH])
    assert changes == [
        (1, "attention found CLEAR, recorded TARGET"),
        (3, "attention found TARGET, recorded CLEAR"),
    ]
    assert told.histories == [[PUSHED], [PUSHED, HELD]]


def test_a_policy_that_fails_today_is_a_change(decide: Any) -> None:
    changes, _ = decide([TARGET, TARGET, CLEAR], [NoPrimitiveError("expected an action, found none"), GRASP])
    assert changes == [(1, "NO_PRIMITIVE: expected an action, found none")]
