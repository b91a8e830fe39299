"""The page: whole, self-contained, and a browser shows it."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from datetime import datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from episodes import episode

from impurity_grasp_ros.cli.report import draw
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.filmstrip import Filmstrip, replay
from impurity_grasp_ros.evaluation.learning_curves import read_progress
from impurity_grasp_ros.evaluation.record import End, EpisodePlan
from impurity_grasp_ros.evaluation.report import render_report
from impurity_grasp_ros.training_progress import PROGRESS

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
        self.text += " " if tag in ("td", "th") else ""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Structure:
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    return structure


def without_names(page: str) -> str:
    """The page without the names of XML namespaces, which look like addresses and are not loaded."""
    return re.sub(r' xmlns(:\w+)?="[^"]*"', "", page)


def write_progress(folder: Path) -> None:
    rounds = [ROUND | {"round": n, "attempts": 24 * n, "grasp_success": math.nan, "push_success": 0.5} for n in (1, 2)]
    (folder / PROGRESS).write_text("".join(json.dumps(item) + "\n" for item in rounds))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with everything that it may have."""
    folder = tmp_path_factory.mktemp("training")
    write_progress(folder)
    strip = Filmstrip(RECORDS[0], (b"png",) * 5, faithful=True)
    return render_report(RECORDS, read_progress(folder), [strip], NOW)


def test_the_page_is_well_formed_and_stands_alone(page: str) -> None:
    structure = parsed(page)
    assert page.startswith("<!doctype html>\n")
    assert len(structure.links) == 6  # five pictures, and the definitions
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in structure.links)
    assert not [word for word in ("<script", "url(h", "@import", "http://", "https://") if word in without_names(page)]
    assert "nan" not in structure.text.lower()


def test_the_page_says_what_was_run_and_what_came_of_it(page: str) -> None:
    text = " ".join(parsed(page).text.split())
    for words in (
        "4 episodes in simulation, seeds 1 to 2 · configuration 0123456789ab, commit fedcba987654 · "
        "written 2026-01-02 03:04",
        "Grasp success (GS), percent",
        "Action efficiency (AE), percent",
        "over all episodes",
        "over completed episodes only, as in the paper",
        "<other>",
        "paper: S-VPG",
        "78.1",
        "analytic, seed 1: 2 of 2 targets, stopped on its own.",
        "3 grasp: empty",
        "Episodes that were not completed: 1",
        "<other> 1 NoPrimitiveError 0 of 2 0 0",
        "2 rounds, 48 attempts, 30 transitions",
        "2 48 \N{EN DASH} 50.0 \N{EN DASH} 100.0",
    ):
        assert words in text


def test_every_scene_has_a_chart_of_each_figure(page: str) -> None:
    messages = re.findall(r'<svg [^>]*aria-label="([^"]*)"', page)
    assert [message.partition(",")[0] for message in messages[:6]] == [
        f"{figure} in {scene}"
        for figure in ("Grasp success", "Action efficiency")
        for scene in ("random", "challenging", "invisible")
    ]
    assert len(messages) == 9  # and three of the training


def test_the_same_records_give_the_same_bytes(page: str, tmp_path: Path) -> None:
    write_progress(tmp_path)
    strip = Filmstrip(RECORDS[0], (b"png",) * 5, faithful=True)
    assert render_report(RECORDS, read_progress(tmp_path), [strip], NOW) == page


def test_ids_are_not_repeated(page: str) -> None:
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) > 10
    assert len(ids) == len(set(ids))


def test_every_color_has_a_light_and_a_dark_value(page: str) -> None:
    head = page.partition("</style>")[0]
    used = set(re.findall(r"var\((--\w+)\)", page))
    assert len(used) >= 8
    for name in used:
        assert len(re.findall(rf"^ *{name}: #[0-9a-f]{{6}};$", head, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("term", "number"),
    [
        ("Episode", "15 actions per target (quick: 10)"),
        ("Found, actions to find", "10 % of a target"),
        ("Small print", "95 % interval"),
        ("Counted as in the paper", "completed episodes only"),
    ],
)
def test_a_term_is_explained_with_its_numbers(page: str, term: str, number: str) -> None:
    (meaning,) = re.findall(rf"<dt>{term}</dt><dd>([^<]*)</dd>", page)
    assert number in " ".join(meaning.split())


@pytest.mark.parametrize("heading", ["completed", "GS", "wrong object", "AE", "MN", "targets lost", "false clear",
                                     "false dirty", "surplus actions", "stops", "decision s", "faults", "found",
                                     "actions to find"])  # fmt: skip
def test_every_column_is_explained(page: str, heading: str) -> None:
    assert re.search(rf"<th[^>]*>{heading}( %)?</th>", page)
    assert heading.lower() in " ".join(re.findall(r"<dt>([^<]*)</dt>", page)).lower()


def test_a_page_without_records_or_with_a_fresh_training_says_so() -> None:
    assert "No records" in parsed(render_report([], [], [], NOW)).text


def test_records_of_other_configurations_are_left_out_and_counted() -> None:
    page = render_report([episode("GG", policy="older", quick=True), *RECORDS], [], [], NOW)
    assert "older" not in page
    assert "1 records of other configurations left out" in page


def test_a_training_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"progress\.jsonl"):
        read_progress(tmp_path)


@pytest.mark.sim
def test_a_recorded_episode_is_filmed_from_its_seed(bench: Bench) -> None:
    record = bench.run(EpisodePlan("analytic", "random", 1000))
    strip = replay(bench, record, partial(draw, bench.environment.cell.gripper_model))
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
    page.write_text(render_report(RECORDS, read_progress(tmp_path), [], NOW), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command = [CHROMIUM, *options, f"--screenshot={picture}", "--window-size=1200,2400", page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    image = cv2.imread(str(picture))
    assert image.shape == (2400, 1200, 3)
    assert np.median(image) == 255
    assert (image < 128).any(axis=2).sum() > 5000
