"""The nodes of each graph and their parameters: one table for the launch files and for ``impurity-grasp launch``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.launch_arguments import (
    EMULATED_ARGUMENTS,
    REAL_ARGUMENTS,
    SIM_ARGUMENTS,
    VIEW_ARGUMENTS,
    LaunchArgument,
    check_names,
    check_values,
)


@dataclass(frozen=True)
class Given:
    """The value of a launch argument.

    Attributes:
        name: Name of the argument.
        type: ``str``, ``int`` or ``bool``.
    """

    name: str
    type: type = str

    def of(self, values: Mapping[str, str]) -> Any:
        """Return the value, given those of all arguments as text."""
        text = values[self.name]
        return text.lower() == "true" if self.type is bool else self.type(text)


@dataclass(frozen=True)
class GraphNode:
    """A node of a graph.

    Attributes:
        executable: Its executable, which is also its name.
        parameters: Its parameters other than those of ``params_file``.
        unless_empty: Argument whose value must not be empty for the node to be started; empty for no condition.
        if_empty: Argument whose value must be empty for the node to be started; empty for no condition.
        only_if: Argument that must be true for the node to be started; empty for no condition.
        is_managed: Whether ``manager_node`` leads it through its states.
        is_forked: Whether its process may be forked from one that has imported the libraries of several nodes. What
            controls a robot runs on its own.
        is_needed: Whether the others cannot work without it: its end is the end of all.
    """

    executable: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unless_empty: str = ""
    if_empty: str = ""
    only_if: str = ""
    is_managed: bool = True
    is_forked: bool = True
    is_needed: bool = True

    def is_wanted(self, values: Mapping[str, str]) -> bool:
        """Whether the node is started, given the values of all arguments."""
        return (
            bool(not self.unless_empty or values[self.unless_empty])
            and not (self.if_empty and values[self.if_empty])
            and (not self.only_if or Given(self.only_if, bool).of(values))
        )

    def resolved(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters, given the values of all arguments."""
        return {name: value.of(values) if isinstance(value, Given) else value for name, value in self.given().items()}

    def given(self) -> dict[str, Any]:
        """Return the parameters, those of arguments as :class:`Given`."""
        return ({"autostart": False} if self.is_managed else {}) | dict(self.parameters)


@dataclass(frozen=True)
class Graph:
    """A graph of nodes.

    Attributes:
        arguments: What it can be started with.
        fixed: Values of arguments that cannot be chosen.
        nodes: The nodes, in the order in which they are started.
    """

    arguments: tuple[LaunchArgument, ...]
    fixed: Mapping[str, str]
    nodes: tuple[GraphNode, ...]

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the values of all arguments.

        Args:
            given: Those that are chosen, by name.

        Raises:
            ConfigError: A name is unknown, or a value is not valid.
        """
        check_names((item.name for item in self.arguments), (f"{name}:=" for name in given))
        if chosen := sorted(set(given) & set(self.fixed)):
            raise ConfigError(f"{chosen[0]}: expected no value, it is always {self.fixed[chosen[0]]} here")
        values = {item.name: item.default for item in self.arguments} | dict(given) | dict(self.fixed)
        check_values(self.arguments, values)
        return values


TIME = {"use_sim_time": Given("use_sim_time", bool)}
FRAMES = {"frame_prefix": Given("frame_prefix")}
CELL = {"cell_file": Given("cell_file")}


def common(mover: Given | str) -> tuple[GraphNode, ...]:
    """The nodes that every graph has, for the node that moves the arm."""
    view = {
        "refuse_repeated": Given("refuse_repeated", bool),
        "projection.drop_flying": Given("drop_flying", bool),
    }
    taught = {"mode": "objects", "objects.ordinary_model": Given("ordinary_model")}
    return (
        GraphNode("manager_node", {**TIME, "mover": mover}, is_managed=False),
        GraphNode("heightmap_node", {**TIME, **FRAMES, **CELL, **view}),
        GraphNode("policy_node", {**TIME, **FRAMES, **CELL}),
        GraphNode("attention_node", {**TIME, **FRAMES}, if_empty="ordinary_model"),
        GraphNode("attention_node", {**TIME, **FRAMES, **taught}, unless_empty="ordinary_model"),
        GraphNode("picker_node", TIME),
        GraphNode("recording_node", TIME, only_if="record", is_managed=False, is_needed=False),
    )


SCENE = {"scene": Given("scene"), "seed": Given("seed", int)}
DRIVER = {"driver": Given("driver")}
ROBOT = {**TIME, **CELL, **DRIVER, "robot_ip": Given("robot_ip"), "dry_run": Given("dry_run", bool)}
MOTION = GraphNode("motion_node", ROBOT, is_forked=False)

GRAPHS = {
    "sim": Graph(
        (*SIM_ARGUMENTS, *VIEW_ARGUMENTS),
        {"refuse_repeated": "false", "drop_flying": "false"},  # its camera has neither noise nor flying pixels
        (
            GraphNode("bullet_bridge_node", {**TIME, **CELL, **SCENE, "gui": Given("gui", bool)}),
            *common("bullet_bridge_node"),
        ),
    ),
    "real": Graph((*REAL_ARGUMENTS, *VIEW_ARGUMENTS), {}, (MOTION, *common("motion_node"))),
    "emulated": Graph(
        (*EMULATED_ARGUMENTS, *VIEW_ARGUMENTS),
        {},
        (
            GraphNode(
                "emulated_cell",
                {**CELL, **SCENE, **DRIVER, "host": Given("robot_ip"), "controller": Given("controller")},
                is_managed=False,
                is_forked=False,
            ),
            MOTION,
            *common("motion_node"),
        ),
    ),
}
"""The graphs by name."""
