"""What is in the way is taken by its top, and put down where nothing stands."""

import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_tables import GRID, Block, attempts, on_heap, on_target, table, visible
from grippers import GRIPPER
from shipped_policy import ANALYTIC

from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.policy.aside import cover_of, free_place, plan_aside, pushed_in_vain, top_of_pile
from impurity_grasp_ros.policy.history import is_similar

LOWER = Block(length=0.06, width=0.05, height=0.03)
UPPER = Block(length=0.044, width=0.034, height=0.055, angle=0.3)
PILE = table(LOWER, UPPER)
CROP = on_heap(PILE, (0.5, 0.0)).crop


def in_crop(block: Block) -> np.ndarray:
    return on_target(table(block), block.cells).mask


def test_the_top_of_a_pile_is_its_highest_object_alone() -> None:
    np.testing.assert_array_equal(top_of_pile(CROP), in_crop(UPPER))
    assert not top_of_pile(on_heap(table(), (0.5, 0.0)).crop).any()
    far = table(replace(UPPER, x=0.57))
    assert not top_of_pile(on_heap(far, (0.5, 0.0)).crop).any(), "7 cm from the middle"


def test_of_two_objects_of_the_same_height_one_is_the_top() -> None:
    pair = table(LOWER, replace(UPPER, x=0.475, length=0.03), replace(UPPER, x=0.52))
    top = top_of_pile(on_heap(pair, (0.5, 0.0)).crop)
    assert top.sum() == replace(UPPER, x=0.52).cells.sum()


def test_a_cover_is_an_object_beside_the_visible_part_of_a_target_and_higher() -> None:
    """The target's top is at 30 mm, so that something from 38 mm on covers it."""
    for height, covers in ((0.037, False), (0.039, True)):
        heightmap = table(LOWER, replace(UPPER, height=height, length=0.03))
        attention = on_target(heightmap, visible(LOWER, heightmap))
        assert cover_of(attention.crop, attention.mask).any() == covers
    apart = table(LOWER, replace(UPPER, x=0.56, length=0.03))
    attention = on_target(apart, LOWER.cells)
    assert not cover_of(attention.crop, attention.mask).any()


def test_a_move_takes_the_upper_object_and_leaves_the_lower_one() -> None:
    """The tips reach 14 mm below the top at 55 mm: to 41 mm, above the lower object's 30 mm."""
    move = plan_aside(CROP, top_of_pile(CROP), PILE, [], GRIPPER, ANALYTIC.grasp)
    assert move is not None
    assert move.kind is PrimitiveKind.MOVE
    assert math.dist(move.position[:2], (0.5, 0.0)) < 0.01
    lowest = move.position[2] + GRIPPER.tip_rise(0.034)
    assert 0.030 < lowest < 0.055 - 0.008
    x, y = move.place
    around = np.hypot(*np.subtract(GRID.to_meters(*np.indices(PILE.height.shape)), np.reshape(move.place, (2, 1, 1))))
    assert not PILE.height[around < move.opening / 2 + GRIPPER.tip_thickness].any()
    assert GRID.contains(x, y, 0.03)


def test_a_move_that_failed_is_not_repeated_and_one_that_succeeded_may_be() -> None:
    first = plan_aside(CROP, top_of_pile(CROP), PILE, [], GRIPPER, ANALYTIC.grasp)
    assert first is not None
    failed = attempts([first], OutcomeStatus.EMPTY)
    second = plan_aside(CROP, top_of_pile(CROP), PILE, failed, GRIPPER, ANALYTIC.grasp)
    assert second is None or not is_similar(first, second)
    again = plan_aside(CROP, top_of_pile(CROP), PILE, attempts([first], OutcomeStatus.MOVED), GRIPPER, ANALYTIC.grasp)
    assert again == first


def test_without_an_object_or_a_place_there_is_no_move() -> None:
    assert plan_aside(CROP, np.zeros_like(CROP.valid), PILE, [], GRIPPER, ANALYTIC.grasp) is None
    full = replace(PILE, height=np.maximum(PILE.height, 0.007))
    assert plan_aside(CROP, top_of_pile(CROP), full, [], GRIPPER, ANALYTIC.grasp) is None
    unseen = replace(PILE, valid=np.zeros_like(PILE.valid))
    assert plan_aside(CROP, top_of_pile(CROP), unseen, [], GRIPPER, ANALYTIC.grasp) is None


def test_the_nearest_free_place_keeps_its_distance_from_objects_unseen_cells_and_the_border() -> None:
    place = free_place(PILE, (0.5, 0.0), 0.04)
    assert place is not None
    gap = np.hypot(*np.subtract(GRID.to_meters(*np.nonzero(PILE.height)), np.reshape(place, (2, 1)))).min()
    assert gap == pytest.approx(0.04, abs=0.003)
    border = free_place(table(), (GRID.x_min, 0.0), 0.04)
    assert border is not None
    assert border[0] == pytest.approx(GRID.x_min + 0.04, abs=0.003)
    half = replace(PILE, valid=GRID.to_meters(*np.indices(PILE.height.shape))[1] > 0.1)
    seen = free_place(half, (0.5, 0.0), 0.04)
    assert seen is not None
    assert seen[1] > 0.1385


def test_pushes_in_vain_are_the_latest_ones_on_the_crop() -> None:
    here, there = Primitive.push((0.45, 0.0, 0.01), 0.0), Primitive.push((0.65, 0.15, 0.01), 0.0)
    pushed, held = (lambda item: attempts([item], OutcomeStatus.PUSHED)), OutcomeStatus.HELD
    assert pushed_in_vain(CROP.grid, []) == 0
    assert pushed_in_vain(CROP.grid, pushed(here) * 2) == 2
    assert pushed_in_vain(CROP.grid, pushed(here) + pushed(there)) == 0
    assert pushed_in_vain(CROP.grid, pushed(there) + pushed(here)) == 1
    grasp = attempts([Primitive.grasp((0.5, 0.0, 0.01), 0.0)], held)
    assert pushed_in_vain(CROP.grid, pushed(here) + grasp + pushed(here)) == 1
