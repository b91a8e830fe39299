"""``impurity-grasp report``: one page about a benchmark and, if wanted, a training, or about one of attention."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Optional

import cv2
import numpy as np
import typer
from rich.console import Console

from impurity_grasp_ros.cli.attention_pictures import draw_judged
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.attention_record import ATTENTION_RECORDS, JobRecord, read_job_records
from impurity_grasp_ros.evaluation.attention_scores import by_scene_and_mode
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.filmstrip import Filmstrip, first_episodes, replay
from impurity_grasp_ros.evaluation.grouping import by_scene_and_policy
from impurity_grasp_ros.evaluation.record import RECORDS, EpisodeRecord, latest_edition, read_episode_records
from impurity_grasp_ros.evaluation.worst_frames import see_again, worst_frames
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.overlay import draw_attention, draw_primitive, to_png
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.environment import Environment

PICTURE_SIZE = 224
"""Pixels along a side of a picture: one per cell of the heightmap."""


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a benchmark's records.")],
    training: Annotated[Optional[Path], typer.Option(help="Folder of a training, for its learning curves.")] = None,
    films: Annotated[int, typer.Option(min=0, help="Episodes per scene to run again for pictures; 0 for none.")] = 1,
    film_policy: Annotated[str, typer.Option(help="Policy of these episodes; default: the one recorded first.")] = "",
    worst: Annotated[int, typer.Option(min=0, help="Worst frames per family of a benchmark of attention.")] = 10,
    output: Annotated[Optional[Path], typer.Option(help="The page; default: report.html in the folder.")] = None,
) -> None:
    """Write a page with tables, charts, learning curves and pictures of episodes: one file that needs no network."""
    from impurity_grasp_ros.evaluation.learning_curves import read_progress
    from impurity_grasp_ros.evaluation.report import render_report

    path, console = output or folder / "report.html", Console()
    if (folder / ATTENTION_RECORDS).exists():
        if (folder / RECORDS).exists() or training is not None:
            raise ConfigError(f"{folder}: expected only {ATTENTION_RECORDS}, received {RECORDS} or a training as well")
        with console.status("running jobs again for pictures"):
            page = _attention_page(folder, worst)
        write_atomically(path, page.encode())
        console.print(f"page: {path}")
        return
    records = read_episode_records(folder)
    if not records and training is None:
        raise ConfigError(f"{folder}: expected records of a benchmark, found none")
    rounds = read_progress(training) if training else []
    with console.status("running episodes again for pictures"):
        strips = _strips(latest_edition(records), films, film_policy)
    write_atomically(path, render_report(records, rounds, strips, datetime.now()).encode())
    console.print(f"page: {path}")


def _attention_page(folder: Path, worst: int) -> str:
    """The page about a benchmark of attention, with its worst frames seen again."""
    from impurity_grasp_ros.evaluation.attention_report import render_attention_report

    records = read_job_records(folder)
    if not records:
        raise ConfigError(f"{folder}: expected records of a benchmark of attention, found none")
    by_scene: dict[str, list[JobRecord]] = {}
    for (scene, _), jobs in by_scene_and_mode(records).items():
        by_scene.setdefault(scene, []).extend(jobs)
    chosen = {scene: frames for scene, jobs in by_scene.items() if (frames := worst_frames(jobs, worst))}
    cv2.setNumThreads(1)
    environment = Environment()
    try:
        pictures = {scene: see_again(environment, frames, draw_judged) for scene, frames in chosen.items()}
    finally:
        environment.close()
    return render_attention_report(records, pictures, datetime.now())


def _strips(records: Sequence[EpisodeRecord], films: int, policy: str) -> list[Filmstrip]:
    """The episodes of the lowest seeds of one policy in every scene, run again."""
    if not records or not films:
        return []
    groups, policy = by_scene_and_policy(records), policy or records[0].plan.policy
    chosen = [record for (_, name), runs in groups.items() if name == policy for record in first_episodes(runs, films)]
    if not chosen:
        raise ConfigError(f"expected a recorded policy to film, received {policy!r}")
    cv2.setNumThreads(1)
    bench = Bench()
    try:
        return [replay(bench, record, partial(draw, bench.environment.cell.gripper_model)) for record in chosen]
    finally:
        bench.close()


def draw(gripper: GripperModel, decision: Decision) -> bytes:
    """Draw what was seen and what was decided as a PNG of PICTURE_SIZE by PICTURE_SIZE pixels."""
    picture = draw_attention(decision.heightmap, decision.attention)
    if decision.primitive is not None:
        picture = draw_primitive(decision.heightmap, decision.primitive, gripper, picture)
    small = cv2.resize(picture, (PICTURE_SIZE, PICTURE_SIZE), interpolation=cv2.INTER_AREA)
    return to_png(np.asarray(small, np.uint8))
