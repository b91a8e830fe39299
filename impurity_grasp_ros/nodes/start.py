"""Console scripts of the nodes. Signals are handled before anything else is imported."""

from __future__ import annotations

import sys
from importlib import import_module

from impurity_grasp_ros.nodes.signals import leave_on_signals


def start(name: str) -> None:
    """Import a node's module and run its ``main``.

    Args:
        name: Module of ``impurity_grasp_ros.nodes``.
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
    """Console script."""
    start("heightmap_node")


def attention_node() -> None:
    """Console script."""
    start("attention_node")


def policy_node() -> None:
    """Console script."""
    start("policy_node")


def picker_node() -> None:
    """Console script."""
    start("picker_node")


def motion_node() -> None:
    """Console script."""
    start("motion_node")


def emulated_cell() -> None:
    """Console script."""
    start("emulated_cell")


def bullet_bridge_node() -> None:
    """Console script."""
    start("bullet_bridge_node")
