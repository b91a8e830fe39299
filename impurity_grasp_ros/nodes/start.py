"""Console scripts of the nodes, which handle signals before they import anything else."""

from __future__ import annotations

import sys
from importlib import import_module

from impurity_grasp_ros.nodes.signals import leave_on_signals


def start(name: str) -> None:
    """Import the module of a node and run its ``main``.

    Args:
        name: Name of a module in ``impurity_grasp_ros.nodes``.

    Raises:
        SystemExit: A parameter file is missing or invalid; with the reason, for exit code 1.
    """
    leave_on_signals()
    from impurity_grasp_ros.errors import ConfigError
    from impurity_grasp_ros.launch_arguments import check_parameter_files

    try:
        check_parameter_files(sys.argv)
    except ConfigError as error:
        raise SystemExit(f"{error.code.name}: {error}") from None
    import_module(f"impurity_grasp_ros.nodes.{name}").main()


def heightmap_node() -> None:
    """Entry point of the console script."""
    start("heightmap_node")


def attention_node() -> None:
    """Entry point of the console script."""
    start("attention_node")


def policy_node() -> None:
    """Entry point of the console script."""
    start("policy_node")


def picker_node() -> None:
    """Entry point of the console script."""
    start("picker_node")


def motion_node() -> None:
    """Entry point of the console script."""
    start("motion_node")


def emulated_cell() -> None:
    """Entry point of the console script."""
    start("emulated_cell")


def manager_node() -> None:
    """Entry point of the console script."""
    start("manager_node")


def recording_node() -> None:
    """Entry point of the console script."""
    start("recording_node")


def bullet_bridge_node() -> None:
    """Entry point of the console script."""
    start("bullet_bridge_node")
