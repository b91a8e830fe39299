"""One HTML page about a benchmark of attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from impurity_grasp_ros.evaluation.attention_record import JobRecord
from impurity_grasp_ros.evaluation.attention_scores import (
    by_scene_and_mode,
    objects_of,
    reliability,
    score_attention,
)
from impurity_grasp_ros.evaluation.attention_table import COLUMNS, cells
from impurity_grasp_ros.evaluation.page import render_page
from impurity_grasp_ros.evaluation.reliability_chart import reliability_chart
from impurity_grasp_ros.evaluation.worst_frames import BadPicture


def render_attention_report(
    records: Sequence[JobRecord], pictures: Mapping[str, Sequence[BadPicture]], written: datetime
) -> str:
    """Render the page.

    Args:
        records: Of a benchmark of attention, at least one.
        pictures: The worst frames by family; may be empty.
        written: Shown as the date of the page.

    Returns:
        An HTML document.
    """
    groups = by_scene_and_mode(records)
    return render_page(
        "attention_report.html",
        title="Finding impurities: attention",
        facts=_facts(records, written),
        headings=[column.heading for column in COLUMNS],
        rows=[(scene, mode, cells(score_attention(jobs))) for (scene, mode), jobs in groups.items()],
        charts=_charts(groups),
        sections=pictures,
    )


def _charts(groups: Mapping[tuple[str, str], Sequence[JobRecord]]) -> list[str]:
    """A reliability diagram of every mode that tells objects apart, over all families."""
    by_mode: dict[str, list[JobRecord]] = {}
    for (_, mode), jobs in groups.items():
        by_mode.setdefault(mode, []).extend(jobs)
    bins = {
        mode: reliability(objects_of(frame for job in jobs for frame in job.frames)) for mode, jobs in by_mode.items()
    }
    return [reliability_chart(mode, found) for mode, found in bins.items() if found]


def _facts(records: Sequence[JobRecord], written: datetime) -> list[str]:
    """What was run, with what, and when."""
    last = records[-1].plan
    seeds = sorted({record.plan.seed for record in records})
    facts = [
        f"{len(records)} jobs in simulation, seeds {seeds[0]} to {seeds[-1]}, up to {last.removals} objects removed",
        f"configuration {last.config_hash}, commit {', '.join(dict.fromkeys(item.plan.commit for item in records))}",
        f"written {written:%Y-%m-%d %H:%M}",
    ]
    if missing := sum(not record.frames for record in records):
        facts.append(f"seeds without a scene: {missing}")
    return facts
