"""Hands, arms and tools are refused whatever their color; heaps of objects are not."""

from contextlib import nullcontext
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from drawn_samples import flat, samples_of
from drawn_views import COLORS, intruder, paint
from numpy.typing import NDArray
from traced_frames import Box
from traced_scenes import overhead

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import ViewBlockedError
from impurity_grasp_ros.perception.intrusion import IntrusionConfig, check_growth, check_intrusion, rising, volume
from impurity_grasp_ros.perception.samples import Site, over_bin, sample
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").intrusion
BROWN = (140, 107, 77)
BLOCKS = [
    Box((0.40 + 0.07 * i, 0.44 + 0.07 * i), (-0.1 + 0.07 * j, -0.05 + 0.07 * j), 0.035 + 0.004 * (i + j), BROWN)
    for i in (0, 1, 2)
    for j in (0, 1, 2)
]


def check(frame: RgbdFrame, cell: CellConfig) -> None:
    site = Site.of(cell)
    samples = sample(frame, site.grid, 0.16)
    objects = rising(samples, samples.z, over_bin(samples, samples.z, site.drop_bin), CONFIG)
    check_intrusion(samples, samples.z, objects, site.transit_height, CONFIG)


def blocks(*more: Box) -> RgbdFrame:
    return overhead([*BLOCKS, *more])


@pytest.mark.parametrize(
    "name",
    ["flat hand", "hand over the objects", "fist", "pointing finger", "pinching hand", "arm at 35 cm", "arm at 15 cm"],
)
@pytest.mark.parametrize("color", COLORS)
def test_hands_and_arms_of_any_color_block_the_view(cell: CellConfig, name: str, color: str) -> None:
    rng = np.random.default_rng(len(name) * 100 + len(color))
    for _ in range(3):
        with pytest.raises(ViewBlockedError, match=r"received .* at x = .*, y = "):
            check(paint(blocks(), intruder(name, rng), COLORS[color]), cell)


def test_an_arm_above_all_that_is_projected_blocks_the_view_with_its_height(cell: CellConfig) -> None:
    arm = intruder("arm at 35 cm", np.random.default_rng(0))
    with pytest.raises(ViewBlockedError, match=r"nothing above 0.2 m, received something up to 0\.3[89] m"):
        check(paint(blocks(), arm, (90, 90, 90)), cell)


def test_a_hand_s_breadth_of_things_that_are_no_objects_blocks_the_view(cell: CellConfig) -> None:
    pole = Box((0.42, 0.43), (-0.21, 0.21), 0.05, BROWN)
    with pytest.raises(ViewBlockedError, match=r"no surface longer than 0.2 m, received one of 0.4\d by 0.01 m"):
        check(overhead([pole]), cell)
    case = Box((0.42, 0.54), (-0.05, 0.05), 0.08, BROWN)
    with pytest.raises(ViewBlockedError, match=r"at most 100 cm2 above 0.06 m in one piece, received (11|12)\d cm2"):
        check(overhead([case]), cell)


def test_heaps_towers_and_objects_at_the_border_do_not_block_the_view(cell: CellConfig) -> None:
    tower = Box((0.60, 0.64), (0.15, 0.19), 0.14, BROWN)
    pushed_out = Box((0.735, 0.775), (-0.02, 0.03), 0.04, BROWN)
    at_the_edge = Box((0.765, 0.80), (0.05, 0.09), 0.04, BROWN)
    heap = Box((0.48, 0.54), (-0.03, 0.03), 0.075, BROWN)
    check(blocks(tower, pushed_out, at_the_edge, heap), cell)


def test_the_drop_bin_and_its_load_do_not_block_the_view(cell: CellConfig) -> None:
    check(blocks(Box((0.24, 0.48), (-0.54, -0.34), 0.06, BROWN), Box((0.3, 0.34), (-0.4, -0.345), 0.1, BROWN)), cell)


def test_objects_that_become_more_are_something_that_came_into_view() -> None:
    check_growth(900e-6, 800e-6, CONFIG)
    check_growth(100e-6, 800e-6, CONFIG)
    with pytest.raises(ViewBlockedError, match="800 cm3, received 1000 cm3: something has come into view"):
        check_growth(1000e-6, 800e-6, CONFIG)


