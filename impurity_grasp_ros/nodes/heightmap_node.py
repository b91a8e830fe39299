"""Camera images to heightmaps: ``capture_heightmap`` projects the first frame taken at or after a given time."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from impurity_grasp.msg import Heightmap as HeightmapMsg
from impurity_grasp.srv import CaptureHeightmap
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
from impurity_grasp_ros.errors import InvalidGoalError, SensorStaleError
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, COLOR_IMAGE, DEPTH_IMAGE, camera_qos
from impurity_grasp_ros.nodes.conversions import to_heightmap
from impurity_grasp_ros.nodes.frames import FramePublisher, fixed_frames
from impurity_grasp_ros.nodes.images import from_camera_info, from_color, from_depth
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.markers import cell_markers, to_cloud
from impurity_grasp_ros.nodes.on_demand import OnDemand
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.robot_frames import RobotFrames
from impurity_grasp_ros.nodes.robot_parts import RobotParts
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import LATCHED, Pacer, answer_error
from impurity_grasp_ros.nodes.stamps import to_seconds
from impurity_grasp_ros.perception.domain_adaptation import AdaptationConfig, adapt
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.robot_view import without_robot
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ReferenceView, ViewConfig, look

VIEW_TOPICS = {"view/color": Image, "view/depth": Image, "view/camera_info": CameraInfo}
"""The camera's messages that a heightmap was made from, for recorders; types by topic."""


@dataclass(frozen=True)
class RobotConfig:
    """How the robot's own parts are recognized in a view."""

    margin: float = parameter("m around the robot's parts that belong to it", low=0.0, high=0.1)
    tolerance: float = parameter("s at most between the stamps of a frame and of its joint state", low=0.0, high=1.0)


@dataclass(frozen=True)
class HeightmapNodeConfig:
    """How frames are chosen, judged, adapted and projected."""

    projection: ProjectionConfig
    view: ViewConfig
    adaptation: AdaptationConfig
    robot: RobotConfig
    sync_tolerance: float = parameter("s at most between the stamps of color and depth image", low=0.0, high=0.1)
    clock_tolerance: float = parameter("s by which a stamp may be ahead of this computer's clock", low=0.0, high=10.0)
    refuse_repeated: bool = parameter("ignore a depth image that equals the previous one: real sensors have noise")
    camera_reliability: str = parameter("reliability requested of the camera", choices=("reliable", "best_effort"))
    cell_file: str = parameter("the cell; a path, or relative to the package")


@dataclass
class Streams:
    """The latest images of both streams, paired by their stamps. Images may arrive during the search for a pair."""

    color: deque[Image] = field(default_factory=lambda: deque(maxlen=8))
    depth: deque[Image] = field(default_factory=lambda: deque(maxlen=8))
    arrived: int = 0
    """Number of depth images that have arrived so far."""

    def add_depth(self, message: Image) -> None:
        """Add a depth image."""
        self.depth.append(message)
        self.arrived += 1

    def pair(self, not_before: float, not_after: float, tolerance: float, after: int = 0) -> tuple[Image, Image] | None:
        """Find the newest complete frame whose stamp is within an interval.

        Args:
            not_before: Start of the interval, in seconds.
            not_after: End of the interval, in seconds.
            tolerance: Greatest difference in seconds between the stamps of the color and the depth image.
            after: Ignore this many depth images, counted from the first one that ever arrived.

        Returns:
            The color and the depth image, or None if there is no such frame.
        """
        newest = self.arrived  # read before the images: if one arrives now, old ones must not be numbered as new
        colors = self.color.copy()  # in one step: the deque may change during a loop over it
        for number, depth in enumerate(reversed(self.depth.copy())):
            stamp = to_seconds(depth.header.stamp)
            if newest - number <= after or not not_before <= stamp <= not_after:
                continue
            for color in reversed(colors):
                if abs(to_seconds(color.header.stamp) - stamp) <= tolerance:
                    return color, depth
        return None


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
        self._site, self._calibration = Site.of(cell), cell.calibration
        self._view: ReferenceView | None = None  # the job's previous view, None before its first one
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
        if self._view is not None:
            values["table"] = str(self._view.table)
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
            frame = self._to_frame(*images)
            heightmap = self._judged(frame, new_job=request.new_job)
            response.heightmap = to_heightmap(heightmap, self.header(heightmap.stamp))
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        self._publisher.publish(response.heightmap)
        self._cloud.offer(lambda: to_cloud(heightmap, response.heightmap.header))
        for publisher, message in zip(self._used, images, strict=True):
            if publisher.get_subscription_count():  # images are large
                publisher.publish(message)
        return response

    def _judged(self, frame: RgbdFrame, *, new_job: bool) -> Heightmap:
        """The heightmap of a frame, judged; a job begins with the first frame accepted after ``new_job``."""
        settings = self._settings.value
        with self._judging:
            if new_job:
                self._view = None
            parts = self._robot.at(frame.stamp, settings.robot.tolerance)
            frame = without_robot(frame, parts, settings.robot.margin)
            heightmap, self._view = look(frame, self._site, settings.projection, settings.view, self._view)
            self._seen = float(heightmap.valid.mean())
        return heightmap

    async def _images(self, not_before: float, timeout: float, after: int) -> tuple[Image, Image, CameraInfo]:
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
        return *pair, self._info

    def _to_frame(self, color: Image, depth: Image, info: CameraInfo) -> RgbdFrame:
        return RgbdFrame(
            adapt(from_color(color), self._settings.value.adaptation),
            from_depth(depth),
            from_camera_info(info),
            self._calibration.T_base_camera,
            to_seconds(depth.header.stamp),
        )

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
