"""Coordinate frames of the cell for tf2, and the robot description."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from geometry_msgs.msg import Transform as TransformMsg
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import Attention
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.kinematics import FINGER_JOINT, JOINT_NAMES
from impurity_grasp_ros.motion.link_frames import LinkFrames
from impurity_grasp_ros.nodes.conversions import BASE_FRAME, to_header, to_seconds
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.runtime import LATCHED, steady_timer
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.transform import FramePose, Transform, from_rotation_translation

TABLE_FRAME, WORKSPACE_FRAME, TARGET_FRAME = "table", "workspace", "target"

LINK_PERIOD = 0.04
"""Least number of seconds between poses of the links."""

LOOK_PERIOD = 1.0
"""Seconds after which it is checked again whether another node publishes the robot description."""


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


class RobotFrames:
    """Publishes ``robot_description`` and the poses of the robot's links, unless another node does.

    Such a node is ``robot_state_publisher``; it may come and go.

    Args:
        node: The node that publishes.
        gripper: Selects the robot description.
    """

    def __init__(self, node: ManagedNode, gripper: GripperModel) -> None:
        self._node = node
        self._urdf = resource(gripper.urdf).read_text()
        self._links = LinkFrames(gripper, node.frame_prefix)
        self._frames = FramePublisher(node)
        self._description: Publisher | None = None
        self._travel = 0.0
        self._published = -LINK_PERIOD
        node.own(self._withdraw)
        self._look()
        steady_timer(node, LOOK_PERIOD, self._look)

    def _withdraw(self) -> None:
        if self._description is not None:
            self._node.destroy_publisher(self._description)
            self._description = None

    def _look(self) -> None:
        """Begin to publish, or leave it to another node."""
        own = self._description is not None
        others = self._node.count_publishers("robot_description") - own
        if own and others:
            self._withdraw()
            self._node.get_logger().info("leaving the robot description and the frames of its links to another node")
        elif not own and not others:
            self._description = self._node.create_publisher(String, "robot_description", LATCHED)
            self._description.publish(String(data=self._urdf))

    def on_joint_state(self, message: JointState) -> None:
        """Publish the poses of the links, if anyone wants them, for a message of the arm's joints."""
        stamp = to_seconds(message.header.stamp)
        angles = dict(zip(message.name, message.position, strict=False))
        self._travel = angles.get(FINGER_JOINT, self._travel)
        if self._description is None or not self._frames.is_wanted or not angles.keys() >= set(JOINT_NAMES):
            return
        if 0.0 <= stamp - self._published < LINK_PERIOD:
            return
        self._published = stamp
        joints = np.array([angles[name] for name in JOINT_NAMES])
        self._frames.publish(self._links.at(joints, self._travel), stamp)
