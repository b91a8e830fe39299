"""Faults of the camera and the clock, tested with the heightmap node alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from fault_table import Verdict, fault
from graph import Client, Graph, running_graph, until
from numpy.typing import NDArray
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from impurity_grasp.srv import CaptureHeightmap
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, COLOR_IMAGE, DEPTH_IMAGE
from impurity_grasp_ros.nodes.images import to_camera_info, to_image
from impurity_grasp_ros.nodes.stamps import to_header

pytestmark = [pytest.mark.ros]

PERIOD = 0.1


class FakeCamera:
    """Publishes frames of an empty table, with a fault if one is set."""

    def __init__(self, client: Client, reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE) -> None:
        node, qos = client.node, QoSProfile(depth=8, reliability=reliability)
        self._color = node.create_publisher(Image, COLOR_IMAGE, qos)
        self._depth = node.create_publisher(Image, DEPTH_IMAGE, qos)
        self._info = node.create_publisher(CameraInfo, CAMERA_INFO, qos)
        self._now = lambda: node.get_clock().now().nanoseconds * 1e-9
        self._rng = np.random.default_rng(0)
        self._calibration = load_cell().calibration
        self._image: NDArray[np.float32] | None = None
        self.on = self.noisy = True
        self.age = self.skew = 0.0
        self.encoding = "32FC1"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD):
            if self.on:
                self._publish()

    def _publish(self) -> None:
        model = self._calibration.intrinsics
        shape = (model.height_px, model.width_px)
        if self.noisy or self._image is None:
            self._image = (0.72 + 1e-3 * self._rng.standard_normal(shape)).astype(np.float32)
        stamp, frame = self._now() - self.age, self._calibration.frame_id
        depth = to_image(self._image, "32FC1", to_header(stamp + self.skew, frame))
        depth.encoding = self.encoding
        self._info.publish(to_camera_info(model, to_header(stamp, frame)))
        self._color.publish(to_image(np.full((*shape, 3), 90, np.uint8), "rgb8", to_header(stamp, frame)))
        self._depth.publish(depth)


def capture_ready(client: Client) -> None:
    until(client.capture.service_is_ready, "capture_heightmap")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with running_graph(tmp_path_factory.mktemp("camera"), ("heightmap_node",), capture_ready) as running:
        yield running


@pytest.fixture(scope="module")
def shared_camera(graph: Graph) -> Iterator[FakeCamera]:
    camera = FakeCamera(graph.client)
    yield camera
    camera.close()


@pytest.fixture
def camera(shared_camera: FakeCamera, graph: Graph) -> Iterator[FakeCamera]:
    """A camera without a fault; afterward, once its fault is removed, it must work again."""
    yield shared_camera
    shared_camera.on = shared_camera.noisy = True
    shared_camera.age = shared_camera.skew = 0.0
    shared_camera.encoding = "32FC1"
    until(lambda: capture(graph).error_code == ErrorCode.NONE, "a frame")


def capture(graph: Graph, timeout: float = 1.0) -> CaptureHeightmap.Response:
    """The answer for a frame that is taken after this call."""
    now: Time = graph.client.node.get_clock().now().to_msg()
    seconds = Duration(sec=int(timeout), nanosec=int(timeout % 1.0 * 1e9))
    return graph.client.call(graph.client.capture, CaptureHeightmap.Request(not_before=now, timeout=seconds))


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        pytest.param(
            {"on": False}, "SENSOR_STALE", "old",
            marks=fault("the camera is unplugged", "plug it in: the next goal works"),
        ),
        pytest.param(
            {"noisy": False}, "SENSOR_STALE", "repeats",
            marks=fault("the camera repeats one image", "restart its driver"),
        ),
        pytest.param(
            {"age": 5.0}, "SENSOR_STALE", "old",
            marks=fault("images arrive seconds late", "find out what delays them"),
        ),
        pytest.param(
            {"age": -5.0}, "SENSOR_STALE", "ahead",
            marks=fault("the camera's clock is ahead", "synchronize the clocks (`clock_tolerance`)"),
        ),
        pytest.param(
            {"skew": 0.05}, "SENSOR_STALE", "of the same moment",
            marks=fault("color and depth images have different stamps", "turn on the driver's `enable_sync`"),
        ),
        pytest.param(
            {"encoding": "16UC3"}, "INVALID_FRAME", "16UC3",
            marks=fault("images have an unknown or wrong encoding", "set the driver to 16UC1 or 32FC1"),
        ),
    ],
)  # fmt: skip
def test_a_camera_with_a_fault(
    graph: Graph, camera: FakeCamera, verdict: Verdict, change: dict[str, Any], expected: str, words: str
) -> None:
    until(lambda: capture(graph).error_code == ErrorCode.NONE, "a frame")
    for name, value in change.items():
        setattr(camera, name, value)
    time.sleep(10 * PERIOD)  # as long as earlier images are kept
    answer = capture(graph)
    verdict.expect(ErrorCode(answer.error_code).name, expected, answer.error_msg)
    assert words in answer.error_msg


@fault("no camera driver is running", "start the driver: the next goal works")
def test_no_camera(tmp_path: Path, verdict: Verdict) -> None:
    with running_graph(tmp_path, ("heightmap_node",), capture_ready) as graph:
        answer = capture(graph)
        verdict.expect(ErrorCode(answer.error_code).name, "SENSOR_STALE", answer.error_msg)
        camera = FakeCamera(graph.client)
        until(lambda: capture(graph).error_code == ErrorCode.NONE, "a frame")
        camera.close()


@fault("best-effort images are published, but reliable ones are requested", "set `camera_reliability: best_effort`")
def test_qos_mismatch(tmp_path: Path, verdict: Verdict) -> None:
    with running_graph(tmp_path, ("heightmap_node",), capture_ready) as graph:
        camera = FakeCamera(graph.client, ReliabilityPolicy.BEST_EFFORT)
        until(lambda: "camera_reliability" in capture(graph, 0.2).error_msg, "the hint")
        answer = capture(graph, 0.2)
        verdict.expect(ErrorCode(answer.error_code).name, "SENSOR_STALE", answer.error_msg)
        camera.close()


@fault("`/clock` jumps back or stops", "nothing: it works again when camera and clock agree")
def test_the_clock_jumps_back(tmp_path: Path, verdict: Verdict) -> None:
    parameters = {"use_sim_time": True}
    with running_graph(tmp_path, ("heightmap_node",), capture_ready, heightmap_node=parameters) as graph:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        clock = graph.client.node.create_publisher(Clock, "/clock", latched)
        camera = FakeCamera(graph.client)  # stamps of the wall clock
        request = CaptureHeightmap.Request(timeout=Duration(sec=1))

        def answer_at(seconds: int) -> CaptureHeightmap.Response:
            clock.publish(Clock(clock=Time(sec=seconds)))
            return graph.client.call(graph.client.capture, request)

        later = int(time.time()) + 10**6
        until(lambda: answer_at(later).error_code == ErrorCode.NONE, "a frame")
        until(lambda: answer_at(1000).error_code != ErrorCode.NONE, "the jump to be noticed")
        answer = answer_at(1000)
        verdict.expect(ErrorCode(answer.error_code).name, "SENSOR_STALE", answer.error_msg)
        assert "ahead" in answer.error_msg
        until(lambda: answer_at(later).error_code == ErrorCode.NONE, "a frame")
        camera.close()
