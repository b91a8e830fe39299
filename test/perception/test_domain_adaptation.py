"""Domain adaptation brings colors closer to the simulation's and leaves shapes where they are."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.perception.domain_adaptation import (
    AdaptationConfig,
    adapt,
    read_reference,
    transfer_amplitude,
    transfer_statistics,
)

CONFIG = packaged_parameters("heightmap_node", AdaptationConfig, "adaptation")
MODES = ("statistics", "amplitude", "both")


def real_looking(reference: np.ndarray) -> np.ndarray:
    """The reference as another camera would see it: warmer, darker, of less contrast, with a vignette and noise."""
    rng = np.random.default_rng(0)
    rows, columns = reference.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    vignette = (1.0 - 0.35 * (x * x + y * y) / 2)[:, :, None]
    tinted = (40 + 0.5 * reference) * np.array([1.05, 0.85, 0.6]) * vignette
    return np.clip(tinted + rng.normal(0, 3, reference.shape), 0, 255).astype(np.uint8)


def histogram_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Bhattacharyya distance of color histograms with 8 bins a channel."""
    histograms = [cv2.calcHist([image], [0, 1, 2], None, [8] * 3, [0, 256] * 3) for image in (first, second)]
    normed = [histogram / histogram.sum() for histogram in histograms]
    return float(cv2.compareHist(*normed, cv2.HISTCMP_BHATTACHARYYA))


@pytest.mark.parametrize("mode", MODES)
def test_colors_come_closer_to_the_reference(mode: str) -> None:
    reference = read_reference(CONFIG.reference)
    image = real_looking(reference)
    adapted = adapt(image, replace(CONFIG, mode=mode))
    assert histogram_distance(adapted, reference) < 0.9 * histogram_distance(image, reference)


@pytest.mark.parametrize("mode", MODES)
def test_edges_stay_where_they_are(mode: str) -> None:
    image = real_looking(read_reference(CONFIG.reference))
    adapted = adapt(image, replace(CONFIG, mode=mode))
    assert adapted.shape == image.shape
    edges = [cv2.Sobel(cv2.cvtColor(item, cv2.COLOR_RGB2GRAY), cv2.CV_64F, 1, 0).ravel() for item in (image, adapted)]
    assert np.corrcoef(np.abs(edges[0]), np.abs(edges[1]))[0, 1] > 0.9


def test_off_changes_nothing() -> None:
    image = real_looking(read_reference(CONFIG.reference))
    assert adapt(image, replace(CONFIG, mode="off")) is image


def test_what_looks_like_the_reference_already_is_left_alone() -> None:
    reference = read_reference(CONFIG.reference)
    assert np.abs(transfer_statistics(reference, reference, 4.0).astype(int) - reference).max() <= 1
    assert np.abs(transfer_amplitude(reference, reference, 0.02).astype(int) - reference).max() <= 1


