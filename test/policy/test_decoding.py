"""Decoding of grasps: which one a pixel of a view stands for, and whether it is feasible.

Views here have cells of 2 mm. The worked examples are about a target 16 rows by 24 columns large (32 x 48 mm) and 40 mm
high. It is grasped along its columns: over 48 mm the tips of the closed fingers end 2.957 mm above the tool.
"""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn_crops import BLOCK, CELL, CROP, TARGET, WORKSPACE, cell, crop_with, lone_block, mask_of, view_with
from grippers import GRIPPER
from shipped_policy import COSTS, DECODING, NO_COSTS, ranges

from impurity_grasp_ros.datatypes import Primitive, PrimitiveKind
from impurity_grasp_ros.policy.agent import Action, best_action, situation_of
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import (
    Decoded,
    DecodingConfig,
    decode_grasps,
    decode_open_grasps,
    grasp_height,
)
from impurity_grasp_ros.policy.observation import all_views, encode, view_of

RISE = 0.002957
"""Meters that finger tips 48 mm apart end above the tool."""


def grasps_beside(*boxes: tuple[slice, slice, float], top: float = 0.04) -> Decoded:
    """Grasps of a target of the given height among boxes that are not the target's."""
    mask = view_with((*TARGET, 1.0)) > 0
    return decode_grasps(view_with(*boxes, (*TARGET, top)), mask, CELL, GRIPPER, DECODING)


def test_the_shipped_weights_come_with_this_geometry() -> None:
    assert asdict(DECODING) == {
        "grasp_depth": 0.03,
        "min_engagement": 0.01,
        "finger_slack": 0.004,
        "clearance": 0.002,
        "floor": 0.002,
        "push_height": 0.01,
        "surface_clearance": 0.006,
        "start_border": 0.02,
        "end_border": 0.055,
        "graspable": "target",
    }


def test_the_learned_actor_has_costs_and_the_target_agnostic_ones_have_none() -> None:
    assert asdict(COSTS) == {"misfit_cost": 250.0, "push_cost": 1.3, "failure_cost": 0.3}
    assert not any(asdict(NO_COSTS).values())


def test_every_length_and_cost_has_its_range() -> None:
    assert ranges(DecodingConfig) == {
        "grasp_depth": (0.01, 0.05),
        "min_engagement": (0.0, 0.03),
        "finger_slack": (0.002, 0.02),
        "clearance": (0.0, 0.02),
        "floor": (0.001, 0.02),
        "push_height": (0.005, 0.03),
        "surface_clearance": (0.0, 0.03),
        "start_border": (0.0, 0.1),
        "end_border": (0.0, 0.15),
        "graspable": ("target", "anything"),
    }
    assert ranges(CostConfig) == {
        "misfit_cost": (0.0, 2000.0),
        "push_cost": (0.0, 2.0),
        "failure_cost": (0.0, 2.0),
    }


def test_grasps_lie_on_the_target_and_open_wider_than_it() -> None:
    situation, mask = lone_block(), mask_of(*BLOCK).astype(np.uint8)
    for rotation in range(16):
        option, view = situation.options[PrimitiveKind.GRASP][rotation], view_of(rotation)
        rows, columns = np.nonzero(option.feasible)
        assert len(rows) or rotation % 8 in (1, 7)
        for row, column in zip(rows[::37], columns[::37], strict=True):
            cell_row, cell_column = view.to_cell(float(row), float(column))
            assert 47 <= cell_row <= 64
            assert 43 <= cell_column <= 68
        assert (option.opening[option.feasible] <= 0.085).all()
        target = view.render(mask)[rows] > 0
        reach = np.where(target, np.abs(np.arange(160) - columns[:, None]), 0).max(axis=1, initial=0)
        assert (option.opening[rows, columns] > (2 * reach + 1) * CELL + 0.0079).all()


@pytest.mark.parametrize(
    ("column", "opening"), [(79, 0.058), (80, 0.058), (75, 0.074), (84, 0.074), (73, 0.082), (86, 0.082)]
)
def test_the_fingers_open_to_the_farther_side_and_4_mm_more_on_either(column: int, opening: float) -> None:
    grasps = grasps_beside()  # of column 79: columns 68 to 91 lie within 12.5 cells, 25 mm and 4 mm
    assert grasps.feasible[79, column]
    assert grasps.opening[79, column] == pytest.approx(opening, abs=1e-6)


