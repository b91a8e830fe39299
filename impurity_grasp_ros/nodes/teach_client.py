"""A client of a running graph that shows views to ``attention_node``, for command-line tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rclpy
from geometry_msgs.msg import Point
from rclpy.node import Node

from impurity_grasp.msg import Heightmap
from impurity_grasp.srv import CaptureHeightmap, Teach
from impurity_grasp_ros.errors import ErrorCode, PeerUnavailableError, ReportedError
from impurity_grasp_ros.nodes.stamps import to_duration

APPEAR_TIMEOUT = 15.0
"""Seconds within which the nodes must be found."""

ANSWER_TIMEOUT = 60.0
"""Seconds within which they must answer; loading the network takes some of it."""

FRAME_TIMEOUT = 10.0
"""Seconds to wait for a frame of the camera."""


@dataclass(frozen=True)
class Taught:
    """How many objects were learned from a view, and how many ordinary and odd ones were taught so far."""

    added: int
    ordinary: int
    odd: int


class TeachClient:
    """A context manager that captures views and shows them, in a node of its own.

    Args:
        namespace: Namespace of the graph.
    """

    def __init__(self, namespace: str = "") -> None:
        self._namespace = namespace

    def __enter__(self) -> TeachClient:
        rclpy.init(args=[])
        self._node = Node("teach_client", namespace=self._namespace)
        self._capture = self._node.create_client(CaptureHeightmap, "capture_heightmap")
        self._teach = self._node.create_client(Teach, "teach")
        return self

    def __exit__(self, *_error: object) -> None:
        self._node.destroy_node()
        rclpy.try_shutdown()

    def capture(self) -> Heightmap:
        """Get a heightmap of a frame that was taken from now on. It belongs to no job.

        Raises:
            ReportedError: There was no frame in time, or the view cannot be used.
            PeerUnavailableError: The node did not appear or answer in time.
        """
        request = CaptureHeightmap.Request(new_job=True, timeout=to_duration(FRAME_TIMEOUT))
        return self._call(self._capture, request).heightmap

    def teach(
        self, heightmap: Heightmap, what: int, points: Sequence[tuple[float, float]], *, begin: bool, file: str
    ) -> Taught:
        """Show a view.

        Args:
            heightmap: The view.
            what: What the objects are, see ``srv/Teach.srv``.
            points: (x, y) in meters, base frame, of the objects that are meant; empty for all.
            begin: Whether to forget first what was taught so far.
            file: File to write; empty for none.

        Raises:
            ReportedError: Nothing could be learned from the view, or the file could not be written.
            PeerUnavailableError: The node did not appear or answer in time.
        """
        request = Teach.Request(heightmap=heightmap, what=what, begin=begin, file=file)
        request.points = [Point(x=x, y=y) for x, y in points]
        response = self._call(self._teach, request)
        return Taught(response.added, response.ordinary, response.odd)

    def _call(self, client: Any, request: Any) -> Any:
        if not client.wait_for_service(APPEAR_TIMEOUT):
            raise PeerUnavailableError(f"expected {client.srv_name} to appear within {APPEAR_TIMEOUT:g} s")
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=ANSWER_TIMEOUT)
        if not future.done():
            raise PeerUnavailableError(f"expected {client.srv_name} to answer within {ANSWER_TIMEOUT:g} s")
        response = future.result()
        if response.error_code != ErrorCode.NONE:
            raise ReportedError(response.error_code, response.error_msg)
        return response
