"""Camera images to heightmaps: ``capture_heightmap`` projects the first frame taken at or after a given time."""

from __future__ import annotations

import math
import threading
import time

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from impurity_grasp.msg import Heightmap as HeightmapMsg
from impurity_grasp.srv import CaptureHeightmap
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import InvalidGoalError, SensorStaleError
from impurity_grasp_ros.nodes.camera_streams import Streams
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, COLOR_IMAGE, DEPTH_IMAGE, VIEW_TOPICS, camera_qos
from impurity_grasp_ros.nodes.camera_views import CameraImages, CameraViews, HeightmapNodeConfig
from impurity_grasp_ros.nodes.conversions import to_heightmap
from impurity_grasp_ros.nodes.frames import FramePublisher, fixed_frames
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.markers import cell_markers, to_cloud
from impurity_grasp_ros.nodes.on_demand import OnDemand
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.robot_frames import RobotFrames
from impurity_grasp_ros.nodes.robot_parts import RobotParts
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import LATCHED, Pacer, answer_error
from impurity_grasp_ros.nodes.stamps import to_seconds


class HeightmapNode(ManagedNode):
    """Offers the service ``capture_heightmap`` and publishes each heightmap on the latched topic ``heightmap``.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter, the cell or its camera calibration is invalid.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("heightmap_node", **options)
        self._settings = NodeParameters(self, "heightmap_node", HeightmapNodeConfig)
        self._judging = threading.Lock()
        self.start()

    def configure(self) -> None:
        """Load cell and calibration and subscribe to the camera; see the base class."""
        config = self._settings.value
        cell = load_cell(config.cell_file)
        self._views = CameraViews(cell)
        self._streams = Streams()
        self._info: CameraInfo | None = None
        self._hint = ""
        self._counted = time.monotonic(), 0  # when images were counted last, and how many there were
        self._seen: float | None = None
        self._pacer = Pacer(self)
        self._robot = RobotParts(self, cell.gripper_model, RobotFrames(self, cell.gripper_model).on_joint_state)
        FramePublisher(self, static=True).publish(fixed_frames(cell, self.frame_prefix), self._now())
        self._publisher = self.create_publisher(HeightmapMsg, "heightmap", LATCHED)
        self._cloud = OnDemand(self, PointCloud2, "heightmap/cloud")
        self._used = [self.create_publisher(kind, topic, 10) for topic, kind in VIEW_TOPICS.items()]
        markers = self.create_publisher(MarkerArray, "cell/markers", LATCHED)
        markers.publish(cell_markers(cell, self.header(self._now())))
        images = {
            "qos_profile": camera_qos(config.camera_reliability),
            "callback_group": MutuallyExclusiveCallbackGroup(),
            "event_callbacks": SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible),
        }
        self.create_subscription(Image, COLOR_IMAGE, self._on_color, **images)
        self.create_subscription(Image, DEPTH_IMAGE, self._on_depth, **images)
        self.create_subscription(CameraInfo, CAMERA_INFO, self._on_info, **images)
        self.serve(CaptureHeightmap, "capture_heightmap", self._on_capture, callback_group=ReentrantCallbackGroup())

    def _now(self) -> float:
        return float(self.get_clock().now().nanoseconds * 1e-9)

    def health(self) -> dict[str, str]:
        """The camera and the latest view; see the base class."""
        now, arrived = time.monotonic(), self._streams.arrived
        since, before = self._counted
        self._counted = now, arrived
        values = {"camera rate": f"{(arrived - before) / max(now - since, 1e-3):.1f} Hz", "camera": self._received()}
        if self._seen is not None:
            values["seen share of the workspace"] = f"{self._seen:.1%}"
        if self._views.latest is not None:
            values["table"] = str(self._views.latest.table)
        return values

    def _on_incompatible(self, _event: QoSRequestedIncompatibleQoSInfo) -> None:
        self._hint = "; the camera offers a lower reliability than camera_reliability requests"
        self.get_logger().warning(f"no images from a camera{self._hint}")

    def _on_color(self, message: Image) -> None:
        self._streams.color.append(message)

    def _on_depth(self, message: Image) -> None:
        known = self._streams.depth
        if self._settings.value.refuse_repeated and known and known[-1].data == message.data:
            self._hint = "; the camera repeats its image"
            return
        self._hint = ""
        self._streams.add_depth(message)

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    async def _on_capture(
        self, request: CaptureHeightmap.Request, response: CaptureHeightmap.Response
    ) -> CaptureHeightmap.Response:
        try:
            # A simulated clock can be late like any message: judged by time alone, an old image may seem new.
            after = self._streams.arrived if request.new_job else 0
            images = await self._images(to_seconds(request.not_before), to_seconds(request.timeout), after)
            with self._judging:
                heightmap = self._views.judged(images, self._robot.at, self._settings.value, new_job=request.new_job)
                self._seen = float(heightmap.valid.mean())
            response.heightmap = to_heightmap(heightmap, self.header(heightmap.stamp))
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        self._publisher.publish(response.heightmap)
        self._cloud.offer(lambda: to_cloud(heightmap, response.heightmap.header))
        for publisher, message in zip(self._used, images, strict=True):
            if publisher.get_subscription_count():  # images are large
                publisher.publish(message)
        return response

    async def _images(self, not_before: float, timeout: float, after: int) -> CameraImages:
        """Wait for a complete frame taken at ``not_before`` or later that follows the first ``after`` depth images.

        Raises:
            InvalidGoalError: The timeout is not positive.
            SensorStaleError: There was no such frame in time.
        """
        if not timeout > 0.0:
            raise InvalidGoalError(f"expected a positive timeout, received {timeout:g} s")
        deadline = time.monotonic() + timeout
        while (pair := self._pair(not_before, after)) is None or self._info is None:
            if time.monotonic() > deadline:
                raise SensorStaleError(f"expected a camera frame within {timeout:g} s, received {self._received()}")
            await self._pacer.tick()
        return CameraImages(*pair, self._info)

    def _pair(self, not_before: float, after: int) -> tuple[Image, Image] | None:
        settings, now = self._settings.value, self._now()
        return self._streams.pair(not_before, now + settings.clock_tolerance, settings.sync_tolerance, after)

    def _received(self) -> str:
        """Describe what the camera has delivered so far, for an error message."""
        if self._info is None:
            return f"no message on {self.resolve_topic_name(CAMERA_INFO)}{self._hint}"
        if not (self._streams.color and self._streams.depth):
            missing = "color" if not self._streams.color else "depth"
            return f"no {missing} image{self._hint}"
        if self._streams.pair(-math.inf, math.inf, self._settings.value.sync_tolerance) is None:
            return f"no color and depth images of the same moment{self._hint}"
        age = self._now() - to_seconds(self._streams.depth[-1].header.stamp)
        newest = f"{age:.2f} s old" if age >= 0.0 else f"stamped {-age:.2f} s ahead of this computer's clock"
        return f"images, the newest of them {newest}{self._hint}"


def main() -> None:
    """Entry point of the console script."""
    run(HeightmapNode)
