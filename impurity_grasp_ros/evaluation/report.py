"""One HTML page about a benchmark. It needs no other file, no network and no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape

from impurity_grasp_ros.evaluation import published
from impurity_grasp_ros.evaluation.bar_panels import Bar, Row, bar_panels
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.filmstrip import Filmstrip, filmstrip_html
from impurity_grasp_ros.evaluation.grouping import by_scene_and_policy
from impurity_grasp_ros.evaluation.learning_curves import Round, learning_curves
from impurity_grasp_ros.evaluation.metrics import Scores, score
from impurity_grasp_ros.evaluation.published import Published
from impurity_grasp_ros.evaluation.record import End, EpisodeRecord, latest_edition
from impurity_grasp_ros.evaluation.score_table import score_table
from impurity_grasp_ros.evaluation.stylesheet import CSS, DEFINITIONS

ByScene = Mapping[str, Mapping[str, Scores]]
Figures = tuple[Estimate, float]


def report(
    records: Sequence[EpisodeRecord], rounds: Sequence[Round], strips: Sequence[Filmstrip], written: datetime
) -> str:
    """The page about the latest edition of the records; what is not given is left out of it."""
    current = latest_edition(records)
    scores = _scores(current)
    parts = [_head(current, len(records) - len(current), written)]
    if scores:
        parts += ["<section><h2>At a glance</h2>", *_charts(scores), "</section>"]
    for scene, by_policy in scores.items():
        parts += [f"<section><h2>{escape(scene)}</h2>", score_table(scene, by_policy)]
        parts += [filmstrip_html(strip) for strip in strips if strip.record.plan.scene == scene]
        parts += [_failures([record for record in current if record.plan.scene == scene]), "</section>"]
    if rounds:
        last = rounds[-1]
        words = f"{last.round} rounds, {last.attempts} attempts, {last.transitions} transitions in the replay memory. "
        words += "Success counts greedy actions only. Lines are means over the last 300 attempts, as in the paper's "
        words += "figure 9, dots single rounds."
        parts += [f"<section><h2>Training</h2><p>{words}</p>", learning_curves(rounds), "</section>"]
    parts.append(DEFINITIONS)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Benchmark</title>{CSS}'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>\n'


def _scores(records: Sequence[EpisodeRecord]) -> dict[str, dict[str, Scores]]:
    scores: dict[str, dict[str, Scores]] = {}
    for (scene, policy), runs in by_scene_and_policy(records).items():
        scores.setdefault(scene, {})[policy] = score(runs)
    return scores


def _head(records: Sequence[EpisodeRecord], left_out: int, written: datetime) -> str:
    title = "<h1>Picking impurities: benchmark</h1>"
    if not records:
        return f"{title}<p>No records.</p>"
    last = records[-1].plan
    seeds = sorted({record.plan.seed for record in records})
    commits = ", ".join(dict.fromkeys(record.plan.commit for record in records))
    facts = [
        f"{len(records)} episodes in simulation, seeds {seeds[0]} to {seeds[-1]}",
        f"configuration {last.config_hash}, commit {commits}",
        f"written {written:%Y-%m-%d %H:%M}",
    ]
    if last.quick:
        facts.append("quick: stopped at completion, 10 actions a target")
    if left_out:
        facts.append(f"{left_out} records of other configurations left out")
    missing = sum(record.end is End.NO_SCENE for record in records)
    if missing:
        facts.append(f"{missing} seeds gave no scene")
    return f'{title}<p class="facts">{escape(" · ".join(facts))}</p>'


def _charts(scores: ByScene) -> list[str]:
    """Grasp success and action efficiency, ours against the paper's; its scenes first, at most three in a row."""
    names = list(scores)
    same = [name for name in names if name in published.SCENES]
    other = [name for name in names if name not in published.SCENES]
    rows = [same, *(other[start : start + 3] for start in range(0, len(other), 3))]
    parts = [{name: scores[name] for name in row} for row in rows if row]
    return [
        "<h3>Grasp success, percent</h3>",
        *(_chart(part, "Grasp success", _grasp_figures, published.grasp_success) for part in parts),
        "<h3>Action efficiency, percent</h3>",
        *(_chart(part, "Action efficiency", _action_figures, published.action_efficiency) for part in parts),
        '<p class="legend"><b class="own"></b> measured here, strict, with 95 % interval '
        '<b class="marker"></b> the same runs counted as in the paper '
        '<b class="other"></b> reported in the paper (another simulator, gripper and set of objects)</p>',
    ]


def _grasp_figures(scores: Scores) -> Figures:
    """Grasp success, strict and counted as in the paper."""
    return scores.grasp_success, scores.completed_grasp_success


def _action_figures(scores: Scores) -> Figures:
    """Action efficiency, strict and counted as in the paper."""
    return scores.action_efficiency, scores.completed_action_efficiency


def _chart(
    scores: ByScene,
    title: str,
    figures: Callable[[Scores], Figures],
    reported: Callable[[Published, str], float | None],
) -> str:
    return bar_panels(title, list(scores), [*_own_rows(scores, figures), *_paper_rows(scores, reported)])


def _own_rows(scores: ByScene, figures: Callable[[Scores], Figures]) -> list[Row]:
    """A row for each policy."""
    bars: dict[str, dict[str, Bar]] = {}
    for scene, by_policy in scores.items():
        for policy, item in by_policy.items():
            strict, per_completion = figures(item)
            bars.setdefault(policy, {})[scene] = Bar(strict.value, strict.interval(), per_completion)
    return [Row(policy, "own", by_scene) for policy, by_scene in bars.items()]


def _paper_rows(scores: ByScene, figure: Callable[[Published, str], float | None]) -> list[Row]:
    """A row for each method that the paper reports about."""
    rows = []
    for method in published.PUBLISHED:
        values = {scene: figure(method, scene) for scene in scores}
        bars = {scene: Bar(value) for scene, value in values.items() if value is not None}
        rows.append(Row(method.method, "other", bars))
    return [row for row in rows if row.bars]


def _failures(records: Sequence[EpisodeRecord]) -> str:
    """All runs that were not completed, folded away."""
    failed = [record for record in records if not record.completed and record.end is not End.NO_SCENE]
    if not failed:
        return ""
    head = "<tr><th>policy</th><th>seed</th><th>ended by</th><th>in the bin</th><th>lost</th><th>actions</th></tr>"
    rows = "".join(_row(record) for record in sorted(failed, key=lambda record: (record.plan.policy, record.plan.seed)))
    summary = f"<summary>Runs that were not completed: {len(failed)}</summary>"
    return f"<details>{summary}<table><thead>{head}</thead><tbody>{rows}</tbody></table></details>"


def _row(record: EpisodeRecord) -> str:
    """A run in the table of those that were not completed."""
    cells = [
        str(record.plan.seed),
        record.fault or record.end.value,
        f"{record.targets_delivered} of {record.targets}",
        str(record.targets_lost),
        str(len(record.actions)),
    ]
    return f"<tr><th>{escape(record.plan.policy)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