def test_a_grasp_is_centered_on_the_target_where_its_opening_is_within_the_stroke_of_85_mm() -> None:
    grasps = grasps_beside()  # 18.5 cells and 4 mm on either side are 82 mm, 19.5 cells are 86 mm
    expected = view_with((slice(72, 88), slice(73, 87), 1.0)) > 0
    np.testing.assert_array_equal(grasps.feasible, expected)
    assert grasps.opening.max() == np.float32(0.085), "cut to the stroke where it is too wide"


def test_an_opening_of_exactly_the_stroke_is_possible() -> None:
    wide = replace(DECODING, finger_slack=0.0025)
    mask = view_with((slice(72, 88), slice(60, 100), 1.0)) > 0  # 40 columns: 20.5 cells and 2.5 mm on either side
    height = view_with((slice(72, 88), slice(60, 100), 0.06))
    grasps = decode_grasps(height, mask, CELL, GRIPPER, replace(wide, finger_slack=0.0015))
    assert grasps.feasible[79, 79:81].all()
    assert grasps.opening[79, 79] == pytest.approx(0.085, abs=1e-6)
    assert not decode_grasps(height, mask, CELL, GRIPPER, wide).feasible.any()


def test_the_tips_reach_30_mm_below_the_top_or_down_to_2_mm_above_the_table() -> None:
    high, low = grasps_beside(), grasps_beside(top=0.03)
    assert high.z[79, 79] == pytest.approx(0.04 - 0.03 - RISE, abs=1e-6)
    assert low.z[79, 79] == pytest.approx(0.002, abs=1e-6)


def test_the_tips_must_reach_10_mm_below_the_top() -> None:
    lowest = 0.002 + RISE + 0.010
    assert not grasps_beside(top=lowest - 0.0002).feasible.any()
    assert grasps_beside(top=lowest + 0.0002).feasible[79, 79]


def test_a_few_high_cells_do_not_lift_a_grasp() -> None:
    mask = view_with((*TARGET, 1.0)) > 0
    height = view_with((*TARGET, 0.04))
    height[72, 68:92] = 0.05  # a sixteenth of the target
    assert decode_grasps(height, mask, CELL, GRIPPER, DECODING).z[79, 79] == pytest.approx(0.01 - RISE, abs=1e-6)
    height[73, 68:92] = 0.05  # an eighth of it
    assert decode_grasps(height, mask, CELL, GRIPPER, DECODING).z[79, 79] == pytest.approx(0.02 - RISE, abs=1e-6)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(("away", "row", "lifts"), [(15, 0, 1), (21, 0, 1), (23, 0, 0), (18, 6, 1), (18, 7, 0)])
def test_the_tips_stay_2_mm_above_what_they_come_down_over(side: int, away: int, row: int, lifts: int) -> None:
    """The opened pads are 29 mm from the middle and 12 mm thick, 22 mm wide, and keep 2 mm around."""
    for across in (row, -row):
        column = 79 + side * away if side > 0 else 80 + side * away
        grasps = grasps_beside(cell(79 + across, column, 0.02))
        middle = 79 if side > 0 else 80
        assert grasps.z[79, middle] == pytest.approx((0.022 if lifts else 0.010) - RISE, abs=1e-6)


def test_a_grasp_is_lost_where_a_neighbor_keeps_the_tips_too_high() -> None:
    beside = slice(72, 88), slice(96, 106)  # 14.5 to 24.5 cells right of column 80
    assert grasps_beside((*beside, 0.0275)).feasible[79, 80], "the tips reach 29.5 mm, 10.5 mm below the top"
    assert not grasps_beside((*beside, 0.0285)).feasible[79, 80]


