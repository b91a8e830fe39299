"""Patterns, materials and coats: what they promise about colors, statistics and repeatability."""

from dataclasses import replace

import numpy as np
import pytest

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.materials import Material, deviation, matched
from impurity_grasp_ros.simulation.noise_volume import cell_value, fractal, nearest_distance, ridge_distance, smooth
from impurity_grasp_ros.simulation.patterns import COMMON_PATTERNS, MEASURED_PATTERNS, PATTERNS, TRAINING_PATTERNS

DARK, MIDDLE, LIGHT = (0.2, 0.1, 0.0), (0.5, 0.5, 0.5), (0.8, 0.9, 1.0)
POINTS = np.random.default_rng(0).uniform(-0.03, 0.03, (4000, 3))
HALF_SIZE = (0.03, 0.03, 0.03)


def test_training_and_measured_patterns_are_disjoint_and_only_plain_is_common() -> None:
    assert not set(TRAINING_PATTERNS) & set(MEASURED_PATTERNS)
    assert set(COMMON_PATTERNS) == {"plain"}
    assert set(PATTERNS) == {"plain", *TRAINING_PATTERNS, *MEASURED_PATTERNS}
    functions = [*COMMON_PATTERNS.values(), *TRAINING_PATTERNS.values(), *MEASURED_PATTERNS.values()]
    assert len(set(functions)) == len(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("variant", [0.0, 1.0])
def test_a_coat_has_only_colors_between_those_of_its_material(pattern: str, variant: float) -> None:
    material = Material(pattern, (DARK, LIGHT), 0.007, variant=variant)
    albedo = material.coat(HALF_SIZE, np.random.default_rng(1)).albedo(POINTS)
    assert (albedo.dtype, albedo.shape) == (np.float32, POINTS.shape)
    assert (albedo >= np.array(DARK) - 1e-6).all()
    assert (albedo <= np.array(LIGHT) + 1e-6).all()
    if pattern != "plain":
        assert albedo.std(axis=0).min() > 0.05


def test_a_plain_coat_has_the_first_color_everywhere() -> None:
    coat = Material("plain", (DARK, LIGHT)).coat(HALF_SIZE, np.random.default_rng(1))
    np.testing.assert_allclose(coat.albedo(POINTS), np.tile(DARK, (len(POINTS), 1)), atol=1e-6)


def test_no_two_patterns_are_the_same() -> None:
    coats = {
        name: Material(name, (DARK, LIGHT), 0.007).coat(HALF_SIZE, np.random.default_rng(1)).albedo(POINTS)[:, 0]
        for name in PATTERNS
    }
    alike = [(a, b) for a in coats for b in coats if a < b and np.abs(coats[a] - coats[b]).mean() < 0.03]
    assert not alike


def test_equal_generators_give_equal_coats_and_no_two_pieces_are_alike() -> None:
    material = Material("fractal", (DARK, LIGHT), 0.007, brightness=0.2, hue=0.05)
    first, second, third = (material.coat(HALF_SIZE, np.random.default_rng(seed)).albedo(POINTS) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - third).mean() > 0.05


def test_pieces_differ_in_brightness_and_hue_as_much_as_the_material_says() -> None:
    rng = np.random.default_rng(0)
    bright, hued = Material("plain", (MIDDLE,), brightness=0.25), Material("plain", (MIDDLE,), hue=0.1)
    gains = np.array([bright.coat(HALF_SIZE, rng).albedo(POINTS[:1])[0] for _ in range(300)]) / 0.5
    assert np.ptp(gains, axis=1).max() < 1e-6
    assert 0.75 <= gains.min() < 0.78
    assert 1.22 < gains.max() <= 1.25
    tints = np.array([hued.coat(HALF_SIZE, rng).albedo(POINTS[:1])[0] for _ in range(300)]) / 0.5
    assert 0.1 < np.ptp(tints, axis=1).max() <= 0.2 + 1e-6


def test_less_contrast_brings_the_colors_closer_to_their_mean() -> None:
    full = Material("stripes", (DARK, LIGHT), 0.007)
    strong, weak = (
        replace(full, contrast=c).coat(HALF_SIZE, np.random.default_rng(1)).albedo(POINTS) for c in (1.0, 0.25)
    )
    np.testing.assert_allclose(weak - full.color, 0.25 * (strong - full.color), atol=1e-6)


def test_three_colors_all_occur() -> None:
    colors = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    for pattern in ("mosaic", "camouflage", "bars", "brick"):
        albedo = Material(pattern, colors, 0.007).coat(HALF_SIZE, np.random.default_rng(1)).albedo(POINTS)
        assert (albedo > 0.95).any(axis=0).all(), pattern


@pytest.mark.parametrize("pattern", ["fractal", "cells", "sediment", "chevron"])
def test_twice_the_scale_is_the_same_pattern_twice_as_large(pattern: str) -> None:
    small, large = (
        Material(pattern, (DARK, LIGHT), scale).coat([half * scale / 0.005 for half in HALF_SIZE], rng)
        for scale, rng in ((0.005, np.random.default_rng(1)), (0.010, np.random.default_rng(1)))
    )
    same = np.abs(small.albedo(POINTS) - large.albedo(2 * POINTS)).max(axis=1) < 0.01
    assert same.mean() > 0.99  # rounding moves some points over an edge


def test_prints_do_not_change_with_the_depth_below_a_face() -> None:
    coat = Material("chevron", (DARK, LIGHT), 0.007).coat(HALF_SIZE, np.random.default_rng(1))
    top = np.column_stack([POINTS[:, :2] * 0.9, np.full(len(POINTS), 0.03)])
    below = top - (0.0, 0.0, 0.002)
    np.testing.assert_array_equal(coat.albedo(top), coat.albedo(below))


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name not in ("plain", "label", "sash", "gradient")])
def test_matched_materials_have_the_same_mean_and_deviation(pattern: str) -> None:
    material, rng = matched(pattern, (0.5, 0.4, 0.3), (0.15, 0.12, 0.09), 0.007), np.random.default_rng(5)
    seen = [material.coat((0.04,) * 3, rng).albedo(rng.uniform(-0.04, 0.04, (500, 3))) for _ in range(24)]
    np.testing.assert_allclose(np.mean(seen, axis=(0, 1)), (0.5, 0.4, 0.3), atol=0.02)
    np.testing.assert_allclose(np.std(np.concatenate(seen), axis=0), (0.15, 0.12, 0.09), rtol=0.15)


