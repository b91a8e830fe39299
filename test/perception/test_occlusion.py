"""Groups of objects are found, and only those that could hide something become candidates."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from drawn_scenes import GRID, Block, draw, rows_of_blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Cluster, Heightmap
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.occlusion import OcclusionConfig, candidate, find_clusters, object_cells

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


def test_a_heap_is_a_candidate_and_its_center_lies_under_the_cover() -> None:
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


def drawn(*parts: tuple[slice | int, slice | int, float]) -> Heightmap:
    """An empty table with things of some height in some rows and columns; every second row and column is clustered."""
    heightmap = draw([])
    for rows, columns, height in parts:
        heightmap.height[rows, columns] = height
    return heightmap


def test_the_shipped_numbers() -> None:
    expected = OcclusionConfig(
        min_object_height=0.006,
        stride_px=2,
        radius=0.010,
        min_density=0.5,
        cover_area=0.0009,
        min_height=0.048,
        min_area=0.0027,
        tower_height=0.064,
    )
    assert expected == CONFIG


def test_what_is_higher_than_six_millimeters_is_an_object() -> None:
    heightmap = drawn((np.s_[10:20], np.s_[10:20], 0.0061), (np.s_[50:60], np.s_[10:20], 0.0059))
    expected = np.zeros((224, 224), np.bool_)
    expected[10:20, 10:20] = True
    np.testing.assert_array_equal(object_cells(heightmap, CONFIG), expected)


@pytest.mark.parametrize(("rows", "columns", "found"), [(1, 30, False), (2, 4, False), (3, 3, False), (2, 5, True)])
def test_a_group_has_a_cell_with_ten_of_the_21_within_a_centimeter(rows: int, columns: int, found: bool) -> None:
    """In cells of 4 mm: half of 21 is 10."""
    clusters = find_clusters(drawn((np.s_[40 : 40 + 2 * rows], np.s_[60 : 60 + 2 * columns], 0.03)), CONFIG)
    assert len(clusters) == (1 if found else 0)
    if found:
        assert clusters[0].area == pytest.approx(10 * 16e-6)


@pytest.mark.parametrize(("gap", "groups"), [(1, 1), (2, 2)])
def test_groups_more_than_a_centimeter_apart_are_two(gap: int, groups: int) -> None:
    """Cells 4 mm wide: with one free between them their middles are 8 mm apart, with two 12 mm."""
    one, other = (np.s_[40:60], np.s_[40:60], 0.03), (np.s_[40:60], np.s_[60 + 2 * gap : 80 + 2 * gap], 0.03)
    clusters = find_clusters(drawn(one, other), CONFIG)
    assert [cluster.area for cluster in clusters] == pytest.approx([200 * 16e-6] if groups == 1 else [100 * 16e-6] * 2)


@pytest.mark.parametrize(("rows", "height"), [(14, 0.03), (16, 0.06)])
def test_the_height_is_one_that_nine_square_centimeters_reach(rows: int, height: float) -> None:
    """Of cells of 16 mm2 these are 56: 8 x 7 of them are just enough, 7 x 7 are too few."""
    clusters = find_clusters(
        drawn((np.s_[40:80], np.s_[40:80], 0.03), (np.s_[50 : 50 + rows], np.s_[50:64], 0.06)), CONFIG
    )
    assert len(clusters) == 1
    assert clusters[0].height == pytest.approx(height)


def test_the_height_of_a_group_smaller_than_that_is_the_lowest_there_is() -> None:
    (cluster,) = find_clusters(drawn((np.s_[40:50], np.s_[40:50], 0.05), (np.s_[48:50], np.s_[40:50], 0.02)), CONFIG)
    assert cluster.area == pytest.approx(25 * 16e-6)
    assert cluster.height == pytest.approx(0.02)


def test_the_center_is_the_middle_of_the_highest_pile_and_not_the_highest_point() -> None:
    """A pile of 15 x 15 cells, over which heights are averaged; a spike and a smaller pile elsewhere are higher."""
    heightmap = drawn(
        (np.s_[40:140], np.s_[40:140], 0.03),
        (np.s_[61:76], np.s_[93:108], 0.06),
        (np.s_[120:122], np.s_[60:62], 0.2),
        (np.s_[110:120], np.s_[110:120], 0.08),
    )
    (cluster,) = find_clusters(heightmap, CONFIG)
    assert cluster.center == pytest.approx((0.276 + 100.5 * 0.002, -0.224 + 68.5 * 0.002))


def test_a_pile_at_the_border_of_the_map_goes_on_beyond_it() -> None:
    """Of 15 rows about the first one 11 are high then, more than the 9 rows of a pile inside."""
    heightmap = drawn(
        (np.s_[:100], np.s_[:60], 0.03), (np.s_[:4], np.s_[20:35], 0.06), (np.s_[60:69], np.s_[20:35], 0.06)
    )
    (cluster,) = find_clusters(heightmap, CONFIG)
    assert cluster.center[1] == pytest.approx(-0.224 + 0.5 * 0.002)


def test_of_an_object_cell_less_than_nine_square_centimeters_the_height_is_the_lower_one() -> None:
    heightmap = drawn((np.s_[40:80], np.s_[40:80], 0.03), (np.s_[50:66], np.s_[50:64], 0.06), (50, 50, 0.03))
    (cluster,) = find_clusters(heightmap, CONFIG)
    assert cluster.height == pytest.approx(0.03)


def test_without_an_area_to_cover_the_highest_point_counts() -> None:
    heightmap = drawn((np.s_[40:80], np.s_[40:80], 0.03), (66, 70, 0.06), (66, 71, 0.2))  # odd columns are left out
    (cluster,) = find_clusters(heightmap, replace(CONFIG, cover_area=0.0))
    assert cluster.height == pytest.approx(0.06)
    assert cluster.center == pytest.approx((0.276 + 70.5 * 0.002, -0.224 + 66.5 * 0.002))


def test_without_a_density_every_cell_is_a_group() -> None:
    (cluster,) = find_clusters(drawn((60, 60, 0.03)), replace(CONFIG, min_density=0.0))
    assert cluster.area == pytest.approx(16e-6)


@pytest.mark.parametrize(("extra", "found"), [([], False), ([(62, 60)], True), ([(64, 60)], True), ([(62, 64)], False)])
def test_what_is_just_a_radius_away_belongs_to_the_neighborhood(extra: list[tuple[int, int]], found: bool) -> None:
    """13 cells of 4 mm lie within 8 mm, and 6 of them make a core; five cells in a row are too few."""
    heightmap = drawn(*((60, column, 0.03) for column in range(56, 66, 2)), *((*place, 0.03) for place in extra))
    assert (find_clusters(heightmap, replace(CONFIG, radius=0.008)) != ()) == found


def test_what_is_just_as_high_as_the_limit_is_no_object() -> None:
    assert not object_cells(drawn((60, 60, 0.006)), CONFIG).any()


@pytest.mark.parametrize(
    ("area", "height", "able"),
    [
        (0.0027, 0.048, True),
        (0.0026, 0.048, False),
        (0.0027, 0.047, False),
        (0.0009, 0.064, True),
        (0.0008, 0.064, False),
        (0.0009, 0.063, False),
        (0.0026, 0.063, False),
        (0.02, 0.047, False),
        (0.0008, 0.2, False),
    ],
)
def test_two_layers_or_a_tower_could_hide_an_object(area: float, height: float, able: bool) -> None:
    """27 cm2 that are 48 mm high, or 9 cm2 that are 64 mm high."""
    cluster = Cluster((0.5, 0.0), area, height)
    assert candidate((cluster,), CONFIG) is (cluster if able else None)


def test_the_largest_able_group_is_the_candidate_whatever_their_order() -> None:
    tower, heap, flat = Cluster((0, 0), 0.001, 0.09), Cluster((1, 1), 0.003, 0.05), Cluster((2, 2), 0.01, 0.03)
    for order in permutations((tower, heap, flat)):
        assert candidate(order, CONFIG) is heap
