"""What lies around an object is told by shares of a ring around it."""

from __future__ import annotations

import numpy as np
import pytest

from impurity_grasp_ros.perception.object_surroundings import surroundings

SIDE = 60


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One square object of 20 x 20 cells, 30 mm high, in the middle of an empty table."""
    labels = np.full((SIDE, SIDE), -1, np.int64)
    labels[20:40, 20:40] = 0
    return labels, np.where(labels == 0, 0.03, 0.0).astype(np.float32), np.ones((SIDE, SIDE), np.bool_)


def test_an_object_alone_is_surrounded_by_the_table() -> None:
    assert surroundings(*scene())[0].tolist() == pytest.approx([0, 1, 0, 0, 0, np.log2(400 / 300), 0], abs=1e-6)


@pytest.mark.parametrize(("beside", "place"), [(0.05, 2), (0.037, 2), (0.02, 3), (0.033, 4), (0.027, 4)])
def test_neighbors_are_higher_lower_or_as_high(beside: float, place: int) -> None:
    labels, height, seen = scene()
    height[:, 40:] = beside
    shares = surroundings(labels, height, seen)[0][:5]
    assert shares[place] == pytest.approx(0.25, abs=0.05)
    assert shares[1] == pytest.approx(0.75, abs=0.05)
    assert shares.sum() == pytest.approx(1.0)


def test_cells_that_were_not_seen_count_as_such_whatever_their_height() -> None:
    labels, height, seen = scene()
    height[:, 40:], seen[:, 40:] = 0.05, False
    shares = surroundings(labels, height, seen)[0][:5]
    assert shares[[0, 2]].tolist() == pytest.approx([0.25, 0.0], abs=0.05)


def test_a_slope_does_not_make_its_neighbors_higher() -> None:
    """The neighbor continues a slope: the object's height beside it counts, not its mean."""
    labels, height, seen = scene()
    height[20:40, 20:] = 0.01 + 0.0008 * np.arange(40)
    shares = surroundings(labels, height, seen)[0][:5]
    assert shares[4] == pytest.approx(0.25, abs=0.05)
    assert shares[2] == 0.0


def test_the_end_of_the_view_is_told_and_an_object_without_cells_has_zeros() -> None:
    labels, height, seen = scene()
    at_the_end = np.roll(labels, 18, axis=1)
    assert surroundings(at_the_end, height, seen)[0][6] == 1.0
    assert (surroundings(np.where(labels == 0, 1, -1), height, seen)[0] == 0.0).all()
    assert surroundings(np.full_like(labels, -1), height, seen).shape == (0, 7)