def test_statistics_are_those_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(60, 120, (48, 64, 3), dtype=np.uint8)
    reference = rng.integers(90, 170, (48, 64, 3), dtype=np.uint8)
    adapted = transfer_statistics(image, reference, 4.0)
    lab = [cv2.cvtColor(item.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for item in (adapted, reference)]
    np.testing.assert_allclose(lab[0].mean((0, 1)), lab[1].mean((0, 1)), atol=1.0)
    np.testing.assert_allclose(lab[0].std((0, 1)), lab[1].std((0, 1)), rtol=0.1)


def test_a_uniform_image_is_no_problem() -> None:
    uniform = np.full((48, 64, 3), 128, np.uint8)
    for mode in MODES:
        assert np.isfinite(adapt(uniform, replace(CONFIG, mode=mode)).astype(float)).all()


def test_a_missing_reference_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.png"):
        adapt(np.zeros((4, 4, 3), np.uint8), replace(CONFIG, mode="both", reference="/nowhere.png"))


def lab_of(color: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(color.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)


def stripes(low: int, high: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    """Gray columns, dark and bright in turn."""
    gray = np.where(np.arange(size[1]) % 2 == 0, low, high)
    return np.broadcast_to(gray[None, :, None], (*size, 3)).astype(np.uint8)


def test_the_shipped_settings_adapt_nothing() -> None:
    shipped = AdaptationConfig(mode="off", reference="config/simulation_reference.png", bandwidth=0.01, max_gain=4.0)
    assert shipped == CONFIG


def test_the_reference_is_read_as_red_green_and_blue(tmp_path: Path) -> None:
    file = tmp_path / "reference.png"
    color = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    cv2.imwrite(str(file), color[..., ::-1])
    np.testing.assert_array_equal(read_reference(str(file)), color)
    assert read_reference(str(file)) is read_reference(str(file))
    shipped = read_reference(CONFIG.reference)
    assert shipped.dtype == np.uint8
    assert shipped.shape[2] == 3


def test_both_transfers_the_amplitude_first_and_then_the_statistics() -> None:
    reference = read_reference(CONFIG.reference)
    image = real_looking(reference)[:120, :160]
    amplitude = adapt(image, replace(CONFIG, mode="amplitude", bandwidth=0.03))
    np.testing.assert_array_equal(amplitude, transfer_amplitude(image, reference, 0.03))
    statistics = adapt(image, replace(CONFIG, mode="statistics", max_gain=1.5))
    np.testing.assert_array_equal(statistics, transfer_statistics(image, reference, 1.5))
    both = adapt(image, replace(CONFIG, mode="both", bandwidth=0.03, max_gain=1.5))
    np.testing.assert_array_equal(both, transfer_statistics(amplitude, reference, 1.5))
    assert (amplitude != image).any()
    assert (statistics != image).any()


def test_contrast_is_stretched_and_squeezed_by_at_most_the_largest_gain() -> None:
    """Two grays about the middle: the distance of their brightness is that of the reference, or the largest gain's."""
    narrow, wide = stripes(115, 125), stripes(60, 180)
    for image, reference, max_gain in (
        (narrow, wide, 50.0),
        (narrow, wide, 2.0),
        (wide, narrow, 50.0),
        (wide, narrow, 2.0),
    ):
        adapted = lab_of(transfer_statistics(image, reference, max_gain))[..., 0]
        spreads = [lab_of(item)[..., 0].std() for item in (image, reference)]
        gain = float(np.clip(spreads[1] / spreads[0], 1.0 / max_gain, max_gain))
        assert adapted.std() == pytest.approx(gain * spreads[0], abs=0.3)
        assert adapted.mean() == pytest.approx(lab_of(reference)[..., 0].mean(), abs=0.3)


def test_every_channel_has_a_gain_of_its_own() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(60, 80, 3))
    image = np.clip(128 + noise * [20, 10, 10], 0, 255).astype(np.uint8)
    reference = np.clip([150, 120, 90] + noise[::-1] * [8, 16, 12], 0, 255).astype(np.uint8)
    adapted, wanted = lab_of(transfer_statistics(image, reference, 10.0)), lab_of(reference)
    np.testing.assert_allclose(adapted.mean((0, 1)), wanted.mean((0, 1)), atol=0.3)
    np.testing.assert_allclose(adapted.std((0, 1)), wanted.std((0, 1)), rtol=0.03)


def test_a_uniform_image_takes_the_mean_of_the_reference() -> None:
    uniform = np.full((40, 60, 3), 128, np.uint8)
    adapted = transfer_statistics(uniform, stripes(60, 180), 4.0)
    assert (adapted == adapted[0, 0]).all()
    assert lab_of(adapted)[0, 0, 0] == pytest.approx(lab_of(stripes(60, 180))[..., 0].mean(), abs=0.3)


def test_without_bandwidth_the_mean_of_every_channel_alone_is_taken_over() -> None:
    image = np.random.default_rng(0).integers(80, 120, (41, 61, 3)).astype(np.uint8)
    reference = np.broadcast_to(np.array([150, 110, 90], np.uint8), (20, 30, 3)).copy()
    adapted = transfer_amplitude(image, reference, 0.0)
    expected = np.rint(image + (np.array([150, 110, 90]) - image.mean(axis=(0, 1))))
    np.testing.assert_array_equal(adapted, expected)
    assert adapted.dtype == np.uint8


def wave(periods: int, strength: float, axis: int) -> np.ndarray:
    """A gray wave (100, 120, 3) about 120 with so many periods along the rows or the columns."""
    size = (100, 120)
    along = np.cos(2 * np.pi * periods * np.arange(size[axis]) / size[axis])
    gray = 120 + strength * (along[:, None] if axis == 0 else along[None, :]) * np.ones(size)
    return np.rint(gray)[..., None].repeat(3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("periods", "low"), [(1, True), (2, True), (3, False)])
def test_frequencies_up_to_half_the_bandwidth_take_the_reference_s_amplitude(
    axis: int, periods: int, low: bool
) -> None:
    """0.045 of all frequencies: up to 2.25 periods over 100 rows and 2.7 over 120 columns."""
    adapted = transfer_amplitude(wave(periods, 20.0, axis), wave(periods, 60.0, axis), 0.045)
    expected = wave(periods, 60.0 if low else 20.0, axis)
    assert np.abs(adapted.astype(int) - expected).max() <= 2


def test_phases_stay() -> None:
    """A wave that starts elsewhere in the reference."""
    image, reference = wave(1, 20.0, 1), np.roll(wave(1, 60.0, 1), 30, axis=1)
    assert np.abs(transfer_amplitude(image, reference, 0.045).astype(int) - wave(1, 60.0, 1)).max() <= 2


def test_a_reference_of_another_size_is_fitted_by_areas() -> None:
    image = wave(1, 20.0, 0)
    fine = np.zeros((400, 480, 3), np.uint8)
    fine[:, ::4] = 200  # a mean of 50 over areas, and 0 between the bright columns
    assert transfer_amplitude(image, fine, 0.0).mean() == pytest.approx(50.0, abs=0.6)


def test_colors_beyond_the_range_are_cut_off() -> None:
    image, white = stripes(0, 250), np.full((40, 60, 3), 250, np.uint8)
    adapted = transfer_amplitude(image, white, 0.0)
    assert set(np.unique(adapted)) == {125, 255}  # 0 and 250, 125 brighter
    black = transfer_amplitude(image, np.full((40, 60, 3), 5, np.uint8), 0.0)
    assert set(np.unique(black)) == {0, 130}


def test_off_needs_no_reference() -> None:
    image = stripes(10, 20)
    assert adapt(image, replace(CONFIG, mode="off", reference="/nowhere.png")) is image


def test_the_faintest_stripes_take_the_contrast_of_the_reference() -> None:
    np.testing.assert_array_equal(transfer_statistics(stripes(127, 128), stripes(126, 129), 10.0), stripes(126, 129))
    np.testing.assert_array_equal(transfer_statistics(stripes(247, 248), stripes(246, 249), 10.0), stripes(246, 249))


def test_black_and_white_are_reached() -> None:
    gray, black, white = (np.full((4, 5, 3), value, np.uint8) for value in (90, 0, 255))
    np.testing.assert_array_equal(transfer_statistics(gray, black, 4.0), black)
    np.testing.assert_array_equal(transfer_statistics(gray, white, 4.0), white)
