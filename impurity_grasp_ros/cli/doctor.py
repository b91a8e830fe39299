"""``impurity-grasp doctor``: check the cell before the first job, and say how to cure what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.markup import escape

from impurity_grasp_ros.cell import CELL_FILE
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.doctor.finding import Finding, Level, fault
from impurity_grasp_ros.doctor.machine import check_python, check_resources, check_robot_libraries
from impurity_grasp_ros.doctor.robot import check_robot
from impurity_grasp_ros.doctor.shipped import check_cell, check_weights

FAULTY = 1
"""Exit code if something does not work."""

COLORS = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "red"}


def doctor(
    robot_ip: Annotated[str, typer.Option(help="Address of the robot's controller; empty: no robot.")] = "",
    camera: Annotated[
        bool, typer.Option("--camera", help="Check the camera's topics, too; its driver must run.")
    ] = False,
    cell_file: Annotated[Optional[Path], typer.Option(help="The cell; without, the shipped one.")] = None,
    namespace: Annotated[str, typer.Option(help="Namespace of the graph.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check computer, ROS 2, weights, calibration, camera, robot and a running graph, and say what to do.

    Nothing is moved or changed, and nothing takes control of the robot. The exit code is 1 if something does not work.
    """
    console, findings = Console(quiet=as_json, highlight=False, soft_wrap=True), []
    cell = str(cell_file.absolute()) if cell_file else CELL_FILE
    for finding in _findings(robot_ip, camera, cell, namespace):
        findings.append(finding)
        color = COLORS[finding.level]
        console.print(f"[{color}]{finding.level.value:8}[/{color}] {escape(f'{finding.check}: {finding.found}')}")
        if finding.cure:
            console.print(f"         {escape(finding.cure)}")
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    console.print(f"{len(findings)} checks, {counts[Level.FAULT]} faults, {counts[Level.WARNING]} warnings")
    if as_json:
        print(json.dumps([{**finding._asdict(), "level": finding.level.value} for finding in findings], indent=2))
    raise typer.Exit(FAULTY if counts[Level.FAULT] else 0)


def _findings(robot_ip: str, camera: bool, cell_file: str, namespace: str) -> Iterator[Finding]:
    yield from check_python()
    yield from check_resources(Path())
    yield from check_cell(cell_file, is_real=bool(robot_ip))
    yield from check_weights()
    try:
        from impurity_grasp_ros.nodes.doctor import RosDoctor
    except ImportError as error:
        yield fault("ROS 2", f"expected rclpy and the built interfaces: {error}", "source scripts/bootstrap.sh")
    else:
        with RosDoctor(namespace) as ros:
            yield from ros.check_ros()
            if camera:
                yield from ros.check_camera(cell_file)
            yield from ros.check_graph()
    if robot_ip:
        from impurity_grasp_ros.hardware.ur_config import UrConfig

        yield from check_robot_libraries()
        yield from check_robot(robot_ip, packaged_parameters("motion_node", UrConfig, "arm"))
