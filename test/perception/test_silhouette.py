"""A patch of odd cells becomes the outline of one object."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import BLUE, Block, draw, overlap
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.perception.silhouette import component, eroded, outline, single_objects

STEP, LENGTH = 0.012, 0.07

blocks = st.builds(
    Block,
    row=st.floats(40, 180),
    column=st.floats(40, 180),
    height=st.floats(0.02, 0.06),
    size_px=st.tuples(st.integers(12, 24), st.integers(12, 30)),
    angle_deg=st.floats(0, 180),
)


@given(blocks)
@settings(max_examples=30)
def test_a_patch_in_the_middle_grows_to_the_whole_block(block: Block) -> None:
    patch = np.zeros((224, 224), np.bool_)
    patch[round(block.row) - 2 : round(block.row) + 3, round(block.column) - 2 : round(block.column) + 3] = True
    grown = outline(patch, eroded(block.cells), block.cells, draw([block]), STEP)
    assert overlap(grown, block.cells) > 0.93
    assert not (grown & ~block.cells).any()


def test_an_outline_ends_at_a_neighbour_of_another_look() -> None:
    odd, other = Block(100, 100, BLUE, size_px=(20, 20)), Block(100, 120, size_px=(20, 20))
    objects = odd.cells | other.cells
    alike = eroded(objects) & odd.cells
    assert overlap(outline(eroded(alike), alike, objects, draw([odd, other]), STEP), odd.cells) > 0.85


def test_an_outline_ends_at_a_step_to_an_object_of_the_same_look() -> None:
    below, above = Block(100, 100, BLUE, 0.03, (20, 20)), Block(100, 118, BLUE, 0.06, (20, 20))
    objects = below.cells | above.cells
    patch = eroded(eroded(above.cells))
    grown = outline(patch, eroded(objects), objects, draw([below, above]), STEP)
    assert overlap(grown, above.cells) > 0.85


@given(blocks)
@settings(max_examples=30)
def test_a_block_no_longer_than_objects_are_stays_whole(block: Block) -> None:
    mask = block.cells
    (whole,) = single_objects(mask, draw([block]), LENGTH)
    np.testing.assert_array_equal(whole, mask)


@pytest.mark.parametrize("angle_deg", [0.0, 25.0, 70.0, 90.0])
@pytest.mark.parametrize("second_height", [0.035, 0.041])
def test_two_touching_blocks_are_told_apart(angle_deg: float, second_height: float) -> None:
    across = np.array([np.sin(np.deg2rad(angle_deg)), np.cos(np.deg2rad(angle_deg))]) * 20.0
    one = Block(100, 100, BLUE, size_px=(18, 20), angle_deg=angle_deg)
    other = replace(one, row=100 + across[0], column=100 + across[1], height=second_height)
    parts = single_objects(one.cells | other.cells, draw([one, other]), LENGTH)
    assert len(parts) == 2
    for block in (one, other):
        assert max(overlap(part, block.cells) for part in parts) > 0.85


def test_a_long_mask_ends_up_in_parts_no_longer_than_an_object() -> None:
    mask = np.zeros((224, 224), np.bool_)
    mask[100:104, 10:210] = True
    parts = single_objects(mask, draw([]), LENGTH)
    for part in parts:
        assert 0 < np.ptp(np.nonzero(part)[1]) * 0.002 <= LENGTH
    np.testing.assert_array_equal(np.sum(parts, axis=0), mask, "every cell in one part")


def test_an_empty_mask_stays_empty() -> None:
    (empty,) = single_objects(np.zeros((224, 224), np.bool_), draw([]), LENGTH)
    assert not empty.any()


def test_the_component_is_the_one_that_shares_most_with_the_seed() -> None:
    mask, seed = np.zeros((9, 9), np.bool_), np.zeros((9, 9), np.bool_)
    mask[1:3, 1:3] = mask[5:8, 5:8] = True
    seed[2, 2] = seed[5, 5:8] = True
    assert component(mask, seed).sum() == 9
    assert component(mask, seed)[6, 6]
    np.testing.assert_array_equal(component(np.zeros_like(mask), seed), seed)


def test_cells_at_the_border_of_the_map_are_edge_cells() -> None:
    assert eroded(np.ones((5, 5), np.bool_)).sum() == 9
