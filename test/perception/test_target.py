"""A target is what looks unlike the ordinary and sticks out; as published, it is whatever is most salient."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import BLUE, BROWN, GRID, TABLE, Block, Color, draw, overlap, rows_of_blocks
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.appearance import Appearance, AppearanceConfig
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.saliency import saliency
from impurity_grasp_ros.perception.target import Detection, TargetConfig, find_most_salient, find_outlier

CONFIG = packaged_parameters("attention_node", AttentionConfig)
STILL = replace(CONFIG.appearance, update_rate=0.0)
"""The model that is returned is the one that was used."""

SHARP = replace(CONFIG.appearance, median_px=1)
"""A cell's color is its own."""

SQUARE = np.ones((3, 3), np.bool_)
BODY = Block(110, 110, size_px=(26, 26))
BESIDE = [block for block in rows_of_blocks(14) if not (block.cells & BODY.cells).any()]


def find(
    heightmap: Heightmap,
    model: Appearance | None = None,
    target: TargetConfig = CONFIG.target,
    appearance: AppearanceConfig = CONFIG.appearance,
) -> tuple[Detection, Appearance | None]:
    objects = heightmap.valid & (heightmap.height > 0.006)
    return find_outlier(heightmap, objects, model, target, appearance, CONFIG.saliency)


def scene_with(color: Color, block: Block = BODY) -> Heightmap:
    return draw([*BESIDE, block.painted(color)])


def with_patch(rows: int, columns: int) -> Heightmap:
    """A brown block with a blue patch on top."""
    heightmap = draw([*BESIDE, BODY])
    heightmap.color[108 : 108 + rows, 106 : 106 + columns] = BLUE
    return heightmap


def confidence(multiple: float) -> float:
    return multiple / (multiple + 1.0)


def test_the_shipped_thresholds() -> None:
    assert CONFIG.target == TargetConfig(
        outlier_size_px=4,
        trace_size_px=2,
        outlier_peak=0.008,
        plain_peak=0.055,
        max_length=0.07,
        few_objects=8,
        level_slope=0.4,
        max_step=0.012,
    )


def test_an_odd_block_among_ordinary_ones_is_the_target() -> None:
    detection, model = find(scene_with(BLUE))
    assert overlap(detection.mask, BODY.cells) > 0.95
    assert detection.mask.dtype == np.bool_
    assert detection.saliency.dtype == np.float32
    assert model is not None
    assert np.abs(model.color - np.array(BROWN)).max() < 15


def test_without_an_odd_block_the_mask_is_empty_and_the_score_below_half() -> None:
    detection, model = find(scene_with(BROWN))
    assert detection.mask.shape == (224, 224)
    assert not detection.mask.any()
    assert 0.0 <= detection.score < 0.5
    assert model is not None


def test_too_few_cells_teach_nothing_and_a_model_from_before_decides_about_them() -> None:
    small = draw([Block(110, 110, BLUE, size_px=(11, 11))])  # 9 x 9 inner cells, fewer than 100
    detection, model = find(small)
    assert model is None
    assert detection.score == 0.0
    assert not detection.mask.any()
    assert detection.saliency.shape == (224, 224)
    assert detection.saliency.dtype == np.float32
    assert not detection.saliency.any()
    _, before = find(draw(BESIDE))
    detection, model = find(small, before)
    assert model is before
    np.testing.assert_array_equal(detection.mask, Block(110, 110, size_px=(11, 11)).cells)


def test_the_table_is_painted_in_the_ordinary_color_up_to_the_outermost_cells_of_objects() -> None:
    heightmap = scene_with(BLUE)
    detection, model = find(heightmap, appearance=STILL)
    assert model is not None
    inner = ndimage.binary_erosion(heightmap.height > 0.0, SQUARE)
    painted = heightmap.color.copy()
    painted[~inner] = np.rint(model.color)
    np.testing.assert_array_equal(detection.saliency, saliency(painted, CONFIG.saliency))


def test_ordinary_colors_are_learned_without_the_outermost_cells_of_objects() -> None:
    plain = draw([replace(block, color=BROWN) for block in BESIDE])
    rimmed = Heightmap(plain.color.copy(), plain.height, plain.valid, GRID)
    objects = plain.height > 0.0
    rimmed.color[objects & ~ndimage.binary_erosion(objects, SQUARE)] = (200, 90, 90)
    _, model = find(rimmed, appearance=replace(SHARP, update_rate=0.0))
    assert model is not None
    np.testing.assert_array_equal(model.color, BROWN)
    assert len(model.bins) == 1


