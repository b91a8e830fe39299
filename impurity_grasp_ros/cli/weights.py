"""``impurity-grasp weights``: show what files of network weights hold, and convert them to the present format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Console
from rich.table import Table

from impurity_grasp_ros.config import from_mapping, parameter_specs
from impurity_grasp_ros.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from impurity_grasp_ros.perception.network_weights import NetworkWeights
    from impurity_grasp_ros.policy.weights_file import Weights
    from impurity_grasp_ros.tensor_file import Training

_PERCEPTION = {"ObjectNetworkConfig": "attention", "HiddenNetworkConfig": "hidden objects"}
"""Kinds of the networks of perception, by the types of their sizes."""

weights = typer.Typer(help="Show and convert files of network weights.", no_args_is_help=True, add_completion=False)


@weights.command()
def show(
    file: Annotated[Path, typer.Argument(help="A file of weights, in any format.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what a file of weights holds: format, size, origin, architecture and geometry."""
    from impurity_grasp_ros.perception.network_weights import holds_network_weights, read_network_weights
    from impurity_grasp_ros.policy.weights_file import read_weights  # torch takes its time

    of_perception = holds_network_weights(file)
    found = read_network_weights(file) if of_perception else read_weights(file)
    summary = _summary(file, found)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
    else:
        specs = parameter_specs(type(found.config), "network." if of_perception else "")
        Console().print(_table(summary, {spec.name: spec.doc for spec in specs}))


@weights.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file of weights in an older format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; may be IN, with --force.")],
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
    preset: Annotated[Optional[str], typer.Option(help="Training that the weights come from.")] = None,
    commit: Annotated[Optional[str], typer.Option(help="Commit of the code that trained them.")] = None,
    seed: Annotated[Optional[int], typer.Option(help="Seed of the training.")] = None,
    rounds: Annotated[Optional[int], typer.Option(help="Rounds of the training.")] = None,
) -> None:
    """Convert a file of weights to the present format. The tensors stay the same, bit for bit.

    Older formats do not hold the origin of the weights; to add it, give --preset, --commit, --seed and --rounds.
    """
    from impurity_grasp_ros.policy.weights_file import FORMAT, read_weights, write_weights

    training = _training({"preset": preset, "commit": commit, "seed": seed, "rounds": rounds})
    found = read_weights(source)
    if found.format_version == FORMAT:
        raise CheckpointError(f"{source}: expected a format older than {FORMAT}, received format {FORMAT}")
    if not force and (target.exists() or target.is_symlink()):
        raise ConfigError(f"{target}: expected the name of a new file, received an existing one; --force replaces it")
    try:
        write_weights(target, replace(found, training=training))
    except OSError as error:
        raise ConfigError(f"{target}: expected a file that can be written: {error}") from error
    typer.echo(f"{target}: converted from format {found.format_version} to format {FORMAT}")
    if found.costs is not None:
        costs = _listed(asdict(found.costs))
        typer.echo(f"The costs in {source} ({costs}) are not used any more: set parameters of policy_node instead.")


def _training(options: Mapping[str, Any]) -> Training | None:
    """The training that the options of ``convert`` describe, None without any; raises ConfigError."""
    from impurity_grasp_ros.tensor_file import Training

    given = {name: value for name, value in options.items() if value is not None}
    return from_mapping(Training, given, "--") if given else None


def _summary(file: Path, found: Weights | NetworkWeights) -> dict[str, Any]:
    """What ``show`` prints, as JSON values."""
    from impurity_grasp_ros.policy.weights_file import CONFIG_KEYS, Weights

    summary: dict[str, Any] = {
        "file": str(file),
        "kind": CONFIG_KEYS[type(found.config)]
        if isinstance(found, Weights)
        else _PERCEPTION[type(found.config).__name__],
        "bytes": file.stat().st_size,
        "parameters": found.parameter_count(),
        "training": None if found.training is None else asdict(found.training),
    }
    if isinstance(found, Weights):
        costs = None if found.costs is None else asdict(found.costs)
        return {**summary, "format_version": found.format_version, "costs": costs, **asdict(found.config)}
    return {**summary, "network": asdict(found.config)}


def _table(summary: Mapping[str, Any], docs: Mapping[str, str]) -> Table:
    """The summary as a table; docs: meaning of the parts of the configuration, by dotted name."""
    table = Table(title=summary["file"], show_header=False)
    if "format_version" in summary:
        table.add_row("format", str(summary["format_version"]))
    table.add_row("kind", summary["kind"])
    table.add_row("size", f"{summary['bytes']} bytes")
    table.add_row("parameters", str(summary["parameters"]))
    table.add_row("training", _listed(summary["training"]))
    if "costs" in summary:
        meaning = "when the weights were written; policy_node has parameters for them"
        table.add_row("costs", _listed(summary["costs"]), meaning)
    for part in ("network", "decoding"):
        for name, value in summary.get(part, {}).items():
            table.add_row(name, _text(value), docs[f"{part}.{name}"])
    return table


def _listed(values: Mapping[str, Any] | None) -> str:
    """Names and values in one line."""
    return "not recorded" if values is None else ", ".join(f"{name} {_text(value)}" for name, value in values.items())


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
