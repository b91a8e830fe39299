"""Of several targets the one with most room for the fingers comes first."""

import numpy as np
import pytest
from drawn_scenes import BLUE, Block, draw

from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.accessibility import most_accessible, room

TARGET = Block(100, 100, BLUE, 0.035, (18, 22))
"""Rows 91 to 108, columns 89 to 110."""

SMALL = Block(100, 100, BLUE, 0.035, (5, 5))


def beside(rows: int, columns: int, height: float = 0.035) -> Block:
    """A neighbor of the target that touches it."""
    return Block(100 + rows, 100 + columns, BLUE, height, (18, 22))


def test_a_lone_object_is_free_on_all_sides() -> None:
    assert room(TARGET.cells, draw([TARGET])) == (8, 1.0)


def test_an_object_at_the_border_of_the_map_is_free_as_far_as_is_known() -> None:
    edge = Block(9, 100, BLUE, 0.035, (18, 22))
    assert room(edge.cells, draw([edge]))[0] == 8


@pytest.mark.parametrize("neighbor", [beside(19, 0), beside(0, -23), beside(0, 23)])
def test_a_neighbor_takes_axes_away(neighbor: Block) -> None:
    axes, share = room(TARGET.cells, draw([TARGET, neighbor]))
    assert 0 < axes < 8
    assert share < 1.0


def test_a_neighbor_that_is_low_enough_is_not_in_the_way() -> None:
    assert room(TARGET.cells, draw([TARGET, beside(0, 23, height=0.02)]))[0] == 8


def test_between_walls_on_four_sides_there_is_no_room() -> None:
    walls = [beside(0, 23), beside(0, -23), beside(19, 0), beside(-19, 0)]
    assert room(TARGET.cells, draw([TARGET, *walls]))[0] == 0


def test_the_freer_of_two_comes_first() -> None:
    lone = Block(40, 40, BLUE, 0.035, (18, 22))
    heightmap = draw([TARGET, beside(0, 23), lone])
    crowded, free = TARGET.cells, lone.cells
    assert most_accessible([crowded, free], heightmap) is free
    assert most_accessible([free, crowded], heightmap) is free


def wall(rows: slice, columns: slice, height: float = 0.035) -> Heightmap:
    """The target, and something of that height in these cells."""
    heightmap = draw([TARGET])
    heightmap.height[rows, columns] = height
    return heightmap


def spoke(*turns_16: float) -> Heightmap:
    """A small target with a thin row of high cells in every direction, in sixteenths of a turn from the columns on."""
    heightmap = draw([SMALL])
    for turn in turns_16:
        for radius in (5, 6, 7, 8, 9):
            angle = turn * np.pi / 8
            heightmap.height[round(100 + radius * np.sin(angle)), round(100 + radius * np.cos(angle))] = 0.035
    return heightmap


@pytest.mark.parametrize(("distance", "counts"), [(1, False), (2, True), (5, True), (9, True), (10, False)])
def test_fingers_come_down_between_three_and_eighteen_millimeters_from_the_outline(distance: int, counts: bool) -> None:
    right, left = np.s_[110 + distance : 111 + distance], np.s_[89 - distance : 90 - distance]
    below, above = np.s_[108 + distance : 109 + distance], np.s_[91 - distance : 92 - distance]
    for heightmap in (
        wall(np.s_[93:107], right),
        wall(np.s_[93:107], left),
        wall(below, np.s_[91:109]),
        wall(above, np.s_[91:109]),
    ):
        axes, share = room(TARGET.cells, heightmap)
        assert (share < 1.0) == counts
        assert axes <= 8


@pytest.mark.parametrize(("height", "free"), [(0.0225, True), (0.0235, False)])
def test_finger_tips_reach_twelve_millimeters_below_the_top(height: float, free: bool) -> None:
    assert (room(TARGET.cells, wall(np.s_[93:107], np.s_[114:118], height)) == (8, 1.0)) == free


@pytest.mark.parametrize(("raised", "free"), [(38, False), (41, True)])
def test_the_top_is_what_a_tenth_of_the_object_reaches(raised: int, free: bool) -> None:
    """Of 396 cells; with the top at 60 mm what is 35 mm high is below the finger tips."""
    heightmap = wall(np.s_[93:107], np.s_[114:118])
    rows, columns = np.nonzero(TARGET.cells)
    heightmap.height[rows[:raised], columns[:raised]] = 0.06
    assert (room(TARGET.cells, heightmap) == (8, 1.0)) == free


@pytest.mark.parametrize("turn_16", [0, 1, 6, 11, 15])
def test_there_are_eight_axes_and_each_ends_at_both_sides(turn_16: int) -> None:
    assert room(SMALL.cells, spoke())[0] == 8
    assert room(SMALL.cells, spoke(turn_16))[0] == 7
    assert room(SMALL.cells, spoke(turn_16, turn_16 + 8))[0] == 7
    assert room(SMALL.cells, spoke(turn_16, turn_16 + 4))[0] == 6
    assert room(SMALL.cells, spoke(turn_16, turn_16 + 1, turn_16 + 2))[0] == 5


@pytest.mark.parametrize(("cells", "axes"), [(4, 8), (7, 7)])
def test_a_tenth_of_a_side_may_be_in_the_way(cells: int, axes: int) -> None:
    """The side toward the columns is 22.5 degrees wide: 8 rings of 5 to 8 cells."""
    assert room(TARGET.cells, wall(np.s_[100:101], np.s_[113 : 113 + cells]))[0] == axes


def test_the_share_of_the_ring_that_is_free() -> None:
    one, two = (room(TARGET.cells, wall(np.s_[100:101], np.s_[113 : 113 + cells]))[1] for cells in (1, 2))
    ring = 1.0 / (1.0 - one)
    assert ring == pytest.approx(round(ring))
    assert 800 < ring < 950  # 8 rings along the sides, 80 cells each, and four quarters of circles
    assert two == pytest.approx(1.0 - 2.0 / ring)
    everywhere = draw([])
    everywhere.height[:] = 0.035
    assert room(TARGET.cells, everywhere) == (0, 0.0)


def test_of_two_with_equally_many_free_axes_the_one_with_more_room_comes_first() -> None:
    lone = Block(40, 40, BLUE, 0.035, (18, 22))
    heightmap = draw([TARGET, lone])
    heightmap.height[100, 113:116] = 0.035
    assert room(TARGET.cells, heightmap)[0] == 8
    crowded, free = TARGET.cells, lone.cells
    assert most_accessible([crowded, free], heightmap) is free
    assert most_accessible([free, crowded], heightmap) is free


def test_more_free_axes_count_more_than_a_larger_free_share() -> None:
    heightmap = draw([TARGET, Block(40, 40, BLUE, 0.035, (18, 22))])
    heightmap.height[100, 113:120] = 0.035  # all on one side: an axis is lost
    other = Block(40, 40, size_px=(18, 22)).cells
    heightmap.height[40, 53:57] = heightmap.height[36:45:4, 20:27:2] = 0.035
    heightmap.height[22:29:2, 40] = 0.035
    first, second = room(TARGET.cells, heightmap), room(other, heightmap)
    assert first[0] < second[0] == 8
    assert first[1] > second[1]
    assert most_accessible([TARGET.cells, other], heightmap) is other


def test_the_only_target_comes_first_whatever_it_is() -> None:
    nothing = np.zeros((224, 224), np.bool_)
    assert most_accessible([nothing], draw([])) is nothing