@pytest.mark.parametrize(("rows", "columns", "found"), [(4, 4, True), (3, 12, False), (12, 3, False), (3, 3, False)])
def test_a_patch_counts_from_a_square_of_four_cells_on(rows: int, columns: int, found: bool) -> None:
    detection, _ = find(with_patch(rows, columns), appearance=SHARP)
    assert detection.mask.any() == found
    assert (detection.score >= 0.5) == found


@pytest.mark.parametrize(("rows", "columns", "found"), [(3, 3, True), (2, 12, True), (1, 12, False), (12, 1, False)])
def test_a_patch_that_is_too_small_for_a_target_is_a_trace_from_a_square_of_two_cells_on(
    rows: int, columns: int, found: bool
) -> None:
    detection, _ = find(with_patch(rows, columns), appearance=SHARP)
    assert not detection.mask.any()
    if found:
        assert detection.trace is not None
        assert np.argwhere(detection.trace).mean(axis=0) == pytest.approx(
            [107.5 + rows / 2, 105.5 + columns / 2], abs=1
        )
    else:
        assert detection.trace is None


def test_a_trace_is_salient() -> None:
    faint = replace(CONFIG.target, outlier_peak=0.9)
    detection, _ = find(with_patch(3, 3), appearance=SHARP, target=faint)
    assert not detection.mask.any()
    assert detection.trace is None


def test_a_target_leaves_no_trace() -> None:
    detection, _ = find(scene_with(BLUE))
    assert detection.trace is None


def test_a_patch_smaller_than_the_square_is_not_scored() -> None:
    detection, _ = find(with_patch(3, 3), appearance=SHARP)
    assert float(detection.saliency.max()) > 0.008, "it is salient"
    assert detection.score == 0.0


def test_an_outlier_has_to_stick_out_of_the_painted_map() -> None:
    heightmap = with_patch(7, 7)
    detection, _ = find(heightmap, appearance=SHARP)
    patch = np.s_[108:115, 106:113]
    peak = float(detection.saliency[patch].max())
    at_the_limit, _ = find(heightmap, target=replace(CONFIG.target, outlier_peak=peak), appearance=SHARP)
    assert at_the_limit.mask.any()
    assert at_the_limit.score == pytest.approx(0.5)
    beyond, _ = find(heightmap, target=replace(CONFIG.target, outlier_peak=2.0 * peak), appearance=SHARP)
    assert not beyond.mask.any()
    assert beyond.score == pytest.approx(1.0 / 3.0)


def test_the_score_is_that_of_the_weaker_of_both_signs() -> None:
    """Half of an ordinary color's brightness is hardly more than one tolerance off, and salient by far."""
    dim = (70, 54, 38)
    heightmap = draw([*(replace(block, color=BROWN) for block in BESIDE), BODY.painted(dim)])
    detection, _ = find(heightmap)
    assert detection.mask.any()
    octaves = np.log2((sum(BROWN) + 30.003) / (sum(dim) + 30.003))
    assert detection.score == pytest.approx(confidence(octaves / 0.6), abs=0.03)  # a bin is 0.2 wide
    salient = float(detection.saliency[BODY.cells].max()) / 0.008
    assert confidence(salient) > detection.score + 0.1


def test_the_score_is_told_of_the_most_salient_patch() -> None:
    bright, dim = Block(60, 60, (250, 60, 60), size_px=(20, 20)), Block(60, 160, (110, 110, 110), size_px=(20, 20))
    others = [
        replace(block, color=BROWN)
        for block in rows_of_blocks(20)
        if not (block.cells & (bright.cells | dim.cells)).any()
    ]
    target = replace(CONFIG.target, outlier_peak=0.03)
    both, _ = find(draw([*others, bright, dim]), target=target)
    bright_alone, _ = find(draw([*others, bright]), target=target)
    dim_alone, _ = find(draw([*others, dim]), target=target)
    assert both.score == pytest.approx(bright_alone.score, abs=0.02)
    assert both.score > dim_alone.score + 0.1


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("slope", "odd"), [(-0.38, True), (0.38, True), (0.42, False), (-0.42, False)])
def test_a_surface_is_level_up_to_a_slope_of_four_in_ten(axis: int, slope: float, odd: bool) -> None:
    """At half the light a level surface is an outlier, while a slope may be shaded."""
    heightmap = scene_with((70, 54, 38))
    along = np.indices(heightmap.height.shape)[axis] - 110
    heightmap.height[BODY.cells] = (0.035 + slope * 0.002 * along)[BODY.cells].astype(np.float32)
    detection, _ = find(heightmap)
    assert detection.mask.any() == odd


def test_slopes_along_both_axes_add_up() -> None:
    heightmap = scene_with((70, 54, 38))
    down, right = np.indices(heightmap.height.shape) - 110
    heightmap.height[BODY.cells] = (0.035 + 0.3 * 0.002 * (down + right))[BODY.cells].astype(np.float32)
    assert not find(heightmap)[0].mask.any()  # 0.42


