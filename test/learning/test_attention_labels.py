"""Labeled views say what the network is to say, whichever way they are turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_pairs import COLORS, ROLES, SIDE, drawn_view
from numpy.typing import NDArray

from impurity_grasp_ros.learning.attention_labels import (
    MIN_CELLS,
    LabeledView,
    Roles,
    labeled,
    outline_targets,
    segmented,
)
from impurity_grasp_ros.perception.object_numbers import object_numbers
from impurity_grasp_ros.perception.objects_config import SegmentationConfig
from impurity_grasp_ros.perception.segmentation import Labels


def color_of(view: LabeledView, index: int) -> tuple[int, ...]:
    """The one color of an object, from the fine image."""
    fine = np.repeat(np.repeat(view.labels == index, 2, axis=0), 2, axis=1)
    (found,) = np.unique(view.color[fine], axis=0)
    return tuple(found.tolist())


@pytest.mark.parametrize("seed", range(8))
def test_labels_colors_heights_and_kinds_belong_together(seed: int) -> None:
    view = drawn_view(np.random.default_rng(seed))
    assert sorted(view.kinds.tolist()) == [0, 0, 0, 1, 2]
    assert view.odd.tolist() == [kind == 2 for kind in view.kinds]
    assert view.labels.max() == 4
    for index, kind in enumerate(view.kinds):
        assert color_of(view, index) == COLORS[int(kind)]
        (height,) = np.unique(view.height[view.labels == index])
        assert ROLES.kinds[round(float(height) / 0.002)] == kind
    np.testing.assert_array_equal(view.numbers, object_numbers(view.labels, view.height, view.seen, view.color, 0.002))
    np.testing.assert_array_equal((view.outline > 0).any(0), view.height > 0)


def test_views_are_turned_and_mirrored_in_all_eight_ways_and_objects_keep_their_rims_sometimes() -> None:
    bodies = np.full((SIDE, SIDE), 3, np.int32)
    bodies[2:14, 40:52] = 11
    height = np.zeros((SIDE, SIDE), np.float32)
    height[0, 5], height[5, 0] = 0.1, 0.2  # marks at the border
    color = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8)
    seen, roles = np.ones((SIDE, SIDE), np.bool_), Roles({11: 0}, frozenset({1}))
    views = [labeled(height, seen, color, bodies, roles, np.random.default_rng(seed)) for seed in range(60)]
    marks = {(int(np.argmax(view.height)), int(np.argmax(view.height == np.float32(0.1)))) for view in views}
    assert len(marks) == 8
    assert {int((view.labels == 0).sum()) for view in views} == {10 * 10, 12 * 12}


@pytest.mark.parametrize("seed", range(6))
def test_only_the_part_with_objects_is_learned_from(seed: int) -> None:
    """Objects that fit into the window are all in it, somewhere; larger scenes are seen in part."""
    bodies = np.full((224, 224), 3, np.int32)
    bodies[20:60, 150:170], bodies[90:110, 190:210] = 11, 12
    height = np.where(bodies == 3, 0.0, 0.002 * bodies).astype(np.float32)
    color = np.repeat(np.repeat(np.stack([bodies] * 3, -1).astype(np.uint8), 2, 0), 2, 1)
    roles = Roles({11: 0, 12: 1}, frozenset({1}))
    view = labeled(height, bodies > 0, color, bodies, roles, np.random.default_rng(seed))
    assert view.height.shape == view.seen.shape == view.labels.shape == view.bodies.shape == (144, 144)
    assert (view.color.shape, view.outline.shape) == ((288, 288, 3), (2, 144, 144))
    np.testing.assert_allclose(view.color[::2, ::2, 0] * 0.002 * (view.bodies >= 0), view.height, atol=1e-6)
    np.testing.assert_array_equal(np.bincount(view.bodies.ravel() + 1)[1:], [40 * 20, 20 * 20])
    bodies[200:215, 5:25] = 12
    wide = labeled(height, bodies > 0, color, bodies, roles, np.random.default_rng(seed))
    assert wide.height.shape == (144, 144)
    assert (wide.bodies >= 0).any()


def test_parts_that_are_too_small_are_not_judged() -> None:
    bodies = np.full((SIDE, SIDE), 3, np.int32)
    bodies[2:4, 2:22], bodies[20:40, 20:40] = 11, 12
    roles = Roles({11: 0, 12: 1}, frozenset({0}))
    plain = np.zeros((SIDE, SIDE), np.float32)
    color = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8)
    for seed in range(6):
        view = labeled(plain, plain == 0, color, bodies, roles, np.random.default_rng(seed))
        counts = np.bincount(view.labels[view.labels >= 0])
        assert (counts >= MIN_CELLS).all()
        assert view.kinds.tolist() == ([0, 1] if len(counts) == 2 else [1])
        assert len(view.numbers) == len(view.odd) == len(counts)
        assert (view.outline[0] > 0).sum() > 2 * 20, "the outline shows it all the same"


def outlines_of(labels: Labels) -> NDArray[np.float32]:
    """Logits of a network that sees these objects."""
    border, inside = outline_targets(labels).astype(np.float32)
    return np.stack([np.where(border > 0, 8.0, -8.0), np.where(inside > 0.3, 8.0, -8.0)]).astype(np.float32)


SEGMENTATION = SegmentationConfig(seed_level=0.4, min_seed=12, min_part=25, min_cells=40)


def test_objects_of_a_job_have_the_labels_of_the_bodies_that_they_show_most() -> None:
    view = drawn_view(np.random.default_rng(0))
    found = segmented(view, outlines_of(view.bodies), SEGMENTATION, 0.006)
    assert sorted(found.kinds.tolist()) == [0, 0, 0, 1, 2]
    assert found.odd.tolist() == [kind == 2 for kind in found.kinds]
    for index, kind in enumerate(found.kinds):
        assert color_of(found, index) == COLORS[int(kind)]
    np.testing.assert_array_equal(
        found.numbers, object_numbers(found.labels, found.height, found.seen, found.color, 0.002)
    )
    np.testing.assert_array_equal(found.outline, view.outline)


def test_bodies_that_a_job_takes_for_one_object_count_as_the_larger_one() -> None:
    height = np.where(np.arange(SIDE) < 40, 0.02, 0.0).astype(np.float32)[None].repeat(SIDE, 0)
    bodies = np.where(height > 0, 11, 3).astype(np.int32)
    bodies[:20, :40] = 12
    seen, color = np.ones((SIDE, SIDE), np.bool_), np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8)
    for odd in (0, 1):
        roles = Roles({11: 0, 12: 1}, frozenset({odd}))
        view = labeled(height, seen, color, bodies, roles, np.random.default_rng(1))
        found = segmented(view, outlines_of(np.minimum(view.bodies, 0)), SEGMENTATION, 0.006)
        assert (found.kinds.tolist(), found.odd.tolist()) == ([0], [odd == 0])


def test_what_a_job_takes_for_an_object_where_there_is_none_is_ordinary_and_of_no_kind() -> None:
    view = drawn_view(np.random.default_rng(0))
    empty = replace(view, bodies=np.full_like(view.bodies, -1))
    found = segmented(empty, outlines_of(view.bodies), SEGMENTATION, 0.006)
    assert found.kinds.tolist() == [99] * 5
    assert not found.odd.any()
    lower = segmented(view, outlines_of(view.bodies), SEGMENTATION, 0.027)
    assert lower.kinds.tolist() == [1, 2] or lower.kinds.tolist() == [2, 1]
    assert segmented(view, outlines_of(view.bodies), SEGMENTATION, 0.1) is view


def test_outlines_have_borders_between_all_surfaces_and_are_one_in_the_middle() -> None:
    objects = np.full((40, 40), -1, np.int64)
    objects[5:25, 5:15], objects[5:25, 15:35] = 0, 1
    objects[25:35, 5:35] = 1  # around the first one
    border, inside = outline_targets(objects)
    assert border[5:25, 14:16].all()
    assert not border[8:22, 8:12].any()
    assert not border[objects < 0].any()
    assert not inside[objects < 0].any()
    assert inside[15, 25] == 1.0
    assert inside[15, 9] == pytest.approx(1.0)
    assert 0.0 < inside[5, 20] < 0.2
    assert (inside[objects >= 0] > 0).all()
