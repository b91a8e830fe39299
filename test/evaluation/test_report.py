"""The page: whole, self-contained, and a browser shows it."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from episodes import episode

from impurity_grasp_ros.cli.report import draw
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.filmstrip import Filmstrip, choose, replay
from impurity_grasp_ros.evaluation.learning_curves import PROGRESS, moving_mean, read_progress, ticks
from impurity_grasp_ros.evaluation.record import End, EpisodePlan
from impurity_grasp_ros.evaluation.report import report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOW = datetime(2026, 1, 2, 3, 4)
RECORDS = [
    episode("PGEG", scene="random", seed=1),
    episode("GWEPP", scene="random", seed=2),
    episode("PPPGG", scene="invisible", seed=1, visible=[0.0, 0.0, 0.05, 1.0, 1.0, 1.0]),
    episode("", scene="challenging", seed=1, policy="<other>", end=End.FAULT),
]
ROUND = {"round": 1, "attempts": 24, "transitions": 30, "exploration": 1.0, "loss": math.nan}


class Structure(HTMLParser):
    """Checks that every element is closed, and collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Structure:
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    return structure


def write_progress(folder: Path) -> None:
    rounds = [ROUND | {"round": n, "attempts": 24 * n, "grasp_success": math.nan, "push_success": 0.5} for n in (1, 2)]
    (folder / PROGRESS).write_text("".join(json.dumps(item) + "\n" for item in rounds))


def test_the_page_is_well_formed_and_stands_alone(tmp_path: Path) -> None:
    write_progress(tmp_path)
    strip = Filmstrip(RECORDS[0], (b"png",) * 5, faithful=True)
    page = report(RECORDS, read_progress(tmp_path), [strip], NOW)
    structure = parsed(page)
    assert all(link.startswith("data:image/png;base64,") for link in structure.links)
    assert "<script" not in page
    assert "nan" not in structure.text.lower()
    for words in ("<other>", "paper: S-VPG", "NoPrimitiveError", "target in the bin", "78.1", "2026-01-02"):
        assert words in structure.text


def test_a_page_without_records_or_with_a_fresh_training_says_so() -> None:
    assert "No records" in parsed(report([], [], [], NOW)).text


def test_records_of_other_configurations_are_left_out_and_counted() -> None:
    page = report([episode("GG", policy="older", quick=True), *RECORDS], [], [], NOW)
    assert "older" not in page
    assert "1 records of other configurations left out" in page


def test_a_training_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"progress\.jsonl"):
        read_progress(tmp_path)


def test_means_move_over_three_hundred_attempts_and_skip_what_was_not_measured() -> None:
    attempts, values = [100, 200, 300, 400], [math.nan, 0.0, 1.0, 0.5]
    np.testing.assert_array_equal(moving_mean(attempts, values), [math.nan, 0.0, 0.5, 0.5])


@pytest.mark.parametrize("top", [0.0131, 0.2, 1.0, 24.0, 1440.0, 99_999.0])
def test_ticks_are_few_and_stay_inside(top: float) -> None:
    values = ticks(top)
    assert 3 <= len(values) <= 6
    assert values[0] == 0.0
    assert 0.5 * top <= values[-1] <= top


def test_films_show_the_first_seeds_not_the_pretty_ones() -> None:
    records = [episode("GG", seed=3), episode("E", seed=1), episode("", 0, seed=0, end=End.NO_SCENE)]
    assert [record.plan.seed for record in choose(records, 1)] == [1]


@pytest.mark.sim
def test_a_recorded_episode_is_filmed_from_its_seed(bench: Bench) -> None:
    record = bench.run(EpisodePlan("analytic", "random", 1000))
    strip = replay(bench, record, draw)
    assert strip.faithful
    assert len(strip.pictures) == len(record.actions) + 1
    image = cv2.imdecode(np.frombuffer(strip.pictures[0], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (224, 224, 3)
    assert image.std() > 10.0


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_shows_the_page(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    write_progress(tmp_path)
    page, picture = tmp_path / "report.html", tmp_path / "page.png"
    page.write_text(report(RECORDS, read_progress(tmp_path), [], NOW), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command = [CHROMIUM, *options, f"--screenshot={picture}", "--window-size=1200,2400", page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    image = cv2.imread(str(picture))
    assert image.shape == (2400, 1200, 3)
    assert np.median(image) == 255
    assert (image < 128).any(axis=2).sum() > 5000
