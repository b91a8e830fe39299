"""Scores: cases counted by hand, and identities that hold for any runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from episodes import episode
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.evaluation.estimates import Proportion
from impurity_grasp_ros.evaluation.metrics import Scores, actions_until_visible, score
from impurity_grasp_ros.evaluation.record import End, EpisodeRecord


def test_scores_of_three_runs_counted_by_hand() -> None:
    scores = score(
        [
            episode("PGEG"),  # completed: 2 of 3 grasps, 2 targets in 4 actions
            episode("GWG" + "PE"),  # completed: 2 of 3 grasps, 2 targets in 3 actions, then two more
            episode("GPP", end=End.CLEAR),  # one target is left
        ]
    )
    assert scores.runs == 3
    assert scores.completion == Proportion(2, 3)
    assert scores.grasp_success == Proportion(5, 7)
    assert scores.wrong_object == Proportion(1, 7)
    assert scores.action_efficiency.parts == ((2, 4), (2, 3), (1, 3))
    assert scores.motions == pytest.approx((4 + 3 + 30) / 3)
    assert scores.recovery == Proportion(5, 6)
    assert scores.purity.parts == ((2, 2), (2, 3), (1, 1))
    assert scores.product_loss == Proportion(1, 45)
    assert scores.picks_per_second.parts == ((2, 16.0), (2, 20.0), (1, 12.0))  # 4 s an action, surplus included
    assert scores.completed_grasp_success == pytest.approx(2 / 3)
    assert scores.completed_action_efficiency == pytest.approx((2 / 4 + 2 / 3) / 2)
    assert scores.false_clear == Proportion(1, 3)
    assert scores.false_dirty == Proportion(1, 2)
    assert scores.stopped == Proportion(2, 2)
    assert scores.surplus_actions == 1.0
    assert scores.decision_seconds == pytest.approx(0.1)


def test_a_lost_target_makes_a_failure_but_saying_clear_is_then_right() -> None:
    scores = score([episode("GP", lost=1)])
    assert scores.completion == Proportion(0, 1)
    assert scores.false_clear == Proportion(0, 1)
    assert scores.lost == Proportion(1, 2)
    assert scores.motions == 30


def test_runs_that_a_fault_or_the_budget_ended_count() -> None:
    scores = score([episode("E", end=End.FAULT), episode("E" * 30, end=End.BUDGET), episode("", end=End.FAULT)])
    assert scores.completion == Proportion(0, 3)
    assert scores.grasp_success == Proportion(0, 31)
    assert scores.faults == 2
    assert scores.false_clear.hits == 0
    assert math.isnan(scores.completed_grasp_success)


def test_a_completed_run_that_never_stops_is_not_counted_as_stopped() -> None:
    scores = score([episode("GG" + "E" * 28, end=End.BUDGET), episode("GG")])
    assert scores.stopped == Proportion(1, 2)
    assert scores.surplus_actions == 14.0


def test_quick_runs_say_nothing_about_stopping() -> None:
    scores = score([episode("GG", end=End.COMPLETE, quick=True)])
    assert scores.completion == Proportion(1, 1)
    assert scores.stopped.trials == scores.false_dirty.trials == 0
    assert math.isnan(scores.surplus_actions)


def test_a_seed_without_a_scene_is_no_run() -> None:
    assert score([episode("GG"), episode("", 0, end=End.NO_SCENE)]).runs == 1


def test_nothing_scores_nothing() -> None:
    scores = score([])
    assert scores.runs == 0
    assert math.isnan(scores.motions)
    assert scores.completion.interval() == (0.0, 1.0)


@pytest.mark.parametrize(
    ("letters", "visible", "count"),
    [("PPGG", [0.0, 0.04, 0.1, 1.0, 1.0], 2), ("GG", [1.0, 1.0, 1.0], 0), ("PP", [0.0, 0.0, 0.3], 2)],
)
def test_actions_until_a_target_shows(letters: str, visible: list[float], count: int) -> None:
    assert actions_until_visible(episode(letters, visible=visible)) == count


def test_a_target_that_never_shows_costs_the_full_budget() -> None:
    hidden = episode("PP", visible=[0.0, 0.0, 0.09])
    assert actions_until_visible(hidden) is None
    assert score([hidden]).actions_to_visible == 30
    assert score([hidden]).found == Proportion(0, 1)


@st.composite
def episodes(draw: st.DrawFn) -> EpisodeRecord:
    letters = draw(st.text("GWEP", max_size=8))
    targets = letters.count("G") + draw(st.integers(0, 2))
    end = draw(st.sampled_from([End.CLEAR, End.BUDGET, End.FAULT]))
    return episode(letters, max(targets, 1), end=end)


RUNS = st.lists(episodes(), max_size=6)


@given(RUNS, st.randoms())
def test_the_order_of_runs_does_not_matter(runs: list[EpisodeRecord], random: object) -> None:
    shuffled = list(runs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counts(score(shuffled)) == counts(score(runs))


@given(RUNS, RUNS)
def test_scores_pool_counts_and_do_not_average_rates(first: list[EpisodeRecord], second: list[EpisodeRecord]) -> None:
    one, other, both = counts(score(first)), counts(score(second)), counts(score(first + second))
    assert both == [Proportion(a.hits + b.hits, a.trials + b.trials) for a, b in zip(one, other, strict=True)]


@given(RUNS)
def test_identities_between_the_metrics(runs: list[EpisodeRecord]) -> None:
    scores = score(runs)
    pushes = sum(action.kind == "PUSH" for run in runs for action in run.counted)
    delivered, actions = np.array(scores.action_efficiency.parts, int).reshape(-1, 2).sum(axis=0)
    assert actions == scores.grasp_success.trials + pushes
    assert delivered == sum(run.targets_delivered for run in runs)
    assert scores.grasp_success.hits + scores.wrong_object.hits <= scores.grasp_success.trials
    assert scores.completion.hits + scores.false_clear.hits + scores.faults <= scores.runs + scores.stopped.trials
    assert all(0 <= share.hits <= share.trials for share in counts(scores))
    if runs and scores.completion.hits == scores.runs:
        assert scores.motions * scores.runs == pytest.approx(actions)


def counts(scores: Scores) -> list[Proportion]:
    return [value for value in vars(scores).values() if isinstance(value, Proportion)]


def test_wilsons_interval_of_a_known_case() -> None:
    low, high = Proportion(81, 263).interval()  # Newcombe 1998, table I
    assert (low, high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert Proportion(0, 20).interval() == (0.0, pytest.approx(0.1611, abs=5e-5))


@given(st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilsons_interval_holds_the_share_is_symmetric_and_shrinks(case: tuple[int, int]) -> None:
    hits, trials = case
    share = Proportion(hits, trials)
    low, high = share.interval()
    assert 0.0 <= low <= share.value <= high <= 1.0
    mirrored = Proportion(trials - hits, trials).interval()
    assert (1 - mirrored[1], 1 - mirrored[0]) == (pytest.approx(low), pytest.approx(high))
    more_low, more_high = Proportion(4 * hits, 4 * trials).interval()
    assert more_high - more_low < high - low


def test_a_grasp_of_two_targets_at_once_is_one_success_and_two_targets() -> None:
    run = episode("PGE", 2)
    both = replace(run.actions[1], targets_delivered=2)
    record = replace(run, actions=(run.actions[0], both), targets_delivered=2, completed_after=2)
    scores = score([record])
    assert scores.grasp_success == Proportion(1, 1)
    assert scores.action_efficiency.counts == "2 per 2"
    assert scores.completed_action_efficiency == 1.0


def test_a_push_that_brings_something_into_the_bin_is_no_grasp() -> None:
    run = episode("PE", 1)
    pushed = replace(run.actions[0], targets_delivered=1, others_delivered=1)
    scores = score([replace(run, actions=(pushed, run.actions[1]), targets_delivered=1, completed_after=1)])
    assert scores.grasp_success == Proportion(0, 0)
    assert scores.wrong_object == Proportion(0, 0)
    assert scores.action_efficiency.counts == "1 per 1"
    assert math.isnan(scores.completed_grasp_success)


def test_two_wrong_objects_in_one_grasp_are_one_wrong_grasp() -> None:
    run = episode("WE", 1)
    twice = replace(run.actions[0], others_delivered=2)
    assert score([replace(run, actions=(twice, run.actions[1]))]).wrong_object == Proportion(1, 2)


def test_the_papers_figures_leave_out_runs_that_were_not_completed() -> None:
    scores = score([episode("EG", 1), episode("G", 1), episode("EEEE", 1, end=End.BUDGET)])
    assert scores.completed_grasp_success == pytest.approx((1 / 2 + 1) / 2)
    assert scores.completed_action_efficiency == pytest.approx((1 / 2 + 1) / 2)
    assert scores.motions == pytest.approx((2 + 1 + 15) / 3)


def test_the_decision_time_is_the_median_of_all_actions_after_completion_too() -> None:
    run = episode("GPPE", 1)
    times = [
        replace(action, decision_seconds=seconds)
        for action, seconds in zip(run.actions, (1.0, 2.0, 7.0, 9.0), strict=True)
    ]
    assert score([replace(run, actions=tuple(times))]).decision_seconds == 4.5
    assert math.isnan(score([episode("")]).decision_seconds)


def test_targets_are_found_in_the_mean_of_actions_and_never_is_the_full_budget() -> None:
    found = episode("PPE", 1, visible=[0.0, 0.0, 0.5, 0.5], end=End.BUDGET)
    never = episode("P", 1, visible=[0.0, 0.0999], end=End.BUDGET)
    scores = score([found, never])
    assert scores.found == Proportion(1, 2)
    assert scores.actions_to_visible == pytest.approx((2 + 15) / 2)


def test_a_target_that_came_into_the_bin_unseen_counts_as_found_by_then() -> None:
    assert actions_until_visible(episode("PGE", 2, visible=[0.0, 0.0, 0.0, 0.0])) == 2
    assert actions_until_visible(episode("PE", 1, visible=[0.0, 0.0, 0.0])) is None
    assert actions_until_visible(episode("", 1, visible=[0.10])) == 0


def test_a_false_clear_and_a_lost_target_are_shares_of_their_own() -> None:
    scores = score([episode("G"), episode("G", lost=1), episode("GG"), episode("", 3, lost=2, end=End.FAULT)])
    assert scores.false_clear == Proportion(1, 4)
    assert scores.lost == Proportion(3, 9)
    assert scores.faults == 1
    assert scores.runs == 4
