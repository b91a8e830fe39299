"""Of several targets the one with most room for the fingers comes first."""

import pytest
from drawn_scenes import BLUE, Block, draw

from impurity_grasp_ros.perception.accessibility import AXES, most_accessible, room

TARGET = Block(100, 100, BLUE, 0.035, (18, 22))


def beside(rows: int, columns: int, height: float = 0.035) -> Block:
    """A neighbour of the target that touches it."""
    return Block(100 + rows, 100 + columns, BLUE, height, (18, 22))


def test_a_lone_object_is_free_on_all_sides() -> None:
    assert room(TARGET.cells, draw([TARGET])) == (AXES, 1.0)


def test_an_object_at_the_border_of_the_map_is_free_as_far_as_is_known() -> None:
    edge = Block(9, 100, BLUE, 0.035, (18, 22))
    assert room(edge.cells, draw([edge]))[0] == AXES


@pytest.mark.parametrize("neighbor", [beside(19, 0), beside(0, -23), beside(0, 23)])
def test_a_neighbor_takes_axes_away(neighbor: Block) -> None:
    axes, share = room(TARGET.cells, draw([TARGET, neighbor]))
    assert 0 < axes < AXES
    assert share < 1.0


def test_a_neighbor_that_is_low_enough_is_not_in_the_way() -> None:
    assert room(TARGET.cells, draw([TARGET, beside(0, 23, height=0.02)]))[0] == AXES


def test_between_walls_on_four_sides_there_is_no_room() -> None:
    walls = [beside(0, 23), beside(0, -23), beside(19, 0), beside(-19, 0)]
    assert room(TARGET.cells, draw([TARGET, *walls]))[0] == 0


def test_the_freer_of_two_comes_first() -> None:
    lone = Block(40, 40, BLUE, 0.035, (18, 22))
    heightmap = draw([TARGET, beside(0, 23), lone])
    crowded, free = TARGET.cells, lone.cells
    assert most_accessible([crowded, free], heightmap) is free
    assert most_accessible([free, crowded], heightmap) is free