def things(*parts: tuple[slice, slice, float]) -> NDArray[np.float32]:
    """Heights of samples (120, 160), 300 by 400 mm, with things of some height in some rows and columns."""
    height = flat(120, 160)
    for rows, columns, top in parts:
        height[rows, columns] = top
    return height


def judge(height: NDArray[np.float32], color: NDArray[np.uint8] | None = None, border: int = 0) -> None:
    """Check a view of which all but ``border`` samples around it are judged."""
    judged = np.zeros(height.shape, np.bool_)
    judged[border : height.shape[0] - border, border : height.shape[1] - border] = True
    samples = samples_of(height, color, judged=judged)
    check_intrusion(samples, height, judged & (height > 0.008), 0.20, CONFIG)


def test_the_shipped_limits() -> None:
    expected = IntrusionConfig(
        min_height=0.008,
        border_length=0.08,
        border_height=0.07,
        border_step=0.006,
        tall_height=0.06,
        max_tall_area=0.01,
        max_length=0.20,
        surface_step=0.004,
        surface_contrast=14,
        max_growth=0.00015,
    )
    assert expected == CONFIG


def test_what_is_read_within_sight_higher_than_eight_millimeters_and_not_over_the_bin_rises() -> None:
    cases = np.array(list(product([False, True], repeat=4)))
    judged, read, high, over = cases.T[:, None]
    samples = samples_of(flat(1, 16), judged=judged, read=read)
    height = np.where(high, 0.0081, 0.0079).astype(np.float32)
    np.testing.assert_array_equal(rising(samples, height, over, CONFIG), judged & read & high & ~over)


@pytest.mark.parametrize(
    ("rows", "columns", "top", "good"),
    [
        (4, 5, 0.21, False),  # 1.25 cm2
        (3, 5, 0.21, True),  # 0.94 cm2
        (4, 5, 0.19, True),
        (2, 20, 0.21, True),  # nowhere three samples wide
        (20, 2, 0.21, True),
    ],
)
def test_a_square_centimeter_above_the_arm_s_path_is_something(rows: int, columns: int, top: float, good: bool) -> None:
    height = things((np.s_[50 : 50 + rows], np.s_[70 : 70 + columns], top))
    refused = (
        nullcontext() if good else pytest.raises(ViewBlockedError, match=r"nothing above 0\.2 m, .* up to 0\.21 m")
    )
    with refused:
        judge(height)


def test_what_is_too_high_is_told_with_its_place() -> None:
    with pytest.raises(ViewBlockedError, match=r"up to 0\.30 m at x = 0\.13, y = 0\.18 m"):
        judge(things((np.s_[50:57], np.s_[70:77], 0.25), (np.s_[53], np.s_[72:75], 0.30)))


@pytest.mark.parametrize(
    ("rows", "columns", "top", "good"),
    [
        (39, 40, 0.065, True),  # 97.5 cm2
        (40, 41, 0.065, False),  # 102.5 cm2
        (40, 41, 0.061, False),
        (40, 41, 0.059, True),
    ],
)
def test_a_hundred_square_centimeters_may_rise_above_six_centimeters(
    rows: int, columns: int, top: float, good: bool
) -> None:
    height = things((np.s_[40 : 40 + rows], np.s_[60 : 60 + columns], top))
    refused = (
        nullcontext() if good else pytest.raises(ViewBlockedError, match=r"at most 100 cm2 above 0\.06 m .* 102 cm2")
    )
    with refused:
        judge(height)


def test_two_tall_things_count_apart_unless_they_touch() -> None:
    one = (np.s_[20:50], np.s_[40:70], 0.065)
    judge(things(one, (np.s_[51:81], np.s_[40:70], 0.065)))
    judge(things(one, (np.s_[51:81], np.s_[71:101], 0.065)))
    with pytest.raises(ViewBlockedError, match="received 112 cm2 at"):
        judge(things(one, (np.s_[50:80], np.s_[40:70], 0.065)))
    with pytest.raises(ViewBlockedError, match="received 112 cm2 at"):
        judge(things(one, (np.s_[50:80], np.s_[70:100], 0.065)))