@pytest.mark.parametrize(
    ("row", "column", "lifts"),
    [
        *((19, 0, True), (-19, 0, True), (20, 0, False), (-20, 0, False)),
        *((12, 30, True), (12, -30, True), (12, 31, False), (-12, -31, False), (19, 30, True), (-19, -30, True)),
    ],
)
def test_the_palm_of_120_by_75_mm_stays_above_what_is_under_it(row: int, column: int, lifts: bool) -> None:
    """It never reaches lower than 60 mm above the tool: a tower of 80 mm lifts the tool to 20 mm."""
    grasps = grasps_beside(cell(79 + row, 79 + column, 0.08))
    assert grasps.z[79, 79] == pytest.approx(0.02 if lifts else 0.01 - RISE, abs=1e-6)


def test_a_tower_under_the_palm_forbids_a_grasp_that_could_no_longer_engage() -> None:
    assert grasps_beside(cell(95, 79, 0.0865)).feasible[79, 79], "the tips end at 26.5 mm and 2.96 mm, of 40 mm"
    assert not grasps_beside(cell(95, 79, 0.0875)).feasible[79, 79]


def test_a_target_no_higher_than_6_mm_is_not_grasped_there() -> None:
    mask = view_with((*TARGET, 1.0)) > 0
    height = view_with((*TARGET, 0.04))
    height[78, 75:82], height[79, 75:82] = 0.0065, 0.006  # a slot in its upper side
    feasible = decode_grasps(height, mask, CELL, GRIPPER, DECODING).feasible
    assert feasible[78, 75:82].all()
    assert not feasible[79, 75:82].any()
    assert feasible[80, 75:82].all()


def test_both_rims_must_be_high_enough_to_be_held() -> None:
    mask = view_with((*TARGET, 1.0)) > 0
    for rim in (slice(68, 72), slice(88, 92)):
        height = view_with((*TARGET, 0.04), (TARGET[0], rim, 0.019))
        assert not decode_grasps(height, mask, CELL, GRIPPER, DECODING).feasible.any(), (
            "the tips reach 10 mm, 9 below the rim"
        )
        height[TARGET[0], rim] = 0.021
        assert decode_grasps(height, mask, CELL, GRIPPER, DECODING).feasible[79, 79]


@pytest.mark.parametrize(
    ("row", "column", "misfit"),
    [
        (79, 79, 0.1 * 0.001),  # half a cell off the middle
        (79, 75, 0.1 * 0.009),
        (79, 84, 0.1 * 0.009),
        (85, 79, 0.1 * 0.001),  # rows 80 to 87 of 80 to 90 touch: 1.5 rows, 3 mm off the middle of the pad
        (86, 79, 0.1 * 0.001),  # 2 rows, 4 mm
        (87, 79, 0.1 * 0.001 + 0.005 - 0.0044),  # 2.5 rows, 5 mm; within 4.4 mm the pad holds firmly
        (72, 79, 0.1 * 0.001 + 0.005 - 0.0044),
        (89, 79, 0.1 * 0.001 + 0.007 - 0.0044),
    ],
)
def test_the_misfit_of_a_grasp_is_in_meters(row: int, column: int, misfit: float) -> None:
    assert grasps_beside().misfit[row, column] == pytest.approx(misfit, abs=4e-8)


def test_an_outline_that_recedes_along_the_pads_adds_a_little_to_the_misfit() -> None:
    mask = view_with((*TARGET, 1.0)) > 0
    mask[80:, 68:72] = False  # on the lower rows the left side lies 4 cells farther in
    height = np.where(mask, np.float32(0.04), np.float32(0.0))
    grasps = decode_grasps(height, mask, CELL, GRIPPER, DECODING)
    beyond = 0.005 - 0.0044  # the left pad touches rows 74 to 79: 2.5 rows off
    assert grasps.misfit[79, 79] == pytest.approx(beyond + 0.1 * 0.001 + 0.02 * 0.008, abs=4e-8)
    mirrored = decode_grasps(height[:, ::-1].copy(), mask[:, ::-1].copy(), CELL, GRIPPER, DECODING)
    assert mirrored.misfit[79, 80] == pytest.approx(grasps.misfit[79, 79], abs=4e-9)
    np.testing.assert_array_equal(mirrored.feasible, grasps.feasible[:, ::-1])


def test_without_a_target_there_is_no_grasp_and_no_misfit() -> None:
    grasps = decode_grasps(view_with((*TARGET, 0.04)), np.zeros((160, 160), np.bool_), CELL, GRIPPER, DECODING)
    for values in (grasps.feasible, grasps.z, grasps.opening, grasps.misfit):
        assert values.shape == (160, 160)
        assert not values.any()
    assert grasps.feasible.dtype == np.bool_


