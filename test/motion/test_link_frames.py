"""The links' frames agree with the arm's kinematics and with the gripper's stroke."""

from __future__ import annotations

import numpy as np
import pytest
from grippers import GRIPPER

from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.motion.link_frames import LinkFrames
from impurity_grasp_ros.transform import FramePose, Transform

LINKS = LinkFrames(GRIPPER)


def in_base(poses: list[FramePose], link: str) -> Transform:
    """``T_base_link`` of a link: the product of the poses along its chain."""
    by_name = {pose.child: pose for pose in poses}
    T_base_link = np.eye(4)
    while link != "base_link":
        T_base_link = by_name[link].T_parent_child @ T_base_link
        link = by_name[link].parent
    return T_base_link


@pytest.mark.parametrize("seed", range(5))
def test_the_tool_is_where_the_kinematics_say(seed: int) -> None:
    joints = np.random.default_rng(seed).uniform(-np.pi, np.pi, 6)
    expected = Kinematics(GRIPPER.tool_length).forward(joints)
    np.testing.assert_allclose(in_base(LINKS.at(joints, 0.0), "tcp"), expected, atol=1e-6)


def test_the_fingertips_open_by_the_stroke_and_stay_symmetric() -> None:
    def sides(travel: float) -> tuple[float, float]:
        poses = LINKS.at(np.zeros(6), travel)
        T_tool_base = np.linalg.inv(in_base(poses, "tcp"))
        left, right = ((T_tool_base @ in_base(poses, f"{side}_finger_tip"))[0, 3] for side in ("left", "right"))
        return float(left), float(right)

    (opened, mirrored), (closed, _) = sides(0.0), sides(GRIPPER.closed_travel)
    assert opened == pytest.approx(-mirrored)
    assert 2 * (opened - closed) == pytest.approx(0.085, abs=5e-4)


def test_parents_come_first_and_every_name_has_the_prefix() -> None:
    poses = LinkFrames(GRIPPER, "left_").at(np.zeros(6), 0.0)
    known = {"left_base_link"}
    for pose in poses:
        assert pose.parent in known
        known.add(pose.child)
    assert {name.removeprefix("left_") for name in known} >= {"base_link", "tool0", "tcp", "wrist_3_link"}
    assert all(name.startswith("left_") for name in known)
    assert len(known) == len(poses) + 1
