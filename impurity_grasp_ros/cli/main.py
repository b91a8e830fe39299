"""The command ``impurity-grasp``; each subcommand is a module of its own."""

import sys

import typer

from impurity_grasp_ros.cli.benchmark import benchmark
from impurity_grasp_ros.cli.benchmark_attention import benchmark_attention
from impurity_grasp_ros.cli.calibrate import calibrate
from impurity_grasp_ros.cli.emulated import emulated
from impurity_grasp_ros.cli.launch import launch
from impurity_grasp_ros.cli.profile import profile
from impurity_grasp_ros.cli.report import report
from impurity_grasp_ros.cli.sim import sim
from impurity_grasp_ros.cli.teach import teach
from impurity_grasp_ros.cli.touch_test import touch_test
from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.cli.weights import weights
from impurity_grasp_ros.errors import ImpurityGraspError

app = typer.Typer(help="Find the odd objects in clutter and pick them out.", no_args_is_help=True, add_completion=False)
app.command()(sim)
app.command()(launch)
app.command()(emulated)
app.command()(profile)
app.command()(train)
app.command()(benchmark)
app.command()(benchmark_attention)
app.command()(report)
app.command()(calibrate)
app.command()(teach)
app.command()(touch_test)
app.add_typer(weights, name="weights")


def main() -> None:
    """Entry point of the console script: a fault gives one line on standard error and exit code 2."""
    try:
        app()
    except ImpurityGraspError as error:
        print(f"{error.code.name}: {error}", file=sys.stderr)
        sys.exit(2)
