"""``impurity-grasp train``: learn the policy by self-supervision in simulation."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.provenance import commit
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.training_progress import RoundReport

if TYPE_CHECKING:
    from impurity_grasp_ros.learning.attention_trainer import AttentionTrainer
    from impurity_grasp_ros.learning.collection import RayCollection
    from impurity_grasp_ros.learning.hidden_trainer import HiddenTrainer
    from impurity_grasp_ros.learning.judge_trainer import JudgeTrainer
    from impurity_grasp_ros.learning.trainer import Trainer


def train(
    preset: Annotated[
        str,
        typer.Option(
            help="A training of a file of config: training, judge_training, rectangles, attention_training, "
            "hidden_training."
        ),
    ] = "default",
    output: Annotated[
        Optional[Path], typer.Option(help="Folder of the training; default: runs/train_<preset>.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Collecting processes; 0: one less than the number of CPUs.")] = 0,
    ray_address: Annotated[Optional[str], typer.Option(help="An existing Ray cluster instead of this machine.")] = None,
    resume: Annotated[Optional[Path], typer.Option(help="Continue the training in this folder.")] = None,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds, instead of the preset's.")] = 0,
    records: Annotated[
        Optional[Path],
        typer.Option(help="Folder of the training from whose grasps a preset of rectangles.yaml learns."),
    ] = None,
) -> None:
    """Learn the policy in simulation. Ctrl-C ends the training after the current round, with a checkpoint."""
    try:  # slow to import, and other commands do not need it
        from impurity_grasp_ros.learning.rectangle_config import rectangle_training_names

        networks = _network_trainings()
    except ImportError as error:
        raise ConfigError(
            f"expected the libraries for training, please source scripts/bootstrap.sh learning: {error}"
        ) from error

    processes = workers or max(1, (os.cpu_count() or 2) - 1)
    folder = resume or output or Path("runs") / f"train_{preset}"
    if preset in rectangle_training_names():
        if resume or workers or ray_address:
            raise ConfigError(f"{preset}: expected no --resume, --workers or --ray-address, it takes only minutes")
        _train_rectangles(preset, records, folder, rounds)
        return
    if records:
        raise ConfigError(f"{preset}: expected no --records, this training collects its own")
    for network in networks:
        if preset in network.names():
            network.run(preset, folder, rounds, processes, ray_address, bool(resume))
            return
    _train_policy(preset, folder, rounds, processes, ray_address, bool(resume))


def _train_policy(preset: str, folder: Path, rounds: int, workers: int, ray_address: str | None, resume: bool) -> None:
    """Learn the values of pushes and grasps from the policy's own play."""
    from impurity_grasp_ros.learning.collection import RayCollection
    from impurity_grasp_ros.learning.trainer import Trainer
    from impurity_grasp_ros.learning.training_config import load_training

    config = load_training(preset)
    config = replace(config, rounds=rounds) if rounds else config
    trainer = Trainer(config, folder, workers, preset, commit())
    if resume:
        trainer.resume()
    start = time.monotonic()
    _run(trainer, RayCollection(config, workers, ray_address), folder, config.rounds)
    took = _write_duration(folder, start, workers)
    Console().print(f"{trainer.round} of {config.rounds} rounds, {trainer.attempts} attempts, {took}: {folder}")


def _write_duration(folder: Path, start: float, workers: int) -> str:
    """Write how long a training took since ``start``, in seconds of the monotonic clock; returns it as text."""
    took = f"{(time.monotonic() - start) / 60:.1f} minutes, {workers} workers, {os.cpu_count()} CPUs"
    write_atomically(folder / "duration.txt", f"{took}\n".encode())
    return took


def _run(trainer: Trainer, collection: RayCollection, folder: Path, rounds: int) -> None:
    """Train with a progress bar and TensorBoard curves."""
    import torch

    torch.set_num_threads(1)  # the workers have the other cores
    interrupted = _until_interrupted()
    try:
        with _shown(folder, rounds, trainer.round) as show:

            def on_round(report: RoundReport) -> None:
                status = f"grasps {report.grasp_success:.0%}, pushes {report.push_success:.0%}, loss {report.loss:.3f}"
                show(asdict(report), status)

            trainer.run(collection, on_round, interrupted)
    finally:
        collection.close()


