"""Images show a decision at the right place and in the right orientation."""

from dataclasses import replace

import numpy as np
import pytest
from grippers import GRIPPER

from impurity_grasp_ros.datatypes import Attention, AttentionState, Cluster, Grid, Heightmap, Primitive
from impurity_grasp_ros.overlay import (
    GRASP_COLOR,
    PUSH_COLOR,
    SCALE,
    TARGET_COLOR,
    UNSEEN_COLOR,
    draw_attention,
    draw_height,
    draw_heightmap,
    draw_mask,
    draw_primitive,
    draw_saliency,
    side_by_side,
)

GRID = Grid(0.276, -0.224)


@pytest.fixture
def heightmap() -> Heightmap:
    """A gray table with one red block at small x and large y, and one unseen cell."""
    color = np.full((224, 224, 3), 128, np.uint8)
    height = np.zeros((224, 224), np.float32)
    valid = np.ones((224, 224), np.bool_)
    color[180:200, 20:40] = (250, 10, 10)
    height[180:200, 20:40] = 0.05
    valid[0, 223] = False
    return Heightmap(color, height, valid, GRID)


def attention(heightmap: Heightmap, state: AttentionState) -> Attention:
    """Attention to the red block."""
    crop = heightmap.window(134, -26, 112)
    center = GRID.to_meters(189.5, 29.5)
    return Attention(state, center, crop, crop.height > 0.01, 0.9, (), heightmap.height)


def where(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Mean (row, column) of all pixels of a color."""
    return np.argwhere((picture == color).all(axis=-1)).mean(axis=0)


def test_x_runs_to_the_right_and_y_upward(heightmap: Heightmap) -> None:
    picture = draw_heightmap(heightmap)
    assert picture.shape == (224 * SCALE, 224 * SCALE, 3)
    assert where(picture, (250, 10, 10)) == pytest.approx(((223 - 189.5) * SCALE + 1, 29.5 * SCALE + 1), abs=SCALE)
    assert tuple(picture[-1, -1]) == UNSEEN_COLOR


def test_a_target_is_outlined_and_its_mask_is_white_where_it_lies(heightmap: Heightmap) -> None:
    seen = attention(heightmap, AttentionState.TARGET)
    block = where(draw_heightmap(heightmap), (250, 10, 10))
    assert where(draw_attention(heightmap, seen), TARGET_COLOR) == pytest.approx(block, abs=2)
    mask = draw_mask(heightmap, seen)
    assert where(mask, (255, 255, 255)) == pytest.approx(block, abs=2)
    assert (mask > 0).all(axis=-1).sum() == 400 * SCALE**2


def test_nothing_is_outlined_in_a_clear_workspace(heightmap: Heightmap) -> None:
    clear = attention(heightmap, AttentionState.CLEAR)
    assert np.array_equal(draw_attention(heightmap, clear), draw_heightmap(heightmap))


def test_the_fingers_of_a_grasp_stand_on_either_side_of_it(heightmap: Heightmap) -> None:
    x, y = GRID.to_meters(189.5, 29.5)
    picture = draw_primitive(heightmap, Primitive.grasp((x, y, 0.01), 0.0, opening=0.05), GRIPPER)
    assert where(picture, GRASP_COLOR) == pytest.approx(where(draw_heightmap(heightmap), (250, 10, 10)), abs=2)
    columns = np.argwhere((picture == GRASP_COLOR).all(axis=-1))[:, 1]
    assert np.ptp(columns) == pytest.approx((0.05 + 2 * 0.012) / 0.002 * SCALE, abs=4)


def test_the_arrow_of_a_push_covers_its_stroke(heightmap: Heightmap) -> None:
    picture = draw_primitive(heightmap, Primitive.push((0.5, -0.1, 0.01), np.pi / 2), GRIPPER)
    rows, columns = np.argwhere((picture == PUSH_COLOR).all(axis=-1)).T
    assert np.ptp(rows) == pytest.approx(0.1 / 0.002 * SCALE, abs=6)
    assert columns.mean() == pytest.approx(112 * SCALE, abs=4)


def test_height_and_saliency_are_bright_where_they_are_high(heightmap: Heightmap) -> None:
    for picture in (draw_height(heightmap), draw_saliency(attention(heightmap, AttentionState.TARGET))):
        block = picture[24 * SCALE : 42 * SCALE, 22 * SCALE : 38 * SCALE]
        assert block.mean() > picture.mean() + 20


def test_pictures_stand_side_by_side_under_a_title(heightmap: Heightmap) -> None:
    picture = draw_heightmap(heightmap)
    sheet = side_by_side({"one": picture, "two": picture}, "title")
    assert sheet.shape[1] == 2 * picture.shape[1] + 6
    assert sheet.shape[0] > picture.shape[0]


def test_what_may_be_hidden_is_written_in_a_corner_and_on_its_group(heightmap: Heightmap) -> None:
    clear = attention(heightmap, AttentionState.CLEAR)
    clusters = tuple(Cluster(GRID.to_meters(row, 100), 0.01, 0.05, number) for row, number in ((60, 0.04), (160, 0.7)))
    without = draw_attention(heightmap, clear)
    changed = (draw_attention(heightmap, replace(clear, hidden=0.12, clusters=clusters)) != without).any(axis=-1)
    assert changed[:40, :300].any(), "the probability"
    rows, columns = np.nonzero(changed[40:])
    assert (40 + rows.mean(), columns.mean()) == pytest.approx(((223 - 160) * SCALE, 100 * SCALE), abs=12 * SCALE)
    assert np.ptp(rows) < 12 * SCALE, "numbers below 0.05 are not drawn"
