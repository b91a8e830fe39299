"""Launch actions that the launch files share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from impurity_grasp_ros.errors import PeerUnavailableError
from impurity_grasp_ros.launch_arguments import (
    LaunchArgument,
    check_names,
    check_values,
    death_of_a_node,
    discovery_variables,
)
from impurity_grasp_ros.nodes.signals import SUPERVISOR


def declare(arguments: Iterable[LaunchArgument]) -> list[DeclareLaunchArgument]:
    """The arguments as launch knows them, choices among what ``--show-args`` prints."""
    return [
        DeclareLaunchArgument(
            item.name,
            default_value=item.default,
            description=item.description,
            choices=list(item.choices) or None,
        )
        for item in arguments
    ]


def checked(file: str, arguments: tuple[LaunchArgument, ...], *parts: Any) -> LaunchDescription:
    """A launch description that ends with an error by name before it starts anything, should an argument be wrong.

    Args:
        file: Of the launch file. Unknown names are looked for where the command line names it: included by another
            launch file, it does not know what that one takes.
        arguments: What it takes.
        parts: Its actions.

    Returns:
        Declarations, checks, how far away other nodes are found, whose end ends them, and the actions.
    """

    def check(context: LaunchContext) -> list[SetEnvironmentVariable]:
        if any(Path(word).name == Path(file).name for word in sys.argv):
            check_names((item.name for item in description.get_launch_arguments()), context.argv)
        check_values(arguments, context.launch_configurations)
        cell_file = context.launch_configurations["cell_file"]
        context.launch_configurations["cell_file"] = str(Path(cell_file).absolute())
        return [*_discovery(context), SetEnvironmentVariable(SUPERVISOR, str(os.getpid()))]

    described = [*declare(arguments), OpaqueFunction(function=check), *parts]
    description = LaunchDescription(described)
    return description


def _discovery(context: LaunchContext) -> list[SetEnvironmentVariable]:
    variables = discovery_variables(context.launch_configurations["discovery"], os.environ.get("ROS_DISTRO", ""))
    return [SetEnvironmentVariable(name, value) for name, value in variables.items()]


def needed_node(executable: str, parameters: list[Any]) -> Node:
    """A node of this package without which the job cannot go on: when it ends, launch ends, with an error.

    Args:
        executable: Its name.
        parameters: As ``launch_ros`` takes them, after those of ``params_file``.

    Returns:
        The action.
    """

    def on_exit(event: ProcessExited, context: LaunchContext) -> None:
        if not context.is_shutdown:
            raise PeerUnavailableError(death_of_a_node(executable, event.returncode))

    return Node(
        package="impurity_grasp",
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), *parameters],
        ros_arguments=["--log-level", LaunchConfiguration("log_level"), "--enclave", f"/impurity_grasp/{executable}"],
        output="screen",
        on_exit=on_exit,
    )
