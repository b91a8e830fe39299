"""Strict scores of episodes, and the paper's own figures beside them. Pure functions of records.

Strict: every run that was started counts, and so does every action of it until completion. After completion there is
nothing left to do, so what a policy does then is counted apart, as surplus.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.evaluation.estimates import Proportion, Ratio
from impurity_grasp_ros.evaluation.record import ActionRecord, End, EpisodeRecord

VISIBLE = 0.10
"""Part of a target that must show before it counts as found."""


@dataclass(frozen=True)
class Scores:
    """All metrics of a set of runs. A mean of nothing is NaN.

    runs: runs that were started. completion: runs in which every target came into the bin within the budget.
    grasp_success (GS): grasps that brought a target into the bin, of all grasps. wrong_object: grasps that brought
    anything else. action_efficiency (AE): targets in the bin per action. motions (MN): mean actions a run, failed runs
    at full budget. completed_grasp_success, completed_action_efficiency: the paper's, means over completed runs only.
    lost: targets out of the workspace, of all targets. false_clear: runs in which the policy said clear while a target
    lay in the workspace. false_dirty: completed runs with at least one surplus action; stopped: completed runs in which
    the policy said clear within the budget; surplus_actions: mean of them; these three without quick runs.
    found: runs in which a target got visible; actions_to_visible: mean actions until then, full budget if never.
    decision_seconds: median. faults: runs that an exception ended.
    """

    runs: int
    completion: Proportion
    grasp_success: Proportion
    wrong_object: Proportion
    action_efficiency: Ratio
    motions: float
    completed_grasp_success: float
    completed_action_efficiency: float
    lost: Proportion
    false_clear: Proportion
    false_dirty: Proportion
    stopped: Proportion
    surplus_actions: float
    found: Proportion
    actions_to_visible: float
    decision_seconds: float
    faults: int


def score(records: Iterable[EpisodeRecord]) -> Scores:
    """Scores of runs, all of one policy and one kind of scene. Seeds that give no scene do not count."""
    runs = [record for record in records if record.end is not End.NO_SCENE]
    completed = [run for run in runs if run.completed]
    watched = [run for run in completed if run.end is not End.COMPLETE]
    grasps = [action for run in runs for action in run.counted if _is_grasp(action)]
    first_seen = [actions_until_visible(run) for run in runs]
    return Scores(
        runs=len(runs),
        completion=Proportion(len(completed), len(runs)),
        grasp_success=_grasp_success(grasps),
        wrong_object=Proportion(sum(action.others_delivered > 0 for action in grasps), len(grasps)),
        action_efficiency=Ratio(tuple((run.targets_delivered, len(run.counted)) for run in runs)),
        motions=_mean(len(run.counted) if run.completed else run.budget for run in runs),
        completed_grasp_success=_mean(_grasp_success(run.counted).value for run in completed),
        completed_action_efficiency=_mean(Ratio(((run.targets, len(run.counted)),)).value for run in completed),
        lost=Proportion(sum(run.targets_lost for run in runs), sum(run.targets for run in runs)),
        false_clear=Proportion(sum(run.false_clear for run in runs), len(runs)),
        false_dirty=Proportion(sum(bool(run.surplus) for run in watched), len(watched)),
        stopped=Proportion(sum(run.actions_to_clear is not None for run in watched), len(watched)),
        surplus_actions=_mean(len(run.surplus) for run in watched),
        found=Proportion(sum(count is not None for count in first_seen), len(runs)),
        actions_to_visible=_mean(
            run.budget if count is None else count for run, count in zip(runs, first_seen, strict=True)
        ),
        decision_seconds=_median(action.decision_seconds for run in runs for action in run.actions),
        faults=sum(run.end is End.FAULT for run in runs),
    )


def actions_until_visible(record: EpisodeRecord) -> int | None:
    """Actions before the camera first saw 10 % of a target, 0 if it did at once; None if it never did.

    A target may come into the bin unseen; it counts as found by then.
    """
    looks = [action.visible for action in record.actions] + [record.visible_at_end]
    for count, visible in enumerate(looks):
        delivered = sum(action.targets_delivered for action in record.actions[:count])
        if delivered or (visible is not None and visible >= VISIBLE):
            return count
    return None


def _is_grasp(action: ActionRecord) -> bool:
    return action.kind == PrimitiveKind.GRASP.name


def _grasp_success(actions: Sequence[ActionRecord]) -> Proportion:
    grasps = [action for action in actions if _is_grasp(action)]
    return Proportion(sum(action.targets_delivered > 0 for action in grasps), len(grasps))


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return mean(known) if known else math.nan


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return median(known) if known else math.nan
