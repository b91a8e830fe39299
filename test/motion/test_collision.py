"""Collision model: which shapes touch, at which distance, and their names."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from grippers import KINEMATICS
from numpy.typing import NDArray
from obstructed_cells import with_box

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.motion.collision import CollisionModel, HandState
from impurity_grasp_ros.transform import tool_down

CELL = load_cell()
HOME = np.array(CELL.home)
MARGIN = 0.01
ACROSS, ALONG = 0.011, 0.0717
"""Distance in meters from the tool axis to the side of a finger tip and to the outermost point of an open crank."""


@cache
def shipped() -> CollisionModel:
    """Collision model of the shipped cell."""
    return CollisionModel(CELL)


def joints_at(x: float, y: float, z: float, yaw: float = 0.0) -> NDArray[np.float64]:
    """Joint angles for a tool position, in the posture of home."""
    joints = KINEMATICS.nearest(tool_down((x, y, z), yaw), HOME)
    assert joints is not None
    return joints


def touch_at(
    x: float, y: float, z: float, yaw: float = 0.0, hand_state: HandState = HandState.FREE, margin: float = MARGIN
) -> tuple[str, str] | None:
    return shipped().touching(joints_at(x, y, z, yaw), margin, hand_state)


def test_at_home_nothing_touches_in_any_hand_state() -> None:
    for hand_state in HandState:
        assert shipped().touching(HOME, MARGIN, hand_state) is None


@pytest.mark.parametrize(
    ("hand_state", "height", "touch"),
    [
        (HandState.FREE, 0.0, ("fingers", "table")),
        (HandState.CARRYING, 0.05, ("held object", "table")),
        (HandState.WORKING, -0.0728, ("gripper", "table")),
    ],
    ids=["fingers", "held object", "palm"],
)
def test_the_lowest_part_keeps_its_margin_from_the_table(
    hand_state: HandState, height: float, touch: tuple[str, str]
) -> None:
    """A held object extends 5 cm below the fingers; the palm ends 72.8 mm above their tips."""
    for margin in (0.0, 0.01, 0.02):
        assert touch_at(0.5, 0.0, height + margin + 0.001, hand_state=hand_state, margin=margin) is None
        assert touch_at(0.5, 0.0, height + margin - 0.001, hand_state=hand_state, margin=margin) == touch


def test_the_fingers_are_lower_while_they_close_than_when_closed() -> None:
    """Their cranks pass the vertical 5 degrees before the pads meet: 0.0573 m * (1 - cos 0.09) = 0.23 mm."""
    assert touch_at(0.5, 0.0, 0.01018) == ("fingers", "table")
    assert touch_at(0.5, 0.0, 0.01026) is None


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
@pytest.mark.parametrize(("yaw", "half_x", "half_y"), [(0.0, ALONG, ACROSS), (math.pi / 2, ACROSS, ALONG)])
def test_the_fingers_are_as_wide_as_at_their_widest_opening(
    dx: int, dy: int, yaw: float, half_x: float, half_y: float
) -> None:
    joints, half_box = joints_at(0.5, 0.0, 0.3, yaw), 0.01
    for gap, touch in ((0.011, None), (0.0095, ("fingers", "block"))):
        away = half_box + gap + (half_x if dx else half_y)
        block = with_box(CELL, "block", (0.5 + dx * away, dy * away, 0.32), (0.02, 0.02, 0.02))
        assert CollisionModel(block).touching(joints, MARGIN, HandState.WORKING) == touch


@pytest.mark.parametrize(("dx", "dy"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_held_object_is_as_wide_as_the_stroke(dx: int, dy: int) -> None:
    joints, away = joints_at(0.5, 0.0, 0.3), 0.0425 + 0.01
    for gap, touch in ((0.0105, None), (0.0095, ("held object", "block"))):
        center = 0.5 + dx * (away + gap), dy * (away + gap), 0.26
        model = CollisionModel(with_box(CELL, "block", center, (0.02, 0.02, 0.02)))
        assert model.touching(joints, MARGIN, HandState.CARRYING) == touch
        assert model.touching(joints, MARGIN, HandState.FREE) is None


@pytest.mark.parametrize("z", [0.005, 0.055])
@pytest.mark.parametrize(
    ("x", "y", "dx", "dy"),
    [(0.48, -0.44, -1, 0), (0.24, -0.44, 1, 0), (0.36, -0.34, 0, -1), (0.36, -0.54, 0, 1)],
    ids=["right", "left", "near", "far"],
)
def test_the_bin_has_four_walls_around_its_inside(x: float, y: float, dx: int, dy: int, z: float) -> None:
    """(x, y): on a wall's inner face; the narrow side of the fingers is turned toward it."""
    yaw = math.pi / 2 if dx else 0.0
    for gap, touch in ((0.0105, None), (0.0095, ("fingers", "drop bin's wall"))):
        away = ACROSS + gap
        assert touch_at(x + dx * away, y + dy * away, z, yaw, HandState.WORKING) == touch


@pytest.mark.parametrize(
    ("x", "y", "dx", "dy"), [(0.49, -0.44, 1, 0), (0.36, -0.33, 0, 1), (0.36, -0.55, 0, -1)], ids=["x", "near", "far"]
)
def test_the_bins_walls_are_a_centimeter_thick(x: float, y: float, dx: int, dy: int) -> None:
    """(x, y): on a wall's outer face."""
    yaw = math.pi / 2 if dx else 0.0
    for gap, touch in ((0.0105, None), (0.0095, ("fingers", "drop bin's wall"))):
        away = ACROSS + gap
        assert touch_at(x + dx * away, y + dy * away, 0.03, yaw, HandState.WORKING) == touch


