"""The robot's parts are those of the joint state of a frame's time, whoever else publishes joint states."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from dds import unused_domain
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.motion.body import RobotBody
from impurity_grasp_ros.motion.kinematics import FINGER_JOINT, JOINT_NAMES
from impurity_grasp_ros.nodes.robot_parts import RobotParts

GRIPPER = load_cell().gripper_model
NAMES = [FINGER_JOINT, *reversed(JOINT_NAMES)]


def state(seconds: int, angle: float, names: list[str] = NAMES) -> JointState:
    values = [0.5 if name == FINGER_JOINT else angle + 0.1 * JOINT_NAMES.index(name) for name in names]
    return JointState(header=Header(stamp=Time(sec=seconds)), name=names, position=values)


@pytest.fixture(scope="module")
def parts() -> Iterator[RobotParts]:
    """What is known after joint states of 10, 11 and 12 s, and some of another device in between."""
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    node = Node("listener", context=context)
    known = RobotParts(node, GRIPPER)
    publisher = node.create_publisher(JointState, "joint_states", 10)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    conveyor = JointState(header=Header(stamp=Time(sec=11)), name=["belt"], position=[3.0])
    sent = [state(10, 0.1), state(11, 0.2), conveyor, state(12, 0.3)]
    while publisher.get_subscription_count() == 0:
        executor.spin_once(0.1)
    for message in sent:
        publisher.publish(message)
    while len(known._states) < len(sent):
        executor.spin_once(0.1)
    yield known
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


@pytest.mark.ros
@pytest.mark.parametrize(("stamp", "angle"), [(10.02, 0.1), (10.96, 0.2), (11.0, 0.2), (12.04, 0.3)])
def test_the_parts_are_where_the_nearest_joint_state_says(parts: RobotParts, stamp: float, angle: float) -> None:
    expected = RobotBody(GRIPPER).boxes(angle + 0.1 * np.arange(6))
    found = parts.at(stamp, 0.05)
    assert len(found) == len(expected) > 8
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.T_base_box, other.T_base_box, atol=1e-12)
        assert (one.low < one.high).all()


@pytest.mark.ros
@pytest.mark.parametrize("stamp", [9.9, 10.5, 12.2])
def test_without_a_joint_state_of_that_time_nothing_is_known(parts: RobotParts, stamp: float) -> None:
    assert parts.at(stamp, 0.05) == ()


class Deaf:
    """A node that hears nothing."""

    def create_subscription(self, *_arguments: object, **_options: object) -> None:
        """Do nothing."""


def test_joint_states_of_before_a_restart_of_simulated_time_are_forgotten() -> None:
    known = RobotParts(Deaf(), GRIPPER)  # type: ignore[arg-type]
    for message in (state(10, 0.1), state(11, 0.2), state(3, 0.3)):
        known._on_state(message)
    assert known.at(10.0, 0.05) == ()
    expected = RobotBody(GRIPPER).boxes(0.3 + 0.1 * np.arange(6))
    for one, other in zip(known.at(3.0, 0.05), expected, strict=True):
        np.testing.assert_allclose(one.T_base_box, other.T_base_box, atol=1e-12)
