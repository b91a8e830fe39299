"""The table of a scene: figures in percent with their intervals, the paper's own below, a dash for nothing."""

from __future__ import annotations

from episodes import episode
from markup import rows

from impurity_grasp_ros.evaluation.metrics import score
from impurity_grasp_ros.evaluation.record import End
from impurity_grasp_ros.evaluation.score_table import score_table

STRICT = ["runs", "completed %", "GS %", "wrong object %", "AE %", "MN", "targets lost %", "false clear %",
          "false dirty %", "surplus actions", "stops %", "decision s", "faults"]  # fmt: skip


def cells(row: list[str]) -> list[str]:
    """A row without the intervals in small print."""
    return [text for text in row if text.count("-") == 0 or text == "-"]


def test_a_row_shows_the_scores_of_its_policy() -> None:
    table = rows(score_table("noisy", {"<ours>": score([episode("PGEG"), episode("GWG" + "PE")])}))
    assert table[1] == ["policy", *STRICT, "GS %", "AE %"]
    found = dict(zip(["policy", *STRICT, "paper GS", "paper AE"], cells(table[2]), strict=True))
    assert found == {
        "policy": "<ours>",
        "runs": "2",
        "completed %": "100.0",
        "GS %": "66.7",  # 4 of 6
        "wrong object %": "16.7",  # 1 of 6
        "AE %": "57.1",  # 4 of 7
        "MN": "3.5",
        "targets lost %": "0.0",
        "false clear %": "0.0",
        "false dirty %": "50.0",
        "surplus actions": "1.0",
        "stops %": "100.0",
        "decision s": "0.10",
        "faults": "0",
        "paper GS": "66.7",
        "paper AE": "58.3",  # 2 of 4, and 2 of 3
    }
    assert "34-100" in table[2]  # Wilson's interval of 2 out of 2
    assert len(table) == 3


def test_nothing_measured_is_a_dash() -> None:
    found = cells(rows(score_table("noisy", {"ours": score([episode("P", end=End.FAULT)])}))[2])
    assert found == ["ours", "1", "0.0", "-", "-", "0.0", "30.0", "0.0", "0.0", "-", "-", "-", "0.10", "1", "-", "-"]


def test_how_long_a_search_took_is_shown_where_there_was_one() -> None:
    searched = score([episode("PPGG", visible=[0.0, 0.0, 1.0, 1.0, 1.0])])
    table = rows(score_table("noisy", {"ours": searched}))
    assert table[1][14:16] == ["found %", "actions to find"]
    assert cells(table[2])[14:16] == ["100.0", "2.0"]


def test_the_papers_figures_stand_below_in_its_own_scenes() -> None:
    table = rows(score_table("invisible", {"ours": score([episode("GG")])}))
    below = {row[0]: row[1:] for row in table[3:]}
    assert len(below) == 7
    assert below["paper: ours"] == ["table I", "78.5", "16.8"]
    assert below["paper: S-RGM"] == ["figure 10", "20.0", "2.2"]