def test_the_deviation_of_a_fair_pattern_is_that_of_a_coin() -> None:
    assert deviation("checker", 0.007, 0.5) == pytest.approx((0.5, 0.5), abs=0.02)


def test_noise_is_continuous_except_for_the_values_of_cells() -> None:
    points = np.random.default_rng(2).uniform(-20, 20, (2000, 3)).astype(np.float32)
    for noise in (fractal, smooth, nearest_distance, ridge_distance):
        assert np.abs(noise(points) - noise(points + np.float32(0.01))).max() < 0.1
    assert len(np.unique(cell_value(points))) > 100


def test_ranks_make_noise_uniform() -> None:
    points = np.random.default_rng(2).uniform(-20, 20, (20000, 3)).astype(np.float32)
    for noise in (fractal, smooth):
        np.testing.assert_allclose(np.quantile(noise(points), [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.05)


@pytest.mark.parametrize(
    ("pattern", "colors", "scale", "message"),
    [
        ("tartan", (DARK,), 0.01, "expected a pattern out of plain.*received 'tartan'"),
        ("plain", (), 0.01, "expected 1 to 3 colors"),
        ("plain", (DARK,) * 4, 0.01, "expected 1 to 3 colors"),
        ("plain", (DARK,), 0.0, "positive scale"),
    ],
)
def test_a_bad_material_is_refused(pattern: str, colors: tuple, scale: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Material(pattern, colors, scale)
