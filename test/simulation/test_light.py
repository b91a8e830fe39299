"""Light, lens and depth faults do what their names say, only as far as configured, and nothing by default."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.light import IDEAL, Light, LightConfig
from impurity_grasp_ros.simulation.sensor_noise import (
    NO_FAULTS,
    NOISELESS,
    CameraNoise,
    DepthFaults,
    SensorNoise,
)

GRAY = np.full((120, 160, 3), 100, np.uint8)
FLAT = np.full((120, 160), 0.7, np.float32)
STEP = np.where(np.arange(160) < 80, 0.7, 0.66).astype(np.float32)[None].repeat(120, 0)
D435 = CameraNoise(0.003, 0.012, 2, 0.4, 0.08, 4.0)


def lit(seed: int = 0, color: NDArray[np.uint8] = GRAY, **values: float) -> NDArray[np.float32]:
    """An image in imperfect light."""
    light = Light(replace(IDEAL, **values), np.random.default_rng(seed))
    return light.apply(color.astype(np.float32))


def captured(config: CameraNoise, depth: NDArray[np.float32] = FLAT, seed: int = 0) -> NDArray[np.float32]:
    return SensorNoise(config, np.random.default_rng(seed)).apply(GRAY, depth)[1]


def test_ideal_light_changes_nothing() -> None:
    np.testing.assert_allclose(lit(), 100.0, rtol=1e-6)


def test_a_camera_without_these_sections_draws_the_same_noise_as_with_empty_ones() -> None:
    values = {name: getattr(D435, name) for name in ("depth_sigma", "edge_jump", "edge_width", "edge_holes")}
    values |= {"color_cast": 0.08, "color_sigma": 4.0}
    nothing = {
        "light": {"exposure": 0.0, "vignetting": 0.0, "shadow": 0.0, "glare": 0.0, "blur": 0.0},
        "depth": {"flying": 0.0, "holes": 0.0},
    }
    assert from_mapping(CameraNoise, values) == from_mapping(CameraNoise, values | nothing) == D435
    assert (D435.light, D435.depth) == (IDEAL, NO_FAULTS)


def test_what_is_not_configured_draws_no_random_numbers() -> None:
    """Scenes with noise look as they did before there were light and depth faults."""
    noise, rng = SensorNoise(D435, np.random.default_rng(1)), np.random.default_rng(1)
    gain = 1.0 + rng.uniform(-0.08, 0.08, 3).astype(np.float32)
    for _ in range(2):
        errors = rng.standard_normal(GRAY.shape, np.float32) * 4.0
        expected = np.clip(GRAY * gain + errors, 0.0, 255.0).round().astype(np.uint8)
        np.testing.assert_array_equal(noise.apply(GRAY, STEP)[0], expected)
        rng.standard_normal((2, *STEP.shape), np.float32)  # depth noise, holes at edges


def test_depth_faults_leave_the_noise_of_the_color_and_light_that_of_the_depth_as_they_are() -> None:
    config = replace(D435, depth=DepthFaults(0.3, 0.02))
    for one, other in zip(
        SensorNoise(D435, np.random.default_rng(1)).apply(GRAY, STEP),
        SensorNoise(config, np.random.default_rng(1)).apply(GRAY, STEP),
        strict=True,
    ):
        assert (one == other).mean() > 0.9
    first = SensorNoise(D435, np.random.default_rng(1)).apply(GRAY, STEP)[0]
    np.testing.assert_array_equal(SensorNoise(config, np.random.default_rng(1)).apply(GRAY, STEP)[0], first)


def test_exposure_is_one_factor_within_its_limit() -> None:
    factors = [lit(seed, exposure=0.3)[0, 0, 0] / 100 for seed in range(200)]
    assert np.ptp(lit(1, exposure=0.3)) < 1e-4
    assert 0.7 <= min(factors) < 0.72
    assert 1.28 < max(factors) <= 1.3


def test_vignetting_darkens_the_corners_and_not_the_middle() -> None:
    images = [lit(seed, vignetting=0.5)[:, :, 0] / 100 for seed in range(100)]
    assert all(image[60, 80] > 0.995 for image in images)
    corners = [image[0, 0] for image in images]
    assert 0.5 <= min(corners) < 0.52
    for image in images[:5]:
        np.testing.assert_allclose(image[0, 0], [image[0, -1], image[-1, 0], image[-1, -1]], rtol=1e-3)
        assert image[60, 0] > image[0, 0]


def test_a_shadow_darkens_one_part_and_leaves_another() -> None:
    spans = []
    for seed in range(40):
        image = lit(seed, shadow=0.6)[:, :, 0] / 100
        assert image.min() >= 0.4 - 1e-6
        assert image.max() <= 1.0 + 1e-6
        spans.append(float(np.ptp(image)))
    assert max(spans) > 0.5
    assert np.median(spans) > 0.2


def test_glare_adds_a_few_small_bright_spots() -> None:
    image = lit(0, glare=0.8)[:, :, 0] - 100.0
    assert image.min() > -1e-3
    assert 40.0 < image.max() < 0.8 * 255 * 3
    assert 0.001 < (image > 5.0).mean() < 0.1
    assert (image < 0.5).mean() > 0.8
    large = np.zeros((480, 640, 3), np.uint8)
    for seed in range(5):  # round: as wide as high
        rows, columns = np.nonzero(_brightest_spot(lit(seed, large, glare=0.8)[:, :, 0]))
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)


def _brightest_spot(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels around the brightest one that are at least half as bright."""
    row, column = np.unravel_index(np.argmax(image), image.shape)
    spot = np.zeros(image.shape, np.bool_)
    part = slice(max(0, row - 12), row + 13), slice(max(0, column - 12), column + 13)
    spot[part] = image[part] > 0.6 * image.max()
    return spot


