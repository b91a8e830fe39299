"""Groups of objects are found, and only those that could hide something become candidates."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID, Block, draw, rows_of_blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Cluster
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.occlusion import candidate, find_clusters, object_cells

CONFIG = packaged_parameters("attention_node", AttentionConfig).occlusion

HEAP = [
    *(Block(100 + i, 60 + j, height=0.03, size_px=(18, 18)) for i in (-19, 0, 19) for j in (-19, 0, 19)),
    Block(104, 66, height=0.057, size_px=(27, 29)),
]


def flat_group(row: int, column: int, count: int) -> list[Block]:
    """Blocks side by side in one layer."""
    return [Block(row, column + 20 * i, size_px=(20, 20)) for i in range(count)]


def test_an_empty_table_has_no_clusters_and_no_candidate() -> None:
    assert find_clusters(draw([]), CONFIG) == ()
    assert candidate((), CONFIG) is None


def test_cells_that_were_not_seen_carry_no_object() -> None:
    heightmap = draw([Block(50, 50)])
    blind = replace(heightmap, valid=np.zeros_like(heightmap.valid))
    assert object_cells(heightmap, CONFIG).any()
    assert not object_cells(blind, CONFIG).any()


def test_every_group_is_found_largest_first_with_its_area() -> None:
    clusters = find_clusters(draw(flat_group(40, 40, 2) + flat_group(150, 60, 5)), CONFIG)
    cell_area = GRID.resolution**2
    assert [cluster.area for cluster in clusters] == pytest.approx([5 * 400 * cell_area, 2 * 400 * cell_area], rel=0.1)
    for cluster, row in zip(clusters, (150, 40), strict=True):
        assert abs(GRID.to_cell(*cluster.center)[0] - row) < 10
        assert cluster.height == pytest.approx(0.035)


def test_specks_are_no_cluster() -> None:
    heightmap = draw([])
    heightmap.height[20:200:20, 20:200:20] = 0.05
    assert find_clusters(heightmap, CONFIG) == ()


def test_a_heap_is_a_candidate_and_its_centre_lies_under_the_cover() -> None:
    clusters = find_clusters(draw(HEAP + flat_group(190, 40, 8)), CONFIG)
    chosen = candidate(clusters, CONFIG)
    assert chosen is not None
    assert chosen is not clusters[0]
    assert np.hypot(*np.subtract(GRID.to_cell(*chosen.center), (104, 66))) < 9


@pytest.mark.parametrize(
    "blocks",
    [
        flat_group(100, 40, 8),
        [Block(100, 100, height=0.045, size_px=(22, 30))],
        [Block(100, 100, height=0.060, size_px=(14, 22))],
        [*flat_group(100, 60, 5), Block(100, 100, height=0.060, size_px=(12, 15))],
    ],
    ids=["one layer", "one block", "one block on end", "a small tower in one layer"],
)
def test_what_cannot_hide_an_object_is_no_candidate(blocks: list[Block]) -> None:
    assert candidate(find_clusters(draw(blocks), CONFIG), CONFIG) is None


def test_a_block_higher_than_any_block_could_be_stands_on_one_that_may_be_the_target() -> None:
    (tower,) = find_clusters(draw([Block(100, 100, height=0.075, size_px=(20, 22))]), CONFIG)
    assert tower.area < CONFIG.min_area
    assert candidate((tower,), CONFIG) is tower


def test_the_largest_cluster_that_is_high_and_large_enough_is_chosen() -> None:
    flat, heap, higher = Cluster((0, 0), 0.02, 0.03), Cluster((1, 1), 0.006, 0.055), Cluster((2, 2), 0.004, 0.09)
    small = Cluster((3, 3), 0.0003, 0.09)
    assert candidate((flat, heap, higher, small), CONFIG) is heap
    assert candidate((flat, small), CONFIG) is None


@given(st.integers(-20, 20), st.integers(-10, 30))
@settings(max_examples=15)
def test_clusters_move_with_the_objects(rows: int, columns: int) -> None:
    stride = CONFIG.stride_px
    moved = [replace(block, row=block.row + stride * rows, column=block.column + stride * columns) for block in HEAP]
    (before,), (after,) = find_clusters(draw(HEAP), CONFIG), find_clusters(draw(moved), CONFIG)
    shift = stride * GRID.resolution
    expected = (before.center[0] + columns * shift, before.center[1] + rows * shift)
    assert after.center == pytest.approx(expected)
    assert (after.area, after.height) == pytest.approx((before.area, before.height))


@given(st.integers(0, 15), st.integers(0, 50))
@settings(max_examples=20)
def test_clusters_are_sorted_and_no_larger_than_the_objects_together(count: int, seed: int) -> None:
    heightmap = draw(rows_of_blocks(count, seed))
    clusters = find_clusters(heightmap, CONFIG)
    areas = [cluster.area for cluster in clusters]
    assert areas == sorted(areas, reverse=True)
    assert sum(areas) <= 1.1 * object_cells(heightmap, CONFIG).sum() * GRID.resolution**2
    assert all(GRID.contains(*cluster.center) and cluster.height <= heightmap.height.max() for cluster in clusters)
