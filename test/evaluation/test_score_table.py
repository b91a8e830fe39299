"""The table of a scene: figures in percent with their intervals, the paper's own below, a dash for nothing."""

from __future__ import annotations

import math

from episodes import episode

from impurity_grasp_ros.evaluation.metrics import score
from impurity_grasp_ros.evaluation.record import End
from impurity_grasp_ros.evaluation.score_table import ScoreTable, number, percent, score_table

NOTHING = "\N{EN DASH}"


def shown(table: ScoreTable, policy: str) -> dict[str, str]:
    """The figures of a policy over all episodes by heading."""
    return dict(zip(table.headings, (cell.text for cell in table.rows[policy][0]), strict=True))


def test_a_row_shows_the_scores_of_its_policy() -> None:
    table = score_table("noisy", {"ours": score([episode("PGEG"), episode("GWG" + "PE")])})
    assert shown(table, "ours") == {
        "episodes": "2",
        "completed %": "100.0",
        "GS %": "66.7",  # 4 of 6
        "wrong object %": "16.7",  # 1 of 6
        "AE %": "57.1",  # 4 of 7
        "recovery %": "100.0",
        "purity %": "80.0",  # 4 of 5 in the bin
        "product lost %": "3.3",  # 1 of 2 x 15
        "picks/h": "400",  # 4 in 9 actions of 4 s
        "MN": "3.5",
        "targets lost %": "0.0",
        "false clear %": "0.0",
        "false dirty %": "50.0",
        "surplus actions": "1.0",
        "stops %": "100.0",
        "decision s": "0.10",
        "faults": "0",
    }
    assert table.completed_headings == ["GS %", "AE %"]
    assert [cell.text for cell in table.rows["ours"][1]] == ["66.7", "58.3"]  # of AE 2 of 4, and 2 of 3
    assert (table.scene, list(table.rows), table.published) == ("noisy", ["ours"], [])


def test_a_proportion_comes_with_its_interval_and_counts() -> None:
    cells, completed = score_table("noisy", {"ours": score([episode("PGEG"), episode("GWG" + "PE")])}).rows["ours"]
    assert (cells[1].interval, cells[1].counts) == (f"34{NOTHING}100", "2 of 2")  # Wilson's
    assert (cells[2].counts, cells[4].counts) == ("4 of 6", "4 per 7")
    assert (cells[8].counts, cells[8].interval) == ("4 per 36", f"360{NOTHING}450")  # 2 in 5 and in 4 actions
    assert not [cell for cell in (cells[0], cells[9], *completed) if cell.interval]


def test_nothing_measured_is_a_dash() -> None:
    table = score_table("noisy", {"ours": score([episode("P", end=End.FAULT)])})
    nothing = ["GS %", "wrong object %", "purity %", "false dirty %", "surplus actions", "stops %"]
    assert [heading for heading, text in shown(table, "ours").items() if text == NOTHING] == nothing
    assert [cell.text for cell in table.rows["ours"][1]] == [NOTHING] * 2
    assert (percent(math.nan).text, percent(None).text, number(math.nan).text) == (NOTHING,) * 3


def test_numbers_have_the_decimals_that_are_asked_for() -> None:
    assert (percent(0.12345).text, number(0.12345).text, number(0.12345, 4).text) == ("12.3", "0.1", "0.1235")


def test_how_long_a_search_took_is_shown_where_there_was_one() -> None:
    searched = score([episode("PPGG", visible=[0.0, 0.0, 1.0, 1.0, 1.0])])
    found = shown(score_table("noisy", {"ours": searched}), "ours")
    assert list(found.items())[-2:] == [("found %", "100.0"), ("actions to find", "2.0")]


def test_the_papers_figures_stand_below_in_its_own_scenes() -> None:
    table = score_table("invisible", {"ours": score([episode("GG")])})
    below = {method: (source, *(cell.text for cell in cells)) for method, source, cells in table.published}
    assert len(below) == 7
    assert below["paper: ours"] == ("table I", "78.5", "16.8")
    assert below["paper: S-RGM"] == ("figure 10", "20.0", "2.2")