@pytest.mark.parametrize("border", [0, 12])
@pytest.mark.parametrize(
    ("length", "top", "good"),
    [
        (30, 0.04, True),  # 72.5 mm
        (38, 0.04, False),  # 92.5 mm
        (12, 0.069, True),
        (12, 0.071, False),
    ],
)
def test_what_reaches_into_the_view_is_no_longer_than_8_cm_and_no_higher_than_7(
    length: int, top: float, good: bool, border: int
) -> None:
    """From all four sides of what is judged; a surface of the same size that does not leave the view is good."""
    first, far = border + length, 160 - border - length
    sides = [
        (np.s_[:first], np.s_[70:82]),
        (np.s_[120 - border - length :], np.s_[70:82]),
        (np.s_[50:62], np.s_[:first]),
        (np.s_[50:62], np.s_[far:]),
    ]
    for rows, columns in sides:
        refused = (
            nullcontext() if good else pytest.raises(ViewBlockedError, match="to reach into the view from outside")
        )
        with refused:
            judge(things((rows, columns, top)), border=border)
    judge(things((np.s_[border + 3 : border + 3 + length], np.s_[70:82], top)), border=border)


def test_what_reaches_into_the_view_is_told_with_its_size_and_place() -> None:
    with pytest.raises(
        ViewBlockedError, match=r"received something 0\.10 m long and 0\.05 m high at x = 0\.05, y = 0\.19"
    ):
        judge(things((np.s_[:40], np.s_[70:82], 0.04), (np.s_[10:14], np.s_[74:78], 0.045)))


@pytest.mark.parametrize(("step", "good"), [(0.005, False), (0.0065, True)])
def test_a_step_of_six_millimeters_ends_a_surface_that_leaves_the_view(step: float, good: bool) -> None:
    """Both parts are 50 mm long."""
    height = things((np.s_[:22], np.s_[70:82], 0.04), (np.s_[22:44], np.s_[70:82], 0.04 - step))
    refused = nullcontext() if good else pytest.raises(ViewBlockedError, match="to reach into the view from outside")
    with refused:
        judge(height)


def test_of_several_surfaces_only_those_that_leave_the_view_count() -> None:
    edge, inner = (np.s_[:16], np.s_[70:82], 0.04), (np.s_[60:110], np.s_[20:32], 0.05)
    judge(things(edge, inner))
    with pytest.raises(ViewBlockedError, match="to reach into the view from outside"):
        judge(things(edge, (np.s_[70:], np.s_[20:32], 0.05)))


@pytest.mark.parametrize(("samples", "good"), [(78, True), (86, False)])
def test_a_surface_is_at_most_20_cm_long(samples: int, good: bool) -> None:
    for rows, columns in ((np.s_[50:62], np.s_[20 : 20 + samples]), (np.s_[20 : 20 + samples], np.s_[50:62])):
        refused = (
            nullcontext() if good else pytest.raises(ViewBlockedError, match=r"no surface longer than 0\.2 m, rec")
        )
        with refused:
            judge(things((rows, columns, 0.04)))


def test_a_surface_is_told_with_its_size_and_place() -> None:
    with pytest.raises(ViewBlockedError, match=r"received one of 0\.25 by 0\.05 m at x = 0\.15, y = 0\.20 m"):
        judge(things((np.s_[50:72], np.s_[30:132], 0.04)))


def test_a_surface_may_lie_across() -> None:
    height = flat(160, 160)
    rows, columns = np.indices(height.shape)
    across = (np.abs(rows - columns) < 8) & (rows + columns > 100)
    height[across & (rows + columns < 250)] = 0.04  # 150 samples along both axes together: 265 mm
    with pytest.raises(ViewBlockedError, match=r"received one of 0\.2[5-7] by 0\.0[2-3] m"):
        judge(height)
    judge(np.where(rows + columns < 200, height, np.float32(0.0)))


@pytest.mark.parametrize(("step", "good"), [(0.003, False), (0.005, True)])
def test_a_step_of_four_millimeters_ends_a_surface(step: float, good: bool) -> None:
    height = things((np.s_[50:62], np.s_[20:70], 0.04), (np.s_[50:62], np.s_[70:120], 0.04 + step))
    refused = nullcontext() if good else pytest.raises(ViewBlockedError, match="no surface longer")
    with refused:
        judge(height)


@pytest.mark.parametrize(("contrast", "good"), [(13, False), (14, True)])
def test_an_edge_of_fourteen_gray_levels_ends_a_surface(contrast: int, good: bool) -> None:
    color = np.full((120, 160, 3), 100, np.uint8)
    color[:, 70:] += np.uint8(contrast)
    refused = nullcontext() if good else pytest.raises(ViewBlockedError, match="no surface longer")
    with refused:
        judge(things((np.s_[50:62], np.s_[20:120], 0.04)), color)


