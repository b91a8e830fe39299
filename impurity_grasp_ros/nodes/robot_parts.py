"""Where the parts of the robot were when a frame was taken, from ``joint_states``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.body import RobotBody
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES
from impurity_grasp_ros.nodes.stamps import to_seconds
from impurity_grasp_ros.transform import PlacedBox

KEPT = 256
"""Joint states that are kept: some seconds."""

RESTART = 1.0
"""Seconds by which stamps go back when simulated time begins anew; messages of several nodes may cross by less."""


class RobotParts:
    """Listens to ``joint_states``. Not thread-safe, but messages may arrive at any time.

    Args:
        node: The node that listens.
        gripper: Selects the robot description.
        then: Receives each message, too.
    """

    def __init__(
        self, node: Node, gripper: GripperModel, then: Callable[[JointState], None] = lambda message: None
    ) -> None:
        self._then = then
        self._body = RobotBody(gripper)
        self._states: deque[JointState] = deque(maxlen=KEPT)
        group = MutuallyExclusiveCallbackGroup()
        node.create_subscription(JointState, "joint_states", self._on_state, 10, callback_group=group)

    def _on_state(self, message: JointState) -> None:
        if self._states and to_seconds(message.header.stamp) < to_seconds(self._states[-1].header.stamp) - RESTART:
            self._states.clear()  # of a time that has begun anew: they say nothing about frames of now
        self._states.append(message)
        self._then(message)

    def at(self, stamp: float, tolerance: float) -> tuple[PlacedBox, ...]:
        """Return boxes around all parts at some time; none if no joint state is known of that time.

        Args:
            stamp: ROS time in seconds.
            tolerance: Greatest difference in seconds between it and the stamp of a joint state.
        """
        states = self._states.copy()  # in one step: the deque may change during a loop over it
        return parts_in(states, self._body, stamp, tolerance)


def parts_in(states: Iterable[JointState], body: RobotBody, stamp: float, tolerance: float) -> tuple[PlacedBox, ...]:
    """Return boxes around all parts of the robot at some time; none if no joint state is known of that time.

    Args:
        states: Joint states.
        body: The robot's shape.
        stamp: ROS time in seconds.
        tolerance: Greatest difference in seconds between it and the stamp of a joint state.
    """
    for state in sorted(states, key=lambda state: abs(to_seconds(state.header.stamp) - stamp)):
        if abs(to_seconds(state.header.stamp) - stamp) > tolerance:
            break
        angles = dict(zip(state.name, state.position, strict=False))
        if all(name in angles for name in JOINT_NAMES):  # other devices may publish joint states of their own
            return body.boxes(np.array([angles[name] for name in JOINT_NAMES]))
    return ()
