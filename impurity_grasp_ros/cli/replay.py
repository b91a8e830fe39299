"""``impurity-grasp replay``: decide again on what recorded jobs saw, and show what is decided differently now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.console import Console

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.gripper import GripperModel

if TYPE_CHECKING:
    from impurity_grasp_ros.nodes.replay import Change

CHANGED = 1
"""Exit code if a decision has changed; 2: a recording cannot be used."""


def replay(
    files: Annotated[list[Path], typer.Argument(help="Recordings, or folders of recordings.")],
    cell_file: Annotated[Optional[Path], typer.Option(help="The cell; without, the recorded path.")] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Use the shipped parameters, not the recorded ones.")
    ] = False,
    output: Annotated[Optional[Path], typer.Option(help="Folder for a picture of each changed decision.")] = None,
) -> None:
    """Run perception and policy on recorded jobs, and list the decisions that are others now.

    The exit code is 0 if none has changed, 1 if one has, and 2 if a recording cannot be used.
    """
    from impurity_grasp_ros.nodes.recorded_job import read_job  # needs ROS 2
    from impurity_grasp_ros.nodes.replay import Replay

    console, cell = Console(), str(cell_file.absolute()) if cell_file else ""
    decisions = changed = views = 0
    recordings = recordings_in(files)
    for path in recordings:
        job = read_job(path)
        player = Replay.as_shipped(cell) if shipped else Replay.as_recorded(job, cell)
        found = player.compare(job)
        decisions, changed, views = decisions + len(job.steps), changed + len(found.changes), views + found.views
        console.print(f"{path.name}: {len(job.steps)} decisions, {len(found.changes)} changed")
        for change in found.changes:
            console.print(f"  decision {change.index}: {change.what}")
            if output is not None:
                picture = output / f"{path.stem}_decision_{change.index:02d}.png"
                write_atomically(picture, _picture(change, player.gripper))
    total = f"{len(recordings)} jobs, {decisions} decisions, {changed} changed"
    console.print(f"{total}; {views} heightmaps are others now")
    raise typer.Exit(CHANGED if changed else 0)


def recordings_in(paths: list[Path]) -> list[Path]:
    """The recordings among files and in folders, in order."""
    found = [file for path in paths for file in (sorted(path.glob("*.mcap")) if path.is_dir() else [path])]
    if not found:
        raise ConfigError(f"expected recordings (*.mcap), found none in {', '.join(map(str, paths))}")
    return found


def _picture(change: Change, gripper: GripperModel) -> bytes:
    """What was recorded and what is decided now, side by side."""
    from impurity_grasp_ros.overlay import draw_attention, draw_primitive, side_by_side, to_png

    heightmap, pictures = change.step.heightmap, {}
    for name, attention, primitive in (
        ("recorded", change.step.attention, change.step.primitive),
        ("now", change.attention, change.primitive),
    ):
        drawn = draw_attention(heightmap, attention)
        pictures[name] = draw_primitive(heightmap, primitive, gripper, drawn) if primitive else drawn
    return to_png(side_by_side(pictures, change.what))
