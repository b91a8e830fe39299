"""``impurity-grasp benchmark-attention`` and the page about it, and the pictures of single frames."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from attention_jobs import ODD, PLAIN, attention_to, cells, drawn, frame, job
from typer.testing import CliRunner

from impurity_grasp_ros.cli.attention_pictures import ODD_COLOR, PICTURE_PX, draw_judged
from impurity_grasp_ros.cli.main import app
from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.attention_record import ATTENTION_RECORDS, append_job_record, read_job_records
from impurity_grasp_ros.evaluation.attention_verdict import Judged, judge
from impurity_grasp_ros.evaluation.record import RECORDS
from impurity_grasp_ros.overlay import CANDIDATE_COLOR, TARGET_COLOR


def run(*arguments: object) -> str:
    """What a call prints; raises what it raises."""
    done = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.output


def picture(attention: object, targets: tuple[int, ...] = (ODD,)) -> np.ndarray:
    """The drawn view, (H, W, 3) RGB."""
    view = drawn(targets)
    verdict = judge(view, "VIEW_INCOMPLETE", 0.1)
    png = draw_judged(Judged("outlier", view, attention, verdict))  # type: ignore[arg-type]
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def extent(image: np.ndarray, color: tuple[int, int, int]) -> tuple[int, int]:
    """First and last column with pixels of a color."""
    columns = np.nonzero((image == color).all(axis=2))[1]
    return int(columns.min()), int(columns.max())


def test_a_picture_shows_what_is_odd_and_what_was_taken() -> None:
    image = picture(attention_to(cells(slice(60, 70), slice(110, 130))))
    assert image.shape == (PICTURE_PX, PICTURE_PX, 3)
    # columns 10 to 129 with a margin of 12 cells fill 360 pixels; the map begins at column 0, so the margin is shifted
    first, last = extent(image, ODD_COLOR)
    left, right = extent(image, TARGET_COLOR)
    edges = [column * 2.5 for column in (100, 110, 110, 130)]
    assert np.abs(np.array([first + 6, last - 5, left + 3, right - 2]) - edges).max() <= 2


def test_what_is_rightly_taken_is_still_marked_as_odd() -> None:
    image = picture(attention_to(cells(slice(60, 70), slice(100, 110))))
    around, inside = extent(image, ODD_COLOR), extent(image, TARGET_COLOR)
    assert around[0] < inside[0] < inside[1] < around[1]


def test_a_picture_marks_only_what_there_is() -> None:
    colors = {"odd": ODD_COLOR, "taken": TARGET_COLOR, "candidate": CANDIDATE_COLOR}

    def marked(image: np.ndarray) -> list[str]:
        return [name for name, color in colors.items() if (image == color).all(axis=2).sum() > 20]

    assert marked(picture(attention_to(None, AttentionState.CANDIDATE))) == ["odd", "candidate"]
    assert marked(picture(attention_to(None, AttentionState.CLEAR), targets=())) == []
    assert marked(picture(None, targets=(PLAIN,))) == ["odd"]


@pytest.mark.sim
def test_a_benchmark_is_run_continued_and_shown_on_a_page(tmp_path: Path) -> None:
    options = ("--scene", "random", "--removals", 1, "--workers", 1, "--output", tmp_path)
    assert "random" in run("benchmark-attention", *options, "--frames", 1)
    again = run("benchmark-attention", *options, "--frames", 2)
    assert f"1 of 2 jobs are already in {tmp_path}" in again
    assert re.search(r"random +outlier +2 +100\.0 \(34\N{EN DASH}100\) +0\.0 +0\.0 +0\.0 +0\.0", again)
    assert [record.plan.seed for record in read_job_records(tmp_path)] == [1000, 1001]
    with pytest.raises(ConfigError, match="one configuration"):
        run("benchmark-attention", *options[:-6], "--removals", 2, "--output", tmp_path)
    run("report", tmp_path, "--worst", 1)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 1
    assert "differs from the recorded one" not in page


def test_a_folder_of_two_benchmarks_gets_no_page(tmp_path: Path) -> None:
    append_job_record(tmp_path, job(frame()))
    (tmp_path / RECORDS).touch()
    with pytest.raises(ConfigError, match=f"expected only {ATTENTION_RECORDS}"):
        run("report", tmp_path)
    (tmp_path / RECORDS).unlink()
    (tmp_path / ATTENTION_RECORDS).write_text("")
    with pytest.raises(ConfigError, match="expected records of a benchmark of attention, found none"):
        run("report", tmp_path)


def test_a_frame_without_objects_is_drawn_whole() -> None:
    view = drawn(())
    empty = replace(view, bodies=np.full_like(view.bodies, -1))
    png = draw_judged(Judged("outlier", empty, None, judge(empty, "VIEW_INCOMPLETE", 0.1)))
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape == (PICTURE_PX, PICTURE_PX, 3)
