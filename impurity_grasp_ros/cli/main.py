"""The command ``impurity-grasp``; each subcommand is a module of its own, imported when it is used."""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from impurity_grasp_ros.errors import ImpurityGraspError

COMMANDS = (
    *("sim", "launch", "emulated", "profile", "train", "benchmark", "benchmark-attention", "report", "calibrate"),
    *("doctor", "pick", "replay", "export", "teach", "touch-test", "weights"),
)
"""Names of the subcommands, in the order of the help."""


class Subcommands(TyperGroup):
    """Imports the module of a subcommand when it is asked for: together, they load most libraries."""

    def list_commands(self, ctx: Any) -> list[str]:
        """See :class:`click.Group`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """See :class:`click.Group`."""
        if cmd_name not in COMMANDS:
            return None
        function = cmd_name.replace("-", "_")
        found = getattr(import_module(f"impurity_grasp_ros.cli.{function}"), function)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
        else:
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Subcommands,
    help="Find the odd objects in clutter and pick them out.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _main() -> None:
    """Find the odd objects in clutter and pick them out."""


def main() -> None:
    """Entry point of the console script: a fault gives one line on standard error and exit code 2."""
    try:
        app()
    except ImpurityGraspError as error:
        print(f"{error.code.name}: {error}", file=sys.stderr)
        sys.exit(2)