@pytest.mark.parametrize("side", [1, -1], ids=["near", "far"])
def test_the_bins_walls_meet_at_its_corners(side: int) -> None:
    """The wide side of the fingers is beyond the end of the right wall, too far from the other walls to touch them."""
    end = -0.44 + side * 0.11
    for gap, touch in ((0.0105, None), (0.0095, ("fingers", "drop bin's wall"))):
        y = end + side * (ALONG + gap)
        assert touch_at(0.5015, y, 0.03, math.pi / 2, HandState.WORKING) == touch


@pytest.mark.parametrize(
    ("x", "y"), [(0.485, -0.44), (0.485, -0.335), (0.235, -0.545), (0.36, -0.335)], ids=["x", "corner", "corner", "y"]
)
def test_the_bins_walls_are_six_centimeters_high(x: float, y: float) -> None:
    assert touch_at(x, y, 0.0715) is None
    assert touch_at(x, y, 0.069) == ("fingers", "drop bin's wall")


def test_a_bin_without_walls_is_no_obstacle() -> None:
    flat = CollisionModel(replace(CELL, drop_bin=replace(CELL.drop_bin, wall_height=0.0)))
    joints = joints_at(0.48, -0.44, 0.02)
    assert shipped().touching(joints, MARGIN, HandState.FREE) == ("fingers", "drop bin's wall")
    assert flat.touching(joints, MARGIN, HandState.FREE) is None


def test_the_table_covers_the_reach_of_the_arm() -> None:
    for pan in np.linspace(-math.pi, math.pi, 9):
        stretched = np.array([pan, 0.05, 0.0, 0.0, 0.0, 0.0])
        assert shipped().touching(stretched, MARGIN, HandState.FREE) is not None
        assert shipped().touching(stretched - [0.0, 0.5, 0.0, 0.0, 0.0, 0.0], MARGIN, HandState.FREE) is None


def test_an_obstacle_is_reported_by_its_name() -> None:
    assert touch_at(0.5, 0.0, 0.50) == ("wrist 1", "camera")
    lamp = with_box(CELL, "lamp_7", (0.5, 0.0, 0.215), (0.02, 0.02, 0.02))
    two = CollisionModel(with_box(lamp, "post", (0.9, 0.4, 0.2), (0.1, 0.1, 0.1)))
    assert two.touching(joints_at(0.5, 0.0, 0.23), MARGIN, HandState.FREE) == ("fingers", "lamp 7")


def test_base_and_shoulder_may_touch_an_obstacle_and_the_upper_arm_may_not() -> None:
    plinth = CollisionModel(with_box(CELL, "plinth", (0.0, 0.0, 0.01), (0.3, 0.3, 0.02)))
    assert plinth.touching(HOME, MARGIN, HandState.FREE) is None
    upper_arm = CollisionModel(with_box(CELL, "bar", (0.0, 0.0, 0.3), (0.6, 0.6, 0.02)))
    assert upper_arm.touching(HOME, MARGIN, HandState.FREE) == ("upper arm", "bar")


def test_parts_of_the_arm_keep_five_millimeters_less_from_each_other() -> None:
    """Wrist 2 is parallel to the forearm at 93.15 mm; both have a radius of 38 mm, so their distance is 17.15 mm."""
    folded = np.array([math.pi, -1.2, 0.6, math.pi / 2, 0.0, 0.0])
    for margin, touch in ((0.0, None), (0.0217, None), (0.0226, ("forearm", "wrist 2"))):
        assert shipped().touching(folded, margin, HandState.WORKING) == touch


def test_no_point_of_the_robot_is_farther_from_an_axis_than_its_reach() -> None:
    """Link lengths (data sheet) plus a held object whose far corner is 0.3011 m from wrist 3."""
    corner = math.hypot(0.0823 + 0.162768 + 0.05, 0.0425, 0.0425)
    lengths = [0.089159, 0.425, 0.39225, 0.10915, 0.09465]
    expected = [corner + sum(lengths[joint:]) for joint in range(5)]
    np.testing.assert_allclose(shipped().reach[:5], expected, rtol=1e-6)
    assert shipped().reach[5] == pytest.approx(math.hypot(ALONG, ACROSS), abs=1e-4)
    assert shipped().reach.shape == (6,)


def test_each_hand_state_and_margin_is_independent_of_earlier_checks() -> None:
    low, table = joints_at(0.5, 0.0, 0.015), ("fingers", "table")
    for _ in range(2):
        assert shipped().touching(low, 0.01, HandState.FREE) is None
        assert shipped().touching(low, 0.01, HandState.WORKING) is None
        assert shipped().touching(low, 0.01, HandState.CARRYING) == ("held object", "table")
        assert shipped().touching(low, 0.02, HandState.FREE) == table
        assert shipped().touching(low, 0.02, HandState.WORKING) is None


def test_two_models_do_not_share_their_obstacles() -> None:
    before = touch_at(0.5, 0.0, 0.25)
    CollisionModel(with_box(CELL, "lamp", (0.5, 0.0, 0.25), (0.1, 0.1, 0.09)))
    assert before is None
    assert touch_at(0.5, 0.0, 0.25) is None


def test_a_cell_without_obstacles_has_only_table_and_bin() -> None:
    bare: CellConfig = replace(CELL, obstacles=replace(CELL.obstacles, names=(), centers=(), sizes=()))
    model = CollisionModel(bare)
    assert model.touching(joints_at(0.5, 0.0, 0.50), MARGIN, HandState.FREE) is None
    assert model.touching(joints_at(0.5, 0.0, 0.0), MARGIN, HandState.FREE) == ("fingers", "table")
