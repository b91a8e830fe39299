"""The robot description, and the coordinate frames of its links for tf2."""

from __future__ import annotations

import numpy as np
from rclpy.publisher import Publisher
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.kinematics import FINGER_JOINT, JOINT_NAMES
from impurity_grasp_ros.motion.link_frames import LinkFrames
from impurity_grasp_ros.nodes.frames import FramePublisher
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.runtime import LATCHED, steady_timer
from impurity_grasp_ros.nodes.stamps import to_seconds
from impurity_grasp_ros.resources import resource

LINK_PERIOD = 0.04
"""Least number of seconds between poses of the links."""

LOOK_PERIOD = 1.0
"""Seconds after which it is checked again whether another node publishes the robot description."""


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
