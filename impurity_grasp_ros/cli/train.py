"""``impurity-grasp train``: learn the policy by self-supervision in simulation."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import write_atomically

if TYPE_CHECKING:
    from impurity_grasp_ros.learning.collection import RayCollection
    from impurity_grasp_ros.learning.trainer import Trainer


def train(
    preset: Annotated[str, typer.Option(help="A training of config/training.yaml.")] = "default",
    output: Annotated[Path | None, typer.Option(help="Folder of the training; default: runs/train_<preset>.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Collecting processes; 0: one less than CPUs.")] = 0,
    ray_address: Annotated[str | None, typer.Option(help="An existing Ray cluster instead of this machine.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the training in this folder.")] = None,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds, instead of the preset's.")] = 0,
) -> None:
    """Learn the policy in simulation. Ctrl-C ends after the current round and leaves a checkpoint."""
    try:  # heavy, and the other verbs do not need it
        from impurity_grasp_ros.learning.collection import RayCollection
        from impurity_grasp_ros.learning.trainer import Trainer
        from impurity_grasp_ros.learning.training_config import load_training
    except ImportError as error:
        raise ConfigError(
            f"expected what training needs, please source scripts/bootstrap.sh learning: {error}"
        ) from error

    config = load_training(preset)
    config = replace(config, rounds=rounds) if rounds else config
    folder = resume or output or Path("runs") / f"train_{preset}"
    workers = workers or max(1, (os.cpu_count() or 2) - 1)
    trainer = Trainer(config, folder, workers)
    if resume:
        trainer.resume()
    start = time.monotonic()
    _run(trainer, RayCollection(config, workers, ray_address), folder, config.rounds)
    took = f"{(time.monotonic() - start) / 60:.1f} minutes, {workers} workers, {os.cpu_count()} CPUs"
    write_atomically(folder / "duration.txt", f"{took}\n".encode())
    Console().print(f"{trainer.round} of {config.rounds} rounds, {trainer.attempts} attempts, {took}: {folder}")


def _run(trainer: Trainer, collection: RayCollection, folder: Path, rounds: int) -> None:
    """Train with a progress bar and TensorBoard curves."""
    import torch
    from torch.utils.tensorboard import SummaryWriter

    from impurity_grasp_ros.learning.trainer import RoundReport

    torch.set_num_threads(1)  # the workers have the other cores
    interrupted = _until_interrupted()
    try:
        with _progress() as progress, SummaryWriter(str(folder / "tensorboard")) as writer:
            task = progress.add_task("training", total=rounds, completed=trainer.round, status="")

            def show(report: RoundReport) -> None:
                for name, value in asdict(report).items():
                    if name != "round" and value == value:  # a NaN says that there was nothing to measure
                        writer.add_scalar(name, value, report.round)
                status = f"grasps {report.grasp_success:.0%}, pushes {report.push_success:.0%}, loss {report.loss:.3f}"
                progress.update(task, completed=report.round, status=status)

            trainer.run(collection, show, interrupted)
    finally:
        collection.close()


def _progress() -> Progress:
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    return Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[status]}"))


def _until_interrupted() -> Callable[[], bool]:
    """A question whether the user wants to stop; a second interrupt stops at once."""
    asked = []

    def on_signal(*_: object) -> None:
        asked.append(True)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    signal.signal(signal.SIGINT, on_signal)
    return lambda: bool(asked)
