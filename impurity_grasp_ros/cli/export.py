"""``impurity-grasp export``: recorded jobs as a data set that others can train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from impurity_grasp_ros.cli.replay import recordings_in
from impurity_grasp_ros.errors import ConfigError

FORMATS = ("jsonl",)


def export(
    files: Annotated[list[Path], typer.Argument(help="Recordings, or folders of recordings.")],
    output: Annotated[Path, typer.Option(help="Folder for the data set.")],
    to: Annotated[str, typer.Option(help=f"Format: {', '.join(FORMATS)}.")] = FORMATS[0],
) -> None:
    """Write recorded jobs as a data set: a line of JSON for each decision, and its pictures (docs/recording.md)."""
    from impurity_grasp_ros.nodes.dataset import export_jobs  # needs ROS 2
    from impurity_grasp_ros.nodes.recorded_job import read_job

    if to not in FORMATS:
        raise ConfigError(f"--to: expected one of {', '.join(FORMATS)}, received {to!r}")
    jobs = {path.stem: read_job(path) for path in recordings_in(files)}
    count = export_jobs(jobs, output)
    Console().print(f"{len(jobs)} jobs, {count} decisions: {output}")
