"""Scores of one scene as the cells of a table, with the figures that the paper reports for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from impurity_grasp_ros.evaluation import published
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.metrics import Scores

PER_HOUR = 1 / 3600
"""Once per hour, as a rate per second."""

NOTHING = "\N{EN DASH}"
"""Where there is no figure."""


@dataclass(frozen=True)
class Cell:
    """A figure as it is shown.

    Attributes:
        text: The figure, or NOTHING.
        interval: Its 95 % interval, in the same unit.
        counts: What it was computed from, in words.
    """

    text: str
    interval: str = ""
    counts: str = ""


@dataclass(frozen=True)
class ScoreTable:
    """The table of one scene.

    Attributes:
        scene: Its name.
        headings: Of the columns over all episodes.
        completed_headings: Of the columns over completed episodes only, as the paper counts.
        rows: Cells of both kinds of columns by policy.
        published: Method, source, and cells below ``completed_headings`` of what the paper reports for this scene.
    """

    scene: str
    headings: list[str]
    completed_headings: list[str]
    rows: dict[str, tuple[list[Cell], list[Cell]]]
    published: list[tuple[str, str, list[Cell]]]


def percent(value: float | None) -> Cell:
    """A proportion in percent, with one decimal; a dash for NaN and None."""
    return Cell(NOTHING if value is None or math.isnan(value) else f"{100 * value:.1f}")


def number(value: float, digits: int = 1) -> Cell:
    """A number with that many decimals; a dash for NaN."""
    return Cell(NOTHING if math.isnan(value) else f"{value:.{digits}f}")


def estimate_cell(estimate: Estimate, unit: float = 0.01, digits: int = 1) -> Cell:
    """An estimate, in percent or as multiples of ``unit``, with its interval and counts; a dash for NaN."""
    if math.isnan(estimate.value):
        return Cell(NOTHING)
    low, high = estimate.interval()
    return Cell(f"{estimate.value / unit:.{digits}f}", f"{low / unit:.0f}{NOTHING}{high / unit:.0f}", estimate.counts)


_Column = Callable[[Scores], Cell]

_ALL: dict[str, _Column] = {
    "episodes": lambda scores: Cell(str(scores.runs)),
    "completed %": lambda scores: estimate_cell(scores.completion),
    "GS %": lambda scores: estimate_cell(scores.grasp_success),
    "wrong object %": lambda scores: estimate_cell(scores.wrong_object),
    "AE %": lambda scores: estimate_cell(scores.action_efficiency),
    "recovery %": lambda scores: estimate_cell(scores.recovery),
    "purity %": lambda scores: estimate_cell(scores.purity),
    "product lost %": lambda scores: estimate_cell(scores.product_loss),
    "picks/h": lambda scores: estimate_cell(scores.picks_per_second, PER_HOUR, digits=0),
    "MN": lambda scores: number(scores.motions),
    "targets lost %": lambda scores: estimate_cell(scores.lost),
    "false clear %": lambda scores: estimate_cell(scores.false_clear),
    "false dirty %": lambda scores: estimate_cell(scores.false_dirty),
    "surplus actions": lambda scores: number(scores.surplus_actions),
    "stops %": lambda scores: estimate_cell(scores.stopped),
    "decision s": lambda scores: number(scores.decision_seconds, 2),
    "faults": lambda scores: Cell(str(scores.faults)),
}
_SEARCH: dict[str, _Column] = {
    "found %": lambda scores: estimate_cell(scores.found),
    "actions to find": lambda scores: number(scores.actions_to_visible),
}
_COMPLETED: dict[str, _Column] = {
    "GS %": lambda scores: percent(scores.completed_grasp_success),
    "AE %": lambda scores: percent(scores.completed_action_efficiency),
}


def score_table(scene: str, scores: Mapping[str, Scores]) -> ScoreTable:
    """Make the table of a scene.

    Args:
        scene: Its name.
        scores: By policy.

    Returns:
        The table. It says how long the search took if a target was hidden at first.
    """
    searched = any(item.actions_to_visible > 0.5 for item in scores.values())
    columns = _ALL | (_SEARCH if searched else {})
    rows = {
        policy: ([column(item) for column in columns.values()], [column(item) for column in _COMPLETED.values()])
        for policy, item in scores.items()
    }
    return ScoreTable(scene, list(columns), list(_COMPLETED), rows, _published(scene))


def _published(scene: str) -> list[tuple[str, str, list[Cell]]]:
    if scene not in published.SCENES:
        return []
    figures = published.grasp_success, published.action_efficiency
    return [
        (method.method, method.source, [percent(figure(method, scene)) for figure in figures])
        for method in published.PUBLISHED
    ]
