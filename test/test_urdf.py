"""The robot description is up to date and agrees with the constants in Python."""

import itertools
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from grippers import GRIPPER, WIDE_GRIPPER
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from xacro_files import description

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.kinematics import A2, A3, D1, D4, D5, D6, JOINT_LIMIT, JOINT_NAMES, Kinematics
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.transform import Transform, from_rotation_translation, inverse

SIDES = {"left": 1.0, "right": -1.0}

joint_angles = arrays(np.float64, 6, elements=st.floats(-2 * math.pi, 2 * math.pi))
shares = st.floats(0.0, 1.0)
"""Of the knuckles' travel."""


class Description:
    """A robot description, by the definition of the format."""

    def __init__(self, file: str) -> None:
        self.root = ET.parse(resource(file)).getroot()
        self.joints = {joint.attrib["name"]: joint for joint in self.root.iterfind("joint")}
        self._above = {
            child.attrib["link"]: joint for joint in self.joints.values() for child in joint.iterfind("child")
        }

    def pose(self, link: str, angles: dict[str, float]) -> Transform:
        """Pose of a link in ``base_link``. Joints not mentioned are at zero."""
        if link == "base_link":
            return np.eye(4)
        joint = self._above[link]
        axis = numbers(joint.find("axis"), "xyz")
        turn = Rotation.from_rotvec(angles.get(joint.attrib["name"], 0.0) * axis).as_matrix()
        parent = joint.find("parent")
        assert parent is not None
        T_base_joint = self.pose(parent.attrib["link"], angles) @ origin(joint)
        return T_base_joint @ from_rotation_translation(turn, np.zeros(3))

    def collision_corners(self, link: str, angles: dict[str, float]) -> NDArray[np.float64]:
        """Corners (n, 3) of the boxes (a cylinder's bounding box) that a link collides with, seen from the tool."""
        points = []
        T_tool_link = inverse(self.pose("tcp", angles)) @ self.pose(link, angles)
        for shape in self.root.iterfind(f"link[@name='{link}']/collision"):
            box, cylinder = shape.find("geometry/box"), shape.find("geometry/cylinder")
            if box is not None:
                half = numbers(box, "size") / 2
            else:
                assert cylinder is not None
                radius, length = float(cylinder.attrib["radius"]), float(cylinder.attrib["length"])
                half = np.array([radius, radius, length / 2])
            corners = np.array(list(itertools.product(*zip(-half, half, strict=True))))
            T_tool_shape = T_tool_link @ origin(shape)
            points.append(corners @ T_tool_shape[:3, :3].T + T_tool_shape[:3, 3])
        return np.concatenate(points)


ROBOTS = {gripper: Description(gripper.urdf) for gripper in (GRIPPER, WIDE_GRIPPER)}
every_gripper = pytest.mark.parametrize("gripper", ROBOTS, ids=lambda gripper: Path(gripper.urdf).stem)


def numbers(element: ET.Element | None, attribute: str) -> NDArray[np.float64]:
    """The three numbers of an attribute; zeros if it is missing."""
    text = "0 0 0" if element is None else element.attrib.get(attribute, "0 0 0")
    return np.array([float(part) for part in text.split()])


def origin(element: ET.Element) -> Transform:
    place = element.find("origin")
    rotation = Rotation.from_euler("xyz", numbers(place, "rpy")).as_matrix()
    return from_rotation_translation(rotation, numbers(place, "xyz"))


def finger_angles(travel: float) -> dict[str, float]:
    return {f"{side}_{part}_joint": travel for side in SIDES for part in ("knuckle", "finger_tip")}


@every_gripper
def test_the_description_is_what_xacro_makes_of_its_sources(gripper: GripperModel) -> None:
    made = description(gripper=Path(gripper.urdf).stem.removeprefix("ur5_"))
    shipped = resource(gripper.urdf).read_text(encoding="utf-8")
    assert ET.canonicalize(shipped, strip_text=True) == ET.canonicalize(made, strip_text=True)


def test_the_origins_of_the_joints_are_the_constants_of_the_dh_table() -> None:
    joints = ROBOTS[GRIPPER].joints
    offsets = {name: numbers(joints[name].find("origin"), "xyz") for name in JOINT_NAMES}
    np.testing.assert_array_equal(offsets["shoulder_lift_joint"], [0.0, 0.0, D1])
    np.testing.assert_array_equal(offsets["elbow_joint"], [A2, 0.0, 0.0])
    np.testing.assert_array_equal(offsets["wrist_1_joint"], [A3, 0.0, 0.0])
    np.testing.assert_array_equal(offsets["wrist_2_joint"], [0.0, 0.0, D4])
    np.testing.assert_array_equal(offsets["wrist_3_joint"], [0.0, 0.0, D5])
    np.testing.assert_array_equal(numbers(joints["wrist_3-tool0"].find("origin"), "xyz"), [0.0, 0.0, D6])


