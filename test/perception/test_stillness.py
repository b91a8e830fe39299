"""A camera that moved in mid-job is noticed, what the arm itself moves is not taken for it."""

from contextlib import nullcontext
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_samples import flat, samples_of
from drawn_scenes import GRID
from numpy.typing import NDArray
from traced_frames import Box
from traced_scenes import overhead

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import CameraMovedError
from impurity_grasp_ros.perception.samples import sample
from impurity_grasp_ros.perception.stillness import Landmarks, StillnessConfig, check_still, landmarks_of
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").stillness
BIN = Box((0.24, 0.48), (-0.54, -0.34), 0.06, (90, 100, 110))


def boxes(count: int, seed: int = 0) -> list[Box]:
    rng = np.random.default_rng(seed)
    places = [(0.32 + 0.07 * i, -0.16 + 0.07 * j) for i in range(5) for j in range(5)]
    chosen = [places[index] for index in rng.permutation(25)[:count]]
    return [Box((x, x + 0.035), (y, y + 0.04), 0.035, (140, 107, 77)) for x, y in chosen]


def landmarks(scene: list[Box], x: float = 0.5, y: float = 0.0, roll: float = 0.0) -> Landmarks:
    samples = sample(overhead(scene, x, y, roll), GRID, 0.16)
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


WALLS = tuple(
    Box((x, x + 0.025), (-0.31, -0.26), 0.06, color)
    for x, color in zip(np.arange(0.3, 0.5, 0.025).tolist(), 4 * [(60, 60, 70), (130, 130, 140)], strict=True)
)
"""One striped thing beside the workspace."""


def test_a_push_that_moves_everything_is_no_move_of_the_camera_beside_a_bin_that_stays() -> None:
    scene = boxes(8)
    pushed = [moved(box, 0.01 * (-1) ** index, 0.012) for index, box in enumerate(scene)]
    check_still(landmarks([*WALLS, *pushed]), landmarks([*WALLS, *scene]), CONFIG)


@pytest.mark.parametrize("turn", [0.01, -0.01])
def test_a_camera_that_turns_about_the_bin_is_noticed(turn: float) -> None:
    """So little that the bin seems to stay, while the heap half a meter away does not."""
    scene = boxes(8)
    bin_x, bin_y = sum(BIN.x) / 2, sum(BIN.y) / 2
    away_x, away_y = 0.5 - bin_x, 0.0 - bin_y
    c, s = np.cos(turn), np.sin(turn)
    camera = {"x": bin_x + c * away_x - s * away_y, "y": bin_y + s * away_x + c * away_y, "roll": -turn}
    with pytest.raises(CameraMovedError, match="only 1 have stayed"):
        check_still(landmarks([BIN, *scene], **camera), landmarks([BIN, *scene]), CONFIG)


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


