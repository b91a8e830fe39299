"""Launch actions shared by the launch files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.condition import Condition
from launch.conditions import IfCondition
from launch.events.process import ProcessExited
from launch.substitutions import EqualsSubstitution, LaunchConfiguration, NotEqualsSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from impurity_grasp_ros.errors import PeerUnavailableError
from impurity_grasp_ros.graphs import Given, GraphNode
from impurity_grasp_ros.launch_arguments import (
    PATHS,
    LaunchArgument,
    check_names,
    check_values,
    death_of_a_node,
    discovery_variables,
)
from impurity_grasp_ros.nodes.signals import SUPERVISOR


def declare(arguments: Iterable[LaunchArgument]) -> list[DeclareLaunchArgument]:
    """Declare launch arguments; ``ros2 launch --show-args`` shows their descriptions and choices."""
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
    """Build a launch description that checks its arguments before it starts anything.

    A wrong argument ends the launch with a :class:`ConfigError` that names the argument.

    Args:
        file: Path of the launch file. Unknown argument names are looked for only if this file is on the command line:
            when another launch file includes it, it does not know the arguments of that file.
        arguments: The arguments that the launch file accepts.
        parts: The actions of the launch file.

    Returns:
        The declarations, the checks, the environment variables for discovery and for the supervisor, and the actions.
    """

    def check(context: LaunchContext) -> list[SetEnvironmentVariable]:
        if any(Path(word).name == Path(file).name for word in sys.argv):
            check_names((item.name for item in description.get_launch_arguments()), context.argv)
        check_values(arguments, context.launch_configurations)
        for name in PATHS:
            if path := context.launch_configurations[name]:
                context.launch_configurations[name] = str(Path(path).absolute())
        return [*_discovery(context), SetEnvironmentVariable(SUPERVISOR, str(os.getpid()))]

    described = [*declare(arguments), OpaqueFunction(function=check), *parts]
    description = LaunchDescription(described)
    return description


def _discovery(context: LaunchContext) -> list[SetEnvironmentVariable]:
    variables = discovery_variables(context.launch_configurations["discovery"], os.environ.get("ROS_DISTRO", ""))
    return [SetEnvironmentVariable(name, value) for name, value in variables.items()]


def needed_node(node: GraphNode) -> Node:
    """Build the action for a node of this package: if it is needed and exits, the launch ends with an error.

    Args:
        node: The node; its parameters override those of ``params_file``.

    Returns:
        The action.
    """
    executable = node.executable
    parameters = {name: _value(value) for name, value in node.given().items()}

    def on_exit(event: ProcessExited, context: LaunchContext) -> None:
        if node.is_needed and not context.is_shutdown:
            raise PeerUnavailableError(death_of_a_node(executable, event.returncode))

    return Node(
        package="impurity_grasp",
        executable=executable,
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), parameters],
        ros_arguments=["--log-level", LaunchConfiguration("log_level"), "--enclave", f"/impurity_grasp/{executable}"],
        output="screen",
        on_exit=on_exit,
        condition=_condition(node),
    )


def _value(value: Any) -> Any:
    if isinstance(value, Given):
        return ParameterValue(LaunchConfiguration(value.name), value_type=value.type)
    return value


def _condition(node: GraphNode) -> Condition | None:
    """When to start a node; None for always."""
    if node.only_if:
        return IfCondition(LaunchConfiguration(node.only_if))
    if node.if_empty:
        return IfCondition(EqualsSubstitution(LaunchConfiguration(node.if_empty), ""))
    if node.unless_empty:
        return IfCondition(NotEqualsSubstitution(LaunchConfiguration(node.unless_empty), ""))
    return None
