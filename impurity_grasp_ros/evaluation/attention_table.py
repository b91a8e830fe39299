"""Figures about attention as the cells of a table, for terminal and page alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from impurity_grasp_ros.evaluation.attention_scores import AttentionScores
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.score_table import Cell, estimate_cell, number


def _without_interval(estimate: Estimate) -> Cell:
    """A rate of frames or objects: those of one job depend on one another, so Wilson's interval would be too narrow."""
    return replace(estimate_cell(estimate), interval="")


COLUMNS: Mapping[str, Callable[[AttentionScores], Cell]] = {
    "scenes": lambda scores: Cell(str(scores.jobs)),
    "odd one found first %": lambda scores: estimate_cell(scores.found_first),
    "ordinary one taken %": lambda scores: _without_interval(scores.wrong),
    "false CLEAR %": lambda scores: _without_interval(scores.false_clear),
    "CANDIDATE %": lambda scores: _without_interval(scores.candidate),
    "refused %": lambda scores: _without_interval(scores.refused),
    "objects found %": lambda scores: _without_interval(scores.objects_found),
    "ECE": lambda scores: number(scores.calibration_error, 3),
    "ms": lambda scores: number(1000 * scores.seconds, 0),
}
"""Columns by their headings."""


def cells(scores: AttentionScores) -> list[Cell]:
    """The cells of one row, below the headings of COLUMNS."""
    return [column(scores) for column in COLUMNS.values()]