def texture(seed: int = 0) -> NDArray[np.uint8]:
    """A smooth random pattern (120, 160) that can be followed by parts of a sample."""
    noise = np.random.default_rng(seed).uniform(0.0, 255.0, (120, 160)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.clip(np.rint((smooth - 127.5) * 5.0 + 127.5), 0, 255).astype(np.uint8)


def shifted(gray: NDArray[np.uint8], right_px: float, rows: slice = np.s_[:]) -> NDArray[np.uint8]:
    """Some rows of the pattern moved by so many pixels of the camera's image, two of which are a sample."""
    move = np.array([[1.0, 0.0, right_px / 2.0], [0.0, 1.0, 0.0]])
    moved = cv2.warpAffine(gray, move, (160, 120), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    result = gray.copy()
    result[rows] = moved[rows]
    return result


def things(*corners: int, outside: tuple[int, ...] = (), gray: NDArray[np.uint8] | None = None) -> Landmarks:
    """So many corners on each thing, from thing 1 on, each thing in a strip of 20 rows of the pattern."""
    rows = np.repeat(10 + 20 * np.arange(len(corners)), corners)
    columns = np.concatenate([20 + 20 * np.arange(count) for count in corners])
    places = np.column_stack([columns, rows]).astype(np.float32)
    thing = np.repeat(np.arange(1, len(corners) + 1), corners)
    is_outside = np.isin(np.arange(len(corners) + 1), outside)
    return Landmarks(texture() if gray is None else gray, places, thing, is_outside)


def strips(*numbers: int) -> NDArray[np.uint8]:
    """The pattern after the strips of these things moved by four pixels."""
    gray = texture()
    for number in numbers:
        gray = shifted(gray, 4.0, np.s_[20 * (number - 1) : 20 * number])
    return gray


def moved_strips(before: Landmarks, *numbers: int) -> Landmarks:
    return replace(before, gray=strips(*numbers))


def test_the_shipped_limits() -> None:
    assert StillnessConfig(max_shift_px=1.5, min_still=0.5, min_things=3) == CONFIG


@pytest.mark.parametrize(("shift_px", "still"), [(0.0, True), (1.3, True), (-1.3, True), (1.7, False), (-1.7, False)])
def test_a_corner_may_seem_to_move_by_a_pixel_and_a_half(shift_px: float, still: bool) -> None:
    before = things(6, 6, 6)
    refused = nullcontext() if still else pytest.raises(CameraMovedError)
    with refused:
        check_still(replace(before, gray=shifted(before.gray, shift_px)), before, CONFIG)


def test_with_three_things_in_view_all_of_them_have_to_move() -> None:
    before = things(6, 6, 6)
    check_still(moved_strips(before, 1, 3), before, CONFIG)
    with pytest.raises(CameraMovedError, match=r"received 3 in view of which only 0 have stayed within 1\.5 px$"):
        check_still(moved_strips(before, 1, 2, 3), before, CONFIG)


def test_two_things_within_reach_may_both_be_moved_by_one_action() -> None:
    before = things(6, 6)
    check_still(moved_strips(before, 1, 2), before, CONFIG)


def test_of_six_things_one_that_stays_is_too_few_and_of_five_it_is_enough() -> None:
    six, five = things(5, 5, 5, 5, 5, 5), things(5, 5, 5, 5, 5)
    check_still(moved_strips(six, 1, 2, 3, 4), six, CONFIG)
    with pytest.raises(CameraMovedError, match="received 6 in view of which only 1 have"):
        check_still(moved_strips(six, 1, 2, 3, 4, 5), six, CONFIG)
    check_still(moved_strips(five, 1, 2, 3, 4), five, CONFIG)


@pytest.mark.parametrize(("stay", "still"), [(2, False), (3, True)])
def test_a_thing_has_stayed_when_half_of_its_corners_have(stay: int, still: bool) -> None:
    before = things(6, 6, 6)
    columns = 30 + 20 * (stay - 1)  # between the last corner that stays and the first that does not
    now = strips(1, 2, 3)
    now[20:40, :columns] = texture()[20:40, :columns]
    refused = nullcontext() if still else pytest.raises(CameraMovedError)
    with refused:
        check_still(replace(before, gray=now), before, CONFIG)


def test_a_thing_of_two_corners_is_not_recognized() -> None:
    before = things(6, 2, 6)
    check_still(moved_strips(before, 1, 2, 3), before, CONFIG)
    recognized = things(6, 3, 6)
    with pytest.raises(CameraMovedError, match="received 3 in view"):
        check_still(moved_strips(recognized, 1, 2, 3), recognized, CONFIG)


def test_something_out_of_reach_has_to_stay_however_few_things_there_are() -> None:
    before = things(6, 6, outside=(2,))
    check_still(moved_strips(before, 1), before, CONFIG)
    with pytest.raises(CameraMovedError, match=r"only 1 have stayed within 1\.5 px, none of them outside of the work"):
        check_still(moved_strips(before, 2), before, CONFIG)
    unknown = things(6, 2, outside=(2,))
    check_still(moved_strips(unknown, 2), unknown, CONFIG)


def test_of_two_things_out_of_reach_one_has_to_stay() -> None:
    before = things(6, 6, 6, outside=(1, 3))
    check_still(moved_strips(before, 1, 2), before, CONFIG)
    with pytest.raises(CameraMovedError, match="only 1 have stayed"):
        check_still(moved_strips(before, 1, 3), before, CONFIG)


@pytest.mark.parametrize(("left", "judged"), [(8, False), (9, True)])
def test_nothing_is_said_when_less_than_half_of_the_corners_are_left(left: int, judged: bool) -> None:
    before = things(6, 6, 6)
    now = replace(moved_strips(before, 1, 2, 3), corners=before.corners[:left])
    refused = pytest.raises(CameraMovedError) if judged else nullcontext()
    with refused:
        check_still(now, before, CONFIG)


def test_half_the_light_is_no_move() -> None:
    before = things(6, 6, 6)
    half = replace(before, gray=(before.gray // 2).astype(np.uint8))
    check_still(half, before, CONFIG)
    check_still(before, replace(before, gray=half.gray), CONFIG)
    dark = replace(before, gray=np.zeros_like(before.gray))
    with pytest.raises(CameraMovedError):
        check_still(dark, before, CONFIG)


def spots(*places: tuple[int, int], size: int = 6, contrast: int = 100) -> NDArray[np.uint8]:
    """Squares (60, 80, 3), their first (row, column) given, brighter than a gray ground."""
    gray = np.full((60, 80), 100, np.uint8)
    for row, column in places:
        gray[row : row + size, column : column + size] += np.uint8(contrast)
    return gray[..., None].repeat(3, axis=2)


def test_corners_are_told_as_column_and_row_and_belong_to_the_thing_they_lie_on() -> None:
    mask = np.zeros((60, 80), np.bool_)
    mask[10:16, 50:56] = mask[40:46, 20:26] = True
    on_workspace = np.indices((60, 80))[0] < 30
    samples = samples_of(flat(60, 80), spots((10, 50), (40, 20), (40, 60)), on_workspace=on_workspace)
    found = landmarks_of(samples, mask)
    np.testing.assert_array_equal(found.gray, samples.color[..., 0])
    assert found.corners.dtype == np.float32
    for column, row, thing in zip(*found.corners.T, found.thing, strict=True):
        expected = 0 if column > 57 else (1 if row < 30 else 2)
        assert thing == expected
    assert np.bincount(found.thing).tolist() == [4, 4, 4]
    np.testing.assert_array_equal(found.outside, [False, False, True])


def test_a_thing_reaches_two_samples_beyond_its_edge() -> None:
    samples = samples_of(flat(60, 80), spots((20, 40)))
    corners = landmarks_of(samples, np.zeros((60, 80), np.bool_)).corners
    right = corners[:, 0] > 43
    column = int(corners[right, 0].max())
    assert np.count_nonzero(right) == 2
    for gap, thing in ((2, 1), (3, 0)):
        mask = np.zeros((60, 80), np.bool_)
        mask[15:31, column + gap : 60] = True
        found = landmarks_of(samples, mask)
        assert (found.thing[right] == thing).all()
        assert (found.thing[~right] == 0).all()


def test_things_that_touch_at_a_corner_are_one() -> None:
    mask = np.zeros((60, 80), np.bool_)
    mask[10:20, 10:20] = mask[24:30, 24:30] = True  # they grow by two: up to 21 and from 22 on
    samples = samples_of(flat(60, 80))
    assert len(landmarks_of(samples, mask).outside) == 2
    mask[24], mask[:, 24] = False, False
    assert len(landmarks_of(samples, mask).outside) == 3


def test_a_view_without_corners_has_none() -> None:
    found = landmarks_of(samples_of(flat(60, 80)), np.zeros((60, 80), np.bool_))
    assert found.corners.shape == (0, 2)
    assert found.corners.dtype == np.float32
    assert len(found.thing) == 0
    np.testing.assert_array_equal(found.outside, [False])


def test_the_300_best_corners_are_followed_at_least_four_samples_apart() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 1)).astype(np.uint8).repeat(3, axis=2)
    corners = landmarks_of(samples_of(flat(120, 160), noise), np.zeros((120, 160), np.bool_)).corners
    assert len(corners) == 300
    apart = np.linalg.norm(corners[:, None] - corners[None], axis=2)[~np.eye(300, dtype=np.bool_)]
    assert 4.0 <= apart.min() < 5.0


@pytest.mark.parametrize(("contrast", "found"), [(10, False), (20, True)])
def test_a_corner_counts_from_a_fiftieth_of_the_strongest_on(contrast: int, found: bool) -> None:
    """Strength grows with the square of the contrast: a hundredth and a twenty-fifth of it."""
    color = spots((10, 10))
    color[40:46, 40:46] += np.uint8(contrast)
    corners = landmarks_of(samples_of(flat(60, 80), color), np.zeros((60, 80), np.bool_)).corners
    assert (corners[:, 0] > 30).any() == found
    assert (corners[:, 0] < 30).sum() == 4


def test_a_thing_of_which_a_single_sample_lies_on_the_workspace_is_within_reach() -> None:
    mask, on_workspace = np.zeros((60, 80), np.bool_), np.zeros((60, 80), np.bool_)
    mask[20:26, 40:46] = True
    on_workspace[21, 42] = True
    assert not landmarks_of(samples_of(flat(60, 80), on_workspace=on_workspace), mask).outside[1]


def beside_a_bin(corners: int = 8) -> Landmarks:
    """Something out of reach with so many corners in two rows of the first strip, and five things within reach."""
    reachable = things(1, 5, 5, 5, 5, 5)
    places = np.array([(60 + 15 * (number % 4), 5 + 10 * (number // 4)) for number in range(corners)], np.float32)
    return replace(
        reachable,
        corners=np.concatenate([places, reachable.corners[1:]]),
        thing=np.concatenate([np.full(corners, 1), reachable.thing[1:]]),
        outside=np.arange(7) == 1,
    )


def turned(gray: NDArray[np.uint8], radians: float) -> NDArray[np.uint8]:
    """The pattern turned about the middle of what is out of reach, column 82.5 and row 10."""
    c, s = np.cos(radians), np.sin(radians)
    turn = np.array([[c, -s, 82.5 - c * 82.5 + s * 10.0], [s, c, 10.0 - s * 82.5 - c * 10.0]])
    return cv2.warpAffine(gray, turn, (160, 120), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize(("corners", "held"), [(7, False), (8, True)])
def test_eight_corners_out_of_reach_tell_that_only_things_were_moved(corners: int, held: bool) -> None:
    before = beside_a_bin(corners)
    refused = nullcontext() if held else pytest.raises(CameraMovedError, match="6 in view of which only 1 have stayed")
    with refused:
        check_still(moved_strips(before, 2, 3, 4, 5, 6), before, CONFIG)


@pytest.mark.parametrize(("radians", "held"), [(0.002, True), (-0.002, True), (0.012, False), (-0.012, False)])
def test_a_turn_about_what_is_out_of_reach_shows_in_its_corners(radians: float, held: bool) -> None:
    """The farthest corner in view is 118 samples off its middle: 0.002 rad are 0.5 pixels there and 0.012 rad 2.8."""
    before = beside_a_bin()
    assert np.linalg.norm(before.corners - [82.5, 10.0], axis=1).max() == pytest.approx(118.0, abs=1.0)
    now = replace(before, gray=turned(strips(2, 3, 4, 5, 6), radians))
    refused = nullcontext() if held else pytest.raises(CameraMovedError, match="6 in view of which only 1 have stayed")
    with refused:
        check_still(now, before, CONFIG)


def test_a_thing_within_reach_that_stays_does_not_tell_that_the_camera_did() -> None:
    before = things(7, 5, 5, 5, 5, 5)
    more = np.array([[25.0, 15.0], [45.0, 15.0], [65.0, 15.0]], np.float32)
    before = replace(
        before,
        corners=np.concatenate([more, before.corners]),
        thing=np.concatenate([np.ones(3, np.intp), before.thing]),
    )
    with pytest.raises(CameraMovedError, match="6 in view of which only 1 have stayed"):
        check_still(moved_strips(before, 2, 3, 4, 5, 6), before, CONFIG)
