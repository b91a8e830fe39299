"""Domain adaptation brings colours closer to the simulation's and leaves shapes where they are."""

from dataclasses import replace

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
    """Bhattacharyya distance of colour histograms with 8 bins a channel."""
    histograms = [cv2.calcHist([image], [0, 1, 2], None, [8] * 3, [0, 256] * 3) for image in (first, second)]
    normed = [histogram / histogram.sum() for histogram in histograms]
    return float(cv2.compareHist(*normed, cv2.HISTCMP_BHATTACHARYYA))


@pytest.mark.parametrize("mode", MODES)
def test_colours_come_closer_to_the_reference(mode: str) -> None:
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
