"""One HTML page about a benchmark. It needs no other file, no network and no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from impurity_grasp_ros.evaluation import learning_curves, published
from impurity_grasp_ros.evaluation.bar_chart import Bar, bar_chart
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.filmstrip import Filmstrip
from impurity_grasp_ros.evaluation.grouping import by_scene_and_policy
from impurity_grasp_ros.evaluation.metrics import Scores, score
from impurity_grasp_ros.evaluation.page import render_page
from impurity_grasp_ros.evaluation.published import Published
from impurity_grasp_ros.evaluation.record import End, EpisodeRecord, latest_edition
from impurity_grasp_ros.evaluation.score_table import ScoreTable, number, percent, score_table
from impurity_grasp_ros.training_progress import RoundReport


@dataclass(frozen=True)
class SceneSection:
    """What the page shows of one scene.

    Attributes:
        table: Its scores.
        strips: Its episodes in pictures.
        failed: Records of the episodes that were started and not completed, by policy and seed.
    """

    table: ScoreTable
    strips: list[Filmstrip]
    failed: list[EpisodeRecord]


def render_report(
    records: Sequence[EpisodeRecord], rounds: Sequence[RoundReport], strips: Sequence[Filmstrip], written: datetime
) -> str:
    """Render the page.

    Args:
        records: Of a benchmark, oldest first; those of other configurations than the last are left out.
        rounds: Of a training, for its learning curves; may be empty.
        strips: Episodes in pictures; may be empty.
        written: Shown as the date of the page.

    Returns:
        An HTML document.
    """
    current = latest_edition(records)
    scores: dict[str, dict[str, Scores]] = {}
    for (scene, policy), runs in by_scene_and_policy(current).items():
        scores.setdefault(scene, {})[policy] = score(runs)
    return render_page(
        "report.html",
        title="Picking impurities: benchmark",
        facts=_facts(current, len(records) - len(current), written),
        charts=_charts(scores),
        sections=[_section(scene, by_policy, current, strips) for scene, by_policy in scores.items()],
        rounds=rounds,
        curves=learning_curves.learning_curves(rounds) if rounds else [],
        summary=learning_curves.summary(rounds),
        window=learning_curves.WINDOW,
        percent=percent,
        number=number,
    )


def _facts(records: Sequence[EpisodeRecord], left_out: int, written: datetime) -> list[str]:
    """What was run, with what, and when."""
    if not records:
        return ["No records."]
    last = records[-1].plan
    seeds = sorted({record.plan.seed for record in records})
    commits = ", ".join(dict.fromkeys(record.plan.commit for record in records))
    facts = [
        f"{len(records)} episodes in simulation, seeds {seeds[0]} to {seeds[-1]}",
        f"configuration {last.config_hash}, commit {commits}",
        f"written {written:%Y-%m-%d %H:%M}",
    ]
    if last.quick:
        facts.append("quick: stopped at completion, 10 actions per target")
    if left_out:
        facts.append(f"{left_out} records of other configurations left out")
    if missing := sum(record.end is End.NO_SCENE for record in records):
        facts.append(f"{missing} seeds gave no scene")
    return facts


def _charts(scores: Mapping[str, Mapping[str, Scores]]) -> dict[str, list[str]]:
    """By figure a chart for each scene: ours, over all episodes and counted as in the paper, and the paper's."""
    return {
        "Grasp success (GS)": [
            _chart(
                "Grasp success",
                scene,
                {policy: (item.grasp_success, item.completed_grasp_success) for policy, item in by_policy.items()},
                published.grasp_success,
            )
            for scene, by_policy in scores.items()
        ],
        "Action efficiency (AE)": [
            _chart(
                "Action efficiency",
                scene,
                {
                    policy: (item.action_efficiency, item.completed_action_efficiency)
                    for policy, item in by_policy.items()
                },
                published.action_efficiency,
            )
            for scene, by_policy in scores.items()
        ],
    }


def _chart(
    figure: str,
    scene: str,
    measured: Mapping[str, tuple[Estimate, float]],
    reported: Callable[[Published, str], float | None],
) -> str:
    bars = [Bar(policy, all_.value, all_.interval(), completed) for policy, (all_, completed) in measured.items()]
    theirs = [(method.method, reported(method, scene)) for method in published.PUBLISHED]
    return bar_chart(figure, scene, [*bars, *(Bar(method, value) for method, value in theirs if value is not None)])


def _section(
    scene: str, scores: Mapping[str, Scores], records: Sequence[EpisodeRecord], strips: Sequence[Filmstrip]
) -> SceneSection:
    failed = [
        record
        for record in records
        if record.plan.scene == scene and not record.completed and record.end is not End.NO_SCENE
    ]
    return SceneSection(
        score_table(scene, scores),
        [strip for strip in strips if strip.record.plan.scene == scene],
        sorted(failed, key=lambda record: (record.plan.policy, record.plan.seed)),
    )
