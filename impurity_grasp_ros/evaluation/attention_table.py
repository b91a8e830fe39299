"""Figures about attention as the cells of a table, for terminal and page alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from impurity_grasp_ros.evaluation.attention_scores import AttentionScores
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.score_table import Cell, estimate_cell, number


def _without_interval(estimate: Estimate) -> Cell:
    """A rate of frames or objects: those of one job depend on one another, so Wilson's interval would be too narrow."""
    return replace(estimate_cell(estimate), interval="")


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        heading: On the page.
        short: In the terminal.
        cell: Makes its cell from the figures of a row.
    """

    heading: str
    short: str
    cell: Callable[[AttentionScores], Cell]


COLUMNS = (
    Column("scenes", "scenes", lambda scores: Cell(str(scores.jobs))),
    Column("odd one found first %", "found", lambda scores: estimate_cell(scores.found_first)),
    Column("ordinary one taken %", "wrong", lambda scores: _without_interval(scores.wrong)),
    Column("false CLEAR %", "clear", lambda scores: _without_interval(scores.false_clear)),
    Column("CANDIDATE %", "cand.", lambda scores: _without_interval(scores.candidate)),
    Column("refused %", "ref.", lambda scores: _without_interval(scores.refused)),
    Column("objects found %", "objects", lambda scores: _without_interval(scores.objects_found)),
    Column("ECE", "ECE", lambda scores: number(scores.calibration_error, 3)),
    Column("ms", "ms", lambda scores: number(1000 * scores.seconds, 0)),
)


def cells(scores: AttentionScores) -> list[Cell]:
    """The cells of one row, in the order of COLUMNS."""
    return [column.cell(scores) for column in COLUMNS]
