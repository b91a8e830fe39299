"""The robot description is up to date and agrees with the constants in Python."""

import itertools
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.cell_layout import GRIPPER_RADIUS
from impurity_grasp_ros.constants import GRIPPER_STROKE
from impurity_grasp_ros.gripper_geometry import (
    CLOSED_TRAVEL,
    CRANK,
    OPEN_ANGLE,
    PALM_CLEARANCE,
    TIP_LENGTH,
    TIP_THICKNESS,
    TIP_WIDTH,
    pad_opening,
    tip_rise,
)
from impurity_grasp_ros.motion.kinematics import A2, A3, D1, D4, D5, D6, JOINT_LIMIT, JOINT_NAMES, TOOL_LENGTH
from impurity_grasp_ros.motion.kinematics import forward_kinematics as closed_form
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.transform import Transform, from_rotation_translation, inverse

SIDES = {"left": 1.0, "right": -1.0}
URDF = resource("urdf/ur5_robotiq_2f85.urdf")
ROBOT = ET.parse(URDF).getroot()
JOINTS = {joint.attrib["name"]: joint for joint in ROBOT.iterfind("joint")}
JOINT_ABOVE = {child.attrib["link"]: joint for joint in JOINTS.values() for child in joint.iterfind("child")}

joint_angles = arrays(np.float64, 6, elements=st.floats(-2 * math.pi, 2 * math.pi))
travels = st.floats(0.0, CLOSED_TRAVEL)


def numbers(element: ET.Element | None, attribute: str) -> NDArray[np.float64]:
    """The three numbers of an attribute; zeros if it is missing."""
    text = "0 0 0" if element is None else element.attrib.get(attribute, "0 0 0")
    return np.array([float(part) for part in text.split()])


def origin(element: ET.Element) -> Transform:
    place = element.find("origin")
    rotation = Rotation.from_euler("xyz", numbers(place, "rpy")).as_matrix()
    return from_rotation_translation(rotation, numbers(place, "xyz"))


def pose(link: str, angles: dict[str, float]) -> Transform:
    """Pose of a link in ``base_link``, as defined by the URDF format. Joints that are not given are at zero."""
    if link == "base_link":
        return np.eye(4)
    joint = JOINT_ABOVE[link]
    turn = Rotation.from_rotvec(angles.get(joint.attrib["name"], 0.0) * numbers(joint.find("axis"), "xyz")).as_matrix()
    parent = joint.find("parent")
    assert parent is not None
    return pose(parent.attrib["link"], angles) @ origin(joint) @ from_rotation_translation(turn, np.zeros(3))


def collision_corners(link: str, angles: dict[str, float]) -> NDArray[np.float64]:
    """Corners (n, 3) of the collision boxes (for cylinders, bounding boxes) of a link in the tool frame, in meters."""
    points = []
    T_tool_link = inverse(pose("tcp", angles)) @ pose(link, angles)
    for shape in ROBOT.iterfind(f"link[@name='{link}']/collision"):
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


def finger_angles(travel: float) -> dict[str, float]:
    return {f"{side}_{part}_joint": travel for side in SIDES for part in ("knuckle", "finger_tip")}


def test_the_description_is_what_xacro_makes_of_its_sources() -> None:
    xacro = pytest.importorskip("xacro")
    made = xacro.process_file(str(resource("urdf/ur5_robotiq_2f85.urdf.xacro"))).toprettyxml(indent="  ")
    assert ET.canonicalize(URDF.read_text(encoding="utf-8"), strip_text=True) == ET.canonicalize(made, strip_text=True)


def test_the_origins_of_the_joints_are_the_constants_of_the_dh_table() -> None:
    offsets = {name: numbers(JOINTS[name].find("origin"), "xyz") for name in JOINT_NAMES}
    np.testing.assert_array_equal(offsets["shoulder_lift_joint"], [0.0, 0.0, D1])
    np.testing.assert_array_equal(offsets["elbow_joint"], [A2, 0.0, 0.0])
    np.testing.assert_array_equal(offsets["wrist_1_joint"], [A3, 0.0, 0.0])
    np.testing.assert_array_equal(offsets["wrist_2_joint"], [0.0, 0.0, D4])
    np.testing.assert_array_equal(offsets["wrist_3_joint"], [0.0, 0.0, D5])
    np.testing.assert_array_equal(numbers(JOINTS["wrist_3-tool0"].find("origin"), "xyz"), [0.0, 0.0, D6])


