"""Contacts: where two flat pads touch a target."""

import numpy as np
import pytest

from impurity_grasp_ros.policy.contact import Contact, contacts

PAD_PX = 11
SIZE = 41


def drawn(rows: slice, columns: slice, top: float = 0.04) -> tuple[np.ndarray, np.ndarray]:
    """Heights and mask of an upright box."""
    height, mask = np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE), np.bool_)
    height[rows, columns], mask[rows, columns] = top, True
    return height, mask


def at(contact: Contact, row: int) -> tuple[float, ...]:
    return tuple(float(values[row]) for values in contact)


def test_a_wide_box_is_touched_in_the_middle_of_both_pads() -> None:
    left, right = contacts(*drawn(slice(10, 31), slice(15, 26)), PAD_PX)
    assert at(left, 20) == pytest.approx((15.0, 0.0, 0.0, 0.04))
    assert at(right, 20) == pytest.approx((25.0, 0.0, 0.0, 0.04))


def test_a_box_beside_the_middle_is_touched_beside_it() -> None:
    left, right = contacts(*drawn(slice(23, 26), slice(15, 26)), PAD_PX)
    for contact in (left, right):
        assert contact.aside[20] == pytest.approx(4.0)
        assert contact.aside[24] == pytest.approx(0.0)


def test_a_slanting_side_is_touched_at_its_foremost_end() -> None:
    height, mask = drawn(slice(10, 31), slice(15, 26))
    for row in range(10, 31):
        mask[row, : 15 + (row - 10) // 2] = False
    left, _ = contacts(height, mask, PAD_PX)
    assert left.column[20] == 17.0
    assert left.aside[20] > 2.5, "the pad's end towards the upper rows"
    assert left.recess[20] == 5.0


def test_the_height_is_that_of_the_rim_that_is_touched() -> None:
    height, mask = drawn(slice(10, 31), slice(15, 26))
    height[:, 15:19] = 0.01
    left, right = contacts(height, mask, PAD_PX)
    assert (left.height[20], right.height[20]) == pytest.approx((0.01, 0.04))


def test_mirroring_the_view_swaps_the_pads() -> None:
    rng = np.random.default_rng(0)
    height, mask = rng.random((SIZE, SIZE)).astype(np.float32), rng.random((SIZE, SIZE)) < 0.1
    left, right = contacts(height, mask, PAD_PX)
    mirrored_left, mirrored_right = contacts(height[:, ::-1], mask[:, ::-1], PAD_PX)
    np.testing.assert_array_equal(left.column, SIZE - 1 - mirrored_right.column)
    np.testing.assert_array_equal(right.aside, mirrored_left.aside)
    np.testing.assert_array_equal(left.recess, mirrored_right.recess)
    np.testing.assert_array_equal(right.height, mirrored_left.height)


def test_rows_away_from_the_target_touch_nothing() -> None:
    left, right = contacts(*drawn(slice(10, 12), slice(15, 26)), PAD_PX)
    assert left.column[30] == SIZE
    assert right.column[30] == -1.0
    assert left.height[30] == 0.0