def test_there_is_a_value_for_every_pixel() -> None:
    nothing = decode_grasps(view_with(), view_with() > 0, CELL, GRIPPER, DECODING)
    open_grasps = decode_open_grasps(view_with(), CELL, GRIPPER, DECODING)
    for decoded in (nothing, grasps_beside(), open_grasps):
        for values, dtype in ((decoded.z, np.float32), (decoded.opening, np.float32), (decoded.misfit, np.float64)):
            assert values.dtype == dtype
            assert values.shape == (160, 160)
        assert decoded.feasible.dtype == np.bool_
        assert decoded.feasible.shape == (160, 160)


def test_the_top_is_the_height_that_a_tenth_of_the_target_exceeds() -> None:
    mask = view_with((slice(72, 77), slice(70, 90), 1.0), cell(77, 70, 1.0)) > 0
    height = view_with()
    height[mask] = np.linspace(0.04, 0.05, 101)  # each a tenth of a millimeter above the last
    rise = 0.001726  # of tips that are 20 columns, 40 mm apart
    assert decode_grasps(height, mask, CELL, GRIPPER, DECODING).z[75, 79] == pytest.approx(
        0.049 - 0.03 - rise, abs=3e-6
    )


def test_a_target_wider_than_the_fingers_open_is_not_grasped_along_its_length() -> None:
    mask = view_with((slice(72, 88), slice(50, 110), 1.0)) > 0
    assert not decode_grasps(mask * np.float32(0.04), mask, CELL, GRIPPER, DECODING).feasible.any()


def test_a_free_block_is_grasped_deep_and_a_crowded_one_from_higher_up() -> None:
    free = lone_block().options[PrimitiveKind.GRASP][4]
    beside = [(slice(65, 80), slice(30, 80), 0.03), (slice(30, 47), slice(30, 80), 0.03)]
    crowded = situation_of(
        crop_with([(*BLOCK, 0.04), *beside]), mask_of(*BLOCK), True, WORKSPACE, GRIPPER, DECODING, COSTS
    )
    option = crowded.options[PrimitiveKind.GRASP][4]
    assert free.feasible[79, 79]
    assert free.z[79, 79] < 0.015
    assert option.z[79, 79] > free.z[79, 79] + 0.005


def test_nothing_can_be_grasped_around_a_candidate() -> None:
    situation = situation_of(
        crop_with([(*BLOCK, 0.04)]), np.ones((112, 112), np.bool_), False, WORKSPACE, GRIPPER, DECODING, COSTS
    )
    assert not situation.feasible[PrimitiveKind.GRASP].any()
    assert situation.feasible[PrimitiveKind.PUSH].any()


def test_an_empty_table_offers_nothing() -> None:
    situation = situation_of(crop_with([]), np.zeros((112, 112), np.bool_), True, WORKSPACE, GRIPPER, DECODING, COSTS)
    assert not situation.feasible.any()


def test_grasps_are_symmetric_under_half_a_turn() -> None:
    situation = lone_block()
    compared = 0
    for rotation in range(8):
        first, second = (situation.options[PrimitiveKind.GRASP][turn] for turn in (rotation, rotation + 8))
        for name in ("feasible", "z", "opening", "misfit"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name)[::-1, ::-1])
        for row, column in np.argwhere(first.feasible)[:1]:
            one = situation.primitive(Action(PrimitiveKind.GRASP, rotation, int(row), int(column)))
            other = situation.primitive(Action(PrimitiveKind.GRASP, rotation + 8, 159 - int(row), 159 - int(column)))
            np.testing.assert_allclose(one.position, other.position, atol=1e-6)
            assert abs(abs(one.angle - other.angle) - math.pi) < 1e-9
            compared += 1
    assert compared >= 6


def test_open_grasps_open_fully_and_have_no_misfit() -> None:
    grasps = decode_open_grasps(view_with((*TARGET, 0.04)), CELL, GRIPPER, DECODING)
    assert (grasps.opening == np.float32(0.085)).all()
    assert not grasps.misfit.any()


