"""A camera that moved in mid-job is noticed, what the arm itself moves is not taken for it."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import GRID
from traced_frames import Box, camera_pose, trace

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import CameraMovedError
from impurity_grasp_ros.perception.samples import sample
from impurity_grasp_ros.perception.stillness import Landmarks, check_still, landmarks_of
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").stillness
BIN = Box((0.24, 0.48), (-0.54, -0.34), 0.06, (90, 100, 110))


def boxes(count: int, seed: int = 0) -> list[Box]:
    rng = np.random.default_rng(seed)
    places = [(0.32 + 0.07 * i, -0.16 + 0.07 * j) for i in range(5) for j in range(5)]
    chosen = [places[index] for index in rng.permutation(25)[:count]]
    return [Box((x, x + 0.035), (y, y + 0.04), 0.035, (140, 107, 77)) for x, y in chosen]


def landmarks(scene: list[Box], x: float = 0.5, y: float = 0.0, roll: float = 0.0) -> Landmarks:
    samples = sample(trace(scene, camera_pose((x, y), 0.72, tilt=0.0, azimuth=0.0, roll=roll)), GRID, 0.16)
    return landmarks_of(samples, samples.z > 0.008)


def moved(box: Box, dx: float, dy: float) -> Box:
    return replace(box, x=(box.x[0] + dx, box.x[1] + dx), y=(box.y[0] + dy, box.y[1] + dy))


@pytest.mark.parametrize("count", [3, 8, 20])
@pytest.mark.parametrize("change", [{"x": 0.504}, {"y": -0.003}, {"x": 0.52, "y": 0.02}, {"roll": 0.03}])
def test_a_camera_that_was_moved_along_the_table_is_noticed(count: int, change: dict[str, float]) -> None:
    scene = boxes(count)
    with pytest.raises(CameraMovedError, match=r"received \d+ in view of which only \d have stayed within 1.5 px"):
        check_still(landmarks(scene, **change), landmarks(scene), CONFIG)


def test_the_bin_alone_shows_that_the_camera_was_moved() -> None:
    with pytest.raises(CameraMovedError):
        check_still(landmarks([BIN], x=0.504), landmarks([BIN]), CONFIG)
    check_still(landmarks([BIN]), landmarks([BIN]), CONFIG)


def test_a_camera_that_turns_about_the_only_heap_is_noticed_by_the_bin() -> None:
    heap = [Box((x, x + 0.035), (y, y + 0.04), 0.035, (140, 107, 77)) for x in (0.43, 0.50) for y in (-0.05, 0.03)]
    before = landmarks([BIN, *heap])
    check_still(landmarks([BIN, *heap]), before, CONFIG)
    with pytest.raises(CameraMovedError, match="none of them outside of the workspace"):
        check_still(landmarks([BIN, *heap], roll=0.012), before, CONFIG)


def test_a_heap_that_moves_as_a_whole_beside_a_bin_that_stays_is_no_move_of_the_camera() -> None:
    heap = boxes(1)
    check_still(landmarks([BIN, moved(heap[0], 0.04, 0.03)]), landmarks([BIN, *heap]), CONFIG)


@pytest.mark.parametrize("count", [1, 3, 8, 20])
def test_what_one_action_does_is_no_move_of_the_camera(count: int) -> None:
    scene = boxes(count)
    before = landmarks(scene)
    check_still(landmarks(scene[1:]), before, CONFIG)  # taken away
    check_still(landmarks([moved(scene[0], 0.05, 0.02), *scene[1:]]), before, CONFIG)  # pushed
    half = count // 2
    check_still(landmarks([*(moved(box, 0.03, -0.02) for box in scene[:half]), *scene[half:]]), before, CONFIG)


def test_an_empty_table_says_nothing() -> None:
    check_still(landmarks([]), landmarks([]), CONFIG)
    check_still(landmarks(boxes(3)), landmarks([]), CONFIG)


def test_a_scene_that_was_cleared_away_is_no_move_of_the_camera() -> None:
    check_still(landmarks(boxes(1, seed=1)), landmarks(boxes(20)), CONFIG)


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.1])
def test_a_change_of_light_is_no_move_of_the_camera(factor: float) -> None:
    before = landmarks(boxes(12))
    dimmed = replace(before, gray=np.clip(before.gray * factor, 0, 255).astype(np.uint8))
    check_still(dimmed, before, CONFIG)
