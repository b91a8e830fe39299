"""Stopping distance of the arm, measured with the clock and joints of the emulated controller."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from graph import until
from robot_client import PUSH, Robot

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.datatypes import Primitive

STOP_ANGLES = np.array([0.30] * 3 + [0.60] * 3)
"""rad that each joint may travel after the order, in the allowed 0.3 s: 1.05 rad/s, the wrists 2.1 rad/s.

A whole primitive takes 1.1 rad of the first joint.
"""


class Journey:
    """A primitive in progress and the phases that it has begun; ``primitive`` is None if another client has sent it."""

    def __init__(self, robot: Robot, primitive: Primitive | None = PUSH) -> None:
        self.robot = robot
        self.phases: list[str] = []
        self.handle = robot.send(primitive, on_feedback=self._on_feedback) if primitive else None

    def _on_feedback(self, feedback: ExecutePrimitive.Feedback) -> None:
        self.phases.append(feedback.phase)

    def await_phase(self, phase: str) -> Journey:
        """Wait until a phase has begun and the arm moves."""
        until(lambda: phase in self.phases and self.robot.speed() > 0.05, f"motion in {phase}")
        return self

    def result(self) -> ExecutePrimitive.Result:
        return self.robot.client.result(self.handle).result


@contextmanager
def stops_short(journey: Journey, seconds_more: float = 0.0) -> Iterator[None]:
    """What is done inside stops the arm soon: no joint goes far, no later phase begins, nothing moves afterward.

    seconds_more: that the order itself may take to be noticed, beyond the 0.3 s.
    """
    before = journey.robot.cell.do("state")
    yield
    after = rest(journey.robot)
    traveled = np.abs(np.subtract(after["joints"], before["joints"]))
    allowed = STOP_ANGLES * (1.0 + seconds_more / 0.3)
    assert (traveled < allowed).all(), f"{np.round(traveled, 2)} rad after the order, phases {journey.phases}"
    begun = len(journey.phases)
    journey.robot.assert_still(after["joints"])
    assert len(journey.phases) - begun <= 1, journey.phases  # one may have begun before the order


def rest(robot: Robot) -> dict[str, Any]:
    """Wait until no joint moves; returns the state of the controller."""

    def resting() -> dict[str, Any] | None:
        state = robot.cell.do("state")
        return state if max(map(abs, state["speeds"])) < 0.01 else None

    return until(resting, "rest", 10.0)


SENDER = """
import sys, rclpy
from rclpy.action import ActionClient
from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.nodes.conversions import to_primitive
from impurity_grasp_ros.nodes.liveliness import Announcement, sender_topic
rclpy.init()
node = rclpy.create_node("short_lived")
client = ActionClient(node, ExecutePrimitive, "execute_primitive")
client.wait_for_server()
goal = ExecutePrimitive.Goal(primitive=to_primitive(Primitive.push((0.42, -0.16, 0.012), 0.0)))
goal.sender = Announcement(node, sender_topic(node)).topic if sys.argv[1] == "watched" else ""
rclpy.spin_until_future_complete(node, client.send_goal_async(goal))
print("sent", flush=True)
rclpy.spin(node)
"""


def sender_process(robot: Robot, kind: str) -> subprocess.Popen[str]:
    """Start a process that sends a push; of kind ``watched``, it announces itself to the node that moves the arm."""
    environment = os.environ | {"ROS_DOMAIN_ID": str(robot.graph.domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    process = subprocess.Popen([sys.executable, "-c", SENDER, kind], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "sent\n"
    return process
