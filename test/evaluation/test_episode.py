"""Episodes: who ends them, what is counted, and that a seed gives a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from teleport import teleport

from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Grid,
    Heightmap,
    Outcome,
    OutcomeStatus,
    Primitive,
    RgbdFrame,
)
from impurity_grasp_ros.errors import DeviceFaultError, NoPrimitiveError, SceneNotSettledError
from impurity_grasp_ros.evaluation import episode
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.episode import run_episode
from impurity_grasp_ros.evaluation.policies import make_policy
from impurity_grasp_ros.evaluation.record import End, EpisodePlan, EpisodeRecord
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.environment import Environment

pytestmark = pytest.mark.sim

PLAN = EpisodePlan("scripted", "random", 1000)
GRID = Grid(0.276, -0.224)


class Scripted:
    """Does what a script says, its last word again and again; what it sees is what was seen at first."""

    def __init__(self, environment: Environment, *script: Primitive | Exception | None) -> None:
        self._policy = make_policy("analytic", environment)
        self._script = script
        self._step = 0
        self._seen: Decision | None = None

    def new_job(self) -> None:
        self._policy.new_job()

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        assert len(history) == self._step
        order = self._script[min(self._step, len(self._script) - 1)]
        self._step += 1
        if isinstance(order, Exception):
            raise order
        self._seen = self._seen or self._policy.decide(frame, history)
        return replace(self._seen, primitive=order)


PUSH_OF_NOTHING = Primitive.push((0.32, 0.19, 0.02), 0.0)


@pytest.mark.parametrize("scene", ["challenging", "noisy"])
def test_equal_plans_give_equal_records(bench: Bench, scene: str) -> None:
    plan = EpisodePlan("analytic", scene, 1000, quick=True)
    first = bench.run(plan)
    bench.run(EpisodePlan("analytic", "random", 1001, quick=True))
    assert bench.run(plan).without_times() == first.without_times()


def test_the_analytic_policy_picks_both_targets_of_a_scene_and_stops(bench: Bench) -> None:
    record = bench.run(EpisodePlan("analytic", "random", 1000))
    assert record.completed
    assert record.end is End.CLEAR
    assert record.targets_delivered == record.targets == 2
    assert sum(action.targets_delivered for action in record.counted) == 2
    assert record.actions_to_clear == len(record.actions) - len(record.counted)
    assert record.visible_at_end is None
    assert all(action.decision_seconds > 0 for action in record.actions)
    assert record.others == 15
    for action in record.actions:
        assert 3.0 < action.robot_seconds < 9.0
        assert action.status != "HELD" or 0.01 < action.opening < 0.085


def test_a_policy_that_says_clear_at_once_is_wrong(bench: Bench) -> None:
    record = run_episode(bench.environment, Scripted(bench.environment, None), PLAN)
    assert record.end is End.CLEAR
    assert record.false_clear
    assert record.actions == ()
    assert record.visible_at_end is not None
    assert record.visible_at_end > 0.1


def test_a_fault_ends_the_run_and_is_named(bench: Bench) -> None:
    policy = Scripted(bench.environment, PUSH_OF_NOTHING, NoPrimitiveError("expected something, found nothing"))
    record = run_episode(bench.environment, policy, PLAN)
    assert (record.end, record.fault, len(record.actions)) == (End.FAULT, "NoPrimitiveError", 1)
    assert record.actions[0].kind == "PUSH"
    assert not record.completed


def test_the_budget_ends_a_run_and_counts_refused_actions(bench: Bench) -> None:
    outside = Primitive.grasp((1.5, 0.0, 0.02), 0.0)
    decisions: list[Decision] = []
    policy = Scripted(bench.environment, outside)
    record = run_episode(bench.environment, policy, replace(PLAN, quick=True), decisions.append)
    assert record.end is End.BUDGET
    assert len(record.actions) == record.budget == len(decisions) == 20
    assert {action.status for action in record.actions} <= {"UNREACHABLE", "OUT_OF_WORKSPACE"}


def test_a_mistake_in_the_code_is_no_fault_of_the_run(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        run_episode(bench.environment, Scripted(bench.environment, ZeroDivisionError()), PLAN)


def test_a_target_out_of_the_workspace_is_lost_but_not_missed(bench: Bench) -> None:
    environment = bench.environment

    class Thief(Scripted):
        """Throws one target off the workspace, then says clear after the other went the same way."""

        def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
            for number, body in enumerate(environment.scene.targets):
                pose = (0.5, -0.6 - 0.1 * number, 0.03), (0.0, 0.0, 0.0, 1.0)
                environment.world.bullet.resetBasePositionAndOrientation(body, *pose)
            return super().decide(frame, history)

    record = run_episode(environment, Thief(environment, PUSH_OF_NOTHING, None), PLAN)
    assert (record.targets_lost, record.completed, record.false_clear) == (2, False, False)


OUTSIDE = Primitive.grasp((1.5, 0.25, 0.02), 0.3)
"""Refused before anything moves."""

Deed = Callable[[], None]


class Told:
    """Does what it is told, step by step and the last thing for good; a deed happens while it decides."""

    def __init__(self, *orders: Primitive | None, deeds: dict[int, Deed] | None = None) -> None:
        self._orders = orders
        self._deeds = deeds or {}
        self.jobs = 0
        self.histories: list[list[Attempt]] = []

    def new_job(self) -> None:
        self.jobs += 1

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        self.histories.append(list(history))
        number = len(self.histories)
        self._deeds.get(number, lambda: None)()
        return decision(self._orders[min(number, len(self._orders)) - 1])


def decision(primitive: Primitive | None) -> Decision:
    """A decision about an empty table."""
    shape = 224, 224
    heightmap = Heightmap(
        np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32), np.ones(shape, np.bool_), GRID, 0.0
    )
    mask = np.ones((112, 112), np.bool_)
    attention = Attention(
        AttentionState.CANDIDATE, (0.5, 0.0), heightmap.window(56, 56, 112), mask, 0.2, (), heightmap.height
    )
    return Decision(heightmap, attention, primitive)


@pytest.fixture
def lone(tmp_path: Path) -> EpisodePlan:
    """One target and one other block."""
    block = {"shape": "cuboid", "width": 0.04, "depth": 0.03, "height": 0.02, "color": "#4e79a7"}
    target = block | {"color": "#d9413f", "target": True, "position": [0.5, 0.1, 0.01]}
    rows = [block | {"position": [0.4, -0.1, 0.01]}, target]
    (tmp_path / "lone.yaml").write_text(yaml.safe_dump({"description": "A test.", "objects": rows}))
    return EpisodePlan("told", str(tmp_path / "lone.yaml"), 0)


def deliver(environment: Environment, *, target: bool) -> Deed:
    """Put all targets, or all other blocks, into the bin."""

    def deed() -> None:
        for body, block in environment.scene.blocks.items():
            if block.target is target:
                teleport(environment, body, 0.36, -0.44)

    return deed


@pytest.mark.parametrize(("quick", "budget"), [(False, 15), (True, 10)])
def test_the_budget_is_fifteen_actions_a_target_and_ten_in_a_quick_episode(
    environment: Environment, lone: EpisodePlan, quick: bool, budget: int
) -> None:
    told, decisions = Told(OUTSIDE), []
    record = run_episode(environment, told, replace(lone, quick=quick), decisions.append)
    assert (record.end, record.targets, record.budget, record.completed_after) == (End.BUDGET, 1, budget, None)
    assert len(record.actions) == len(decisions) == len(told.histories) == budget
    assert (record.targets_delivered, record.targets_lost, record.fault) == (0, 0, "")
    assert record.visible_at_end == pytest.approx(1.0, abs=0.06)
    assert told.jobs == 1


def test_a_quick_episode_ends_with_the_last_target_in_the_bin(environment: Environment, lone: EpisodePlan) -> None:
    told = Told(OUTSIDE, deeds={1: deliver(environment, target=False), 2: deliver(environment, target=True)})
    record = run_episode(environment, told, replace(lone, quick=True))
    assert (record.end, record.completed_after, record.targets_delivered) == (End.COMPLETE, 2, 1)
    assert [(item.targets_delivered, item.others_delivered) for item in record.actions] == [(0, 1), (1, 0)]
    assert record.visible_at_end is None


def test_otherwise_the_policy_has_to_say_so(environment: Environment, lone: EpisodePlan) -> None:
    told = Told(OUTSIDE, OUTSIDE, None, deeds={1: deliver(environment, target=True)})
    heard: list[Decision] = []
    record = run_episode(environment, told, lone, heard.append)
    assert (record.end, record.completed_after, len(record.actions)) == (End.CLEAR, 1, 2)
    assert record.actions[0].visible is not None
    assert record.actions[0].visible > 0.5  # it was seen before it was moved
    assert record.actions[1].visible is None
    assert [item.primitive for item in heard] == [OUTSIDE, OUTSIDE, None]
    assert record.plan == lone


@pytest.mark.parametrize(("word", "end"), [(None, End.CLEAR), (OUTSIDE, End.BUDGET)], ids=["clear", "one more"])
def test_completed_by_the_last_action_the_policy_is_asked_once_more(
    environment: Environment, lone: EpisodePlan, word: Primitive | None, end: End
) -> None:
    told = Told(*[OUTSIDE] * 15, word, deeds={15: deliver(environment, target=True)})
    record = run_episode(environment, told, lone)
    assert (record.end, record.completed_after, len(record.actions)) == (end, 15, 15)
    assert len(told.histories) == 16


def test_an_action_is_recorded_as_it_was(
    environment: Environment, lone: EpisodePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = count(10.0, 0.25)
    monkeypatch.setattr(episode, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    told = Told(OUTSIDE, None)
    (action,) = run_episode(environment, told, lone).actions
    assert (action.kind, action.status, action.attention) == ("GRASP", "OUT_OF_WORKSPACE", "CANDIDATE")
    assert (action.position, action.angle, action.decision_seconds) == ((1.5, 0.25, 0.02), 0.3, 0.25)
    assert action.visible == pytest.approx(1.0, abs=0.06)
    outcome = told.histories[1][0].outcome
    assert (action.robot_seconds, action.opening) == (outcome.duration, outcome.opening)
    assert told.histories[0] == []
    ((attempt,),) = told.histories[1:]
    assert attempt.primitive == OUTSIDE
    assert attempt.outcome.status is OutcomeStatus.OUT_OF_WORKSPACE


def test_a_decision_is_heard_before_it_is_executed(
    environment: Environment, lone: EpisodePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def step(primitive: Primitive) -> Outcome:
        order.append("executed")
        raise DeviceFaultError("expected the arm to move, it is on strike")

    monkeypatch.setattr(environment, "step", step)
    run_episode(environment, Told(OUTSIDE), lone, lambda _: order.append("heard"))
    assert order == ["heard", "executed"]


def test_an_action_that_a_fault_ends_counts_with_what_it_brought(
    environment: Environment, lone: EpisodePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(primitive: Primitive) -> Outcome:
        raise DeviceFaultError("expected the arm to move, it is on strike")

    monkeypatch.setattr(environment, "step", step)
    record = run_episode(environment, Told(OUTSIDE, deeds={1: deliver(environment, target=True)}), lone)
    assert (record.end, record.fault, record.completed_after) == (End.FAULT, "DeviceFaultError", 1)
    assert [(item.status, item.targets_delivered) for item in record.actions] == [("FAULT", 1)]
    assert record.visible_at_end is None


def test_targets_that_are_lost_are_counted_and_not_delivered(environment: Environment, lone: EpisodePlan) -> None:
    def lose() -> None:
        teleport(environment, environment.scene.targets[0], 0.6, -0.45)

    record = run_episode(environment, Told(OUTSIDE, None, deeds={1: lose}), lone)
    assert (record.targets_delivered, record.targets_lost, record.completed) == (0, 1, False)


def test_a_seed_without_a_scene_starts_nothing(
    environment: Environment, lone: EpisodePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reset(seed: int, scene: str) -> None:
        assert (seed, scene) == (lone.seed, lone.scene)
        raise SceneNotSettledError("expected a scene at rest, received one that moves")

    monkeypatch.setattr(environment, "reset", reset)
    told = Told(None)
    record = run_episode(environment, told, lone)
    assert record == EpisodeRecord(lone, 0, 0, 0, End.NO_SCENE, "SceneNotSettledError", None, 0, 0, None, ())
    assert told.jobs == 0