@every_gripper
@given(joint_angles)
def test_the_chain_from_base_to_tool_is_that_of_the_closed_form(
    gripper: GripperModel, joints: NDArray[np.float64]
) -> None:
    angles = dict(zip(JOINT_NAMES, joints, strict=True))
    T_base_tool = Kinematics(gripper.tool_length).forward(joints)
    np.testing.assert_allclose(ROBOTS[gripper].pose("tcp", angles), T_base_tool, atol=2e-6)


@pytest.mark.parametrize("name", JOINT_NAMES)
def test_the_arms_joints_turn_once_to_either_side(name: str) -> None:
    limit = ROBOTS[GRIPPER].joints[name].find("limit")
    assert limit is not None
    assert float(limit.attrib["lower"]) == pytest.approx(-JOINT_LIMIT)
    assert float(limit.attrib["upper"]) == pytest.approx(JOINT_LIMIT)


@every_gripper
@pytest.mark.parametrize("side", SIDES)
def test_crank_and_finger_tip_have_the_dimensions_of_the_model(gripper: GripperModel, side: str) -> None:
    robot, closed = ROBOTS[gripper], finger_angles(gripper.closed_travel)
    crank = numbers(robot.joints[f"{side}_finger_tip_joint"].find("origin"), "xyz")
    assert math.hypot(*crank) == pytest.approx(gripper.crank, abs=1e-6)
    assert math.atan2(SIDES[side] * crank[0], crank[2]) == pytest.approx(gripper.open_angle, abs=1e-6)
    tip = robot.collision_corners(f"{side}_finger_tip", closed)
    assert np.ptp(tip[:, 0]) == pytest.approx(gripper.tip_thickness, abs=1e-6)
    assert np.ptp(tip[:, 1]) == pytest.approx(gripper.tip_width, abs=1e-6)
    joint = inverse(robot.pose("tcp", {})) @ robot.pose(f"{side}_finger_tip", closed)
    assert joint[2, 3] == pytest.approx(-gripper.tip_length, abs=1e-6)


@every_gripper
@pytest.mark.parametrize("side", SIDES)
def test_the_knuckles_travel_from_fully_open_to_fully_closed(gripper: GripperModel, side: str) -> None:
    limit = ROBOTS[gripper].joints[f"{side}_knuckle_joint"].find("limit")
    assert limit is not None
    assert (float(limit.attrib["lower"]), float(limit.attrib["upper"])) == (0.0, gripper.closed_travel)


@every_gripper
@given(shares)
def test_pads_open_and_tips_rise_as_the_model_says(gripper: GripperModel, share: float) -> None:
    travel = share * gripper.closed_travel
    left, right = (ROBOTS[gripper].collision_corners(f"{side}_finger_tip", finger_angles(travel)) for side in SIDES)
    opening = gripper.pad_opening(travel)
    assert left[:, 0].min() - right[:, 0].max() == pytest.approx(opening, abs=1e-5)
    assert left[:, 0].min() == pytest.approx(-right[:, 0].max(), abs=1e-9)
    assert -left[:, 2].max() == pytest.approx(gripper.tip_rise(opening), abs=2e-5)
    assert -right[:, 2].max() == pytest.approx(gripper.tip_rise(opening), abs=2e-5)


@every_gripper
@given(shares)
def test_the_palm_stays_above_its_clearance_and_the_knuckles_behind_the_finger_tips(
    gripper: GripperModel, share: float
) -> None:
    robot, angles = ROBOTS[gripper], finger_angles(share * gripper.closed_travel)
    assert -robot.collision_corners("robotiq_base", angles)[:, 2].max() >= gripper.palm_clearance
    for side in SIDES:
        knuckle, tip = (robot.collision_corners(f"{side}_{link}", angles) for link in ("knuckle", "finger_tip"))
        assert knuckle[:, 2].max() < tip[:, 2].max() - 0.04


@every_gripper
@given(shares)
def test_no_finger_is_farther_from_the_tools_axis_than_the_gripper_is_said_to_be_wide(
    gripper: GripperModel, share: float
) -> None:
    robot, angles = ROBOTS[gripper], finger_angles(share * gripper.closed_travel)
    links = ["robotiq_base", *(f"{side}_{part}" for side in SIDES for part in ("knuckle", "finger_tip"))]
    corners = np.concatenate([robot.collision_corners(link, angles) for link in links])
    assert math.hypot(np.abs(corners[:, 0]).max(), gripper.tip_width / 2) <= gripper.radius
