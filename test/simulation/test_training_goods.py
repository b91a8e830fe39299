"""Two kinds of training goods differ in what a person sees, and only few pieces are odd."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from impurity_grasp_ros.simulation.materials import Material
from impurity_grasp_ros.simulation.training_goods import (
    ALIKE_SHAPES,
    another_material,
    are_alike,
    draw_targets,
    first_material,
    is_distinct,
    is_patterned,
    least_pieces,
    training,
)
from impurity_grasp_ros.simulation.training_shapes import COMMON_SHAPES, TRAINING_SHAPES

BLUE, RED, DARK = (0.2, 0.3, 0.7), (0.8, 0.3, 0.2), (0.05, 0.05, 0.06)
STRIPES = Material("stripes", (BLUE, RED), 0.008)


def gray(value: float) -> tuple[float, float, float]:
    return value, value, value


@pytest.mark.parametrize(
    ("material", "visible"),
    [
        (STRIPES, True),
        (Material("plain", (BLUE, RED)), False),
        (Material("stripes", (BLUE,)), False),
        (Material("stripes", (gray(0.5), gray(0.31))), False),
        (Material("stripes", (gray(0.5), gray(0.29))), True),
        (Material("stripes", (gray(0.5), gray(0.2)), contrast=0.5), False),
        (Material("stripes", (DARK, gray(0.1))), False),
    ],
)
def test_a_pattern_is_seen_if_its_colors_are_different(material: Material, visible: bool) -> None:
    assert is_patterned(material) is visible


@pytest.mark.parametrize(
    ("first", "second", "distinct"),
    [
        (STRIPES, STRIPES, False),
        (STRIPES, replace(STRIPES, pattern="checker"), True),
        (STRIPES, replace(STRIPES, scale=0.014), True),
        (STRIPES, replace(STRIPES, scale=0.011), False),
        (STRIPES, replace(STRIPES, gloss=0.4, variant=0.9), False),
        (Material("stripes", (DARK, gray(0.1))), Material("checker", (DARK, gray(0.1))), False),
        (Material("plain", (gray(0.5),)), Material("plain", (gray(0.3),)), True),
        (Material("plain", (gray(0.5),)), Material("plain", (gray(0.45),)), False),
        (Material("plain", (gray(0.5),), brightness=0.25), Material("plain", (gray(0.3),)), False),
        (Material("plain", ((0.5, 0.5, 0.5),)), Material("plain", ((0.65, 0.45, 0.4),)), True),
        (Material("plain", (gray(0.4),)), Material("stripes", (gray(0.2), gray(0.6))), True),
    ],
)
def test_materials_are_distinct_if_a_person_sees_it(first: Material, second: Material, distinct: bool) -> None:
    assert is_distinct(first, second) is distinct
    assert is_distinct(second, first) is distinct


def test_another_material_is_always_distinct() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        material = first_material(rng)
        assert is_distinct(another_material(material, rng), material)


def test_shapes_alone_make_a_difference_only_if_they_are_unlike() -> None:
    assert set().union(*ALIKE_SHAPES) <= {*COMMON_SHAPES, *TRAINING_SHAPES}
    for name in (*COMMON_SHAPES, *TRAINING_SHAPES):
        assert are_alike(frozenset({name}), frozenset({name}))
        unlike = [other for other in TRAINING_SHAPES if not are_alike(frozenset({name}), frozenset({other}))]
        assert unlike
    assert are_alike(frozenset({"box", "angle"}), frozenset({"pillow"}))
    assert not are_alike(frozenset({"box", "angle"}), frozenset({"capsule"}))
    found = 0
    for seed in range(300):
        assortment = training(np.random.default_rng(seed))
        first, odd = assortment.ordinary[0], assortment.odd[0]
        if len(assortment.ordinary) == 1 and first.material == odd.material:  # type: ignore[attr-defined]
            one, other = first.form, odd.form  # type: ignore[attr-defined]
            sizes = sorted((one.size, other.size))
            assert not are_alike(frozenset({one.maker}), frozenset({other.maker})) or sizes[1] > 1.49 * sizes[0]
            found += 1
    assert found > 20


@pytest.mark.parametrize("objects", range(4, 21))
def test_odd_pieces_are_few(objects: int) -> None:
    rng = np.random.default_rng(0)
    counts = [draw_targets(objects, rng) for _ in range(300)]
    assert 0.1 < np.mean(np.array(counts) == 0) < 0.3
    for targets in set(counts):
        assert objects - targets >= least_pieces(targets)
        assert least_pieces(targets) > 2 * targets
    assert max(counts) == min(3, (objects - 1) // 3)
