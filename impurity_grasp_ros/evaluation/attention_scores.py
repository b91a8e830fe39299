"""Figures about attention on a family of scenes, computed from its records alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.evaluation.attention_benchmark import SCENES
from impurity_grasp_ros.evaluation.attention_record import FrameRecord, Hit, JobRecord, ObjectRecord
from impurity_grasp_ros.evaluation.estimates import Proportion

BINS = 10
"""Ranges of equal width into which probabilities are divided for calibration."""


@dataclass(frozen=True)
class AttentionScores:
    """Figures of one mode on one family.

    Attributes:
        jobs: Number of jobs that were started.
        found_first: First frames in which the attention was on a target, of those with a target in view.
        wrong: Frames in which a wrong object was taken for a target, of all frames.
        false_clear: Frames in which clear was reported, of those with a target in the workspace.
        candidate: Frames in state CANDIDATE, of all frames.
        refused: Frames that ended with an error, of all frames.
        objects_found: Objects in view that the mode told apart, of all objects in view.
        calibration_error: Expected calibration error of the probabilities of single objects; NaN without any.
        seconds: Median wall time from heightmap to attention; NaN without frames.
    """

    jobs: int
    found_first: Proportion
    wrong: Proportion
    false_clear: Proportion
    candidate: Proportion
    refused: Proportion
    objects_found: Proportion
    calibration_error: float
    seconds: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Objects with about the same probability of being a target.

    Attributes:
        probability: The mean of theirs.
        odd: Those that are targets.
    """

    probability: float
    odd: Proportion


def by_scene_and_mode(records: Iterable[JobRecord]) -> dict[tuple[str, str], list[JobRecord]]:
    """Group records by scene and mode.

    Args:
        records: In the order in which their modes are to be listed.

    Returns:
        Records by (scene, mode), each group in the order of seeds. The families of SCENES come first, in that order,
        then the others by name; modes come in the order of their first record.
    """
    records = list(records)
    modes = list(dict.fromkeys(record.plan.mode for record in records))
    groups: dict[tuple[str, str], list[JobRecord]] = {}
    for record in sorted(records, key=lambda record: record.plan.seed):
        groups.setdefault((record.plan.scene, record.plan.mode), []).append(record)
    return {key: groups[key] for key in sorted(groups, key=lambda key: (*_scene_order(key[0]), modes.index(key[1])))}


def _scene_order(scene: str) -> tuple[int, str]:
    return (SCENES.index(scene) if scene in SCENES else len(SCENES)), scene


def score_attention(records: Sequence[JobRecord]) -> AttentionScores:
    """Compute the figures of one mode on one family.

    Args:
        records: Its jobs.

    Returns:
        The figures.
    """
    frames = [frame for record in records for frame in record.frames]
    first = [record.frames[0] for record in records if record.frames and record.frames[0].targets_in_view]
    told_apart = [frame for frame in frames if frame.objects_found is not None]
    return AttentionScores(
        jobs=sum(bool(record.frames) for record in records),
        found_first=_share(frame.hit is Hit.ODD for frame in first),
        wrong=_share(frame.wrong for frame in frames),
        false_clear=_share(frame.false_clear for frame in frames if frame.targets_left),
        candidate=_share(frame.state == AttentionState.CANDIDATE.name for frame in frames),
        refused=_share(frame.refused for frame in frames),
        objects_found=Proportion(
            sum(frame.objects_found or 0 for frame in told_apart), sum(frame.objects_in_view for frame in told_apart)
        ),
        calibration_error=calibration_error(reliability(objects_of(frames))),
        seconds=median(frame.seconds for frame in frames) if frames else math.nan,
    )


def objects_of(frames: Iterable[FrameRecord]) -> list[ObjectRecord]:
    """All objects that the mode told apart in some frames."""
    return [item for frame in frames for item in frame.objects or ()]


def reliability(objects: Iterable[ObjectRecord]) -> list[ReliabilityBin]:
    """Compare probabilities with frequencies.

    Args:
        objects: With their probabilities.

    Returns:
        The bins that are not empty, lowest probabilities first.
    """
    bins: list[list[ObjectRecord]] = [[] for _ in range(BINS)]
    for item in objects:
        bins[min(int(item.probability * BINS), BINS - 1)].append(item)
    return [
        ReliabilityBin(fmean(item.probability for item in items), _share(item.odd for item in items))
        for items in bins
        if items
    ]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Compute the expected calibration error (Naeini et al. 2015).

    Args:
        bins: Of :func:`reliability`.

    Returns:
        Mean distance of a bin's probability from the frequency of targets in it, weighted by numbers of objects; NaN
        without bins.
    """
    total = sum(item.odd.trials for item in bins)
    distances = (abs(item.probability - item.odd.value) * item.odd.trials for item in bins)
    return sum(distances) / total if total else math.nan


def _share(values: Iterable[bool]) -> Proportion:
    values = list(values)
    return Proportion(sum(values), len(values))
