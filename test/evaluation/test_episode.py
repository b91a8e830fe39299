"""Episodes: who ends them, what is counted, and that a seed gives a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from impurity_grasp_ros.datatypes import Attempt, Primitive, RgbdFrame
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.episode import run_episode
from impurity_grasp_ros.evaluation.policies import make_policy
from impurity_grasp_ros.evaluation.record import End, EpisodePlan
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.environment import Environment

pytestmark = pytest.mark.sim

PLAN = EpisodePlan("scripted", "random", 1000)


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