@given(joint_angles)
def test_the_chain_from_base_to_tool_is_that_of_the_closed_form(joints: NDArray[np.float64]) -> None:
    angles = dict(zip(JOINT_NAMES, joints, strict=True))
    np.testing.assert_allclose(pose("tcp", angles), closed_form(joints), atol=2e-6)


def test_the_tool_length_is_that_of_the_description() -> None:
    T_flange_tool = inverse(pose("tool0", {})) @ pose("tcp", {})
    np.testing.assert_allclose(T_flange_tool[:3, 3], [0.0, 0.0, TOOL_LENGTH], atol=1e-6)


@pytest.mark.parametrize("name", JOINT_NAMES)
def test_the_arms_joints_turn_once_to_either_side(name: str) -> None:
    limit = JOINTS[name].find("limit")
    assert limit is not None
    assert float(limit.attrib["lower"]) == pytest.approx(-JOINT_LIMIT)
    assert float(limit.attrib["upper"]) == pytest.approx(JOINT_LIMIT)


@pytest.mark.parametrize("side", SIDES)
def test_crank_and_finger_tip_have_the_dimensions_of_the_constants(side: str) -> None:
    crank = numbers(JOINTS[f"{side}_finger_tip_joint"].find("origin"), "xyz")
    assert math.hypot(*crank) == pytest.approx(CRANK, abs=1e-6)
    assert math.atan2(SIDES[side] * crank[0], crank[2]) == pytest.approx(OPEN_ANGLE, abs=1e-6)
    tip = collision_corners(f"{side}_finger_tip", finger_angles(CLOSED_TRAVEL))
    assert np.ptp(tip[:, 0]) == pytest.approx(TIP_THICKNESS, abs=1e-6)
    assert np.ptp(tip[:, 1]) == pytest.approx(TIP_WIDTH, abs=1e-6)
    joint = inverse(pose("tcp", {})) @ pose(f"{side}_finger_tip", finger_angles(CLOSED_TRAVEL))
    assert joint[2, 3] == pytest.approx(-TIP_LENGTH, abs=1e-6)


@pytest.mark.parametrize("side", SIDES)
def test_the_knuckles_travel_from_fully_open_to_fully_closed(side: str) -> None:
    limit = JOINTS[f"{side}_knuckle_joint"].find("limit")
    assert limit is not None
    assert (float(limit.attrib["lower"]), float(limit.attrib["upper"])) == (0.0, CLOSED_TRAVEL)
    assert pad_opening(0.0) == pytest.approx(GRIPPER_STROKE, abs=1e-4)
    assert pad_opening(CLOSED_TRAVEL) == pytest.approx(0.0, abs=1e-9)


@given(travels)
def test_pads_open_and_tips_rise_as_the_geometry_says(travel: float) -> None:
    left, right = (collision_corners(f"{side}_finger_tip", finger_angles(travel)) for side in SIDES)
    assert left[:, 0].min() - right[:, 0].max() == pytest.approx(pad_opening(travel), abs=1e-5)
    assert left[:, 0].min() == pytest.approx(-right[:, 0].max(), abs=1e-9)
    assert -left[:, 2].max() == pytest.approx(tip_rise(pad_opening(travel)), abs=1e-5)
    assert -right[:, 2].max() == pytest.approx(tip_rise(pad_opening(travel)), abs=1e-5)


@given(travels)
def test_the_palm_stays_above_its_clearance_and_the_knuckles_behind_the_finger_tips(travel: float) -> None:
    assert -collision_corners("robotiq_base", finger_angles(travel))[:, 2].max() >= PALM_CLEARANCE
    for side in SIDES:
        knuckle, tip = (
            collision_corners(f"{side}_{link}", finger_angles(travel)) for link in ("knuckle", "finger_tip")
        )
        assert knuckle[:, 2].max() < tip[:, 2].max() - 0.04


@given(travels)
def test_no_finger_is_farther_from_the_tools_axis_than_the_gripper_is_said_to_be_wide(travel: float) -> None:
    links = ["robotiq_base", *(f"{side}_{part}" for side in SIDES for part in ("knuckle", "finger_tip"))]
    corners = np.concatenate([collision_corners(link, finger_angles(travel)) for link in links])
    box = np.abs(corners[:, 0]).max(), TIP_WIDTH / 2
    assert math.hypot(*box) <= GRIPPER_RADIUS
