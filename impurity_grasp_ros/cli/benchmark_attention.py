"""``impurity-grasp benchmark-attention``: modes of attention on families of scenes, frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from impurity_grasp_ros.cli.benchmark import LAST_SEED, names_in, prepare_worker
from impurity_grasp_ros.evaluation.attention_benchmark import (
    default_scenes,
    make_job_plans,
    recorded_jobs,
    run_jobs,
    together,
)
from impurity_grasp_ros.evaluation.attention_record import JobPlan, JobRecord
from impurity_grasp_ros.evaluation.attention_scores import by_scene_and_mode, score_attention
from impurity_grasp_ros.evaluation.attention_table import COLUMNS, cells
from impurity_grasp_ros.evaluation.score_table import NOTHING, Cell

MAX_REMOVALS = 50


def benchmark_attention(
    scene: Annotated[str, typer.Option(help="Scenes of config/scenes, separated by commas; default: all families.")] = (
        ""
    ),
    mode: Annotated[str, typer.Option(help="Modes of attention, separated by commas.")] = "outlier",
    frames: Annotated[int, typer.Option(min=1, help="Scenes of each family.")] = 60,
    removals: Annotated[int, typer.Option(min=0, max=MAX_REMOVALS, help="Objects removed; 0: only first frames.")] = 3,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, help="Seed of the first; the others count up.")] = 1000,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per CPU.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder of the records; jobs already in it are not run again.")] = (
        Path("runs/attention")
    ),
) -> None:
    """Measure attention alone on families of scenes: the first view, then views after objects were removed one by one.

    Ctrl-C keeps the finished jobs; run the command again to go on.
    """
    scenes = names_in(scene) or default_scenes()
    plans = make_job_plans(names_in(mode), scenes, range(seed, seed + frames), removals)
    done = recorded_jobs(plans, output)
    console = Console()
    if done:
        console.print(f"{len(done)} of {len(plans)} jobs are already in {output}")
    known = {record.plan.identity for record in done}
    _run([plan for plan in plans if plan.identity not in known], output, workers or os.cpu_count() or 1, console)
    console.print(table(recorded_jobs(plans, output)))
    console.print(f"records: {output}   page: impurity-grasp report {output}")


def _run(plans: Sequence[JobPlan], folder: Path, workers: int, console: Console) -> None:
    if not plans:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[last]}"), console=console) as progress:
        task = progress.add_task("jobs", total=len(plans), last="")
        with closing(run_jobs(plans, folder, min(workers, len(together(plans))), prepare_worker)) as records:
            for record in records:
                plan, states = record.plan, ", ".join(frame.state for frame in record.frames) or "no scene"
                progress.update(task, advance=1, last=f"{plan.mode} {plan.scene} {plan.seed}: {states}")


def table(records: Iterable[JobRecord]) -> Table:
    """The figures by family and mode, as a table for the terminal; columns without any figure are left out."""
    caption = (
        "percent; found: odd object found in first frames (95 % interval); of all frames: wrong object taken, "
        "false CLEAR, CANDIDATE, refused; objects: told apart, with calibration error"
    )
    rows = {group: cells(score_attention(jobs)) for group, jobs in by_scene_and_mode(records).items()}
    known = [index for index in range(len(COLUMNS)) if any(row[index].text != NOTHING for row in rows.values())]
    shown = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), caption=caption)
    for name in ("family", "mode"):
        shown.add_column(name, no_wrap=True)
    for index in known:
        shown.add_column(COLUMNS[index].short, justify="right", no_wrap=True)
    for group, row in rows.items():
        shown.add_row(*group, *(_text(row[index]) for index in known))
    return shown


def _text(cell: Cell) -> str:
    return f"{cell.text} ({cell.interval})" if cell.interval else cell.text
