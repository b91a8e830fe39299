"""A high object is a single one if it has the edges of others in another order."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny_objects import BROWN, ColorNetwork, objects_mode

from impurity_grasp_ros.datatypes import AttentionState, Grid, Heightmap
from impurity_grasp_ros.perception import odd_objects
from impurity_grasp_ros.perception.attention import attend
from impurity_grasp_ros.perception.object_sizes import measured, of_known_size
from impurity_grasp_ros.perception.object_surroundings import HIGHER, SURROUNDINGS
from impurity_grasp_ros.perception.objects_config import SizesConfig

CONFIG = SizesConfig(max_height=0.048, max_higher=0.1, tolerance=0.004, least=2)
GRID = Grid(0.276, -0.224)
LONG, MIDDLE, SHORT = 0.066, 0.046, 0.036


def scene(*boxes: tuple[float, float, float, float, float, float]) -> Heightmap:
    """Boxes: row and column of the middle, two sides and the height in meters, and the angle in degrees."""
    height = np.zeros((GRID.rows, GRID.columns), np.float32)
    for row, column, first, second, top, angle in boxes:
        corners = cv2.boxPoints(((column, row), (first / 0.002 - 1, second / 0.002 - 1), angle))
        cells = cv2.fillConvexPoly(np.zeros(height.shape, np.uint8), np.rint(corners).astype(np.int32), 1) > 0
        height[cells] = np.maximum(height[cells], top)
    color = np.where((height > 0)[..., None], np.uint8(BROWN), np.uint8(225)).astype(np.uint8)
    fine = np.repeat(np.repeat(color, 2, axis=0), 2, axis=1)
    return Heightmap(color, height, np.ones(height.shape, np.bool_), GRID, 0.0, fine)


LYING = [(30, 30, LONG, MIDDLE, SHORT, 0), (30, 90, LONG, MIDDLE, SHORT, 30), (30, 160, LONG, SHORT, MIDDLE, 70)]
ON_END = (120, 60, MIDDLE, SHORT, LONG, 15)
PILE = (120, 60, LONG, MIDDLE, 2 * SHORT, 15)


@pytest.mark.parametrize("box", [*LYING, ON_END])
def test_the_edges_of_a_box_do_not_depend_on_how_it_lies(box: tuple[float, ...]) -> None:
    heightmap = scene(box)  # type: ignore[arg-type]
    sizes, heights = measured(np.where(heightmap.height > 0, 0, -1), heightmap.height, GRID.resolution)
    assert sizes[0] == pytest.approx([LONG, MIDDLE, SHORT], abs=0.0035)
    assert heights[0] == pytest.approx(box[4])


def test_an_object_that_is_not_level_has_no_size() -> None:
    heightmap = scene(LYING[0])
    tilted = heightmap.height * np.linspace(0.5, 3.0, GRID.columns, dtype=np.float32)
    sizes, _ = measured(np.where(heightmap.height > 0, 0, -1), tilted, GRID.resolution)
    assert np.isnan(sizes).all()
    assert not of_known_size(sizes, np.zeros((5, 3)), CONFIG).any()


def test_enough_objects_of_the_same_size_must_be_known() -> None:
    known = np.array([[0.06, 0.04, 0.03], [0.063, 0.043, 0.033], [0.06, 0.05, 0.03]])
    sizes = np.array([[0.062, 0.042, 0.032], [0.0651, 0.042, 0.032], [0.06, 0.04, 0.03]])
    assert of_known_size(sizes, known, CONFIG).tolist() == [True, False, True]
    assert of_known_size(sizes, known[1:], CONFIG).tolist() == [False, False, False]
    assert of_known_size(sizes, known[:0], CONFIG).tolist() == [False, False, False]


@pytest.fixture(autouse=True)
def colors(monkeypatch: pytest.MonkeyPatch) -> None:
    network = ColorNetwork()
    monkeypatch.setattr(odd_objects, "network_of", lambda config: network)


def test_a_box_on_end_is_no_pile_if_others_of_its_size_lie_beside_it() -> None:
    mode = objects_mode()
    assert attend(scene(*LYING, ON_END), None, mode)[0].state is AttentionState.CLEAR
    assert attend(scene(*LYING[:1], ON_END), None, mode)[0].state is AttentionState.CANDIDATE, "too few are known"
    strict = replace(mode, objects=replace(mode.objects, sizes=replace(CONFIG, least=4)))
    assert attend(scene(*LYING, ON_END), None, strict)[0].state is AttentionState.CANDIDATE


def test_a_pile_of_two_boxes_stays_a_pile() -> None:
    attention, memory = attend(scene(*LYING, PILE), None, objects_mode())
    assert attention.state is AttentionState.CANDIDATE
    assert not memory.single.any()


def test_sizes_are_remembered_until_the_end_of_the_job() -> None:
    mode = objects_mode()
    _, memory = attend(scene(*LYING), None, mode)
    assert attend(scene(ON_END), memory, mode)[0].state is AttentionState.CLEAR
    assert not attend(scene(ON_END), None, mode)[1].single.any()


@pytest.mark.parametrize(("higher", "is_known"), [(0.09, True), (0.11, False)])
def test_a_box_that_is_partly_covered_has_no_known_size(higher: float, is_known: bool) -> None:
    """What is seen of it may have the edges of a smaller box."""
    heightmap = scene(*LYING, ON_END)
    _, labels = cv2.connectedComponents((heightmap.height > 0).astype(np.uint8))
    vectors = np.zeros((4, 19), np.float32)
    vectors[:, HIGHER - SURROUNDINGS] = higher
    seen = odd_objects.Description(labels.astype(np.int64) - 1, vectors)
    sizes, single = odd_objects._single_objects(seen, heightmap, None, CONFIG)
    assert len(sizes) == (3 if is_known else 0)
    assert single.any() == is_known
    assert (heightmap.height[single] == np.float32(LONG)).all()
