"""Heightmaps of the camera's messages, judged one after the other as a job sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sensor_msgs.msg import CameraInfo, Image

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
from impurity_grasp_ros.nodes.images import from_camera_info, from_color, from_depth
from impurity_grasp_ros.nodes.stamps import to_seconds
from impurity_grasp_ros.perception.domain_adaptation import AdaptationConfig, adapt
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.robot_view import without_robot
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ReferenceView, ViewConfig, look
from impurity_grasp_ros.transform import PlacedBox


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


class CameraImages(NamedTuple):
    """The messages of one frame."""

    color: Image
    depth: Image
    info: CameraInfo


class CameraViews:
    """Makes heightmaps. Not thread-safe.

    Args:
        cell: The cell.

    Attributes:
        latest: What is remembered of the job's views; None before its first one.

    Raises:
        ConfigError: The camera calibration is invalid.
    """

    def __init__(self, cell: CellConfig) -> None:
        self._site = Site.of(cell)
        self._calibration = cell.calibration
        self.latest: ReferenceView | None = None

    def judged(
        self,
        images: CameraImages,
        parts_at: Callable[[float, float], tuple[PlacedBox, ...]],
        config: HeightmapNodeConfig,
        *,
        new_job: bool,
    ) -> Heightmap:
        """Make the heightmap of a frame.

        Args:
            images: The frame.
            parts_at: Returns the robot's parts, given a time and a tolerance in seconds.
            config: How frames are judged, adapted and projected.
            new_job: Whether a job begins with this frame, or with the next one if this one is refused.

        Returns:
            The heightmap.

        Raises:
            ImpurityGraspError: The frame is refused, see :func:`.look`.
        """
        if new_job:
            self.latest = None
        frame = RgbdFrame(
            adapt(from_color(images.color), config.adaptation),
            from_depth(images.depth),
            from_camera_info(images.info),
            self._calibration.T_base_camera,
            to_seconds(images.depth.header.stamp),
        )
        frame = without_robot(frame, parts_at(frame.stamp, config.robot.tolerance), config.robot.margin)
        heightmap, self.latest = look(frame, self._site, config.projection, config.view, self.latest)
        return heightmap
