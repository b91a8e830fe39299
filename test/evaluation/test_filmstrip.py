"""Pictures of an episode with what came of each decision."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace

import pytest
from episodes import episode

from impurity_grasp_ros.evaluation.filmstrip import Filmstrip, first_episodes
from impurity_grasp_ros.evaluation.record import End, EpisodeRecord


def strip(record: EpisodeRecord, pictures: int, *, faithful: bool = True) -> list[str]:
    film = Filmstrip(record, (b"png",) * pictures, faithful)
    return [film.heading, *(frame.caption for frame in film.frames)]


def test_each_picture_says_what_came_of_its_decision() -> None:
    words = strip(episode("PWEGG", policy="ours", seed=7), 6)
    assert words == [
        "ours, seed 7: 2 of 2 targets, stopped on its own.",
        "1 push",
        "2 grasp: wrong object",
        "3 grasp: empty",
        "4 grasp: target in the bin",
        "5 grasp: target in the bin",
        "says clear",
    ]


def test_each_picture_is_marked_by_its_result_and_holds_its_file() -> None:
    frames = Filmstrip(episode("PWEG"), (b"0", b"1", b"2", b"3", b"4"), faithful=True).frames
    assert [frame.result for frame in frames] == ["neutral", "bad", "bad", "good", "stop"]
    assert [b64decode(frame.url.removeprefix("data:image/png;base64,")) for frame in frames] == [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
    ]


def test_a_status_is_said_in_words() -> None:
    record = episode("P", end=End.BUDGET)
    refused = replace(record, actions=(replace(record.actions[0], status="OUT_OF_WORKSPACE"),))
    assert strip(refused, 2)[1:] == ["1 push: out of workspace", "not executed"]


@pytest.mark.parametrize(
    ("record", "ending"),
    [
        (episode("GG", end=End.COMPLETE), "ended at completion"),
        (episode("GGPE"), "stopped on its own, 2 actions late"),
        (episode("G"), "stopped too early"),
        (episode("E" * 30, end=End.BUDGET), "stopped after all 30 actions"),
        (episode("E", end=End.FAULT), "ended by NoPrimitiveError"),
    ],
)
def test_the_head_says_how_it_ended(record: EpisodeRecord, ending: str) -> None:
    assert strip(record, len(record.actions))[0].endswith(f" targets, {ending}.")


def test_a_run_that_differs_from_the_recorded_one_says_so() -> None:
    assert "differs from the recorded one" in strip(episode("GG"), 2, faithful=False)[0]
    assert "differs" not in strip(episode("GG"), 2)[0]


def test_the_first_runs_by_seed_are_chosen_and_no_missing_scenes() -> None:
    records = [
        episode("GG", seed=5),
        episode("E", seed=2),
        episode("", 0, seed=0, end=End.NO_SCENE),
        episode("P", seed=3),
    ]
    assert [record.plan.seed for record in first_episodes(records, 2)] == [2, 3]
    assert len(first_episodes(records, 9)) == 3
