"""A patch of odd cells becomes the outline of one object."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import BLUE, Block, draw, overlap
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Grid, Heightmap
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


def test_an_outline_ends_at_a_neighbor_of_another_look() -> None:
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


def field(rows: int = 30, columns: int = 40) -> Heightmap:
    """A small map of an empty table."""
    flat = np.zeros((rows, columns), np.float32)
    return Heightmap(
        np.zeros((rows, columns, 3), np.uint8), flat, np.ones(flat.shape, np.bool_), Grid(0, 0, rows, columns)
    )


def cells(rows: slice, columns: slice, size: tuple[int, int] = (30, 40)) -> NDArray[np.bool_]:
    mask = np.zeros(size, np.bool_)
    mask[rows, columns] = True
    return mask


def test_a_component_is_connected_along_rows_and_columns() -> None:
    mask = cells(np.s_[2:5], np.s_[2:5]) | cells(np.s_[5:9], np.s_[5:9])
    np.testing.assert_array_equal(component(mask, cells(np.s_[3:4], np.s_[3:4])), cells(np.s_[2:5], np.s_[2:5]))
    outside = cells(np.s_[20:24], np.s_[20:24])
    np.testing.assert_array_equal(component(mask, outside), outside)


def test_an_outline_is_the_patch_grown_over_its_like_and_the_ring_of_edge_cells() -> None:
    heightmap, block = field(), cells(np.s_[5:15], np.s_[5:17])
    heightmap.height[block] = 0.03
    patch = cells(np.s_[9:11], np.s_[9:11])
    np.testing.assert_array_equal(outline(patch, eroded(block), block, heightmap, STEP), block)


def test_an_outline_reaches_two_cells_beyond_the_level_surface() -> None:
    """The step lies between columns 14 and 15: neither of them is level."""
    heightmap, block = field(), cells(np.s_[5:15], np.s_[5:25])
    heightmap.height[block] = 0.03
    for step, last in ((0.02, 15), (0.0125, 15), (0.0115, 24)):
        heightmap.height[5:15, 15:25] = 0.03 + step
        patch = cells(np.s_[9:11], np.s_[9:11])
        found = outline(patch, eroded(block), block, heightmap, STEP)
        np.testing.assert_array_equal(found, cells(np.s_[5:15], np.s_[5 : last + 1]))


@pytest.mark.parametrize(("hole_px", "closed"), [(1, True), (2, True), (3, False)])
def test_small_holes_of_an_outline_are_closed(hole_px: int, closed: bool) -> None:
    heightmap, block = field(), cells(np.s_[5:20], np.s_[5:20])
    heightmap.height[block] = 0.03
    hole = cells(np.s_[10 : 10 + hole_px], np.s_[10 : 10 + hole_px])
    found = outline(cells(np.s_[7:9], np.s_[7:9]), eroded(block) & ~hole, block, heightmap, STEP)
    np.testing.assert_array_equal(found, block if closed else block & ~hole)


def test_an_outline_stays_on_objects() -> None:
    heightmap, block = field(), cells(np.s_[5:15], np.s_[5:15])
    heightmap.height[block] = 0.03
    patch = cells(np.s_[4:9], np.s_[8:12])
    nothing = np.zeros_like(block)
    found = outline(patch, nothing, block, heightmap, STEP)
    assert found.any()
    assert not (found & ~block).any()


def test_a_place_that_was_not_seen_is_a_step() -> None:
    heightmap, block = field(), cells(np.s_[5:15], np.s_[5:25])
    heightmap.height[block] = 0.03
    heightmap.valid[5:15, 15] = False
    found = outline(cells(np.s_[9:11], np.s_[9:11]), eroded(block), block, heightmap, STEP)
    np.testing.assert_array_equal(found, cells(np.s_[5:15], np.s_[5:16]))


@pytest.mark.parametrize("columns", [34, 36])
def test_what_is_longer_than_70_mm_is_cut_in_the_middle(columns: int) -> None:
    for mask in (cells(np.s_[10:14], np.s_[2 : 2 + columns]), cells(np.s_[2 : 2 + columns], np.s_[10:14], (40, 40))):
        parts = single_objects(mask, field(*mask.shape), LENGTH)
        assert [np.count_nonzero(part) for part in parts] == ([4 * 34] if columns == 34 else [2 * 36, 2 * 36])
        np.testing.assert_array_equal(np.sum(parts, axis=0), mask)


@pytest.mark.parametrize(("count", "parts"), [(8, 1), (9, 2)])
def test_eight_cells_are_not_cut(count: int, parts: int) -> None:
    mask = np.zeros((30, 100), np.bool_)
    mask[10, 10 : 10 + 5 * count : 5] = True
    assert len(single_objects(mask, field(30, 100), LENGTH)) == parts


@pytest.mark.parametrize(("step", "left"), [(0.03, 24), (0.012, 24), (0.005, 20), (0.0, 20)])
def test_touching_objects_are_cut_where_their_heights_differ(step: float, left: int) -> None:
    """A step counts like twice as much on the table: 24 mm are enough beside halves of 40 mm, 10 mm are not."""
    heightmap, mask = field(30, 60), cells(np.s_[10:16], np.s_[5:45], (30, 60))
    heightmap.height[mask] = 0.03
    heightmap.height[:, 29:] += np.float32(step)
    parts = sorted(single_objects(mask, heightmap, LENGTH), key=lambda part: np.nonzero(part)[1].min())
    assert len(parts) == 2
    np.testing.assert_array_equal(parts[0], cells(np.s_[10:16], np.s_[5 : 5 + left], (30, 60)))
    np.testing.assert_array_equal(parts[1], cells(np.s_[10:16], np.s_[5 + left : 45], (30, 60)))


def test_what_is_just_as_long_as_an_object_is_not_cut() -> None:
    mask = cells(np.s_[10:14], np.s_[2:37])
    (whole,) = single_objects(mask, field(), 35 * 0.002)
    np.testing.assert_array_equal(whole, mask)
    assert len(single_objects(mask, field(), 34.5 * 0.002)) == 2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("along_rows", [False, True])
def test_a_long_mask_is_cut_halfway_between_the_middles_of_its_parts(mirrored: bool, along_rows: bool) -> None:
    """20 columns of 20 cells and 20 of 4: with 15 columns on one side the middles are at 7.0 and 22.6."""
    size = (50, 60)
    mask = cells(np.s_[10:30], np.s_[5:25], size) | cells(np.s_[18:22], np.s_[25:45], size)
    expected = cells(np.s_[10:30], np.s_[5:20], size)
    if mirrored:
        mask, expected = mask[:, ::-1], expected[:, ::-1]
    if along_rows:
        mask, expected = mask.T, expected.T
    mask, expected = np.ascontiguousarray(mask), np.ascontiguousarray(expected)
    parts = sorted(single_objects(mask, field(*mask.shape), LENGTH), key=np.count_nonzero)
    assert len(parts) == 2
    np.testing.assert_array_equal(parts[1], expected)
    np.testing.assert_array_equal(parts[0], mask & ~expected)


def test_a_place_that_was_not_seen_counts_as_table() -> None:
    """Beside an object of 10 mm that is no step of 12."""
    heightmap, block = field(), cells(np.s_[5:15], np.s_[5:25])
    heightmap.height[block] = 0.010
    heightmap.valid[5:15, 15] = False
    found = outline(cells(np.s_[9:11], np.s_[9:11]), eroded(block), block, heightmap, STEP)
    np.testing.assert_array_equal(found, block)


def test_a_step_just_as_high_as_asked_for_ends_an_outline() -> None:
    """Of 1/64 m, which is a round number for the computer, too."""
    heightmap, block = field(), cells(np.s_[5:15], np.s_[5:25])
    heightmap.height[block] = 1 / 64
    heightmap.height[5:15, 15:25] = 1 / 32
    patch = cells(np.s_[9:11], np.s_[9:11])
    found = outline(patch, eroded(block), block, heightmap, 1 / 64)
    np.testing.assert_array_equal(found, cells(np.s_[5:15], np.s_[5:16]))
