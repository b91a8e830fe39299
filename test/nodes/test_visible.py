"""What people see of a graph: frames for tf2, the robot description, and all that the RViz configuration shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import yaml
from geometry_msgs.msg import TransformStamped
from graph import Graph, running_graph, until
from rclpy.qos import DurabilityPolicy, QoSProfile
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES, Kinematics
from impurity_grasp_ros.nodes.conversions import from_heightmap
from impurity_grasp_ros.resources import resource

pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 6}
PREFIX = {"frame_prefix": "left_"}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TYPES = {
    "RobotModel": "std_msgs/msg/String",
    "Image": "sensor_msgs/msg/Image",
    "PointCloud2": "sensor_msgs/msg/PointCloud2",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
}
"""The type of message that a display of RViz subscribes to."""


class Frames:
    """Listens to transforms as tf2 does."""

    def __init__(self, node: Any) -> None:
        self.known: dict[str, TransformStamped] = {}
        node.create_subscription(TFMessage, "/tf", self._on_message, 100)
        node.create_subscription(TFMessage, "/tf_static", self._on_message, LATCHED)

    def _on_message(self, message: TFMessage) -> None:
        self.known |= {item.child_frame_id: item for item in message.transforms}

    def pose(self, frame: str) -> np.ndarray:
        """``T_base_frame``, (4, 4)."""
        T_base_frame = np.eye(4)
        while frame != "left_base_link":
            item = until(lambda name=frame: self.known.get(name), frame)
            x, y, z = item.transform.translation.x, item.transform.translation.y, item.transform.translation.z
            turn = item.transform.rotation
            T = np.eye(4)
            T[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
            T[:3, 3] = x, y, z
            T_base_frame, frame = T @ T_base_frame, item.header.frame_id
        return T_base_frame


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    options = dict.fromkeys(("heightmap_node", "attention_node", "policy_node"), PREFIX)
    with running_graph(tmp_path_factory.mktemp("visible"), bullet_bridge_node=SCENE, **options) as running:
        yield running


@pytest.fixture(scope="module")
def frames(graph: Graph) -> Frames:
    return Frames(graph.client.node)


def latest(graph: Graph, kind: Any, topic: str) -> Callable[[], Any]:
    """Subscribe to a latched topic; returns what returns the last message, None before the first one."""
    received: list[Any] = []
    graph.client.node.create_subscription(kind, topic, received.append, LATCHED)
    return lambda: received[-1] if received else None


def test_the_frames_of_the_cell(graph: Graph, frames: Frames) -> None:
    cell = load_cell()
    expected = cell.calibration.T_base_camera
    np.testing.assert_allclose(frames.pose(cell.calibration.frame_id), expected, atol=1e-6)
    x_min, y_min = cell.workspace.x_min, cell.workspace.y_min
    np.testing.assert_allclose(frames.pose("left_workspace")[:3, 3], (x_min, y_min, 0.0), atol=1e-9)
    half = 112 * cell.workspace.resolution
    np.testing.assert_allclose(frames.pose("left_table")[:3, 3], (x_min + half, y_min + half, 0.0), atol=1e-9)


def test_the_frames_of_the_robot(graph: Graph, frames: Frames) -> None:
    cell = load_cell()
    joints = graph.client.fresh_joints()
    assert len(joints) >= len(JOINT_NAMES)
    expected = Kinematics(cell.gripper_model.tool_length).forward(np.array(joints[:6]))
    np.testing.assert_allclose(frames.pose("left_tcp"), expected, atol=1e-4)
    description = latest(graph, String, "robot_description")
    assert until(description, "the robot description").data == resource(cell.gripper_model.urdf).read_text()


def test_the_target_its_markers_and_the_point_cloud(graph: Graph, frames: Frames) -> None:
    client = graph.client
    client.decisions.clear()
    topics = ("cell/markers", "attention/markers", "policy/markers")
    read = {topic: latest(graph, MarkerArray, topic) for topic in topics}
    cloud = latest(graph, PointCloud2, "heightmap/cloud")
    frames.known.pop("left_target", None)
    client.result(client.send(client.pick, PickImpurities.Goal(dry_run=True)))
    until(lambda: client.decisions, "a decision")
    decision = client.decisions[-1]
    x, y = decision.attention.center.x, decision.attention.center.y
    np.testing.assert_allclose(frames.pose("left_target")[:2, 3], (x, y), atol=1e-6)

    shown = {topic: until(read[topic], topic).markers for topic in topics}
    for markers in shown.values():
        assert markers[0].action == Marker.DELETEALL
        assert {marker.header.frame_id for marker in markers} == {"left_base_link"}
        assert len({marker.id for marker in markers}) == len(markers)
    assert {marker.ns for marker in shown["cell/markers"][1:]} == {"workspace", "bin"}
    (cells,) = [marker for marker in shown["attention/markers"] if marker.ns == "target"]
    middle = np.mean([(point.x, point.y) for point in cells.points], axis=0)
    assert math.dist(middle, (x, y)) < 0.02
    assert {marker.ns for marker in shown["policy/markers"][1:]} == {"primitive"}

    points = until(cloud, "the point cloud")
    heightmap = from_heightmap(decision.heightmap)
    data = np.frombuffer(points.data, np.dtype([("xyz", np.float32, 3), ("bgr", np.uint8, 3), ("none", np.uint8)]))
    assert points.header.frame_id == "left_base_link"
    assert len(data) == heightmap.valid.sum()
    near = np.linalg.norm(data["xyz"][:, :2] - (x, y), axis=1) < 0.01
    assert data["xyz"][near, 2].max() > 0.01, "the target is higher than the table"
    assert data["bgr"][near].max() > 50


def test_everything_that_rviz_shows_is_published_with_the_type_and_durability_it_asks_for(graph: Graph) -> None:
    shown = yaml.safe_load(resource("rviz/impurity_grasp.rviz").read_text())["Visualization Manager"]["Displays"]
    asked = {}
    for display in shown:
        kind = display["Class"].rpartition("/")[2]
        if topic := display.get("Topic", display.get("Description Topic")):
            asked[topic["Value"]] = (TYPES[kind], topic.get("Durability Policy") == "Transient Local")
    assert len(asked) >= 8
    node = graph.client.node
    for topic, (kind, is_latched) in asked.items():
        until(lambda topic=topic: node.count_publishers(topic), topic)
        for publisher in node.get_publishers_info_by_topic(topic):
            assert publisher.topic_type == kind, topic
            assert not is_latched or publisher.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL, topic


def test_another_publisher_of_the_robot_description_takes_over_and_hands_back(graph: Graph, frames: Frames) -> None:
    node = graph.client.node
    until(lambda: node.count_publishers("robot_description") == 1, "the robot description")
    other = node.create_publisher(String, "robot_description", LATCHED)
    until(lambda: node.count_publishers("robot_description") == 1, "the node's silence")

    def is_silent() -> bool:
        graph.client.fresh_joints()
        frames.known.pop("left_tcp", None)
        for _ in range(5):
            graph.client.fresh_joints()
        return "left_tcp" not in frames.known

    until(is_silent, "the end of the links' frames")
    node.destroy_publisher(other)
    until(lambda: "left_tcp" in frames.known, "the links' frames")
