"""Cells are divided into objects along the borders that the network reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from impurity_grasp_ros.perception.objects_config import SegmentationConfig
from impurity_grasp_ros.perception.segmentation import border_cells, boxes, compact, inner_cells, segment

CONFIG = SegmentationConfig(seed_level=0.4, min_seed=12, min_part=25, min_cells=40)
SURE = 6.0
"""Logit of a network that is sure."""

labelings = arrays(np.int64, (12, 12), elements=st.integers(-1, 3))


def outline(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """What a perfect network says of objects (R, C)."""
    border = border_cells(labels) & (labels >= 0)
    inside = (labels >= 0) & ~border
    return np.where(np.stack([border, inside]), SURE, -SURE).astype(np.float32)


def blocks(*corners: tuple[int, int], size: int = 16) -> NDArray[np.int64]:
    """Squares on a map of 64 x 64 cells."""
    labels = np.full((64, 64), -1, np.int64)
    for index, (row, column) in enumerate(corners):
        labels[row : row + size, column : column + size] = index
    return labels


@pytest.mark.parametrize("second", [(10, 26), (26, 10), (10, 40)], ids=["beside", "below", "apart"])
def test_objects_are_divided_where_the_network_sees_a_border(second: tuple[int, int]) -> None:
    truth = blocks((10, 10), second)
    found = segment(outline(truth), truth >= 0, CONFIG)
    assert found.max() == 1
    for index in range(2):
        own = found == found[truth == index][0]
        assert np.count_nonzero(own & (truth == index)) > 0.97 * np.count_nonzero(own | (truth == index))
    np.testing.assert_array_equal(found >= 0, truth >= 0)


def test_a_border_inside_of_one_color_is_what_counts_not_the_gap() -> None:
    truth = blocks((10, 10), (10, 26))
    united = np.where(truth >= 0, 0, -1)
    found = segment(outline(united), truth >= 0, CONFIG)
    np.testing.assert_array_equal(found, united)


def ridged(saddle: float) -> NDArray[np.float32]:
    """Logits of a bar whose middle is joined by a saddle of this probability of being inside."""
    inside = np.full((64, 64), 0.01)
    inside[10:26, 10:50] = 0.95
    inside[10:26, 29:31] = saddle
    logits = np.log(inside / (1.0 - inside))
    return np.stack([np.full_like(logits, -SURE), logits]).astype(np.float32)


@pytest.mark.parametrize(("saddle", "objects"), [(0.3, 2), (0.55, 2), (0.9, 1)])
def test_a_seed_is_divided_where_it_falls_apart_at_a_higher_level(saddle: float, objects: int) -> None:
    bar = blocks()
    bar[10:26, 10:50] = 0
    found = segment(ridged(saddle), bar >= 0, CONFIG)
    assert found.max() + 1 == objects
    np.testing.assert_array_equal(found >= 0, bar >= 0)
    if objects == 2:
        assert found[18, 12] != found[18, 45]
        assert len(np.unique(found[10:26, 10:29])) == len(np.unique(found[10:26, 31:50])) == 1


def test_parts_that_are_too_small_divide_nothing() -> None:
    bar = blocks()
    bar[10:26, 10:50] = 0
    for min_part, objects in ((300, 1), (200, 2)):  # the parts have some 290 cells
        found = segment(ridged(0.55), bar >= 0, replace(CONFIG, min_part=min_part))
        assert found.max() + 1 == objects


def test_a_group_without_a_seed_is_one_object_and_a_small_one_is_none() -> None:
    truth = blocks((10, 10))
    truth[50:57, 50:57] = 1  # 49 cells
    truth[40:44, 50:54] = 2  # 16 cells
    found = segment(np.full((2, 64, 64), -SURE, np.float32), truth >= 0, CONFIG)
    assert (found[12, 12], found[52, 52], found[41, 51]) == (0, 1, -1)


def test_where_nothing_stands_there_is_no_object() -> None:
    found = segment(np.full((2, 64, 64), SURE, np.float32), np.zeros((64, 64), np.bool_), CONFIG)
    assert found.shape == (64, 64)
    assert found.dtype == np.int64
    assert (found == -1).all()


@given(labelings, st.integers(1, 20))
def test_objects_are_numbered_without_gaps_and_small_ones_are_left_out(
    labels: NDArray[np.int64], min_cells: int
) -> None:
    found = compact(labels, min_cells)
    kept = [index for index in range(4) if np.count_nonzero(labels == index) >= min_cells]
    assert sorted(set(found[found >= 0].tolist())) == list(range(len(kept)))
    for number, index in enumerate(kept):
        np.testing.assert_array_equal(found == number, labels == index)


@given(labelings)
def test_inner_cells_have_neighbors_of_the_same_object_only(labels: NDArray[np.int64]) -> None:
    inner = inner_cells(labels)
    assert set(np.unique(inner)) >= set(np.unique(labels[labels >= 0])), "no object disappears"
    for row, column in np.argwhere(inner >= 0):
        around = labels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        thin = not ((inner == labels[row, column]) & ~border_cells(labels)).any()
        assert thin or (around == labels[row, column]).all()


def test_a_box_holds_all_cells_of_its_object_and_no_more_than_needed() -> None:
    labels = np.full((20, 30), -1, np.int64)
    labels[2:5, 7:11], labels[19, 29], labels[4, 12] = 2, 0, 2
    assert list(boxes(labels)) == [(0, np.s_[19:20, 29:30]), (2, np.s_[2:5, 7:13])]
    assert list(boxes(np.full((5, 5), -1, np.int64))) == []