def test_gray_levels_are_those_of_red_green_and_blue() -> None:
    """By the usual weights 40 of red are 12 gray levels, and 40 of green are 23."""
    for channel, good in ((0, False), (1, True), (2, False)):
        color = np.full((120, 160, 3), 100, np.uint8)
        color[:, 70:, channel] += np.uint8(40)
        refused = nullcontext() if good else pytest.raises(ViewBlockedError, match="no surface longer")
        with refused:
            judge(things((np.s_[50:62], np.s_[20:120], 0.04)), color)
    color = np.full((120, 160, 3), 100, np.uint8)
    color[:, 70:, 2] += np.uint8(90)  # 10 of blue, but 27 if it were taken for red
    with pytest.raises(ViewBlockedError, match="no surface longer"):
        judge(things((np.s_[50:62], np.s_[20:120], 0.04)), color)


def test_the_volume_is_that_of_what_rises_over_the_workspace() -> None:
    on_workspace = np.indices((120, 160))[1] < 80
    height = things(
        (np.s_[10:20], np.s_[70:90], 0.04), (np.s_[40:50], np.s_[10:20], 0.02), (np.s_[:], np.s_[0:1], 0.005)
    )
    samples = samples_of(height, on_workspace=on_workspace)
    cubic_centimeters = (100 * 0.04 + 100 * 0.02) * 0.0025**2  # half of the first thing lies on the workspace
    assert volume(samples, height, height > 0.008) == pytest.approx(cubic_centimeters)
    assert volume(samples, height, np.zeros(height.shape, np.bool_)) == 0.0


@pytest.mark.parametrize(("growth", "good"), [(149e-6, True), (151e-6, False)])
def test_objects_may_grow_by_150_cubic_centimeters(growth: float, good: bool) -> None:
    refused = nullcontext() if good else pytest.raises(ViewBlockedError, match="than before, 500 cm3, received 651 cm3")
    with refused:
        check_growth(500e-6 + growth, 500e-6, CONFIG)


def test_what_is_just_at_a_limit_is_within_it() -> None:
    samples = samples_of(flat(1, 1))
    no_bin = np.zeros((1, 1), np.bool_)
    assert not rising(samples, np.full((1, 1), 0.008, np.float32), no_bin, CONFIG).any()
    judge(things((np.s_[40:60], np.s_[60:80], 0.20)))  # 25 cm2 at the height of the arm's path
    judge(things((np.s_[40:80], np.s_[60:100], 0.06)))  # 100 cm2, not above 6 cm
    check_growth(0.00015, 0.0, CONFIG)
    with pytest.raises(ViewBlockedError):
        judge(things((np.s_[40:80], np.s_[60:101], 0.0601)))


def test_a_step_just_as_high_as_asked_for_ends_a_surface() -> None:
    """Of 1/128 m, which is a round number for the computer, too."""
    low, step = 1 / 32, 1 / 128
    edge = things((np.s_[:22], np.s_[70:82], low), (np.s_[22:44], np.s_[70:82], low + step))
    inner = things((np.s_[50:62], np.s_[20:70], low), (np.s_[50:62], np.s_[70:120], low + step))
    for height, config in (
        (edge, replace(CONFIG, border_step=step, border_height=0.05)),
        (inner, replace(CONFIG, surface_step=step)),
    ):
        samples = samples_of(height)
        check_intrusion(samples, height, height > 0.008, 0.20, config)
        higher = replace(config, border_step=1.01 * step, surface_step=1.01 * step)
        with pytest.raises(ViewBlockedError):
            check_intrusion(samples, height, height > 0.008, 0.20, higher)


def test_a_surface_just_as_high_as_asked_for_may_leave_the_view() -> None:
    height = things((np.s_[:12], np.s_[70:82], 1 / 16))
    check_intrusion(samples_of(height), height, height > 0.008, 0.20, replace(CONFIG, border_height=1 / 16))


def test_every_surface_that_leaves_the_view_is_looked_at() -> None:
    inner, last = (np.s_[30:45], np.s_[20:32], 0.04), (np.s_[70:], np.s_[20:32], 0.05)
    with pytest.raises(ViewBlockedError, match="to reach into the view from outside"):
        judge(things((np.s_[:16], np.s_[70:82], 0.04), inner, last))
