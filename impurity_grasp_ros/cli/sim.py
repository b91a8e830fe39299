"""``impurity-grasp sim``: all nodes in one process pick the impurities of simulated scenes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Console
from rich.table import Table

from impurity_grasp_ros.cell import CELL_FILE
from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.files import write_atomically

if TYPE_CHECKING:
    from impurity_grasp_ros.client import PickFeedback, PickResult
    from impurity_grasp_ros.nodes.composition import SimulatedSystem

PHASES = ("observing", "attending", "deciding", "executing", "waiting")
NOT_RECORDED = 3
"""Exit code if all jobs are complete but a picture or the summary could not be written."""

COLUMNS = ("seed", "result", "targets", "others", "held", "pushes", "clear", "seconds")


def sim(
    scene: Annotated[str, typer.Option(help="A scene of config/scenes, or a preset: path/to/scene.yaml.")] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene.")] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Scenes to run, with seeds counting up.")] = 1,
    targets: Annotated[Optional[int], typer.Option(min=0, help="Targets, instead of the scene file's.")] = None,
    blocks: Annotated[Optional[int], typer.Option(min=0, help="Ordinary blocks, instead of the scene file's.")] = None,
    max_actions: Annotated[int, typer.Option(min=0, help="Grasps and pushes per scene; 0: the action's default.")] = 0,
    gui: Annotated[bool, typer.Option("--gui", help="Open the simulator's window and move in real time.")] = False,
    cell_file: Annotated[Optional[Path], typer.Option(help="The cell; without, the shipped one.")] = None,
    ordinary_model: Annotated[
        Optional[Path], typer.Option(help="A file that impurity-grasp teach has written; attention in mode objects.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Record each job (docs/recording.md).")] = False,
    output: Annotated[Path, typer.Option(help="Folder in which the run's folder is created.")] = Path("runs"),
) -> None:
    """Pick the impurities of simulated scenes through the action /pick_impurities.

    Writes a picture of each decision and a summary. The exit code is 0 only if every goal succeeded and, according to
    the simulator, every target is in the drop bin; it is 3 if that is so but a picture or the summary is missing.
    """
    from impurity_grasp_ros.nodes.composition import SimulatedSystem  # needs ROS 2, other commands do not

    console = Console()
    folder = output / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{Path(scene).stem}_seed{seed}"
    bridge = {"scene": scene, "seed": seed, "gui": gui, "targets": _or_default(targets), "blocks": _or_default(blocks)}
    rows, lost, cell = [], "", str(cell_file.absolute()) if cell_file else CELL_FILE
    attention = _taught(ordinary_model)
    with (
        console.status("starting the nodes") as status,
        SimulatedSystem(bridge, cell, folder, console.print, attention, folder if record else None) as system,
    ):
        for number in range(seed, seed + episodes):
            system.reset(scene, number, targets, blocks)
            system.recorder.folder = folder / f"seed_{number:03d}" if episodes > 1 else folder
            what = f"{system.scene.targets} targets among {system.scene.others} blocks"
            console.print(f"[bold]{scene}, seed {number}[/bold]: {what}")
            result, seconds = _job(system, max_actions, status.update)
            rows.append(_row(system, result, seconds))
            lost = _write(folder / "summary.json", rows) or system.recorder.failure
    console.print(_table(rows))
    console.print(f"[red]not recorded[/red]: {lost}" if lost else f"pictures and summary: {folder}")
    raise typer.Exit(1 if not all(row["complete"] for row in rows) else NOT_RECORDED if lost else 0)


def _taught(file: Path | None) -> dict[str, Any]:
    """Parameters of attention_node for a model of ordinary objects; raises ConfigError if it cannot be used."""
    if file is None:
        return {}
    from impurity_grasp_ros.config import packaged_parameters
    from impurity_grasp_ros.perception.attention import OBJECTS, AttentionConfig
    from impurity_grasp_ros.perception.odd_objects import network_of, taught

    shipped = packaged_parameters("attention_node", AttentionConfig).objects
    config = replace(shipped, ordinary_model=str(file.absolute()))
    taught(network_of(config), config)
    return {"mode": OBJECTS, "objects.ordinary_model": config.ordinary_model}


def _or_default(number: int | None) -> int:
    """The number for the ROS interfaces, where -1 means: as the scene file says."""
    return -1 if number is None else number


def _job(system: SimulatedSystem, max_actions: int, show: Callable[[str], None]) -> tuple[PickResult, float]:
    """Run one job, show its progress, and return its result and duration in seconds."""

    def on_feedback(feedback: PickFeedback) -> None:
        counts = f"picked {feedback.picked}, grasps {feedback.grasps}, pushes {feedback.pushes}, moves {feedback.moves}"
        show(f"{PHASES[feedback.phase]}: {counts}, {feedback.elapsed:.0f} s")

    start = time.monotonic()
    result = system.pick(on_feedback, max_actions=max_actions)
    seconds = time.monotonic() - start
    system.await_decisions(len(result.attempts) + result.workspace_clear)
    return result, seconds


def _row(system: SimulatedSystem, result: PickResult, seconds: float) -> dict[str, Any]:
    """One scene of the summary. What is in the bin is counted by the simulator, the rest by the robot itself."""
    truth = system.scene
    return {
        "scene": truth.scene,
        "seed": truth.seed,
        "result": result.error.name,
        "message": result.message,
        "targets": truth.targets,
        "targets_in_bin": truth.targets_in_bin,
        "targets_out_of_reach": truth.targets_out_of_reach,
        "others_in_bin": truth.others_in_bin,
        "grasps": result.grasps,
        "held": result.picked,
        "pushes": result.pushes,
        "moves": result.moves,
        "workspace_clear": result.workspace_clear,
        "seconds": round(seconds, 2),
        "recorded": not system.recorder.failure,
        "complete": result.error is ErrorCode.NONE and truth.targets_in_bin == truth.targets,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title=f"scene {rows[0]['scene']}; targets and others: in the drop bin; held: of all grasps")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "result" else "right")
    for row in rows:
        table.add_row(
            str(row["seed"]),
            "[green]succeeded" if row["result"] == "NONE" else f"[red]{row['result']}",
            f"{row['targets_in_bin']}/{row['targets']}",
            str(row["others_in_bin"]),
            f"{row['held']}/{row['grasps']}",
            str(row["pushes"]),
            "yes" if row["workspace_clear"] else "no",
            f"{row['seconds']:.1f}",
        )
    if len(rows) > 1:
        complete = sum(row["complete"] for row in rows)
        table.caption = f"complete: {complete} of {len(rows)} ({complete / len(rows):.0%})"
    return table


def _write(path: Path, rows: list[dict[str, Any]]) -> str:
    """Write the summary; return why it could not be written, empty if it was."""
    try:
        write_atomically(path, (json.dumps(rows, indent=2) + "\n").encode())
    except OSError as error:
        return str(error)
    return ""
