"""Coordinate frames of the cell for tf2."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from geometry_msgs.msg import Transform as TransformMsg
from rclpy.qos import QoSProfile
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Attention
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.runtime import LATCHED
from impurity_grasp_ros.nodes.stamps import BASE_FRAME, to_header
from impurity_grasp_ros.transform import FramePose, Transform, from_rotation_translation

TABLE_FRAME, WORKSPACE_FRAME, TARGET_FRAME = "table", "workspace", "target"


def fixed_frames(cell: CellConfig, prefix: str) -> list[FramePose]:
    """Return the frames that never move.

    Args:
        cell: The cell.
        prefix: What the names of the cell's frames begin with. That of the camera is complete in its calibration,
            because it has to be the one of the camera's driver.

    Returns:
        The camera's optical frame; the table, in the middle of the workspace; the workspace, at its corner with the
        lowest x and y. The axes of the last two are those of ``base_link``.
    """
    base, camera, grid = prefix + BASE_FRAME, cell.calibration, cell.workspace.grid
    return [
        FramePose(base, camera.frame_id, camera.T_base_camera),
        FramePose(base, prefix + TABLE_FRAME, place(*grid.middle, 0.0)),
        FramePose(base, prefix + WORKSPACE_FRAME, place(grid.x_min, grid.y_min, 0.0)),
    ]


def target_frame(attention: Attention, prefix: str) -> FramePose:
    """Return the frame of a target, on its top.

    Args:
        attention: What was found, in state TARGET.
        prefix: What the names of the cell's frames begin with.
    """
    top = float(attention.crop.height[attention.mask].max())
    return FramePose(prefix + BASE_FRAME, prefix + TARGET_FRAME, place(*attention.center, top))


def place(x: float, y: float, z: float) -> Transform:
    """The (4, 4) pose at a position in meters with the axes of ``base_link``."""
    return from_rotation_translation(np.eye(3), np.array([x, y, z]))


def to_transform(transform: Transform) -> TransformMsg:
    """A (4, 4) transform as a message."""
    x, y, z, w = Rotation.from_matrix(transform[:3, :3]).as_quat().tolist()
    position = dict(zip("xyz", transform[:3, 3].tolist(), strict=True))
    return TransformMsg(translation=Vector3(**position), rotation=Quaternion(x=x, y=y, z=z, w=w))


class FramePublisher:
    """Publishes poses of frames on ``/tf``, or on ``/tf_static`` those that never change.

    Args:
        node: The node that publishes.
        static: Whether the poses never change. A message then has to contain all of the node's frames.
    """

    def __init__(self, node: ManagedNode, *, static: bool = False) -> None:
        topic, qos = ("/tf_static", LATCHED) if static else ("/tf", QoSProfile(depth=100))
        self._publisher = node.create_publisher(TFMessage, topic, qos)

    @property
    def is_wanted(self) -> bool:
        """Whether anyone subscribes to the topic."""
        return bool(self._publisher.get_subscription_count())

    def publish(self, poses: Iterable[FramePose], stamp: float) -> None:
        """Publish poses.

        Args:
            poses: The poses.
            stamp: ROS time in seconds.
        """
        transforms = [
            TransformStamped(
                header=to_header(stamp, pose.parent),
                child_frame_id=pose.child,
                transform=to_transform(pose.T_parent_child),
            )
            for pose in poses
        ]
        self._publisher.publish(TFMessage(transforms=transforms))
