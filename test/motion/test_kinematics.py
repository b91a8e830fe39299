"""Forward kinematics agree with the published DH parameters, and inverse kinematics with forward kinematics."""

import itertools
import math

import numpy as np
import pytest
from grippers import GRIPPER, KINEMATICS
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.constants import ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.motion.kinematics import JOINT_LIMIT, JOINT_NAMES, flange_pose, wrap
from impurity_grasp_ros.transform import tool_down

PUBLISHED_DH = (
    # d, a (meters), alpha (radians): Universal Robots, "DH parameters for calculations of kinematics and dynamics", UR5
    (0.089159, 0.0, math.pi / 2),
    (0.0, -0.425, 0.0),
    (0.0, -0.39225, 0.0),
    (0.10915, 0.0, math.pi / 2),
    (0.09465, 0.0, -math.pi / 2),
    (0.0823, 0.0, 0.0),
)

angles = st.floats(-math.pi, math.pi)
joint_angles = arrays(np.float64, 6, elements=angles)


def pose_by_the_table(joints: NDArray[np.float64]) -> tuple[Rotation, NDArray[np.float64]]:
    """Orientation and position of the tool, link by link: rotation and translation along z, then along x."""
    orientation, position = Rotation.from_euler("z", math.pi), np.zeros(3)
    for theta, (d, a, alpha) in zip(joints, PUBLISHED_DH, strict=True):
        orientation = orientation * Rotation.from_euler("z", theta)
        position = position + orientation.apply([a, 0.0, d])
        orientation = orientation * Rotation.from_euler("x", alpha)
    return orientation, position + orientation.apply([0.0, 0.0, GRIPPER.tool_length])


def is_regular(joints: NDArray[np.float64]) -> bool:
    """Return whether the joints are far from singularities: elbow and wrist bent, wrist not above the shoulder."""
    wrist = KINEMATICS.forward(joints) @ [0.0, 0.0, -GRIPPER.tool_length - PUBLISHED_DH[5][0], 1.0]
    return bool(
        abs(math.sin(joints[2])) > 0.01
        and abs(math.sin(joints[4])) > 0.01
        and math.hypot(wrist[0], wrist[1]) > PUBLISHED_DH[3][0] + 0.001
    )


