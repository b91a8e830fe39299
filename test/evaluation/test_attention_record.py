"""Records of attention survive a file, whatever interrupts the writing of it, and are not mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from attention_jobs import frame, job

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.attention_record import (
    ATTENTION_RECORDS,
    Hit,
    JobPlan,
    JobRecord,
    ObjectRecord,
    append_job_record,
    from_json,
    read_job_records,
    to_json,
)

OBJECTS = (ObjectRecord(0.25, False), ObjectRecord(1.0, True))
JOBS = [
    job(frame(), frame("CLEAR", step=1, left=0, in_view=0)),
    job(frame("VIEW_INCOMPLETE", score=None), seed=1),
    job(seed=2),
    job(frame(objects=OBJECTS, found=2), frame("CANDIDATE", objects=(), found=0, step=1), seed=3, mode="objects"),
]


@pytest.mark.parametrize("record", JOBS)
def test_a_record_survives_json(record: JobRecord) -> None:
    line = to_json(record)
    assert "\n" not in line
    assert from_json(line) == record


def test_records_are_read_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    for record in JOBS:
        append_job_record(tmp_path / "new", record)
    assert read_job_records(tmp_path / "new") == JOBS
    assert read_job_records(tmp_path / "elsewhere") == []


def test_half_a_line_is_left_out_and_then_overwritten(tmp_path: Path) -> None:
    append_job_record(tmp_path, JOBS[0])
    with (tmp_path / ATTENTION_RECORDS).open("a") as file:
        file.write(to_json(JOBS[1])[:100])
    assert read_job_records(tmp_path) == JOBS[:1]
    append_job_record(tmp_path, JOBS[2])
    assert read_job_records(tmp_path) == [JOBS[0], JOBS[2]]


def test_a_job_that_was_recorded_twice_counts_once_whatever_the_commit(tmp_path: Path) -> None:
    again = job(frame("CLEAR"))
    for record in (JOBS[0], replace(again, plan=replace(again.plan, commit="another")), JOBS[1]):
        append_job_record(tmp_path, record)
    assert read_job_records(tmp_path) == [JOBS[0], JOBS[1]]


@pytest.mark.parametrize("change", [{"config_hash": "another"}, {"removals": 4}])
def test_records_of_several_configurations_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    append_job_record(tmp_path, JOBS[0])
    append_job_record(tmp_path, replace(JOBS[1], plan=replace(JOBS[1].plan, **change)))
    with pytest.raises(ConfigError, match="one configuration, received 0123456789ab with 3 removals and "):
        read_job_records(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "moon",
        to_json(JOBS[0]).replace("odd", "moon"),
        to_json(JOBS[0]).replace('"targets_in_view": 1', '"targets_in_view": 2'),
        to_json(JOBS[0]).replace('"targets_in_view": 1', '"targets_in_view": -1'),
        to_json(JOBS[0]).replace('"step": 0', '"step": -1'),
        to_json(JOBS[0]).replace('"iou": 0.8', '"iou": 1.8'),
        to_json(JOBS[3]).replace('"probability": 0.25', '"probability": -0.25'),
        to_json(JOBS[3]).replace('"objects_found": 2', '"objects_found": 11'),
    ],
)
def test_what_is_no_record_is_refused(line: str) -> None:
    assert line not in map(to_json, JOBS)
    with pytest.raises(ConfigError, match="expected the record of a job"):
        from_json(line)


def test_a_line_has_the_documented_names() -> None:
    values = json.loads(to_json(JOBS[0]))
    assert [values[name] for name in ("scene", "seed", "mode", "removals")] == ["random", 0, "outlier", 3]
    assert [item["state"] for item in values["frames"]] == ["TARGET", "CLEAR"]
    assert [item["hit"] for item in values["frames"]] == ["odd", "nothing"]


def test_half_of_the_jobs_lose_their_targets_first() -> None:
    assert [JobPlan("random", seed, "outlier", 3).targets_first for seed in range(4)] == [True, False, True, False]


def test_a_frame_says_what_is_wrong_with_it() -> None:
    hidden = frame("CLEAR", in_view=0)
    assert (hidden.wrong, hidden.missed, hidden.false_clear, hidden.refused) == (False, False, True, False)
    missed = frame("CANDIDATE")
    assert (missed.wrong, missed.missed, missed.false_clear, missed.refused) == (False, True, False, False)
    empty = frame("CLEAR", left=0, in_view=0)
    assert (empty.wrong, empty.missed, empty.false_clear, empty.refused) == (False, False, False, False)
    refused = frame("VIEW_INCOMPLETE", score=None, in_view=0)
    assert (refused.wrong, refused.missed, refused.false_clear, refused.refused) == (False, False, False, True)
    right = frame()
    assert (right.wrong, right.missed, right.false_clear, right.refused) == (False, False, False, False)
    assert frame(hit=Hit.ORDINARY).wrong
    assert frame(hit=Hit.TABLE).wrong


def test_times_are_the_only_thing_that_may_differ() -> None:
    slow, fast = (job(frame(seconds=seconds)) for seconds in (1.0, 0.5))
    assert slow != fast
    assert slow.without_times() == fast.without_times()
    assert job(frame(score=0.6)).without_times() != fast.without_times()
