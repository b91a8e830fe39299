"""Saliency agrees with the original VOCUS2 program and behaves as the arithmetic behind it must."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ConfigError, InvalidFrameError
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.saliency import COFFEE, DEFAULT, SaliencyConfig, saliency, stretch

REFERENCE = Path(__file__).resolve().parents[1] / "data" / "vocus2"
SCENES = ("scene_01", "scene_09", "scene_15")
PRESETS = {"default": (DEFAULT, 1e-5), "coffee": (COFFEE, 5e-4)}

sides = st.integers(1, 70)


def image(height: int, width: int, seed: int, brightest: int = 255) -> NDArray[np.uint8]:
    """Smooth random colors with a few sharp edges."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, brightest + 1, (4, 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def reference_image(scene: str) -> NDArray[np.uint8]:
    return cv2.cvtColor(cv2.imread(str(REFERENCE / f"{scene}.png")), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("preset", PRESETS)
def test_maps_agree_with_those_of_the_original_program(scene: str, preset: str) -> None:
    config, tolerance = PRESETS[preset]
    expected = np.load(REFERENCE / f"{scene}_{preset}.npz")
    span = float(expected["raw_max"] - expected["raw_min"])
    raw = saliency(reference_image(scene), config)
    assert raw.dtype == np.float32
    assert raw.min() == pytest.approx(float(expected["raw_min"]), abs=1e-6)
    assert raw.max() == pytest.approx(float(expected["raw_max"]), abs=1e-6)
    np.testing.assert_allclose(raw, expected["saliency"] * span + expected["raw_min"], rtol=0, atol=tolerance * span)
    np.testing.assert_allclose(stretch(raw), expected["saliency"], rtol=0, atol=tolerance)


@given(sides, sides, st.integers(0, 10))
@settings(max_examples=25)
def test_a_map_of_any_size_is_finite_and_has_the_size_of_the_image(height: int, width: int, seed: int) -> None:
    raw = saliency(image(height, width, seed), DEFAULT)
    assert raw.shape == (height, width)
    assert np.isfinite(raw).all()


@given(sides, sides, st.integers(0, 10))
@settings(max_examples=25)
def test_rows_and_columns_are_treated_alike(height: int, width: int, seed: int) -> None:
    picture = image(height, width, seed)
    turned = saliency(np.ascontiguousarray(picture.transpose(1, 0, 2)), DEFAULT)
    np.testing.assert_allclose(turned.T, saliency(picture, DEFAULT), rtol=0, atol=1e-6)


def test_twice_the_contrast_is_twice_as_salient_and_an_offset_does_not_matter() -> None:
    picture = image(61, 48, seed=4, brightest=120)
    raw = saliency(picture, COFFEE)
    np.testing.assert_allclose(saliency(picture * 2, COFFEE), raw * 2, rtol=0, atol=1e-6)
    np.testing.assert_allclose(saliency(picture + 100, COFFEE), raw, rtol=0, atol=1e-6)


@given(st.tuples(*[st.integers(0, 255)] * 3), sides, sides)
@settings(max_examples=20)
def test_nothing_in_a_constant_image_is_salient(color: tuple[int, int, int], height: int, width: int) -> None:
    raw = saliency(np.full((height, width, 3), color, np.uint8), DEFAULT)
    np.testing.assert_allclose(raw, 0.0, atol=1e-6)
    assert not stretch(raw).any()


@given(st.integers(0, 20))
@settings(max_examples=10)
def test_a_stretched_map_fills_the_range_from_0_to_1_and_keeps_the_order(seed: int) -> None:
    raw = saliency(image(40, 40, seed), COFFEE)
    stretched = stretch(raw)
    assert stretched.min() == 0.0
    assert stretched.max() == 1.0
    assert (np.diff(stretched.ravel()[np.argsort(raw, axis=None)]) >= 0.0).all()


def test_the_odd_block_among_equal_ones_is_the_most_salient() -> None:
    picture = np.full((224, 224, 3), (120, 120, 125), np.uint8)
    for row in range(20, 200, 40):
        for column in range(20, 200, 40):
            picture[row : row + 20, column : column + 20] = (100, 110, 130)
    picture[100:120, 60:80] = (180, 90, 90)
    row, column = np.unravel_index(saliency(picture, DEFAULT).argmax(), (224, 224))
    assert 100 <= row < 120
    assert 60 <= column < 80


@pytest.mark.parametrize(
    "not_an_image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_anything_but_an_8_bit_color_image_is_refused(not_an_image: NDArray[np.uint8]) -> None:
    with pytest.raises(InvalidFrameError, match=r"expected shape \(H, W, 3\) of uint8, received"):
        saliency(not_an_image, DEFAULT)


def test_a_surround_no_larger_than_its_center_is_refused() -> None:
    with pytest.raises(ConfigError, match="surround_sigma_px: expected more than center_sigma_px"):
        SaliencyConfig(center_sigma_px=3.0, surround_sigma_px=3.0, stop_octave=4, scales_per_octave=2)


def test_more_scales_and_fewer_octaves_are_possible() -> None:
    raw = saliency(image(50, 50, seed=1), replace(DEFAULT, stop_octave=0, scales_per_octave=3))
    assert raw.max() > 0.0


def test_the_authors_presets_and_the_shipped_one() -> None:
    assert SaliencyConfig(center_sigma_px=3.0, surround_sigma_px=13.0, stop_octave=4, scales_per_octave=2) == DEFAULT
    assert SaliencyConfig(center_sigma_px=2.0, surround_sigma_px=6.0, stop_octave=4, scales_per_octave=2) == COFFEE
    assert packaged_parameters("attention_node", AttentionConfig).saliency == COFFEE


def test_a_stretched_map_is_linear() -> None:
    stretched = stretch(np.array([[0.1, 0.2, 0.3], [0.15, 0.3, 0.1]], np.float32))
    np.testing.assert_allclose(stretched, [[0.0, 0.5, 1.0], [0.25, 1.0, 0.0]], atol=1e-6)
    assert stretched.dtype == np.float32


@pytest.mark.parametrize(("span", "flat"), [(0.0, True), (5e-7, True), (2e-6, False)])
def test_a_map_is_flat_up_to_a_millionth(span: float, flat: bool) -> None:
    raw = np.full((3, 4), 0.25, np.float32)
    raw[1, 2] += np.float32(span)
    stretched = stretch(raw)
    assert stretched.shape == (3, 4)
    assert stretched.dtype == np.float32
    assert stretched.max() == (0.0 if flat else 1.0)
    assert np.count_nonzero(stretched) == (0 if flat else 1)