def test_open_grasps_reach_30_mm_below_the_highest_point_within_a_fingers_width() -> None:
    height = view_with((slice(60, 100), slice(70, 90), 0.04))
    grasps = decode_open_grasps(height, CELL, GRIPPER, DECODING)
    assert grasps.z[79, 79] == pytest.approx(0.01, abs=1e-6)
    assert grasps.feasible[79, 79]
    height[84, 79] = 0.045  # 5 cells, 10 mm aside: under the pads, which are 22 mm wide
    assert decode_open_grasps(height, CELL, GRIPPER, DECODING).z[79, 79] == pytest.approx(0.015, abs=1e-6)
    assert decode_open_grasps(height, CELL, GRIPPER, DECODING).z[78, 79] == pytest.approx(0.01, abs=1e-6)
    assert decode_open_grasps(height, CELL, GRIPPER, DECODING).z[79, 74] == pytest.approx(0.015, abs=1e-6)
    assert decode_open_grasps(height, CELL, GRIPPER, DECODING).z[79, 73] == pytest.approx(0.01, abs=1e-6)


def test_open_grasps_need_something_of_12_mm_and_keep_the_floor() -> None:
    """The tips keep 2 mm above the table, and have to reach 10 mm below the top."""
    for top, feasible in ((0.0118, False), (0.0122, True)):
        grasps = decode_open_grasps(view_with((*TARGET, top)), CELL, GRIPPER, DECODING)
        assert grasps.z[79, 79] == pytest.approx(0.002, abs=1e-6)
        expected = view_with((slice(72, 88), slice(72, 88), 1.0)) > 0  # farther out the other tip comes down on it
        np.testing.assert_array_equal(grasps.feasible, expected & feasible)


def test_open_grasps_without_engagement_still_need_something_to_stand_there() -> None:
    lenient = replace(DECODING, min_engagement=0.0)
    for top, feasible in ((0.006, False), (0.0062, True)):
        grasps = decode_open_grasps(view_with((*TARGET, top)), CELL, GRIPPER, lenient)
        assert grasps.feasible[79, 79] == feasible


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize(
    ("away", "row", "lifts"), [(19, 0, 0), (20, 0, 1), (28, 0, 1), (29, 0, 0), (24, 6, 1), (24, 7, 0)]
)
def test_open_fingers_stay_above_what_they_come_down_over(side: int, away: int, row: int, lifts: int) -> None:
    """The pads begin 42.5 mm from the middle and are 12 mm thick: 24 cells and 3, with 2 mm around."""
    for across in (row, -row):
        boxes = (slice(60, 100), slice(75, 84), 0.04), cell(79 + across, 79 + side * away, 0.02)
        assert decode_open_grasps(view_with(*boxes), CELL, GRIPPER, DECODING).z[79, 79] == pytest.approx(
            0.022 if lifts else 0.01, abs=1e-6
        )


@pytest.mark.parametrize(
    ("row", "column", "lifts"), [(19, 15, 1), (20, 15, 0), (-19, -30, 1), (-19, -31, 0), (12, 30, 1)]
)
def test_open_grasps_keep_the_palm_above_what_is_under_it(row: int, column: int, lifts: int) -> None:
    boxes = (slice(72, 88), slice(75, 84), 0.04), cell(79 + row, 79 + column, 0.08)
    assert decode_open_grasps(view_with(*boxes), CELL, GRIPPER, DECODING).z[79, 79] == pytest.approx(
        0.02 if lifts else 0.01, abs=1e-6
    )


def test_a_grasp_of_a_given_opening_reaches_as_deep_as_a_decoded_one() -> None:
    height = view_with((slice(72, 89), slice(68, 92), 0.04), size=161)
    opening = 0.048 + 2 * 0.004
    assert grasp_height(height, height > 0, opening, CELL, GRIPPER, DECODING) == pytest.approx(0.01 - RISE, abs=1e-6)
    height[height > 0] = 0.03
    assert grasp_height(height, height > 0, opening, CELL, GRIPPER, DECODING) == pytest.approx(0.002, abs=1e-6)


