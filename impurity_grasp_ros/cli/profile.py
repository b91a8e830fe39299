"""``impurity-grasp profile``: how long the stages of a decision take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Annotated, Any, TypeVar

import cv2
import typer
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt
from impurity_grasp_ros.evaluation.policies import with_actor
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.saliency import saliency
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, make_actor
from impurity_grasp_ros.simulation.environment import Environment

T = TypeVar("T")


class Stopwatch:
    """Measures how many milliseconds each run of each stage takes."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = {}

    def __call__(self, stage: str, function: Callable[..., T], *arguments: Any) -> T:
        """Run a stage and measure its time.

        Args:
            stage: Name of the stage.
            function: What the stage does.
            arguments: Arguments of the function.

        Returns:
            The function's result.
        """
        start = time.perf_counter()
        result = function(*arguments)
        self.samples.setdefault(stage, []).append(1e3 * (time.perf_counter() - start))
        return result

    def runs(self, stage: str) -> int:
        """The number of runs of a stage."""
        return len(self.samples.get(stage, ()))


def profile(
    scene: Annotated[str, typer.Option(help="A scene of config/scenes, or a preset: path/to/scene.yaml.")] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene.")] = 100,
    decisions: Annotated[int, typer.Option(min=1, help="Decisions to time, in as many scenes as necessary.")] = 30,
    threads: Annotated[int, typer.Option(min=1, help="Threads that OpenCV and BLAS may use.")] = 1,
    graph: Annotated[bool, typer.Option(help="Measure the graph instead: start, idle load, overhead.")] = False,
) -> None:
    """Time the stages of decisions in simulated scenes; the table shows medians in milliseconds."""
    if graph:
        _show_graph(scene, seed, decisions)
        return
    cv2.setNumThreads(threads)
    with threadpool_limits(threads):
        stopwatch = run_stages(scene, seed, decisions)
    table = Table(title=f"{decisions} decisions, scene {scene}, {threads} thread(s), {os.cpu_count()} CPU(s)")
    for name in ("stage", "median ms", "min ms", "max ms", "runs"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage, samples in stopwatch.samples.items():
        row = (f"{value:.2f}" for value in (median(samples), min(samples), max(samples)))
        table.add_row(stage, *row, str(len(samples)))
    Console().print(table)


def _show_graph(scene: str, seed: int, decisions: int) -> None:
    from impurity_grasp_ros.nodes.graph_profile import profile_graph  # needs ROS 2

    table = Table(title=f"simulated graph as processes, scene {scene}, seed {seed}, {os.cpu_count()} CPU(s)")
    for name in ("what", "value"):
        table.add_column(name)
    for row in profile_graph(scene, seed, decisions):
        table.add_row(*row)
    Console().print(table)


def run_stages(scene: str, seed: int, decisions: int) -> Stopwatch:
    """Play scenes with the actor of the shipped parameters and time every stage.

    Args:
        scene: Name of a scene, or path of a preset.
        seed: Seed of the first scene; the others count up.
        decisions: Number of primitives to execute.

    Returns:
        The stopwatch.
    """
    stopwatch, environment = Stopwatch(), Environment()
    while stopwatch.runs("execute") < decisions:
        stopwatch("generate scene", environment.reset, seed, scene)
        play(environment, stopwatch, decisions)
        seed += 1
    return stopwatch


def play(environment: Environment, stopwatch: Stopwatch, decisions: int) -> None:
    """Play a scene until it is clear or ``decisions`` primitives have been executed in total."""
    from impurity_grasp_ros.nodes.conversions import from_heightmap, to_heightmap  # needs ROS 2

    actor = make_actor(packaged_parameters("policy_node", PolicyNodeConfig), environment.cell.gripper_model)
    pipeline = with_actor(environment, actor, stage=stopwatch)
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    scales = packaged_parameters("attention_node", AttentionConfig).saliency
    history: list[Attempt] = []
    while stopwatch.runs("execute") < decisions:
        frame = stopwatch("render 640x480", environment.observe)
        stopwatch("project alone", project, frame, environment.cell.workspace.grid, projection)
        decision = pipeline.decide(frame, history)
        message = stopwatch("heightmap to message", to_heightmap, decision.heightmap)
        stopwatch("heightmap from message", from_heightmap, message)
        stopwatch("saliency alone", saliency, decision.heightmap.color, scales)
        if decision.primitive is None:
            return
        outcome = stopwatch("execute", environment.step, decision.primitive)
        history.append(Attempt(decision.primitive, outcome))
