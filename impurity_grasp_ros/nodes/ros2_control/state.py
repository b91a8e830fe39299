"""What the topics of ``ros2_control`` and ``ur_robot_driver`` say of the arm and the gripper."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from geometry_msgs.msg import WrenchStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64
from ur_dashboard_msgs.msg import RobotMode, SafetyMode

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.hardware.ur_state import NOT_RUNNING, RUNNING, SAFE, mode_obstacle
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.ros2_control.config import Ros2ControlConfig
from impurity_grasp_ros.nodes.ros2_control.inbox import Inbox, Received
from impurity_grasp_ros.nodes.runtime import LATCHED

FULL_SPEED = 100.0
"""Percent that the topic of the speed says when nothing slows the arm down."""

JOINT_MESSAGES = QoSProfile(depth=20)
"""Several messages are kept, because arm and gripper may have separate ones on one topic."""

ONE = QoSProfile(depth=1)


@dataclass(frozen=True, eq=False)
class ArmState:
    """One reading of the arm's joints.

    Attributes:
        joints: (6,) float64, joint angles in radians.
        speeds: (6,) float64, rad/s.
    """

    joints: NDArray[np.float64]
    speeds: NDArray[np.float64]


class Topic(NamedTuple):
    """A topic whose last message matters.

    Attributes:
        inbox: Its messages.
        field: The field of the message that holds the value.
    """

    inbox: Inbox
    field: str


class ControlState:
    """The latest messages of all topics; may be read from any thread.

    Args:
        node: The node for which they are read; it owns the subscriptions.
        config: Names of the topics.
    """

    def __init__(self, node: ManagedNode, config: Ros2ControlConfig) -> None:
        self._config = config
        self._names = [config.joint_prefix + name for name in JOINT_NAMES]
        self._lock = threading.Lock()
        listener = Node(
            f"{node.get_name()}_state",
            namespace=node.get_namespace(),
            context=node.context,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        node.own(listener.destroy_node)
        self._joint_states = Inbox(listener, JointState, config.joint_states, JOINT_MESSAGES)
        self._arm: Received | None = None
        self._finger: float | None = None
        self._topics = {
            name: Topic(Inbox(listener, kind, getattr(config, name), qos), field)
            for name, kind, field, qos in (
                ("wrench", WrenchStamped, "wrench", ONE),
                ("speed_scaling", Float64, "data", ONE),
                ("safety_mode", SafetyMode, "mode", LATCHED),
                ("robot_mode", RobotMode, "mode", LATCHED),
                ("program_running", Bool, "data", LATCHED),
            )
            if getattr(config, name)
        }
        # what is true without a message: where there is no topic, nothing is wrong
        without = {"safety_mode": SAFE[0], "robot_mode": RUNNING, "program_running": True}
        self._values: dict[str, Received] = {
            "speed_scaling": Received(FULL_SPEED),
            **{name: Received(value) for name, value in without.items() if name not in self._topics},
        }

    def _refresh(self) -> None:
        """Take all new messages. The lock is held."""
        for received in self._joint_states.new():
            message = received.message
            places = {name: place for place, name in enumerate(message.name)}
            if self._config.finger_joint in places:
                self._finger = float(message.position[places[self._config.finger_joint]])
            if places.keys() >= set(self._names) and len(message.velocity) == len(message.name):
                order = [places[name] for name in self._names]  # broadcasters sort joints as they like
                joints, speeds = (np.array(values)[order] for values in (message.position, message.velocity))
                self._arm = received._replace(message=ArmState(joints, speeds))
        for name, topic in self._topics.items():
            for received in topic.inbox.new():
                self._values[name] = received._replace(message=getattr(received.message, topic.field))

    @property
    def finger(self) -> float | None:
        """The last position of the gripper's joint; None before the first one."""
        with self._lock:
            self._refresh()
            return self._finger

    @property
    def speed_fraction(self) -> float:
        """Actual over commanded speed, 0 to 1."""
        with self._lock:
            self._refresh()
            return min(max(float(self._values["speed_scaling"].message) / FULL_SPEED, 0.0), 1.0)

    @property
    def age(self) -> float:
        """Seconds since the last reading of the joints, infinite before the first one."""
        with self._lock:
            self._refresh()
            return self._arm.age if self._arm else math.inf

    def arm(self) -> ArmState:
        """The last reading of the joints.

        Raises:
            DeviceFaultError: There is none, or it is too old.
        """
        with self._lock:
            self._refresh()
            state: ArmState = self._recent(self._arm, f"joint states on {self._config.joint_states}")
            return state

    def force(self) -> NDArray[np.float64]:
        """The last force at the tool, (3,) in newtons in the frame of the tool.

        Raises:
            DeviceFaultError: There is none, or it is too old.
        """
        with self._lock:
            self._refresh()
            force = self._recent(self._values.get("wrench"), f"forces on {self._config.wrench}").force
            return np.array([force.x, force.y, force.z])

    def _recent(self, reading: Received | None, what: str) -> Any:
        if reading is None:
            raise DeviceFaultError(f"expected {what}, received none")
        if reading.age > self._config.stale_after:
            raise DeviceFaultError(f"expected {what}, the last are {reading.age:.1f} s old")
        return reading.message

    def obstacle(self) -> str:
        """Why the arm must not or cannot move, empty if it can."""
        try:
            self.arm()
            self.force()
        except DeviceFaultError as error:
            return str(error)
        values = {}
        for name in ("safety_mode", "robot_mode", "program_running"):
            if name not in self._values:
                return f"expected a message on {getattr(self._config, name)}, received none"
            values[name] = int(self._values[name].message)
        running = "" if values["program_running"] else NOT_RUNNING
        return mode_obstacle(values["robot_mode"], values["safety_mode"]) or running