@dataclass(frozen=True)
class _NetworkTraining:
    """A training of one network from simulated scenes.

    Attributes:
        names: Names of its presets.
        load: Loads the preset of a name.
        trainer: Class of the trainer.
        status: Sums up the report of a round.
    """

    names: Callable[[], list[str]]
    load: Callable[[str], Any]
    trainer: Callable[..., AttentionTrainer | HiddenTrainer | JudgeTrainer]
    status: Callable[[Any], str]

    def run(self, preset: str, folder: Path, rounds: int, workers: int, ray_address: str | None, resume: bool) -> None:
        """Train with a progress bar."""
        import torch

        torch.set_num_threads(1)  # the workers have the other cores
        config = self.load(preset)
        trainer = self.trainer(replace(config, rounds=rounds) if rounds else config, folder, preset, commit())
        if resume:
            trainer.resume()
        start = time.monotonic()
        with _shown(folder, trainer.config.rounds, len(trainer.reports)) as show:
            trainer.run(
                workers, lambda report: show(asdict(report), self.status(report)), _until_interrupted(), ray_address
            )
        took = _write_duration(folder, start, workers)
        Console().print(f"{len(trainer.reports)} of {trainer.config.rounds} rounds, {took}: {folder}")


def _network_trainings() -> tuple[_NetworkTraining, ...]:
    from impurity_grasp_ros.learning import attention_config, hidden_config, judge_config
    from impurity_grasp_ros.learning.attention_trainer import AttentionTrainer
    from impurity_grasp_ros.learning.hidden_trainer import HiddenTrainer
    from impurity_grasp_ros.learning.judge_trainer import JudgeTrainer

    return (
        _NetworkTraining(
            attention_config.attention_training_names,
            attention_config.load_attention_training,
            AttentionTrainer,
            lambda report: f"loss {report.loss:.3f}, odd object first {report.found:.0%}",
        ),
        _NetworkTraining(
            hidden_config.hidden_training_names,
            hidden_config.load_hidden_training,
            HiddenTrainer,
            lambda report: (
                f"loss {report.held_out_loss:.3f}, {report.expected:.2f} expected, {report.hidden:.2f} hidden"
            ),
        ),
        _NetworkTraining(
            judge_config.judge_training_names,
            judge_config.load_judge_training,
            JudgeTrainer,
            lambda report: f"{report.trials} trials, loss {report.held_out_loss:.3f}, {report.right:.0%} foretold",
        ),
    )


def _train_rectangles(preset: str, records: Path | None, folder: Path, rounds: int) -> None:
    """Learn grasp rectangles from the grasps of another training."""
    from impurity_grasp_ros.learning.rectangle_config import load_rectangle_training
    from impurity_grasp_ros.learning.rectangle_records import read_records
    from impurity_grasp_ros.learning.rectangle_trainer import RectangleReport, RectangleTrainer

    if records is None:
        raise ConfigError(f"{preset}: expected --records, the folder of a training from whose grasps to learn")
    config = load_rectangle_training(preset)
    config = replace(config, rounds=rounds) if rounds else config
    found = read_records(records, load_cell().gripper_model, config.decoding)
    trainer = RectangleTrainer(config, found, folder, preset, commit())
    with _shown(folder, config.rounds, 0) as show:

        def on_round(report: RectangleReport) -> None:
            errors = f"{report.center_mm:.1f} mm, {report.angle_deg:.0f} deg, opening {report.opening_mm:.1f} mm"
            show(asdict(report), f"loss {report.loss:.3f}, off by {errors}")

        trainer.run(on_round, _until_interrupted())
    Console().print(f"{len(trainer.reports)} of {config.rounds} rounds, {len(found)} grasps of {records}: {folder}")


@contextmanager
def _shown(folder: Path, rounds: int, completed: int) -> Iterator[Callable[[dict[str, Any], str], None]]:
    """Show progress: yields a function that takes the numbers of a round and their summary in words."""
    from torch.utils.tensorboard import SummaryWriter

    with _progress() as progress, SummaryWriter(str(folder / "tensorboard")) as writer:
        task = progress.add_task("training", total=rounds, completed=completed, status="")

        def show(report: dict[str, Any], status: str) -> None:
            for name, value in report.items():
                if name != "round" and value == value:  # NaN means that there was nothing to measure
                    writer.add_scalar(name, value, report["round"])
            progress.update(task, completed=report["round"], status=status)

        yield show


def _progress() -> Progress:
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    return Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[status]}"))


def _until_interrupted() -> Callable[[], bool]:
    """Return a function that says whether the user has interrupted; a second interrupt stops at once."""
    asked = []

    def on_signal(*_: object) -> None:
        asked.append(True)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    signal.signal(signal.SIGINT, on_signal)
    return lambda: bool(asked)
