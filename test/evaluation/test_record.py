"""Records survive a file, whatever interrupts the writing of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from episodes import episode

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.record import (
    RECORDS,
    End,
    EpisodeRecord,
    append_record,
    from_json,
    latest_edition,
    read_records,
    to_json,
)

EPISODES = [episode("PGWEG"), episode("", end=End.FAULT), episode("", 0, end=End.NO_SCENE), episode("P", lost=1)]


@pytest.mark.parametrize("record", EPISODES)
def test_a_record_survives_json(record: EpisodeRecord) -> None:
    line = to_json(record)
    assert "\n" not in line
    assert from_json(line) == record


def test_records_are_read_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    for record in EPISODES:
        append_record(tmp_path / "new", record)
    assert read_records(tmp_path / "new") == EPISODES
    assert read_records(tmp_path / "elsewhere") == []


def test_half_a_line_is_left_out_and_then_overwritten(tmp_path: Path) -> None:
    append_record(tmp_path, EPISODES[0])
    with (tmp_path / RECORDS).open("a") as file:
        file.write(to_json(EPISODES[1])[:100])
    assert read_records(tmp_path) == EPISODES[:1]
    append_record(tmp_path, EPISODES[2])
    assert read_records(tmp_path) == [EPISODES[0], EPISODES[2]]


@pytest.mark.parametrize("line", ["{}", "[]", "moon", to_json(EPISODES[0]).replace("clear", "moon")])
def test_what_is_no_record_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / RECORDS).write_text(line + "\n")
    with pytest.raises(ConfigError, match="expected the record of an episode"):
        read_records(tmp_path)


def test_only_records_like_the_last_belong_together() -> None:
    full, quick, other = episode("GG"), episode("GG", quick=True), episode("PGG", seed=1)
    assert latest_edition([full, quick, other]) == [full, other]
    assert latest_edition([]) == []


def test_an_episode_that_was_recorded_twice_counts_once() -> None:
    first, again = episode("GG"), episode("PPPPGG")
    assert latest_edition([first, again]) == [first]


def test_saying_clear_is_false_only_while_a_target_lies_in_the_workspace() -> None:
    assert episode("G").false_clear
    assert not episode("G", lost=1).false_clear
    assert not episode("GG").false_clear
    assert not episode("G", end=End.BUDGET).false_clear
