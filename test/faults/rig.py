"""``motion_node`` alone, on an emulated controller with ideal mechanics."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from graph import Client, Graph, running_graph, until
from robot_client import PATIENT, Robot
from served_cell import ServedCell, free_host, served_cell


def motion_ready(client: Client) -> None:
    """``motion_node`` alone is up; its robot need not be."""
    until(client.execute.server_is_ready, "execute_primitive")


class Rig(ExitStack):
    """``motion_node`` on a controller of its own, either of which can be started first."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.host = free_host()
        self._folder = folder

    def start_cell(self, personality: str = "cb3") -> ServedCell:
        return self.enter_context(served_cell(self.host, personality))

    def start_node(self, **parameters: Any) -> Graph:
        values = {"robot_ip": self.host, **PATIENT, **parameters}
        return self.enter_context(running_graph(self._folder, ("motion_node",), motion_ready, motion_node=values))

    def robot(self, graph: Graph) -> Robot:
        return self.enter_context(closing(Robot(graph, self.host)))

    def start(self, **parameters: Any) -> Robot:
        """Both, ready."""
        self.start_cell()
        robot = self.robot(self.start_node(**parameters))
        robot.await_ready()
        return robot