@given(joint_angles)
def test_forward_kinematics_follow_the_published_table(joints: NDArray[np.float64]) -> None:
    orientation, position = pose_by_the_table(joints)
    T_base_tool = KINEMATICS.forward(joints)
    np.testing.assert_allclose(T_base_tool[:3, :3], orientation.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(T_base_tool[:3, 3], position, atol=1e-12)
    np.testing.assert_array_equal(T_base_tool[3], [0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("joints_deg", "p_base", "approach"),
    [
        # stretched out along +x (the controller's -x), the tool pointing sideways
        ((0, 0, 0, 0, 0, 0), (0.81725, 0.10915 + 0.0823 + GRIPPER.tool_length, 0.089159 - 0.09465), (0, 1, 0)),
        # straight up
        (
            (0, -90, 0, -90, 0, 0),
            (0.0, 0.10915 + 0.0823 + GRIPPER.tool_length, 0.089159 + 0.81725 + 0.09465),
            (0, 1, 0),
        ),
        # upper arm up, forearm forward, tool down
        (
            (0, -90, 90, -90, -90, 0),
            (0.39225 + 0.09465, 0.10915, 0.514159 - 0.0823 - GRIPPER.tool_length),
            (0, 0, -1),
        ),
        # the same, the whole arm turned a quarter to the left
        (
            (90, -90, 90, -90, -90, 0),
            (-0.10915, 0.39225 + 0.09465, 0.514159 - 0.0823 - GRIPPER.tool_length),
            (0, 0, -1),
        ),
    ],
)
def test_known_joint_angles_give_known_poses(
    joints_deg: tuple[float, ...], p_base: tuple[float, ...], approach: tuple[float, ...]
) -> None:
    T_base_tool = KINEMATICS.forward(np.radians(joints_deg))
    np.testing.assert_allclose(T_base_tool[:3, 3], p_base, atol=1e-9)
    np.testing.assert_allclose(T_base_tool[:3, 2], approach, atol=1e-9)


@given(joint_angles)
def test_inverse_kinematics_find_the_joints_from_which_a_pose_was_computed(joints: NDArray[np.float64]) -> None:
    assume(is_regular(joints))
    solutions = KINEMATICS.inverse(KINEMATICS.forward(joints))
    assert 1 <= len(solutions) <= 8
    assert np.abs(wrap(solutions - joints)).max(axis=1).min() < 1e-6


@given(joint_angles)
def test_every_inverse_solution_reproduces_the_pose(joints: NDArray[np.float64]) -> None:
    T_base_tool = KINEMATICS.forward(joints)
    solutions = KINEMATICS.inverse(T_base_tool)
    assert solutions.shape[1:] == (6,)
    assert (np.abs(solutions) <= math.pi).all()
    for solution in solutions:
        np.testing.assert_allclose(KINEMATICS.forward(solution), T_base_tool, atol=1e-6)


@pytest.mark.parametrize("x", [0.02, 1.2], ids=["too close to the shoulder", "beyond the arm's reach"])
def test_a_pose_out_of_reach_has_no_solution(x: float) -> None:
    T_base_tool = tool_down((x, 0.0, 0.1), 0.0)
    assert KINEMATICS.inverse(T_base_tool).shape == (0, 6)
    assert KINEMATICS.nearest(T_base_tool, np.zeros(6)) is None


@given(joint_angles)
def test_the_jacobian_is_the_derivative_of_the_tools_position(joints: NDArray[np.float64]) -> None:
    step = 1e-6
    columns = [
        (KINEMATICS.forward(joints + step * axis) - KINEMATICS.forward(joints - step * axis))[:3, 3] / (2 * step)
        for axis in np.eye(6)
    ]
    np.testing.assert_allclose(KINEMATICS.jacobian(joints), np.column_stack(columns), atol=1e-8)


@given(arrays(np.float64, 6, elements=st.floats(-20.0, 20.0)))
def test_wrapped_angles_differ_by_full_turns_and_lie_within_half_a_turn(turns: NDArray[np.float64]) -> None:
    wrapped = wrap(turns)
    assert (np.abs(wrapped) <= math.pi + 1e-12).all()
    full_turns = (turns - wrapped) / (2 * math.pi)
    np.testing.assert_allclose(full_turns, np.round(full_turns), atol=1e-12)
    np.testing.assert_array_equal(wrap(np.array([math.pi, -math.pi])), [math.pi, math.pi])


def poses_over_the_workspace(cell: CellConfig) -> list[tuple[tuple[float, float, float], float]]:
    """Positions on the corners, the edges and inside of the workspace, in each of the 16 yaws."""
    grid = cell.workspace.grid
    places = [
        grid.to_meters(i, j) for i in np.linspace(0, grid.rows - 1, 7) for j in np.linspace(0, grid.columns - 1, 7)
    ]
    heights, yaws = (0.002, 0.11, cell.motion.transit_height), np.arange(ROTATIONS) * ROTATION_STEP
    return [((x, y, z), float(yaw)) for (x, y), z, yaw in itertools.product(places, heights, yaws)]


def test_every_tool_down_pose_over_the_workspace_is_reached_in_the_posture_of_home(cell: CellConfig) -> None:
    home = np.array(cell.home)
    for position, yaw in poses_over_the_workspace(cell):
        T_base_tool = tool_down(position, yaw)
        joints = KINEMATICS.nearest(T_base_tool, home)
        assert joints is not None, (position, yaw)
        assert (np.abs(joints) <= JOINT_LIMIT).all()
        np.testing.assert_allclose(KINEMATICS.forward(joints), T_base_tool, atol=1e-9)
        assert (np.sign(joints[[2, 4]]) == np.sign(home[[2, 4]])).all(), "elbow or wrist flipped"
        assert np.abs(joints[:2] - home[:2]).max() < math.pi / 2, "the shoulder turned around"


@given(joint_angles, arrays(np.float64, 6, elements=st.floats(-2 * math.pi, 2 * math.pi)))
def test_the_nearest_solution_is_no_farther_than_any_other(
    joints: NDArray[np.float64], reference: NDArray[np.float64]
) -> None:
    assume(is_regular(joints))
    T_base_tool = KINEMATICS.forward(joints)
    nearest = KINEMATICS.nearest(T_base_tool, reference)
    turns = 2 * math.pi * np.array([-1.0, 0.0, 1.0])
    for solution in KINEMATICS.inverse(T_base_tool):
        if nearest is None:  # then every solution exceeds the limit of some joint
            assert (np.abs(reference + wrap(solution - reference)) > JOINT_LIMIT).any()
            continue
        equivalents = solution[:5, None] + turns
        closest = np.abs(equivalents - reference[:5, None]).min(axis=1)
        within = (np.abs(reference + wrap(solution - reference)) <= JOINT_LIMIT).all()
        assert not within or closest.max() >= np.abs(nearest - reference)[:5].max() - 1e-9


@given(joint_angles)
def test_the_nearest_solution_for_the_current_pose_is_the_current_joints(joints: NDArray[np.float64]) -> None:
    assume(is_regular(joints))
    nearest = KINEMATICS.nearest(KINEMATICS.forward(joints), joints)
    assert nearest is not None
    np.testing.assert_allclose(nearest, joints, atol=1e-6)


def test_the_tool_is_as_long_as_the_closed_gripper() -> None:
    """Height of the knuckle axes, of the cranks just past the gripper axis, and of the finger tips."""
    assert pytest.approx(0.0549 + 0.0573 * math.cos(0.71 - 0.8) + 0.0508, abs=1e-6) == GRIPPER.tool_length
    assert GRIPPER.tool_length == 0.162768


def test_a_joint_is_limited_to_one_full_turn_in_each_direction() -> None:
    assert pytest.approx(6.283185307179586) == JOINT_LIMIT
    joints = np.radians([10.0, -90.0, 90.0, -90.0, -90.0, 0.0])
    for wrist_3, near, expected in ((-0.01, 6.2, 2 * math.pi - 0.01), (0.01, -6.2, 0.01 - 2 * math.pi)):
        joints[5] = wrist_3
        reference = np.array([*joints[:5], near])
        found = KINEMATICS.nearest(KINEMATICS.forward(joints), reference)
        assert found is not None
        np.testing.assert_allclose(found, [*joints[:5], expected], atol=1e-9)
        joints[5] = -wrist_3  # the same turn would exceed the limit, so the arm takes another posture
        found = KINEMATICS.nearest(KINEMATICS.forward(joints), reference)
        assert found is not None
        assert np.abs(found).max() <= 2 * math.pi
        assert np.abs(found - joints)[:5].max() > 1.0
        np.testing.assert_allclose(KINEMATICS.forward(found), KINEMATICS.forward(joints), atol=1e-9)


def test_joints_are_in_the_order_of_the_controller() -> None:
    assert JOINT_NAMES == (
        "shoulder_pan_joint",
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
    )


def test_the_flange_pose_is_in_the_frame_of_the_controller() -> None:
    """Upper arm up, forearm forward, tool down: forward is -x of the controller."""
    pose = flange_pose(np.radians([0.0, -90.0, 90.0, -90.0, -90.0, 0.0]))
    np.testing.assert_allclose(pose[:3, 3], [-0.39225 - 0.09465, -0.10915, 0.514159 - 0.0823], atol=1e-9)
    np.testing.assert_allclose(pose[:3, 2], [0.0, 0.0, -1.0], atol=1e-9)
    tool = KINEMATICS.tool_at(pose)
    np.testing.assert_allclose(tool[:3, 3], [0.39225 + 0.09465, 0.10915, 0.514159 - 0.0823 - 0.162768], atol=1e-9)


def test_a_pose_in_the_middle_of_the_workspace_has_eight_solutions() -> None:
    solutions = KINEMATICS.inverse(tool_down((0.5, 0.0, 0.1), 0.3))
    assert solutions.shape == (8, 6)
    assert len(np.unique(np.round(solutions[:, [0, 2, 4]], 6), axis=0)) == 8
