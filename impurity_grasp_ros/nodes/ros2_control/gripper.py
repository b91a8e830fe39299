"""Driver of a gripper behind a gripper controller of ``ros2_control``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from control_msgs.action import GripperCommand
from control_msgs.msg import GripperCommand as Command
from rclpy.callback_groups import ReentrantCallbackGroup

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.hardware.readiness import await_ready
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.ros2_control.config import KNUCKLE, Ros2ControlConfig
from impurity_grasp_ros.nodes.ros2_control.goal import SentGoal
from impurity_grasp_ros.nodes.ros2_control.state import ControlState

SLIP = 0.003
"""Meters by which the fingers may close after they have stalled on an object; beyond, they have lost it."""

RECOVERY_TIME = 10.0
"""Seconds within which the gripper must be ready after recovery was requested."""


class CommandGripper:
    """The ``GripperDriver`` protocol for action ``GripperCommand``.

    Args:
        node: The node that communicates.
        config: Names and limits of the controllers.
        model: The gripper.
        state: Its state.

    Raises:
        DeviceFaultError: In every method of the ``Gripper`` protocol, while the gripper is not ready.
    """

    def __init__(self, node: ManagedNode, config: Ros2ControlConfig, model: GripperModel, state: ControlState) -> None:
        self._config = config
        self._model = model
        self._state = state
        group = ReentrantCallbackGroup()
        self._client = ActionClient(node, GripperCommand, config.gripper_action, callback_group=group)
        node.own(self._client.destroy)
        self._lock = threading.Lock()
        self._goal: SentGoal | None = None
        self._closing = False
        self._stalled_at: float | None = None

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers to ``opening`` meters."""
        self._check()
        position = self._model.knuckle_travel(opening) if self._config.finger_unit == KNUCKLE else opening
        command = Command(position=float(position), max_effort=self._config.effort)
        with self._lock:
            self._closing, self._stalled_at = opening < self.opening(), None
            sent = SentGoal(self._client, GripperCommand.Goal(command=command), self._config.gripper_action)
            self._goal = sent
        sent.await_acceptance(self._config.answer_timeout)

    def is_moving(self) -> bool:
        """Whether the fingers are still moving.

        Raises:
            DeviceFaultError: The controller has given up, and not because an object stopped the fingers.
        """
        self._check()
        with self._lock:
            if self._goal is None:
                return False
            if (outcome := self._goal.outcome()) is None:
                return True
            self._goal = None
            self._end(*outcome)
        return False

    def _end(self, succeeded: bool, result: Any) -> None:
        if result.stalled and not result.reached_goal:
            self._stalled_at = self.opening()
        elif not succeeded:
            raise DeviceFaultError(f"expected {self._config.gripper_action} to move the fingers, it gave up")

    def opening(self) -> float:
        """The measured distance between the fingers in meters."""
        opening = self.last_opening()
        if opening is None:
            raise DeviceFaultError(f"expected the joint {self._config.finger_joint}, received none")
        return opening

    def is_holding(self) -> bool:
        """Whether an object stopped the fingers while they closed, and still keeps them apart."""
        return self._closing and self._stalled_at is not None and self.opening() > self._stalled_at - SLIP

    def last_opening(self) -> float | None:
        """The last measured opening in meters; None before the first measurement."""
        position = self._state.finger
        if position is None or self._config.finger_unit != KNUCKLE:
            return position
        return min(max(self._model.pad_opening(position), 0.0), self._model.stroke)

    def problem(self) -> str:
        """Why the gripper cannot move, empty if it can."""
        if self._state.finger is None:
            return f"no position of the joint {self._config.finger_joint} was received"
        return "" if self._client.server_is_ready() else f"there is no action {self._config.gripper_action}"

    def values(self) -> dict[str, str]:
        """The last measured opening."""
        opening = self.last_opening()
        return {"opening_m": "unknown" if opening is None else f"{opening:.4f}"}

    def recover(self, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Wait until the gripper is ready.

        Raises:
            DeviceFaultError: It is still not ready; the message says why.
            CanceledError: ``must_stop`` returned true.
        """
        await_ready("the gripper", self.problem, RECOVERY_TIME, must_stop)

    def close(self) -> None:
        """Do nothing: the fingers keep holding what they hold."""

    def _check(self) -> None:
        if problem := self.problem():
            raise DeviceFaultError(f"expected the gripper to be ready: {problem}")
