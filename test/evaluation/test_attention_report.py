"""The page about attention: whole, self-contained, with every figure explained."""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree

import pytest
from attention_jobs import frame, job
from markup import rows, texts

from impurity_grasp_ros.evaluation.attention_record import Hit, ObjectRecord
from impurity_grasp_ros.evaluation.attention_report import render_attention_report
from impurity_grasp_ros.evaluation.attention_scores import ReliabilityBin
from impurity_grasp_ros.evaluation.attention_table import COLUMNS
from impurity_grasp_ros.evaluation.estimates import Proportion
from impurity_grasp_ros.evaluation.reliability_chart import reliability_chart
from impurity_grasp_ros.evaluation.worst_frames import BadFrame, BadPicture

NOW = datetime(2026, 1, 2, 3, 4)
OBJECTS = (ObjectRecord(0.05, False), ObjectRecord(0.9, True), ObjectRecord(0.9, False))
RECORDS = [
    job(frame(hit=Hit.ORDINARY), frame(step=1), scene="shape", seed=3),
    job(frame(objects=OBJECTS, found=5), scene="shape", seed=3, mode="<objects>"),
    job(frame(), scene="random", seed=4),
    job(scene="random", seed=5),
]
PICTURES = {"shape": [BadPicture(BadFrame(RECORDS[0].plan, RECORDS[0].frames[0]), b"png", True)]}
PAGE = render_attention_report(RECORDS, PICTURES, NOW)


def test_the_table_has_a_row_for_every_family_and_mode() -> None:
    heading, *lines = rows(PAGE.partition("<table>")[2].partition("</table>")[0])
    assert heading == ["family", "mode", *(column.heading for column in COLUMNS)]
    assert [line[:4] for line in lines] == [
        ["random", "outlier", "1", "100.0"],
        ["shape", "outlier", "1", "0.0"],
        ["shape", "<objects>", "1", "100.0"],
    ]
    assert lines[1][5:] == ["50.0", "0.0", "0.0", "0.0", "-", "-", "20"]
    assert lines[2][5:] == ["0.0", "0.0", "0.0", "0.0", "50.0", "0.283", "20"]


def test_the_page_says_what_was_run() -> None:
    (facts,) = re.findall(r'<p class="facts">(4 jobs[^<]*)</p>', PAGE)
    assert facts == (
        "4 jobs in simulation, seeds 3 to 5, up to 3 objects removed · "
        "configuration 0123456789ab, commit fedcba987654 · written 2026-01-02 03:04 · seeds without a scene: 1"
    )


def test_the_worst_frames_are_embedded_with_their_captions() -> None:
    assert [link for link in re.findall(r'(?:src|href)="([^"]*)"', PAGE) if not link.startswith("#")] == [
        "data:image/png;base64,cG5n"
    ]
    assert PAGE.count("Took an ordinary object (score 0.90). outlier, seed 3, first frame.") == 2  # also for the blind
    assert re.search(r'<figure class="frame bad"><img', PAGE)
    assert "<h2>shape: worst frames</h2>" in PAGE
    assert "<h2>random: worst frames</h2>" not in PAGE


def test_only_modes_that_tell_objects_apart_have_a_reliability_diagram() -> None:
    (message,) = re.findall(r'<svg [^>]*aria-label="([^"]*)"', PAGE)
    assert message == "Reliability of &lt;objects&gt;, calibration error 0.283, odd ones by probability: " + (
        "5 %: 0 of 1; 90 %: 1 of 2"
    )
    assert "Calibration" not in render_attention_report(RECORDS[:1], {}, NOW)


@pytest.mark.parametrize("heading", [column.heading.removesuffix(" %") for column in COLUMNS])
def test_every_column_is_explained(heading: str) -> None:
    assert heading.lower() in " ".join(re.findall(r"<dt>([^<]*)</dt>", PAGE)).lower()


def test_the_page_stands_alone_and_every_color_is_defined() -> None:
    assert PAGE.startswith("<!doctype html>\n")
    assert "<script" not in PAGE
    assert "\N{EN DASH}" in PAGE
    assert "nan" not in " ".join(texts(PAGE.partition("<main>")[2])).lower()
    for name in set(re.findall(r"var\((--\w+)\)", PAGE)):
        assert f"{name}: #" in PAGE


def test_a_reliability_diagram_shows_every_range_at_its_place() -> None:
    svg = reliability_chart("objects", [ReliabilityBin(0.2, Proportion(1, 10)), ReliabilityBin(0.8, Proportion(9, 10))])
    words = texts(svg)
    assert "objects" in words
    assert "20 %: 1 of 10 objects" in words
    assert "80 %: 9 of 10 objects" in words
    assert (
        ElementTree.fromstring(svg).attrib["aria-label"].startswith("Reliability of objects, calibration error 0.100")
    )
    assert svg == reliability_chart(
        "objects", [ReliabilityBin(0.2, Proportion(1, 10)), ReliabilityBin(0.8, Proportion(9, 10))]
    )