def test_the_reference_stays_when_the_ordinary_objects_are_gone() -> None:
    _, model = find(scene_with(BLUE))
    alone = draw([BODY.painted(BLUE)])
    kept, after = find(alone, model)
    assert kept.mask.any()
    assert after is model, "nothing ordinary is in view"
    learned, _ = find(alone)
    assert not learned.mask.any()


def test_the_model_follows_what_is_ordinary_now() -> None:
    _, model = find(draw([replace(block, color=BROWN) for block in BESIDE]))
    darker = (133, 102, 73)
    _, after = find(draw([replace(block, color=darker) for block in BESIDE]), model)
    assert model is not None
    assert after is not None
    np.testing.assert_allclose(model.color, BROWN, atol=0.1)
    np.testing.assert_allclose(after.color, 0.8 * np.array(BROWN) + 0.2 * np.array(darker), atol=0.1)


def test_of_several_targets_the_most_accessible_one_is_chosen_and_not_the_most_salient() -> None:
    walled = Block(60, 60, (250, 20, 20), size_px=(18, 18))
    walls = [Block(60 + i, 60 + j, size_px=(18, 18)) for i, j in ((-19, 0), (19, 0), (0, -19), (0, 19))]
    free = Block(160, 160, (110, 110, 150), size_px=(18, 18))
    detection, _ = find(draw([*walls, walled, free, Block(60, 170), Block(170, 60)]))
    assert detection.saliency[walled.cells].max() > detection.saliency[free.cells].max()
    assert overlap(detection.mask, free.cells) > 0.95


def test_two_touching_targets_are_taken_one_by_one() -> None:
    left, right = Block(110, 100, BLUE, size_px=(20, 22)), Block(110, 122, BLUE, size_px=(20, 22))
    others = [block for block in rows_of_blocks(20) if not (block.cells & (left.cells | right.cells)).any()]
    detection, _ = find(draw([*others, left, right]))  # 88 mm together, more than the 70 mm of one object
    assert max(overlap(detection.mask, block.cells) for block in (left, right)) > 0.85


def test_a_target_ends_at_a_step_of_twelve_millimeters() -> None:
    for step, both in ((0.0115, True), (0.0125, False)):
        low, high = Block(110, 102, BLUE, 0.03, (16, 16)), Block(110, 118, BLUE, 0.03 + step, (16, 16))
        others = [block for block in rows_of_blocks(20) if not (block.cells & (low.cells | high.cells)).any()]
        detection, _ = find(draw([*others, low, high]))
        covered = [bool(detection.mask[block.cells].mean() > 0.9) for block in (low, high)]
        assert any(covered)
        assert all(covered) == both


def test_cells_that_look_ordinary_do_not_belong_to_the_target() -> None:
    """One body whose left half is blue: there is no step to stop at."""
    heightmap = draw([*BESIDE, replace(BODY, size_px=(24, 32))])
    left = replace(BODY, column=102, size_px=(24, 16)).cells
    heightmap.color[left] = BLUE
    detection, _ = find(heightmap)
    assert overlap(detection.mask, left) > 0.85


def test_a_view_in_which_nothing_was_seen_has_no_most_salient_region() -> None:
    heightmap = draw([BODY.painted(BLUE)])
    heightmap.valid[:] = False
    detection = find_most_salient(heightmap, CONFIG.target, CONFIG.saliency)
    assert detection.score == 0.0
    assert detection.mask.shape == detection.saliency.shape == (224, 224)
    assert not detection.mask.any()
    assert not detection.saliency.any()
    assert detection.saliency.dtype == np.float32


def test_the_most_salient_region_reaches_three_quarters_of_the_peak() -> None:
    heightmap = draw([*rows_of_blocks(6), BODY.painted((220, 20, 30))], noise=3.0)
    detection = find_most_salient(heightmap, CONFIG.target, CONFIG.saliency)
    raw = saliency(heightmap.color, CONFIG.saliency)
    np.testing.assert_array_equal(detection.saliency, raw)
    labels, count = ndimage.label(raw >= np.float32(0.75) * raw.max(), SQUARE)
    assert count >= 1
    np.testing.assert_array_equal(detection.mask, labels == labels[np.unravel_index(raw.argmax(), raw.shape)])
    assert detection.score == pytest.approx(confidence(float(raw.max()) / 0.055))


