"""``impurity-grasp emulated``: the nodes of the real robot, in processes, run jobs on an emulated cell."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.console import Console
from rich.table import Table

from impurity_grasp_ros.cli.burden import Burden
from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.files import write_atomically

if TYPE_CHECKING:
    from impurity_grasp_ros.nodes.robot_graph import RobotGraph


@dataclass(frozen=True)
class JobRow:
    """The job in one scene. What is in the bin is counted by the simulator, the rest by the robot itself."""

    seed: int
    result: str
    message: str
    targets: int
    targets_in_bin: int
    others_in_bin: int
    held: int
    grasps: int
    pushes: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether the job succeeded and every target is in the bin."""
        return self.result == ErrorCode.NONE.name and self.targets_in_bin == self.targets

    def cells(self) -> dict[str, str]:
        """The cells of its row in the table, by column."""
        return {
            "seed": str(self.seed),
            "result": "succeeded" if self.result == ErrorCode.NONE.name else self.result,
            "targets": f"{self.targets_in_bin}/{self.targets}",
            "others": str(self.others_in_bin),
            "held": f"{self.held}/{self.grasps}",
            "pushes": str(self.pushes),
            "seconds": f"{self.seconds:.0f}",
        }


def emulated(
    scene: Annotated[str, typer.Option(help="A scene of config/scenes, or a preset: path/to/scene.yaml.")] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene.")] = 0,
    episodes: Annotated[int, typer.Option(min=1, help="Scenes to run, with seeds counting up.")] = 1,
    targets: Annotated[Optional[int], typer.Option(min=0, help="Targets, instead of the scene file's.")] = None,
    blocks: Annotated[Optional[int], typer.Option(min=0, help="Ordinary blocks, instead of the scene file's.")] = None,
    driver: Annotated[str, typer.Option(help="How the robot is reached: ur_rtde or ros2_control.")] = "ur_rtde",
    controller: Annotated[str, typer.Option(help="Generation of the controller: cb3 or e-series.")] = "cb3",
    host: Annotated[str, typer.Option(help="Loopback address of the emulated cell.")] = "127.0.0.1",
    slow: Annotated[int, typer.Option(min=1, help="Controller, driver and camera get 1/SLOW of the machine.")] = 1,
    busy: Annotated[int, typer.Option(min=0, help="Busy loops to run beside the nodes.")] = 0,
    record: Annotated[
        bool, typer.Option("--record", help="Record each job in recordings/ (docs/recording.md).")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder in which the run's folder is created.")] = Path("runs"),
) -> None:
    """Pick the impurities of simulated scenes as the real robot does: through its controller's ports, in real time.

    After a job that ended with a fault, the robot is recovered and moved home before the next one. Writes the output of
    the nodes and a summary. The exit code is 0 only if every goal succeeded and, according to the simulator, every
    target is in the drop bin.
    """
    from impurity_grasp_ros.nodes.robot_graph import RobotGraph  # needs ROS 2, other commands do not

    signal.signal(signal.SIGTERM, _leave)
    console = Console()
    folder = output / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_emulated_{Path(scene).stem}_seed{seed}"
    counts = {"targets": -1 if targets is None else targets, "blocks": -1 if blocks is None else blocks}
    given = {"scene": scene, "seed": str(seed), "driver": driver, "controller": controller, "robot_ip": host}
    given["record"] = str(record).lower()
    jobs: list[JobRow] = []
    with Burden(slow, busy) as burden:
        if burden.means:
            console.print(f"controller, driver and camera: {burden.means}")
        with RobotGraph(folder, given, burden.prefix) as graph:
            graph.await_ready()
            for number in range(seed, seed + episodes):
                graph.reset(scene, number, **counts)
                jobs.append(_picked(graph, number))
                console.print(_line(jobs[-1]))
                write_atomically(folder / "summary.json", _json(jobs))
                if jobs[-1].result != ErrorCode.NONE.name and number + 1 < seed + episodes:
                    graph.recover()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the nodes are shut down next anyway
            console.print(f"oldest reading of the arm in diagnostics: {graph.longest_age:.3f} s")
    console.print(_table(jobs))
    console.print(f"output of the nodes and summary: {folder}")
    raise typer.Exit(0 if all(job.complete for job in jobs) else 1)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Exit, which shuts the nodes down; a second signal is ignored."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _picked(graph: RobotGraph, seed: int) -> JobRow:
    """Run one job on the current scene."""
    start = time.monotonic()
    result, truth = graph.pick(), graph.scene
    return JobRow(
        seed,
        result.error.name,
        result.message,
        truth.targets,
        truth.targets_in_bin,
        truth.others_in_bin,
        result.picked,
        result.grasps,
        result.pushes,
        time.monotonic() - start,
    )


def _line(job: JobRow) -> str:
    told = ", ".join(f"{name} {value}" for name, value in job.cells().items())
    return f"{told}: {job.message}" if job.message else told


def _json(jobs: list[JobRow]) -> bytes:
    rows = [{**asdict(job), "complete": job.complete} for job in jobs]
    return (json.dumps(rows, indent=2) + "\n").encode()


def _table(jobs: list[JobRow]) -> Table:
    complete, faults = sum(job.complete for job in jobs), sum(job.result != ErrorCode.NONE.name for job in jobs)
    hours = sum(job.seconds for job in jobs) / 3600
    table = Table(title="targets and others: in the drop bin; held: of all grasps")
    for name in jobs[0].cells():
        table.add_column(name, justify="left" if name == "result" else "right")
    for job in jobs:
        table.add_row(*job.cells().values())
    table.caption = (
        f"complete: {complete} of {len(jobs)} ({complete / len(jobs):.0%}); jobs ended by a fault: {faults}; "
        f"{sum(job.targets_in_bin for job in jobs) / hours:.0f} picks/h in {60 * hours:.0f} minutes of jobs"
    )
    return table
