"""Hands, arms and tools are refused whatever their color; heaps of objects are not."""

import numpy as np
import pytest
from drawn_views import COLORS, intruder, paint
from traced_frames import Box, camera_pose, trace

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import ViewBlockedError
from impurity_grasp_ros.perception.intrusion import check_growth, check_intrusion, rising
from impurity_grasp_ros.perception.samples import Site, over_bin, sample
from impurity_grasp_ros.perception.view import ViewConfig

CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view").intrusion
OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)
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
    return trace([*BLOCKS, *more], OVERHEAD)


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
        check(trace([pole], OVERHEAD), cell)
    case = Box((0.42, 0.52), (-0.05, 0.05), 0.08, BROWN)
    with pytest.raises(ViewBlockedError, match=r"at most 60 cm2 above 0.06 m in one piece, received (9\d|10\d) cm2"):
        check(trace([case], OVERHEAD), cell)


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