def test_of_two_equally_red_blocks_the_more_salient_is_taken_whichever_comes_first() -> None:
    for order in (1, -1):
        strong, weak = Block(60, 60, (255, 0, 0), size_px=(20, 20)), Block(160, 160, (240, 20, 20), size_px=(20, 20))
        if order < 0:
            strong, weak = replace(strong, row=160, column=160), replace(weak, row=60, column=60)
        detection = find_most_salient(draw([strong, weak]), CONFIG.target, CONFIG.saliency)
        assert detection.mask.any()
        assert not (detection.mask & ~strong.cells).any()


def test_a_region_counts_from_the_peak_on_that_is_asked_for() -> None:
    heightmap = draw([BODY.painted(BLUE)])
    peak = float(saliency(heightmap.color, CONFIG.saliency).max())
    reached = find_most_salient(heightmap, replace(CONFIG.target, plain_peak=peak), CONFIG.saliency)
    assert reached.mask.any()
    assert reached.score == 0.5
    missed = find_most_salient(heightmap, replace(CONFIG.target, plain_peak=1.01 * peak), CONFIG.saliency)
    assert not missed.mask.any()
    assert missed.score == pytest.approx(1.0 / 2.01)
    np.testing.assert_array_equal(missed.saliency, reached.saliency)


@given(st.integers(20, 200), st.integers(20, 200), st.integers(2, 60), st.integers(2, 60))
@settings(max_examples=10)
def test_where_nothing_was_seen_the_median_color_stands_in(row: int, column: int, rows: int, columns: int) -> None:
    heightmap = draw([])
    hole = np.s_[row : row + rows, column : column + columns]
    heightmap.valid[hole] = False
    heightmap.color[hole] = 0
    heightmap.color[:3, :30] = (90, 90, 90)  # some cells of another color move a mean, and not the median
    expected = heightmap.color.copy()
    expected[hole] = TABLE
    detection = find_most_salient(heightmap, CONFIG.target, CONFIG.saliency)
    np.testing.assert_array_equal(detection.saliency, saliency(expected, CONFIG.saliency))


def test_a_red_block_is_found_next_to_a_place_that_was_not_seen() -> None:
    red = Block(60, 60, (220, 20, 30), size_px=(20, 20))
    heightmap = draw([red])
    hole: NDArray[np.bool_] = Block(160, 160, size_px=(30, 30)).cells
    heightmap.valid[hole] = False
    heightmap.color[hole] = 0
    detection = find_most_salient(heightmap, CONFIG.target, CONFIG.saliency)
    assert red.cells[detection.mask].all()


def test_of_several_targets_the_most_accessible_one_is_chosen_when_it_is_the_most_salient_one_too() -> None:
    walled = Block(60, 60, (110, 110, 150), size_px=(18, 18))
    walls = [Block(60 + i, 60 + j, size_px=(18, 18)) for i, j in ((-19, 0), (19, 0), (0, -19), (0, 19))]
    free = Block(160, 160, (250, 20, 20), size_px=(18, 18))
    detection, _ = find(draw([*walls, walled, free, Block(60, 170), Block(170, 60)]))
    assert detection.saliency[walled.cells].max() < detection.saliency[free.cells].max()
    assert overlap(detection.mask, free.cells) > 0.95


def test_the_score_is_not_that_of_a_patch_that_is_odder_but_less_salient() -> None:
    others = [replace(block, color=BROWN) for block in BESIDE]
    dim, tinted = BODY.painted((70, 54, 38)), replace(others[0], color=(115, 107, 102))
    alone, _ = find(draw([*others, dim]))
    odder, _ = find(draw([tinted, *others[1:]]))
    both, _ = find(draw([tinted, *others[1:], dim]))
    assert both.saliency[dim.cells].max() > both.saliency[tinted.cells].max()
    assert odder.score > alone.score
    assert both.score == pytest.approx(alone.score, abs=0.01)


def test_a_large_odd_block_among_few_is_the_target_if_objects_are_counted() -> None:
    """It covers more cells than the two others, and the segmentation divides it."""
    large = Block(80, 80, size_px=(27, 27))
    others = [Block(150, 60, size_px=(17, 17)), Block(150, 160, size_px=(17, 17))]
    heightmap = draw([large.painted(BLUE), *(block.painted(BROWN) for block in others)])
    objects = heightmap.valid & (heightmap.height > 0.006)
    labels = np.where(objects, 0, -1)
    labels[others[0].cells], labels[others[1].cells] = 1, 2
    labels[large.cells & (np.indices(labels.shape)[1] > 80)] = 3

    def found(labels: NDArray[np.int64] | None) -> NDArray[np.bool_]:
        shipped = CONFIG.target, CONFIG.appearance, CONFIG.saliency
        return find_outlier(heightmap, objects, None, *shipped, labels)[0].mask

    assert overlap(found(labels), large.cells) > 0.9
    assert overlap(found(None), large.cells) == 0.0
