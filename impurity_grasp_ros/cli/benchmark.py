"""``impurity-grasp benchmark``: run policies on scenes with fixed seeds; the simulator judges them."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Optional

import cv2
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from impurity_grasp_ros.evaluation.benchmark import make_plans, recorded, run_plans, unrecorded
from impurity_grasp_ros.evaluation.estimates import Estimate
from impurity_grasp_ros.evaluation.grouping import by_scene_and_policy
from impurity_grasp_ros.evaluation.metrics import score
from impurity_grasp_ros.evaluation.record import EpisodePlan, EpisodeRecord
from impurity_grasp_ros.evaluation.score_table import PER_HOUR, estimate_cell, number, percent
from impurity_grasp_ros.simulation.presets import PRESET_SUFFIX, load_preset, presets_in
from impurity_grasp_ros.simulation.scene_config import load_scene, scene_names

COLUMNS = ("scene", "policy", "done", "GS", "AE", "MN", "surplus", "purity", "picks/h", "early", "faults")
LAST_SEED = 999_999
"""Training uses seeds from 1,000,000 on."""


def benchmark(
    policy: Annotated[str, typer.Option(help="Policies, separated by commas.")] = "analytic",
    scene: Annotated[
        str,
        typer.Option(
            help="Scenes of config/scenes, presets and folders of presets, separated by commas; all: scenes of blocks."
        ),
    ] = "all",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes for each policy and scene.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, help="Seed of the first; the others count up.")] = 1000,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one per CPU.")] = 0,
    ray_address: Annotated[Optional[str], typer.Option(help="An existing Ray cluster instead of this machine.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Stop at completion; 10 instead of 15 actions per target.")] = (
        False
    ),
    output: Annotated[Path, typer.Option(help="Folder of the records; episodes already in it are not run again.")] = (
        Path("runs/benchmark")
    ),
) -> None:
    """Run policies on scenes with fixed seeds and score them strictly.

    Ctrl-C keeps the finished episodes; run the command again to go on.
    """
    scenes = scenes_in(scene)
    plans = make_plans(names_in(policy), scenes, range(seed, seed + episodes), quick=quick)
    open_plans = unrecorded(plans, output)
    console = Console()
    for name in repeated(scenes) if episodes > 1 else ():
        console.print(f"warning: {name} has neither camera noise nor textures: its {episodes} episodes are the same")
    if len(open_plans) < len(plans):
        console.print(f"{len(plans) - len(open_plans)} of {len(plans)} episodes are already in {output}")
    _run(open_plans, output, workers or os.cpu_count() or 1, ray_address, console)
    console.print(_table(recorded(plans, output)))
    console.print(f"records: {output}   page: impurity-grasp report {output}")


def scenes_in(text: str) -> list[str]:
    """The scenes that a text names: those of blocks with ``all``, and each preset of a folder.

    Raises:
        ConfigError: A folder contains no preset.
    """
    if text == "all":
        return [name for name in scene_names() if not load_scene(name)[0].goods.family]
    found = (presets_in(Path(name)) if Path(name).is_dir() else [name] for name in names_in(text))
    return list(dict.fromkeys(name for names in found for name in names))


def repeated(scenes: Iterable[str]) -> list[str]:
    """The presets among the scenes that are the same with every seed."""
    return [name for name in scenes if name.endswith(PRESET_SUFFIX) and load_preset(name).is_repeated]


def names_in(text: str) -> list[str]:
    """The comma-separated names in a text, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _run(plans: Sequence[EpisodePlan], folder: Path, workers: int, ray_address: str | None, console: Console) -> None:
    if not plans:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[last]}"), console=console) as progress:
        task = progress.add_task("episodes", total=len(plans), last="")
        processes = min(workers, len(plans))
        with closing(run_plans(plans, folder, processes, prepare_worker, ray_address)) as records:
            for record in records:
                plan, end = record.plan, record.fault or record.end.value
                last = f"{plan.policy} {plan.scene} {plan.seed}: {record.targets_delivered}/{record.targets}, {end}"
                progress.update(task, advance=1, last=last)


def prepare_worker() -> None:
    """Set up a worker process: use one thread, and leave interrupts to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _table(records: Iterable[EpisodeRecord]) -> Table:
    caption = (
        "GS, AE: percent (95 % interval); surplus: actions after the last target; purity: percent of what came into "
        "the bin; picks/h: targets per hour of robot time, surplus included; early: reported clear too early"
    )
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), caption=caption)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("scene", "policy") else "right", no_wrap=True)
    for (scene, policy), runs in by_scene_and_policy(records).items():
        scores = score(runs)
        table.add_row(
            scene,
            policy,
            f"{scores.completion.hits}/{scores.runs}",
            _percent(scores.grasp_success),
            _percent(scores.action_efficiency),
            f"{scores.motions:.1f}",
            number(scores.surplus_actions).text,
            percent(scores.purity.value).text,
            estimate_cell(scores.picks_per_second, PER_HOUR, digits=0).text,
            str(scores.false_clear.hits),
            str(scores.faults),
        )
    return table


def _percent(share: Estimate) -> str:
    low, high = share.interval()
    return f"{100 * share.value:.0f} ({100 * low:.0f}-{100 * high:.0f})" if not math.isnan(share.value) else "-"
