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


def test_a_slanted_side_is_touched_at_its_outermost_end() -> None:
    height, mask = drawn(slice(10, 31), slice(15, 26))
    for row in range(10, 31):
        mask[row, : 15 + (row - 10) // 2] = False
    left, _ = contacts(height, mask, PAD_PX)
    assert left.column[20] == 17.0
    assert left.aside[20] > 2.5, "the pad's end toward the upper rows"
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


def outlined(*starts: int, end: int = 26) -> tuple[np.ndarray, np.ndarray]:
    """Heights and mask of a target 11 rows high around row 20, each row beginning at its own column."""
    height, mask = drawn(slice(0, 0), slice(0, 0))
    for row, start in enumerate(starts, 15):
        height[row, start:end], mask[row, start:end] = 0.04, True
    return height, mask


@pytest.mark.parametrize(
    ("starts", "column", "aside", "recess"),
    [
        ([15] * 11, 15, 0.0, 0),
        ([15] * 5 + [16] * 6, 15, 0.0, 1),  # an outline is uneven by one: all rows touch
        ([15] * 5 + [17] * 6, 15, 3.0, 2),  # rows 5 to 1 before the middle touch
        ([17] * 6 + [15] * 5, 15, 3.0, 2),
        ([20] * 5 + [12] + [20] * 5, 12, 0.0, 8),
        ([20] * 4 + [12] + [20] * 6, 12, 1.0, 8),
        ([12] + [25] * 10, 12, 5.0, 11),  # 13 columns, but a pad of 11 rows sees at most as many
        ([12] + [23] * 10, 12, 5.0, 11),
        ([12] + [22] * 10, 12, 5.0, 10),
    ],
)
def test_a_pad_touches_only_the_outermost_rows(starts: list[int], column: int, aside: float, recess: int) -> None:
    left, right = contacts(*outlined(*starts), PAD_PX)
    assert at(left, 20) == pytest.approx((column, aside, recess, 0.04))
    assert at(right, 20) == pytest.approx((25, 0.0, 0.0, 0.04))


def test_rows_without_a_target_do_not_count_as_recess() -> None:
    left, _ = contacts(*drawn(slice(18, 23), slice(15, 26)), PAD_PX)
    assert at(left, 20) == pytest.approx((15.0, 0.0, 0.0, 0.04))
    assert at(left, 17) == pytest.approx((15.0, 3.0, 0.0, 0.04)), "rows 18 to 22 of 12 to 22"


def test_the_pad_reaches_half_its_width_to_either_side() -> None:
    left, _ = contacts(*drawn(slice(20, 21), slice(15, 26)), PAD_PX)
    np.testing.assert_array_equal(left.column, [15.0 if 15 <= row <= 25 else SIZE for row in range(SIZE)])
    np.testing.assert_array_equal(left.aside[15:26], np.abs(np.arange(-5, 6)))


def test_a_rim_is_as_high_as_the_highest_of_its_outermost_three_cells() -> None:
    height, mask = drawn(slice(10, 31), slice(15, 26))
    height[:, 15:20] = [0.01, 0.02, 0.03, 0.04, 0.05]
    height[:, 21:26] = [0.06, 0.05, 0.02, 0.01, 0.015]
    left, right = contacts(height, mask, PAD_PX)
    assert (left.height[20], right.height[20]) == pytest.approx((0.03, 0.02))


def test_the_height_is_that_of_the_highest_row_that_is_touched() -> None:
    height, mask = outlined(*[15] * 5, *[20] * 6)
    height[15:20, :], height[16, :], height[20:, :] = 0.01, 0.02, 0.05
    height = np.where(mask, height, 0.0).astype(np.float32)
    left, right = contacts(height, mask, PAD_PX)
    assert left.height[20] == pytest.approx(0.02)
    assert right.height[20] == pytest.approx(0.05)


def test_a_target_at_the_edge_of_the_view_is_read_within_it() -> None:
    left, right = contacts(*drawn(slice(10, 31), slice(SIZE - 1, SIZE)), PAD_PX)
    assert at(left, 20) == at(right, 20) == pytest.approx((SIZE - 1, 0.0, 0.0, 0.04))
    left, right = contacts(*drawn(slice(0, 6), slice(0, 2)), PAD_PX)
    assert at(left, 0) == pytest.approx((0.0, 2.5, 0.0, 0.04))
    assert right.column[0] == 1.0