@pytest.mark.parametrize(
    ("away", "row", "lifts"), [(13, 0, 0), (14, 0, 1), (22, 0, 1), (23, 0, 0), (18, 6, 1), (18, 7, 0)]
)
def test_a_grasp_of_a_given_opening_stays_above_what_its_tips_come_down_over(away: int, row: int, lifts: int) -> None:
    """60 mm open: the tips' middles are 36 mm, 18 cells from the view's; closed on 52 mm they end 3.7 mm up."""
    rise = 0.0573 * (math.cos(0.09) - math.cos(math.asin(0.052 / 0.1146 - math.sin(0.09))))
    for side in (-1, 1):
        boxes = (slice(72, 89), slice(72, 89), 0.04), cell(80 + side * row, 80 + side * away, 0.02)
        height = view_with(*boxes, size=161)
        z = grasp_height(height, height == np.float32(0.04), 0.06, CELL, GRIPPER, DECODING)
        assert z == pytest.approx((0.022 if lifts else 0.010) - rise, abs=1e-6)


def test_without_a_target_the_top_of_a_grasp_is_what_lies_in_the_middle_and_the_mask_is_left_alone() -> None:
    height = view_with(cell(80, 80, 0.05), size=161)
    mask = np.zeros(height.shape, np.bool_)
    z = grasp_height(height, mask, 0.008, CELL, GRIPPER, DECODING)  # closed on nothing: the tips end at the tool
    assert z == pytest.approx(0.02, abs=1e-6)
    assert not mask.any()
    assert grasp_height(height, mask, 0.0, CELL, GRIPPER, DECODING) == pytest.approx(0.02, abs=1e-6)


def test_a_pixel_of_pushes_stands_for_a_stroke_of_10_cm_from_its_place_along_the_view() -> None:
    z = np.full((160, 160), 0.5, np.float32)
    z[70, 90] = 0.02
    decoded = Decoded(z > 0, z, z * 0, z * 0)
    push = decoded.primitive(PrimitiveKind.PUSH, view_of(4), CROP, 70, 90, 1.25)
    # A quarter turn: the columns run along y. 10.5 columns past the middle and 9.5 rows before it are 21 and 19 mm.
    expected = Primitive(PrimitiveKind.PUSH, (0.5 + 0.019, 0.021, 0.02), math.pi / 2, 0.1, 0.0, 1.25)
    assert push.position == pytest.approx(expected.position, abs=1e-7)
    assert replace(push, position=expected.position) == expected


def test_a_pixel_of_grasps_stands_for_one_that_closes_along_the_view_from_its_opening() -> None:
    z, opening = np.full((160, 160), 0.5, np.float32), np.full((160, 160), 0.25, np.float32)
    z[70, 90], opening[70, 90] = 0.02, 0.0625
    decoded = Decoded(z > 0, z, opening, z * 0)
    grasp = decoded.primitive(PrimitiveKind.GRASP, view_of(0), CROP, 70, 90, 0.75)
    expected = Primitive(PrimitiveKind.GRASP, (0.5 + 0.021, -0.019, 0.02), 0.0, 0.0, 0.0625, 0.75)
    assert grasp.position == pytest.approx(expected.position, abs=1e-7)
    assert replace(grasp, position=expected.position) == expected
    assert all(type(value) is float for value in (*grasp.position, grasp.opening)), "as messages want them"


def test_views_turn_the_state_and_back() -> None:
    state = encode(crop_with([(*BLOCK, 0.04)]), mask_of(*BLOCK))
    views = all_views(state)
    assert views.shape == (16, 8, 160, 160)
    np.testing.assert_allclose(views[:, 3].sum(axis=(1, 2)), views[0, 3].sum(), rtol=0.03)
    np.testing.assert_allclose(np.rot90(views[4], -1, (1, 2)), views[0], atol=1e-6)
    np.testing.assert_array_equal(views[8], views[0][:, ::-1, ::-1])


def test_the_best_action_is_the_argmax_and_none_when_nothing_is_feasible() -> None:
    values = np.full((2, 16, 160, 160), -np.inf, np.float32)
    assert best_action(values) is None
    values[1, 7, 30, 99] = 0.5
    values[0, 2, 80, 81] = 0.25
    assert best_action(values) == Action(PrimitiveKind.PUSH, 7, 30, 99)