def test_blur_softens_edges_and_keeps_the_mean() -> None:
    board = np.where(np.indices((120, 160)).sum(axis=0)[:, :, None] // 20 % 2, 200, 50).astype(np.uint8).repeat(3, 2)
    images = [lit(seed, board, blur=2.0) for seed in range(20)]
    sharpest = np.abs(np.diff(board[:, :, 0].astype(float), axis=1)).max()
    steps = [np.abs(np.diff(image[:, :, 0], axis=1)).max() for image in images]
    assert min(steps) < 0.3 * sharpest
    assert max(steps) <= sharpest
    for image in images:
        assert image.mean() == pytest.approx(board.mean(), rel=0.01)
    red = lit(0, board * np.array([1, 0, 0], np.uint8), blur=2.0)
    assert red[:, :, 1:].max() == 0.0, "channels do not mix"
    for image in images:
        assert image[:, :, 0].min() >= 49.9


def test_light_is_fixed_for_a_scene_and_differs_between_scenes() -> None:
    config = LightConfig(0.3, 0.3, 0.3, 0.5, 1.0)
    light, color = Light(config, np.random.default_rng(0)), GRAY.astype(np.float32)
    np.testing.assert_array_equal(light.apply(color), light.apply(color))
    np.testing.assert_array_equal(light.apply(color), Light(config, np.random.default_rng(0)).apply(color))
    assert np.abs(light.apply(color) - Light(config, np.random.default_rng(1)).apply(color)).mean() > 1.0
    np.testing.assert_array_equal(color, 100.0)
    assert light.apply(np.zeros((60, 80, 3), np.float32)).shape == (60, 80, 3)


def test_the_camera_shows_the_light() -> None:
    config = replace(NOISELESS, light=LightConfig(0.8, 0.0, 0.0, 0.0, 0.0))
    values = [SensorNoise(config, np.random.default_rng(seed)).apply(GRAY, FLAT)[0].mean() for seed in range(10)]
    assert max(values) - min(values) > 50


def test_flying_readings_lie_between_the_surfaces_next_to_an_edge_and_nowhere_else() -> None:
    depth = captured(replace(NOISELESS, edge_jump=0.012, depth=DepthFaults(0.5, 0.0)), STEP)
    between = (depth > 0.6601) & (depth < 0.6999)
    assert 0.3 < between[:, 79:81].mean() < 0.6
    assert not np.delete(between, [79, 80], axis=1).any()
    assert depth.min() > 0.659
    assert depth.max() < 0.701
    smooth = captured(replace(NOISELESS, edge_jump=0.05, depth=DepthFaults(0.5, 0.0)), STEP)
    np.testing.assert_array_equal(smooth, STEP)


def test_nothing_flies_next_to_missing_readings() -> None:
    half = np.where(np.arange(160) < 80, 0.0, 0.7).astype(np.float32)[None].repeat(120, 0)
    depth = captured(replace(NOISELESS, edge_jump=0.012, depth=DepthFaults(1.0, 0.0)), half)
    np.testing.assert_array_equal(depth, half)


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_as_many_readings_are_missing_as_configured_in_small_holes(share: float) -> None:
    missing = captured(replace(NOISELESS, depth=DepthFaults(0.0, share))) == 0.0
    assert missing.mean() == pytest.approx(share, rel=0.15)
    beside = missing[:, :-1] & missing[:, 1:]
    assert beside.sum() > 0.5 * missing.sum(), "holes are wider than a pixel"


def test_depth_faults_change_from_frame_to_frame() -> None:
    noise = SensorNoise(replace(NOISELESS, depth=DepthFaults(0.0, 0.1)), np.random.default_rng(0))
    assert not np.array_equal(noise.apply(GRAY, FLAT)[1], noise.apply(GRAY, FLAT)[1])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"light": {"exposure": 0.1}}, "light.vignetting: missing"),
        ({"depth": {"flying": 2.0, "holes": 0.0}}, "depth.flying: expected a value in"),
        ({"lens": {}}, "lens: unknown key"),
    ],
)
def test_a_bad_section_is_refused(section: dict, message: str) -> None:
    values = {name: getattr(D435, name) for name in ("depth_sigma", "edge_jump", "edge_width", "edge_holes")}
    with pytest.raises(ConfigError, match=message):
        from_mapping(CameraNoise, values | {"color_cast": 0.08, "color_sigma": 4.0} | section)
