"""Targets come before candidates, candidates before nothing; decisions hold until the last object is gone."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import (
    AZURE,
    BLUE,
    COAL,
    GRID,
    NAVY,
    SLATE,
    TABLE,
    YELLOW,
    Block,
    Color,
    draw,
    on_the_map,
    overlap,
    rows_of_blocks,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attention, AttentionState, Heightmap
from impurity_grasp_ros.errors import InvalidFrameError, ViewIncompleteError
from impurity_grasp_ros.perception.ablations import without_inference
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.occlusion import find_clusters, object_cells
from impurity_grasp_ros.perception.target import find_most_salient, find_outlier

SHIPPED = packaged_parameters("attention_node", AttentionConfig)
CONFIG = replace(SHIPPED, hidden=replace(SHIPPED.hidden, method="height"))
"""Piles are judged by their height here; see test_hidden_objects.py for the shipped method."""

PUBLISHED = replace(CONFIG, mode="vocus2")

HEAP = [
    *(Block(100 + i, 60 + j, height=0.03, size_px=(18, 18)) for i in (-19, 0, 19) for j in (-19, 0, 19)),
    Block(104, 66, height=0.057, size_px=(27, 29)),
]


def job(scenes: list[list[Block]], noise: float = 4.0) -> list[Attention]:
    """What is attended to in one scene after the other, with one model of appearance."""
    attentions: list[Attention] = []
    appearance: Appearance | None = None
    for seed, blocks in enumerate(scenes):
        attention, appearance = attend(draw(blocks, noise, seed=seed), appearance, CONFIG)
        attentions.append(attention)
    return attentions


def with_impurities(blocks: list[Block], count: int, color: Color = BLUE) -> list[Block]:
    return [block.painted(color) for block in blocks[:count]] + blocks[count:]


@pytest.mark.parametrize("config", [CONFIG, PUBLISHED], ids=["outlier", "vocus2"])
@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_an_empty_table_is_clear(config: AttentionConfig, noise: float) -> None:
    attention, appearance = attend(draw([], noise), None, config)
    assert attention.state is AttentionState.CLEAR
    assert attention.score < 0.5
    assert attention.clusters == ()
    assert not attention.mask.any()
    assert appearance is None


@given(st.integers(0, 1000), st.integers(12, 17), st.integers(0, 2), st.floats(0.0, 8.0))
@settings(max_examples=25)
def test_there_is_a_target_exactly_if_an_impurity_is_in_view(seed: int, count: int, odd: int, noise: float) -> None:
    blocks = with_impurities(rows_of_blocks(count, seed), odd)
    attention, _ = attend(draw(blocks, noise, seed=seed), None, CONFIG)
    assert (attention.state is AttentionState.TARGET) == (odd > 0)
    assert (attention.score >= 0.5) == (odd > 0)
    if odd:
        assert max(overlap(on_the_map(attention), block.cells) for block in blocks[:odd]) > 0.8


@given(st.integers(0, 1000), st.sampled_from([CONFIG, PUBLISHED]))
@settings(max_examples=20)
def test_every_attention_keeps_what_its_type_promises(seed: int, config: AttentionConfig) -> None:
    rng = np.random.default_rng(seed)
    blocks = with_impurities(rows_of_blocks(int(rng.integers(0, 20)), seed), int(rng.integers(0, 3)))
    heightmap = draw(blocks + HEAP[: rng.integers(0, 11)], noise=3.0)
    attention, _ = attend(heightmap, None, config)
    assert attention.mask.shape == attention.crop.height.shape == (112, 112)
    assert attention.saliency.shape == heightmap.height.shape
    assert attention.saliency.dtype == np.float32
    assert 0.0 <= attention.score <= 1.0
    assert (attention.score >= 0.5) == (attention.state is AttentionState.TARGET) == bool(0 < attention.mask.mean() < 1)
    assert GRID.contains(*attention.center)
    middle = 55.5
    assert attention.crop.grid.to_cell(*attention.center) == pytest.approx((middle, middle), abs=0.51)
    if attention.state is AttentionState.CANDIDATE:
        assert attention.mask.all()
        assert attention.center in [cluster.center for cluster in attention.clusters]


def test_of_two_targets_in_view_one_is_returned() -> None:
    blocks = with_impurities(rows_of_blocks(15, seed=3), 2)
    (attention,) = job([blocks])
    mask = on_the_map(attention)
    shares = sorted(overlap(mask, block.cells) for block in blocks[:2])
    assert shares[0] == 0.0
    assert shares[1] > 0.8


def test_a_target_comes_before_a_candidate_and_a_candidate_before_nothing() -> None:
    target = Block(180, 180, BLUE)
    both, heap, flat = job([[*HEAP, target], HEAP, rows_of_blocks(8, seed=1)])
    assert both.state is AttentionState.TARGET
    assert overlap(on_the_map(both), target.cells) > 0.8
    assert heap.state is AttentionState.CANDIDATE
    assert heap.mask.all()
    assert np.hypot(*np.subtract(GRID.to_cell(*heap.center), (104, 66))) < 9
    assert flat.state is AttentionState.CLEAR


@pytest.mark.parametrize("last_is_target", [True, False])
def test_decisions_stay_right_until_a_single_object_is_left(last_is_target: bool) -> None:
    blocks = with_impurities(rows_of_blocks(17, seed=5), 2)
    order = blocks[2:] + blocks[:2] if last_is_target else blocks
    scenes = [order[taken:] for taken in range(len(order) + 1)]
    for scene, attention in zip(scenes, job(scenes), strict=True):
        expected = AttentionState.TARGET if any(block.color == BLUE for block in scene) else AttentionState.CLEAR
        assert attention.state is expected, f"{len(scene)} objects left"


@pytest.mark.parametrize(
    ("ordinary", "odd"), [((COAL,), SLATE), ((SLATE,), COAL), ((AZURE, NAVY), YELLOW)], ids=["coal", "slate", "blues"]
)
def test_grays_differ_in_brightness_and_ordinary_objects_may_have_two_colors(
    ordinary: tuple[Color, ...], odd: Color
) -> None:
    blocks = [block.painted(ordinary[i % len(ordinary)]) for i, block in enumerate(rows_of_blocks(16, seed=2))]
    impure = [blocks[0].painted(odd), *blocks[1:]]
    found, clean = job([impure, blocks[1:]])
    assert found.state is AttentionState.TARGET
    assert overlap(on_the_map(found), blocks[0].cells) > 0.8
    assert clean.state is AttentionState.CLEAR


def test_the_shaded_side_of_a_tilted_block_is_no_target() -> None:
    scene = draw(rows_of_blocks(14, seed=4), noise=4.0)
    for block in rows_of_blocks(14, seed=4)[:5]:
        columns = np.indices(block.cells.shape)[1]
        side = block.cells & (columns > block.column)
        scene.color[side] = scene.color[side] * 0.5
        scene.height[side] -= np.float32(0.002) * (columns - block.column)[side]  # 45 degrees down
    assert attend(scene, None, CONFIG)[0].state is AttentionState.CLEAR


@pytest.mark.parametrize(("row", "column"), [(12, 12), (12, 210), (211, 13), (210, 210)])
def test_a_target_at_the_border_keeps_its_mask_and_a_crop_that_sticks_out(row: int, column: int) -> None:
    target = Block(row, column, BLUE)
    blocks = [block for block in rows_of_blocks(16) if not (block.cells & target.cells).any()]
    (attention,) = job([[*blocks, target]])
    assert overlap(on_the_map(attention), target.cells) > 0.8
    assert not attention.crop.valid.all()


def test_the_crop_shows_the_heightmap_around_the_target() -> None:
    heightmap = draw([*rows_of_blocks(14), Block(110, 112, BLUE, 0.05)])
    attention, _ = attend(heightmap, None, CONFIG)
    row, column = (round(value) for value in GRID.to_cell(*attention.crop.grid.to_meters(0, 0)))
    window = np.s_[row : row + 112, column : column + 112]
    np.testing.assert_array_equal(attention.crop.color, heightmap.color[window])
    np.testing.assert_array_equal(attention.crop.height, heightmap.height[window])
    assert attention.crop.stamp == heightmap.stamp
    np.testing.assert_array_equal(attention.crop.height[attention.mask], np.float32(0.05))


def test_too_few_object_cells_neither_teach_nor_alarm() -> None:
    attention, appearance = attend(draw([Block(100, 100, BLUE, size_px=(8, 8))]), None, CONFIG)
    assert attention.state is AttentionState.CLEAR
    assert appearance is None


def test_the_published_mode_takes_the_most_salient_region_and_keeps_the_model() -> None:
    red = Block(100, 60, (220, 20, 30), size_px=(20, 20))
    before = attend(draw(rows_of_blocks(5)), None, CONFIG)[1]
    attention, after = attend(draw([red, Block(160, 160, TABLE)]), before, PUBLISHED)
    assert after is before
    assert attention.state is AttentionState.TARGET
    assert red.cells[on_the_map(attention)].mean() > 0.9


def test_cells_that_were_not_seen_do_not_attract_attention() -> None:
    heightmap = draw([])
    heightmap.valid[50:61, 50:90] = False
    heightmap.color[50:61, 50:90] = 0
    for config in (CONFIG, PUBLISHED):
        assert attend(heightmap, None, config)[0].state is AttentionState.CLEAR


@pytest.mark.parametrize("unseen", [np.s_[50:63, 80:93], np.s_[:, :13], np.s_[112:], np.s_[:]])
def test_what_was_not_seen_is_not_called_clear(unseen: tuple[slice, ...]) -> None:
    heightmap = draw([])
    heightmap.valid[unseen] = False
    heightmap.color[unseen] = 0
    for config in (CONFIG, PUBLISHED):
        with pytest.raises(ViewIncompleteError, match=r"before the workspace is called clear, received an unseen"):
            attend(heightmap, None, config)


def test_a_heightmap_in_another_pixel_format_is_refused() -> None:
    heightmap = draw(rows_of_blocks(10))
    wrong = Heightmap(heightmap.color.astype(np.float32), heightmap.height, heightmap.valid, GRID)  # type: ignore[arg-type]
    for config in (CONFIG, PUBLISHED):
        with pytest.raises(InvalidFrameError, match=r"color: expected .* received .* of float32"):
            attend(wrong, None, config)


def test_the_shipped_mode_and_limits() -> None:
    assert CONFIG.mode == "outlier"
    assert CONFIG.max_unseen == 0.024


def test_a_clear_attention_looks_at_the_middle_of_the_workspace() -> None:
    shade, *others = rows_of_blocks(8, seed=1)
    heightmap = draw([replace(shade, color=(108, 83, 60), size_px=(14, 14)), *others])  # too small to be common
    attention, _ = attend(heightmap, None, CONFIG)
    assert attention.state is AttentionState.CLEAR
    assert attention.center == pytest.approx((0.5, 0.0))
    assert attention.crop.grid == GRID.window(56, 56, 112)
    np.testing.assert_array_equal(attention.crop.color, heightmap.color[56:168, 56:168])
    assert attention.mask.shape == (112, 112)
    assert attention.mask.dtype == np.bool_
    assert attention.clusters == find_clusters(heightmap, CONFIG.occlusion) != ()
    assert 0.0 < attention.score < 0.5
    assert attention.saliency.max() > 0.0


def test_a_target_is_looked_at_in_the_middle_of_its_cells() -> None:
    target = Block(62, 151, BLUE, size_px=(20, 22))  # rows 52 to 71, columns 140 to 161
    others = [block for block in rows_of_blocks(14) if not (block.cells & target.cells).any()]
    heightmap = draw([*others, target])
    attention, _ = attend(heightmap, None, CONFIG)
    np.testing.assert_array_equal(on_the_map(attention), target.cells)
    assert attention.center == pytest.approx((0.276 + 151 * 0.002, -0.224 + 62 * 0.002))
    row, column = (round(value) for value in GRID.to_cell(*attention.crop.grid.to_meters(0, 0)))
    assert (row, column) == (6, 95)  # 61.5 - 55.5 and 150.5 - 55.5
    assert attention.crop.height.shape == (112, 112)
    assert attention.clusters == find_clusters(heightmap, CONFIG.occlusion) != ()
    detection, _ = find_outlier(
        heightmap, object_cells(heightmap, CONFIG.occlusion), None, CONFIG.target, CONFIG.appearance, CONFIG.saliency
    )
    assert attention.score == detection.score
    np.testing.assert_array_equal(attention.saliency, detection.saliency)


@pytest.mark.parametrize(("row", "column"), [(100, 100), (30, 200)])
def test_a_candidate_is_looked_at_with_a_mask_of_ones(row: int, column: int) -> None:
    heightmap = draw(rows_of_blocks(8, seed=1))
    clear, _ = attend(heightmap, None, CONFIG)
    center = GRID.to_meters(float(row), float(column))
    saliency = np.zeros(clear.saliency.shape, np.float32)
    saliency[row, column] = 1.0
    clear = replace(clear, state=AttentionState.CLEAR, saliency=saliency)
    attention = without_inference(clear, heightmap)
    assert attention.state is AttentionState.CANDIDATE
    assert attention.center == center
    assert attention.mask.shape == (112, 112)
    assert attention.mask.dtype == np.bool_
    assert attention.mask.all()
    crop = heightmap.window(round(row - 55.5), round(column - 55.5), 112)
    assert attention.crop.grid == crop.grid
    np.testing.assert_array_equal(attention.crop.height, crop.height)
    assert (attention.score, attention.clusters) == (clear.score, clear.clusters)
    assert attention.saliency is clear.saliency


def test_a_heap_is_looked_at_where_its_cluster_says() -> None:
    heightmap = draw(HEAP)
    attention, appearance = attend(heightmap, None, CONFIG)
    (cluster,) = find_clusters(heightmap, CONFIG.occlusion)
    assert attention.state is AttentionState.CANDIDATE
    assert attention.center == cluster.center
    assert appearance is not None


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("first", [60, 150])
def test_cells_of_a_target_outside_of_the_crop_are_left_out_of_the_mask(axis: int, first: int) -> None:
    """A red bar from border to border is equally salient all along, and twice as long as the crop."""
    heightmap = draw([])
    bar = np.s_[first : first + 8] if axis == 0 else np.s_[:, first : first + 8]
    heightmap.color[bar] = (220, 20, 30)
    attention, _ = attend(heightmap, None, PUBLISHED)
    region = find_most_salient(heightmap, CONFIG.target, CONFIG.saliency).mask
    assert (np.count_nonzero(region, axis=1 - axis) > 200).any()
    assert attention.state is AttentionState.TARGET
    row, column = (round(value) for value in GRID.to_cell(*attention.crop.grid.to_meters(0, 0)))
    inside = np.zeros((224, 224), np.bool_)
    inside[row : row + 112, column : column + 112] = True
    np.testing.assert_array_equal(on_the_map(attention), region & inside)
    assert attention.mask.take(0, 1 - axis).any()
    assert attention.mask.take(-1, 1 - axis).any()


def test_the_model_of_one_view_is_that_of_the_next() -> None:
    _, appearance = attend(draw(rows_of_blocks(12)), None, CONFIG)
    assert appearance is not None
    alone = draw([Block(110, 110, BLUE)])
    attention, after = attend(alone, appearance, CONFIG)
    assert attention.state is AttentionState.TARGET
    assert after is appearance
    assert attend(alone, None, CONFIG)[0].state is AttentionState.CLEAR
