"""Figures about attention: each counts what its name says, over the frames that it is about."""

from __future__ import annotations

import math

import pytest
from attention_jobs import frame, job

from impurity_grasp_ros.evaluation.attention_record import Hit, ObjectRecord
from impurity_grasp_ros.evaluation.attention_scores import (
    ReliabilityBin,
    by_scene_and_mode,
    calibration_error,
    reliability,
    score_attention,
)
from impurity_grasp_ros.evaluation.attention_table import COLUMNS, cells
from impurity_grasp_ros.evaluation.estimates import Proportion

JOBS = [
    job(frame(seconds=0.01), frame("CLEAR", step=1, left=0, in_view=0, seconds=0.03)),
    job(frame("CANDIDATE", in_view=0), frame(hit=Hit.ORDINARY, step=1), frame("CLEAR", step=2, in_view=0), seed=1),
    job(frame("CLEAR"), frame(step=1), frame(hit=Hit.TABLE, step=2, left=0, in_view=0), seed=2),
    job(frame("VIEW_INCOMPLETE", score=None), seed=3),
    job(seed=4),
]


def test_every_figure_has_its_own_frames() -> None:
    scores = score_attention(JOBS)
    assert scores.jobs == 4
    assert scores.found_first == Proportion(1, 3)  # of seeds 0, 2 and 3; in seed 1 no target is in view at first
    assert scores.wrong == Proportion(2, 9)
    assert scores.false_clear == Proportion(2, 7)
    assert scores.candidate == Proportion(1, 9)
    assert scores.refused == Proportion(1, 9)
    assert scores.objects_found == Proportion(0, 0)
    assert math.isnan(scores.calibration_error)
    assert scores.seconds == 0.02


def test_objects_are_counted_over_the_frames_of_modes_that_tell_them_apart() -> None:
    objects = (ObjectRecord(0.5, True), ObjectRecord(0.5, False))
    scores = score_attention([job(frame(objects=objects, found=2), frame(objects=(), found=0), frame())])
    assert scores.objects_found == Proportion(2, 20)
    assert scores.calibration_error == 0.0


def test_without_frames_there_are_no_figures() -> None:
    assert [cell.text for cell in cells(score_attention([job()]))] == ["0"] + ["\N{EN DASH}"] * (len(COLUMNS) - 1)


def test_probabilities_fall_into_ten_ranges() -> None:
    objects = [ObjectRecord(p, odd) for p, odd in ((0.0, False), (0.06, True), (0.1, False), (0.95, True), (1.0, True))]
    first, second, last = reliability(objects)
    assert first == ReliabilityBin(0.03, Proportion(1, 2))
    assert second == ReliabilityBin(0.1, Proportion(0, 1))
    assert (last.probability, last.odd) == (pytest.approx(0.975), Proportion(2, 2))
    assert reliability([]) == []


def test_the_calibration_error_is_the_mean_distance_weighted_by_objects() -> None:
    bins = [ReliabilityBin(0.1, Proportion(1, 2)), ReliabilityBin(0.9, Proportion(5, 6))]
    assert calibration_error(bins) == pytest.approx((2 * 0.4 + 6 * (0.9 - 5 / 6)) / 8)


def test_cells_have_percent_interval_and_counts() -> None:
    shown = dict(zip((column.short for column in COLUMNS), cells(score_attention(JOBS)), strict=True))
    assert (shown["scenes"].text, shown["found"].text, shown["wrong"].text) == ("4", "33.3", "22.2")
    assert shown["found"].interval == "6\N{EN DASH}79"
    assert shown["found"].counts == "1 of 3"
    assert (shown["wrong"].interval, shown["wrong"].counts) == ("", "2 of 9")
    assert (shown["clear"].text, shown["cand."].text, shown["ref."].text) == ("28.6", "11.1", "11.1")
    assert (shown["objects"].text, shown["ECE"].text, shown["ms"].text) == ("\N{EN DASH}", "\N{EN DASH}", "20")


def test_families_are_in_the_documented_order_and_modes_in_that_of_the_records() -> None:
    records = [
        job(scene="zebra", mode="b"),
        job(scene="nothing_odd", mode="a", seed=2),
        job(scene="nothing_odd", mode="b"),
        job(scene="nothing_odd", mode="a", seed=1),
        job(scene="random", mode="a"),
    ]
    groups = by_scene_and_mode(records)
    assert list(groups) == [("random", "a"), ("nothing_odd", "b"), ("nothing_odd", "a"), ("zebra", "b")]
    assert [record.plan.seed for record in groups["nothing_odd", "a"]] == [1, 2]
