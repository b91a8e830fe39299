"""Reads all parameters of other nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

Receive = Callable[[str, dict[str, str]], None]
"""Called with the name of a node and its parameters, as JSON by name."""


class ParameterReader:
    """Asks nodes for their parameters.

    Args:
        node: The node that asks.
        others: Names of the other nodes, in the same namespace.
    """

    def __init__(self, node: Node, others: Iterable[str]) -> None:
        self._clients = {
            name: (
                node.create_client(ListParameters, f"{name}/list_parameters"),
                node.create_client(GetParameters, f"{name}/get_parameters"),
            )
            for name in others
        }

    def read(self, receive: Receive) -> None:
        """Ask all nodes that can be reached; a node that does not answer is left out.

        Args:
            receive: Called in the executor for each node that answers.
        """
        for name, (lister, getter) in self._clients.items():
            if lister.service_is_ready() and getter.service_is_ready():
                self._read(name, lister, getter, receive)

    def _read(self, node: str, lister: Any, getter: Any, receive: Receive) -> None:
        def get(listed: Any) -> None:
            names = listed.result().result.names

            def pass_on(got: Any) -> None:
                values = map(parameter_value_to_python, got.result().values)
                receive(node, {name: json.dumps(_plain(value)) for name, value in zip(names, values, strict=True)})

            getter.call_async(GetParameters.Request(names=names)).add_done_callback(pass_on)

        lister.call_async(ListParameters.Request()).add_done_callback(get)


def _plain(value: Any) -> Any:
    """A parameter in a type that JSON has."""
    return value if value is None or isinstance(value, (bool, int, float, str)) else list(value)
