"""Surfaces that an open gripper has to stay above, and the lowest tool height that they allow."""

import numpy as np
import pytest
from grippers import GRIPPER

from impurity_grasp_ros.policy.clearance import (
    highest_ahead,
    highest_within,
    lowest_tool_height,
    target_top,
    without_target,
)


def spike(row: int, column: int) -> np.ndarray:
    """A view of 21 by 21 pixels with one pixel that is 40 mm high."""
    height = np.zeros((21, 21), np.float32)
    height[row, column] = 0.04
    return height


def test_the_top_is_the_90th_percentile_of_the_target_alone() -> None:
    height = np.linspace(0.0, 0.1, 101, dtype=np.float32)[None]
    assert target_top(height, height >= 0.0) == pytest.approx(0.09)
    assert target_top(height, height < 0.0505) == pytest.approx(0.045)
    assert type(target_top(height, height >= 0.0)) is float


def test_the_target_is_replaced_by_bare_table() -> None:
    height = np.array([[0.01, 0.02, 0.03]], np.float32)
    others = without_target(height, np.array([[False, True, False]]))
    np.testing.assert_array_equal(others, np.array([[0.01, 0.0, 0.03]], np.float32))
    assert others.dtype == np.float32
    assert height[0, 1] == np.float32(0.02), "the heights themselves are unchanged"


def test_a_rectangle_is_centered_and_an_odd_number_of_pixels_wide() -> None:
    high = highest_within(spike(10, 10), 0.014, 0.004, 0.002) > 0.0
    expected = np.zeros((21, 21), np.bool_)
    expected[9:12, 7:14] = True  # 2 pixels along the rows become 3
    np.testing.assert_array_equal(high, expected)


def test_a_corridor_begins_at_its_pixel() -> None:
    high = highest_ahead(spike(10, 15), 0.010, 0.006, 0.002) > 0.0
    expected = np.zeros((21, 21), np.bool_)
    expected[9:12, 11:16] = True
    np.testing.assert_array_equal(high, expected)


@pytest.mark.parametrize(
    ("tip_limit", "palm_surface", "lowest"),
    [
        (0.03, 0.0, 0.027),  # the tips end 3 mm above the tool
        (0.004, 0.0, 0.002),  # the floor
        (0.03, 0.1, 0.1 - GRIPPER.palm_clearance),
    ],
)
def test_the_highest_of_three_limits_decides(tip_limit: float, palm_surface: float, lowest: float) -> None:
    palm = np.array([palm_surface], np.float32)
    z = lowest_tool_height(np.array([tip_limit]), palm, np.array([0.003]), 0.002, GRIPPER)
    assert z == pytest.approx(np.array([lowest]), abs=1e-8)
