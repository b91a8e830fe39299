"""Scores of one scene as an HTML table, a row a policy, with the paper's own figures below."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape

from impurity_grasp_ros.evaluation import published
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.metrics import Scores

Cell = Callable[[Scores], str]

NOTHING = "&ndash;"
"""Where there is no figure."""


def _share(share: Estimate) -> str:
    """Percent, and the interval in small print below."""
    if math.isnan(share.value):
        return NOTHING
    low, high = share.interval()
    small = f'<small title="{share.counts}">{100 * low:.0f}&ndash;{100 * high:.0f}</small>'
    return f"{100 * share.value:.1f}{small}"


def _percent(value: float | None) -> str:
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.1f}"


def _number(value: float, digits: int = 1) -> str:
    return NOTHING if math.isnan(value) else f"{value:.{digits}f}"


STRICT: dict[str, Cell] = {
    "runs": lambda scores: str(scores.runs),
    "completed %": lambda scores: _share(scores.completion),
    "GS %": lambda scores: _share(scores.grasp_success),
    "wrong object %": lambda scores: _share(scores.wrong_object),
    "AE %": lambda scores: _share(scores.action_efficiency),
    "MN": lambda scores: _number(scores.motions),
    "targets lost %": lambda scores: _share(scores.lost),
    "false clear %": lambda scores: _share(scores.false_clear),
    "false dirty %": lambda scores: _share(scores.false_dirty),
    "surplus actions": lambda scores: _number(scores.surplus_actions),
    "stops %": lambda scores: _share(scores.stopped),
    "decision s": lambda scores: _number(scores.decision_seconds, 2),
    "faults": lambda scores: str(scores.faults),
}
SEARCH: dict[str, Cell] = {
    "found %": lambda scores: _share(scores.found),
    "actions to find": lambda scores: _number(scores.actions_to_visible),
}
PER_COMPLETION: dict[str, Cell] = {
    "GS %": lambda scores: _percent(scores.completed_grasp_success),
    "AE %": lambda scores: _percent(scores.completed_action_efficiency),
}


def score_table(scene: str, scores: Mapping[str, Scores]) -> str:
    """The table of a scene; how long a search took is shown where there was one."""
    searched = any(item.actions_to_visible > 0.5 for item in scores.values())
    strict = STRICT | (SEARCH if searched else {})
    groups = (
        f'<th></th><th colspan="{len(strict)}">strict</th><th colspan="2" class="paper">counted as in the paper</th>'
    )
    names = "<th>policy</th>" + "".join(f"<th>{name}</th>" for name in strict)
    names += "".join(f'<th class="paper">{name}</th>' for name in PER_COMPLETION)
    rows = [_row(policy, item, strict) for policy, item in scores.items()] + _paper_rows(scene, len(strict))
    return f"<table><thead><tr>{groups}</tr><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _row(policy: str, scores: Scores, strict: Mapping[str, Cell]) -> str:
    cells = "".join(f"<td>{cell(scores)}</td>" for cell in strict.values())
    cells += "".join(f'<td class="paper">{cell(scores)}</td>' for cell in PER_COMPLETION.values())
    return f"<tr><th>{escape(policy)}</th>{cells}</tr>"


def _paper_rows(scene: str, columns: int) -> list[str]:
    """What the paper reports for this scene."""
    if scene not in published.SCENES:
        return []
    return [
        f'<tr class="other"><th>{escape(method.method)}</th><td colspan="{columns}" class="source">'
        f"{escape(method.source)}</td>"
        f'<td class="paper">{_percent(published.grasp_success(method, scene))}</td>'
        f'<td class="paper">{_percent(published.action_efficiency(method, scene))}</td></tr>'
        for method in published.PUBLISHED
    ]
