"""Records survive a file, whatever interrupts the writing of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

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
    read_episode_records,
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
    assert read_episode_records(tmp_path / "new") == EPISODES
    assert read_episode_records(tmp_path / "elsewhere") == []


def test_half_a_line_is_left_out_and_then_overwritten(tmp_path: Path) -> None:
    append_record(tmp_path, EPISODES[0])
    with (tmp_path / RECORDS).open("a") as file:
        file.write(to_json(EPISODES[1])[:100])
    assert read_episode_records(tmp_path) == EPISODES[:1]
    append_record(tmp_path, EPISODES[2])
    assert read_episode_records(tmp_path) == [EPISODES[0], EPISODES[2]]


@pytest.mark.parametrize("line", ["{}", "[]", "moon", to_json(EPISODES[0]).replace("clear", "moon")])
def test_what_is_no_record_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / RECORDS).write_text(line + "\n")
    with pytest.raises(ConfigError, match="expected the record of an episode"):
        read_episode_records(tmp_path)


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


def test_a_line_has_the_plan_and_the_documented_names() -> None:
    values = json.loads(to_json(episode("PG", 1, seed=3)))
    assert (values["policy"], values["scene"], values["seed"], values["quick"]) == ("analytic", "random", 3, False)
    assert (values["end"], values["completed_after"], values["targets"], values["budget"]) == ("clear", 2, 1, 15)
    assert [action["kind"] for action in values["actions"]] == ["PUSH", "GRASP"]
    assert "plan" not in values


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": -1}, "expected 0 to 2 targets"),
        ({"budget": -1}, "expected 0 to 2 targets"),
        ({"targets_delivered": -1}, "received -1 delivered and 1 lost"),
        ({"targets_lost": -1}, "received 1 delivered and -1 lost"),
        ({"targets_lost": 2}, "received 1 delivered and 2 lost"),
        ({"completed_after": 4}, "completed_after: expected 0 to 3, received 4"),
        ({"completed_after": -1}, "completed_after: expected 0 to 3, received -1"),
        ({"end": "bored"}, "end: expected one of complete, clear, budget, fault, no scene"),
    ],
)
def test_numbers_that_cannot_be_are_refused(change: dict[str, Any], words: str) -> None:
    values = json.loads(to_json(episode("PGE", lost=1)))
    assert from_json(json.dumps(values | {"completed_after": 3})).completed_after == 3
    with pytest.raises(ConfigError, match=f"expected the record of an episode, received .*{words}"):
        from_json(json.dumps(values | change))


@pytest.mark.parametrize("others", [0, -1])
def test_more_others_in_the_bin_than_there_are_are_refused(others: int) -> None:
    values = json.loads(to_json(episode("WG")))
    with pytest.raises(ConfigError, match=f"expected 0 to {others} other objects, received 1 delivered"):
        from_json(json.dumps(values | {"others": others}))


@pytest.mark.parametrize("name", ["targets_delivered", "robot_seconds", "opening"])
def test_an_action_that_brings_less_than_nothing_is_refused(name: str) -> None:
    values = json.loads(to_json(episode("PG")))
    values["actions"][1][name] = -1
    with pytest.raises(ConfigError, match="expected counts and times of at least 0"):
        from_json(json.dumps(values))


def test_actions_until_completion_count_and_the_others_are_surplus() -> None:
    done, open_ = episode("PGGEP"), episode("PGE")
    assert (done.counted, done.surplus) == (done.actions[:3], done.actions[3:])
    assert (open_.counted, open_.surplus) == (open_.actions, ())
    assert (done.completed, open_.completed) == (True, False)


def test_only_who_says_clear_and_rightly_took_some_actions_to_do_so() -> None:
    assert episode("GGEP").actions_to_clear == 2
    assert episode("GG").actions_to_clear == 0
    assert episode("GGEP", end=End.BUDGET).actions_to_clear is None
    assert episode("GEP").actions_to_clear is None


def test_without_its_times_a_record_is_the_same_for_all_machines() -> None:
    record = episode("PG")
    slow = replace(record, actions=tuple(replace(action, decision_seconds=9.0) for action in record.actions))
    assert slow != record
    assert slow.without_times() == record.without_times()
    assert [action.decision_seconds for action in slow.without_times().actions] == [0.0, 0.0]
    assert replace(slow, targets_lost=1).without_times() != record.without_times()


def test_the_commit_alone_makes_no_other_episode() -> None:
    plan = episode("").plan
    assert replace(plan, commit="another").identity == plan.identity
    changes: list[dict[str, Any]] = [
        {"policy": "x"},
        {"scene": "x"},
        {"seed": 9},
        {"quick": True},
        {"config_hash": "x"},
    ]
    for change in changes:
        assert replace(plan, **change).identity != plan.identity


def test_the_latest_edition_keeps_the_order_and_leaves_other_configurations_out() -> None:
    records = [episode("GG", seed=seed) for seed in (4, 2, 3)]
    older = replace(records[0], plan=replace(records[0].plan, config_hash="older"))
    assert latest_edition(iter([older, *records])) == records
