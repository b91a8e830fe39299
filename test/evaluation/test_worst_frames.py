"""The worst frames: errors before close decisions, and many jobs before many frames of one job; with words."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace

import pytest
from attention_jobs import frame, job

from impurity_grasp_ros.evaluation.attention_benchmark import make_job_plans, run_job
from impurity_grasp_ros.evaluation.attention_record import FrameRecord, Hit
from impurity_grasp_ros.evaluation.attention_verdict import Judged
from impurity_grasp_ros.evaluation.worst_frames import BadFrame, BadPicture, see_again, worst_frames
from impurity_grasp_ros.simulation.environment import Environment

WRONG, CLEAR, MISSED = frame(hit=Hit.ORDINARY), frame("CLEAR", score=0.1), frame("CANDIDATE", score=0.2)
REFUSED, CLOSE, RIGHT = frame("VIEW_INCOMPLETE", score=None, in_view=0), frame(score=0.52), frame(score=0.95)


def chosen(*jobs: tuple[FrameRecord, ...], count: int = 10) -> list[tuple[int, FrameRecord]]:
    """Number of the job, and frame."""
    records = [job(*frames, seed=seed) for seed, frames in enumerate(jobs)]
    return [(bad.plan.seed, bad.frame) for bad in worst_frames(records, count)]


def test_the_worst_errors_come_first_and_then_close_decisions() -> None:
    jobs = [(RIGHT,), (REFUSED,), (CLOSE,), (MISSED,), (WRONG,), (CLEAR,)]
    assert [seed for seed, _ in chosen(*jobs)] == [4, 5, 3, 1, 2, 0]
    assert [seed for seed, _ in chosen(*jobs, count=2)] == [4, 5]


def test_of_equal_errors_the_closer_decision_comes_first() -> None:
    sure, unsure = frame(hit=Hit.ORDINARY, score=0.9), frame(hit=Hit.ORDINARY, score=0.6)
    assert [item for _, item in chosen((sure,), (unsure,))] == [unsure, sure]
    close, far = (frame("CLEAR", left=0, in_view=0, score=score) for score in (0.45, 0.05))
    assert [item for _, item in chosen((far,), (close,))] == [close, far]


def test_every_job_comes_once_before_any_comes_twice() -> None:
    picked = chosen((WRONG, WRONG, RIGHT), (MISSED,), (RIGHT, CLOSE))
    assert picked == [(0, WRONG), (1, MISSED), (0, WRONG), (2, CLOSE), (2, RIGHT), (0, RIGHT)]
    assert chosen((), ()) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (WRONG, "Took an ordinary object (score 0.90)."),
        (frame(hit=Hit.ORDINARY, left=0, in_view=0), "Took an ordinary object; no odd one is left (score 0.90)."),
        (frame(hit=Hit.TABLE), "Took mostly table (score 0.90)."),
        (CLEAR, "CLEAR, but an odd object is in view (score 0.10)."),
        (frame("CLEAR", in_view=0), "CLEAR, but an odd object is hidden (score 0.90)."),
        (MISSED, "Missed the odd object: CANDIDATE (score 0.20)."),
        (REFUSED, "Refused the view: VIEW_INCOMPLETE."),
        (RIGHT, "Right: the odd object (score 0.95)."),
        (frame("CANDIDATE", in_view=0, score=0.0), "Right: CANDIDATE (score 0.00)."),
    ],
)
def test_a_caption_says_what_is_wrong(bad: FrameRecord, words: str) -> None:
    caption = BadFrame(job(seed=7).plan, bad).caption
    assert caption == f"{words} outlier, seed 7, first frame."


@pytest.mark.parametrize(("step", "words"), [(0, "first frame"), (1, "1 object removed"), (2, "2 objects removed")])
def test_a_caption_says_which_frame_it_is(step: int, words: str) -> None:
    assert BadFrame(job().plan, frame(step=step)).caption.endswith(f"outlier, seed 0, {words}.")


def test_a_picture_is_marked_if_it_shows_an_error_or_is_not_what_was_recorded() -> None:
    plan = job().plan
    wrong, right = BadPicture(BadFrame(plan, WRONG), b"png", True), BadPicture(BadFrame(plan, RIGHT), b"png", False)
    assert (wrong.css_class, right.css_class) == ("bad", "neutral")
    assert b64decode(wrong.url.removeprefix("data:image/png;base64,")) == b"png"
    assert "differs" not in wrong.caption
    assert right.caption.endswith("This run differs from the recorded one: the code has changed.")


@pytest.mark.sim
def test_recorded_frames_are_seen_again_from_their_seeds(environment: Environment) -> None:
    plans = make_job_plans(["outlier", "whole"], ["random"], [1000], removals=2)
    outlier, whole = run_job(environment, plans)
    other_commit = replace(outlier.plan, commit="another")
    changed = replace(whole.frames[0], score=0.123)
    asked = [BadFrame(other_commit, outlier.frames[1]), BadFrame(whole.plan, changed)]
    drawn: list[Judged] = []

    def draw(judged: Judged) -> bytes:
        drawn.append(judged)
        return f"{judged.mode} {judged.view.step}".encode()

    first, second = see_again(environment, asked, draw)
    assert (first.picture, first.faithful, first.bad) == (b"outlier 1", True, asked[0])
    assert (second.picture, second.faithful) == (b"whole 0", False)
    assert len(drawn) == 2
