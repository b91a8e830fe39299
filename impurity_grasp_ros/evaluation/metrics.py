"""Scores of episodes, computed from their records alone.

Every episode that was started counts, and so does every action until its completion. Actions after completion are
counted separately, as surplus: there is nothing left to do. Two scores are also counted as in the paper, over completed
episodes only.
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
"""Fraction of a target that the camera must see before the target counts as found."""


@dataclass(frozen=True)
class Scores:
    """All metrics of a set of episodes ("runs"). A mean over nothing is NaN.

    Attributes:
        runs: Number of episodes that were started.
        completion: Episodes in which every target came into the bin within the budget.
        grasp_success: GS, grasps that brought a target into the bin, of all grasps until completion.
        wrong_object: Grasps that brought anything else into the bin, of the same grasps.
        action_efficiency: AE, targets in the bin per action until completion.
        motions: MN, mean number of actions until completion; the full budget for an episode that was not completed.
        completed_grasp_success: GS as in the paper, the mean over completed episodes only.
        completed_action_efficiency: AE as in the paper, the mean over completed episodes only.
        recovery: Targets in the bin, of all targets.
        purity: Targets among all that came into the bin, surplus actions included.
        product_loss: Other objects that came into the bin, of all others.
        picks_per_second: Targets in the bin per second of robot time, over whole jobs, surplus actions included.
        lost: Targets outside the workspace at the end, of all targets.
        false_clear: Episodes in which the policy said clear while a target lay in the workspace.
        false_dirty: Completed episodes with at least one surplus action. This one, ``stopped`` and ``surplus_actions``
            leave out quick episodes, which end at completion.
        stopped: Completed episodes in which the policy said clear within the budget.
        surplus_actions: Mean number of actions after completion.
        found: Episodes in which a target became visible.
        actions_to_visible: Mean number of actions until then; the full budget where no target did.
        decision_seconds: Median time per decision.
        faults: Episodes that an exception ended.
    """

    runs: int
    completion: Proportion
    grasp_success: Proportion
    wrong_object: Proportion
    action_efficiency: Ratio
    motions: float
    completed_grasp_success: float
    completed_action_efficiency: float
    recovery: Proportion
    purity: Ratio
    product_loss: Proportion
    picks_per_second: Ratio
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
    """Score episodes.

    Args:
        records: Of one policy in one kind of scene. Seeds that gave no scene are left out.

    Returns:
        All metrics.
    """
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
        recovery=Proportion(sum(run.targets_delivered for run in runs), sum(run.targets for run in runs)),
        purity=Ratio(tuple((run.targets_delivered, run.targets_delivered + run.others_delivered) for run in runs)),
        product_loss=Proportion(sum(run.others_delivered for run in runs), sum(run.others for run in runs)),
        picks_per_second=Ratio(tuple((run.targets_delivered, _robot_seconds(run)) for run in runs)),
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
    """Count the actions before the camera first saw 10 % of a target.

    A target that came into the bin unseen counts as found from then on.

    Args:
        record: Of the episode.

    Returns:
        The number of actions, 0 if a target was visible from the start; None if none ever was.
    """
    looks = [action.visible for action in record.actions] + [record.visible_at_end]
    for count, visible in enumerate(looks):
        delivered = sum(action.targets_delivered for action in record.actions[:count])
        if delivered or (visible is not None and visible >= VISIBLE):
            return count
    return None


def _robot_seconds(run: EpisodeRecord) -> float:
    return sum(action.robot_seconds for action in run.actions)


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
