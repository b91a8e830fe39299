"""Checks of ROS 2, of the middleware, of the camera's topics, and of a running graph."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.node import Node
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import CameraInfo, Image

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.doctor.finding import Finding, fault, ok, warning
from impurity_grasp_ros.errors import ConfigError, ErrorCode, ImpurityGraspError
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, COLOR_IMAGE, DEPTH_IMAGE, camera_qos
from impurity_grasp_ros.nodes.camera_views import CameraImages, CameraViews, HeightmapNodeConfig
from impurity_grasp_ros.nodes.diagnostics import DIAGNOSTICS
from impurity_grasp_ros.nodes.images import from_depth
from impurity_grasp_ros.nodes.runtime import SpinningThread
from impurity_grasp_ros.nodes.stamps import to_seconds

DISCOVERY_TIME = 2.0
"""Seconds in which other nodes are found."""

OBSERVED = 3.0
"""Seconds for which the camera is observed."""

LEAST_RATE = 4.0
"""Hz of a camera that does not slow the jobs."""

OLDEST = 0.5
"""Seconds that an image may take from the camera to here."""

MESSAGE_BYTES, SLOW_MESSAGE = 1_500_000, 0.1
"""Size of the largest messages of the graph, and seconds within which one should arrive."""

MAX_HOLES = 0.1
"""Fraction of the image without depth that is usual."""

CURES = {
    ErrorCode.BAD_EXPOSURE: "correct the exposure of the camera, or the light",
    ErrorCode.TABLE_MOVED: "impurity-grasp calibrate: table or camera is not where the calibration says",
    ErrorCode.VIEW_BLOCKED: "remove what is in the way: arm, hand, tools",
    ErrorCode.VIEW_INCOMPLETE: "move the camera or the workspace; remove what covers or mirrors",
    ErrorCode.EMPTY_CLOUD: "check depth: distance, alignment to color, emitter",
    ErrorCode.INVALID_FRAME: "set the driver's encodings (docs/hardware.md)",
}


class RosDoctor:
    """A context manager with a node that listens.

    Args:
        namespace: Namespace of the graph.
    """

    def __init__(self, namespace: str = "") -> None:
        self._namespace = namespace
        self._statuses: dict[str, DiagnosticStatus] = {}
        self._color: list[tuple[float, Image]] = []
        self._depth: Image | None = None
        self._info: CameraInfo | None = None

    def __enter__(self) -> RosDoctor:
        self._context = Context()
        rclpy.init(args=[], context=self._context)
        self._node = Node("doctor", namespace=self._namespace, context=self._context)
        self._node.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, 100)
        self._spinning = SpinningThread([self._node], 2, self._context)
        self._spinning.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._spinning.end()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self._statuses |= {status.name: status for status in message.status}

    def check_ros(self) -> Iterator[Finding]:
        """Distribution, domain and middleware."""
        domain, reach = os.environ.get("ROS_DOMAIN_ID", "0"), os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
        distribution = os.environ.get("ROS_DISTRO", "from wheels")
        yield ok("ROS 2", f"{distribution}, {get_rmw_implementation_identifier()}, domain {domain}, discovery {reach}")
        took = self._time_message()
        if took is None:
            cure = "check the firewall for multicast and UDP on this computer, and /dev/shm"
            yield fault("middleware", "expected a message of 1.5 MB to arrive, it did not", cure)
        elif took > SLOW_MESSAGE:
            yield warning(
                "middleware", f"a message of 1.5 MB takes {1e3 * took:.0f} ms", "enlarge /dev/shm; end others"
            )
        else:
            yield ok("middleware", f"a message of 1.5 MB takes {1e3 * took:.0f} ms")
        time.sleep(DISCOVERY_TIME)
        graphs = self._node.count_publishers("decision")
        if graphs > 1:
            yield fault("domain", f"{graphs} graphs in domain {domain}", "give each a namespace or a ROS_DOMAIN_ID")

    def _time_message(self) -> float | None:
        """Seconds that a large message takes to another node; None if it does not arrive."""
        arrived = threading.Event()
        other = Node("doctor_listener", context=self._context)
        other.create_subscription(Image, "doctor/probe", lambda _message: arrived.set(), 10)
        spinning = SpinningThread([other], 1, self._context)
        spinning.start()
        publisher = self._node.create_publisher(Image, "doctor/probe", 10)
        try:
            deadline = time.monotonic() + DISCOVERY_TIME
            while not publisher.get_subscription_count() and time.monotonic() < deadline:
                time.sleep(0.01)
            message = Image(data=bytes(MESSAGE_BYTES))
            publisher.publish(message)  # the first one prepares the way
            if not arrived.wait(DISCOVERY_TIME):
                return None
            arrived.clear()
            began = time.monotonic()
            publisher.publish(message)
            return time.monotonic() - began if arrived.wait(DISCOVERY_TIME) else None
        finally:
            spinning.end()
            other.destroy_node()

    def check_graph(self) -> Iterator[Finding]:
        """What the nodes of a running graph say about themselves."""
        if not self._statuses:
            yield ok("graph", "no node is running")
            return
        for name, status in sorted(self._statuses.items()):
            if status.level == DiagnosticStatus.OK:
                yield ok(f"graph: {name}", status.message)
            else:
                make = warning if status.level == DiagnosticStatus.WARN else fault
                yield make(f"graph: {name}", status.message, "docs/faults.md says what to do")

    def check_camera(self, cell_file: str) -> Iterator[Finding]:
        """Rate, age, depth and the view of the table.

        Args:
            cell_file: The cell; a path, or relative to the package.
        """
        config = packaged_parameters("heightmap_node", HeightmapNodeConfig)
        qos = camera_qos(config.camera_reliability)
        self._node.create_subscription(Image, COLOR_IMAGE, self._on_color, qos)
        self._node.create_subscription(Image, DEPTH_IMAGE, lambda message: setattr(self, "_depth", message), qos)
        self._node.create_subscription(CameraInfo, CAMERA_INFO, lambda message: setattr(self, "_info", message), qos)
        time.sleep(OBSERVED)
        topic = self._node.resolve_topic_name(COLOR_IMAGE)
        if not self._color or self._depth is None or self._info is None:
            yield fault(
                "camera", f"expected color, aligned depth and camera info, as {topic}", "start the camera driver"
            )
            return
        yield from self._check_stream()
        try:
            holes = float((from_depth(self._depth) == 0.0).mean())
            yield _share("camera: depth", holes, "reflecting or dark surfaces, too close, or no emitter")
            yield self._check_view(load_cell(cell_file), config)
        except ConfigError:
            return  # the check of the cell tells it
        except ImpurityGraspError as error:
            yield fault("camera: view", str(error), CURES.get(error.code, "docs/hardware.md"))

    def _on_color(self, message: Image) -> None:
        self._color.append((self._node.get_clock().now().nanoseconds * 1e-9, message))

    def _check_stream(self) -> Iterator[Finding]:
        rate = len(self._color) / OBSERVED
        if rate < LEAST_RATE:
            yield warning(
                "camera: rate", f"expected {LEAST_RATE:g} Hz, found {rate:.1f} Hz", "raise it: jobs wait for views"
            )
        else:
            yield ok("camera: rate", f"{rate:.1f} Hz")
        age = float(np.median([arrived - to_seconds(message.header.stamp) for arrived, message in self._color]))
        if abs(age) > OLDEST:
            cure = "synchronize the clocks; use a faster connection"
            yield warning("camera: age", f"expected images within {OLDEST:g} s, found {age:.2f} s", cure)
        else:
            yield ok("camera: age", f"images are {1e3 * age:.0f} ms old when they arrive")

    def _check_view(self, cell: CellConfig, config: HeightmapNodeConfig) -> Finding:
        """The view as a job judges it; raises an ImpurityGraspError if a job could not act on it."""
        assert self._depth is not None
        assert self._info is not None
        views, images = CameraViews(cell), CameraImages(self._color[-1][1], self._depth, self._info)
        heightmap = views.judged(images, lambda _stamp, _tolerance: (), config, new_job=True)
        assert views.latest is not None
        seen, table = float(heightmap.valid.mean()), views.latest.table
        return ok("camera: view", f"{seen:.0%} of the workspace is seen, table: {table}")


def _share(check: str, holes: float, cure: str) -> Finding:
    if holes > MAX_HOLES:
        return warning(check, f"expected at most {MAX_HOLES:.0%} of the image without depth, found {holes:.0%}", cure)
    return ok(check, f"{holes:.1%} of the image without depth")
