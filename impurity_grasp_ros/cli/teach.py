"""``impurity-grasp teach``: show ordinary goods, and get a file with which jobs can begin."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ConfigError

MAX_FRAMES = 100


def teach(
    file: Annotated[Path, typer.Argument(help="The model to write; with a graph, on the machine of attention_node.")],
    frames: Annotated[int, typer.Option(min=1, max=MAX_FRAMES, help="Views to learn from.")] = 1,
    odd: Annotated[
        Optional[list[str]],
        typer.Option(metavar="X,Y", help="Place in base_link, in meters, of an impurity in view; may be repeated."),
    ] = None,
    only_odd: Annotated[bool, typer.Option("--only-odd", help="Everything in view is an impurity.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Keep what was taught before.")] = False,
    namespace: Annotated[str, typer.Option(help="Namespace of the graph.")] = "",
    scene: Annotated[
        Optional[str], typer.Option(help="Learn from the ordinary objects of a simulated scene, without a graph.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first simulated scene; they count up.")] = 0,
    weights: Annotated[
        Optional[Path], typer.Option(help="Weights of the network, with --scene; without, the shipped ones.")
    ] = None,
) -> None:
    """Show ordinary goods, and write a model of them with which jobs can begin.

    Without --scene, a running graph looks at what lies in the workspace. Attention uses the model in mode objects.
    """
    console, points = Console(), [_point(text) for text in odd or ()]
    if points and (frames > 1 or only_odd):
        raise ConfigError("--odd: expected one view, and other objects in it that are ordinary")
    if scene is None:
        if weights is not None:
            raise ConfigError("--weights: expected --scene with it, attention_node has a parameter for its weights")
        _show_to_graph(file, frames, points, only_odd, add, namespace, console)
    elif points or only_odd:
        raise ConfigError("--odd, --only-odd: expected none with --scene, whose objects are all ordinary")
    else:
        _show_scenes(file, scene, range(seed, seed + frames), weights, add, console)


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        raise ConfigError(f"--odd: expected X,Y in meters, such as 0.51,-0.03, received {text!r}") from None
    return x, y


def _show_to_graph(
    file: Path,
    frames: int,
    points: list[tuple[float, float]],
    only_odd: bool,
    add: bool,
    namespace: str,
    console: Console,
) -> None:
    """Let a running graph look at its workspace; the file is written with the last view."""
    from impurity_grasp_ros.nodes.teach_client import TeachClient  # needs ROS 2, a simulated scene does not

    what = 1 if points or only_odd else 0  # see srv/Teach.srv
    with TeachClient(namespace) as client:
        for number in range(frames):
            if number:
                typer.prompt("please rearrange the goods, then press Enter", "", show_default=False)
            written = str(file.absolute()) if number == frames - 1 else ""
            begin = not (number or add)
            taught = client.teach(client.capture(), what, points, begin=begin, file=written)
            console.print(f"view {number + 1} of {frames}: {taught.added} objects")
    console.print(f"{taught.ordinary} ordinary and {taught.odd} odd objects taught so far: {file}")


def _show_scenes(file: Path, scene: str, seeds: range, weights: Path | None, add: bool, console: Console) -> None:
    """Learn from simulated scenes without impurities."""
    from impurity_grasp_ros.perception.attention import AttentionConfig
    from impurity_grasp_ros.perception.heightmap import ProjectionConfig
    from impurity_grasp_ros.perception.samples import Site
    from impurity_grasp_ros.perception.teaching import Teacher
    from impurity_grasp_ros.perception.view import ViewConfig, look
    from impurity_grasp_ros.simulation.environment import Environment

    config = packaged_parameters("attention_node", AttentionConfig)
    objects = replace(config.objects, weights=str(weights or ""), ordinary_model=str(file) if add else "")
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    view = packaged_parameters("heightmap_node", ViewConfig, "view")
    teacher = Teacher.resume(objects)
    with closing(Environment()) as environment:
        site = Site.of(environment.cell)
        for number, seed in enumerate(seeds):
            environment.reset(seed, scene, targets=0)
            heightmap, _ = look(environment.observe(), site, projection, view, None)
            before, teacher = teacher.ordinary_shown, teacher.shown(heightmap, config)
            added = teacher.ordinary_shown - before
            console.print(f"view {number + 1} of {len(seeds)}, seed {seed}: {added} objects")
    teacher.save(file)
    size = os.stat(file).st_size / 1000
    console.print(f"{teacher.ordinary_shown} ordinary and {teacher.odd_shown} odd objects: {file} ({size:.1f} kB)")
