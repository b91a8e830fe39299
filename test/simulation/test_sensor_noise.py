"""The camera's noise is as large as its configuration says, and the same for equal generators."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from impurity_grasp_ros.simulation.scene_config import load_scene
from impurity_grasp_ros.simulation.sensor_noise import NOISELESS, CameraNoise, SensorNoise

GRAY = np.full((120, 160, 3), 120, np.uint8)
FLAT = np.full((120, 160), 0.7, np.float32)
STEP = np.where(np.arange(160) < 80, 0.7, 0.66).astype(np.float32)[None].repeat(120, 0)
D435 = CameraNoise(0.003, 0.012, 2, 0.4, 0.08, 4.0)


def apply(
    config: CameraNoise, depth: NDArray[np.float32] = FLAT, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    return SensorNoise(config, np.random.default_rng(seed)).apply(GRAY, depth)


def test_without_noise_a_rendering_stays_as_it_is() -> None:
    color, depth = apply(NOISELESS, STEP)
    np.testing.assert_array_equal(color, GRAY)
    np.testing.assert_array_equal(depth, STEP)


@pytest.mark.parametrize("distance", [0.35, 0.7, 1.4])
def test_depth_noise_grows_with_the_square_of_the_distance(distance: float) -> None:
    depth = np.full((120, 160), distance, np.float32)
    errors = apply(D435, depth)[1] - depth
    assert errors.std() == pytest.approx(0.003 * distance**2, rel=0.05)
    assert abs(errors.mean()) < 0.1 * errors.std()


def test_at_the_height_of_the_camera_depth_noise_is_that_of_a_real_one() -> None:
    assert 0.001 < (apply(D435)[1] - FLAT).std() < 0.002


def test_there_are_holes_at_edges_and_nowhere_else() -> None:
    holes = apply(D435, STEP)[1] == 0.0
    near = slice(78, 82)  # two pixels to either side
    assert 0.2 < holes[:, near].mean() < 0.6
    assert not np.delete(holes, near, axis=1).any()
    assert not (apply(replace(D435, edge_jump=0.05), STEP)[1] == 0.0).any()


def test_no_reading_stays_no_reading() -> None:
    nothing = np.zeros_like(FLAT)
    np.testing.assert_array_equal(apply(D435, nothing)[1], nothing)


def test_the_color_cast_is_one_of_the_camera_and_within_its_limit() -> None:
    config = replace(NOISELESS, color_cast=0.08)
    noise = SensorNoise(config, np.random.default_rng(1))
    first, second = noise.apply(GRAY, FLAT)[0], noise.apply(GRAY, FLAT)[0]
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first.reshape(-1, 3), axis=0)) == 1
    assert 0 < np.abs(first[0, 0].astype(int) - 120).max() <= 0.08 * 120 + 1


def test_color_noise_has_its_deviation_and_does_not_wrap_around() -> None:
    color, _ = apply(replace(NOISELESS, color_sigma=4.0))
    assert color.std() == pytest.approx(4.0, rel=0.05)
    white, _ = SensorNoise(D435, np.random.default_rng(0)).apply(np.full_like(GRAY, 255), FLAT)
    assert white.min() > 200


def test_equal_generators_give_equal_sequences_and_no_two_frames_are_alike() -> None:
    first, second = (SensorNoise(D435, np.random.default_rng(3)) for _ in range(2))
    frames = [noise.apply(GRAY, STEP) for noise in (first, first, second, second)]
    for index in (0, 1):
        np.testing.assert_array_equal(frames[0][index], frames[2][index])
        np.testing.assert_array_equal(frames[1][index], frames[3][index])
        assert not np.array_equal(frames[0][index], frames[1][index])
    assert not np.array_equal(apply(D435, seed=4)[1], apply(D435, seed=5)[1])


def test_images_keep_their_types() -> None:
    color, depth = apply(D435)
    assert (color.dtype, depth.dtype) == (np.uint8, np.float32)
    assert (color.shape, depth.shape) == (GRAY.shape, FLAT.shape)


def test_weaker_noise_is_weaker_in_everything_but_what_an_edge_is() -> None:
    strong = load_scene("training_noisy")[0].camera
    half = strong.scaled(0.5)
    assert (half.edge_jump, half.edge_width) == (strong.edge_jump, strong.edge_width)
    numbers = ("depth_sigma", "edge_holes", "color_cast", "color_sigma")
    assert [getattr(half, name) for name in numbers] == [0.5 * getattr(strong, name) for name in numbers]
    assert astuple(half.light) == tuple(0.5 * value for value in astuple(strong.light))
    assert astuple(half.depth) == tuple(0.5 * value for value in astuple(strong.depth))
    assert min(*astuple(strong.light), *astuple(strong.depth)) > 0.0
    color, depth = apply(strong.scaled(0.0), STEP)
    np.testing.assert_array_equal(color, GRAY)
    np.testing.assert_array_equal(depth, STEP)
