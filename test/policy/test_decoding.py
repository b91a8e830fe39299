"""Decoding: what a pixel of a view stands for, and which pixels stand for nothing."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.constants import GRIPPER_STROKE, PUSH_LENGTH
from impurity_grasp_ros.datatypes import Grid, Heightmap, PrimitiveKind
from impurity_grasp_ros.policy.agent import Action, Situation, best_action, situation_of
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.observation import all_views, encode, view_of

WORKSPACE = Grid(0.276, -0.224)
CONFIG = DecodingConfig(0.03, 0.01, 0.006, 0.002, 0.002, 0.01, 0.006, 0.02, 0.055, "target", 0.0, 0.0, 0.0)
CROP = WORKSPACE.window(56, 56, 112)


def crop_with(blocks: list[tuple[slice, slice, float]], grid: Grid = CROP) -> Heightmap:
    """A crop with upright boxes of given rows, columns and height in metres."""
    height = np.zeros((112, 112), np.float32)
    for rows, columns, top in blocks:
        height[rows, columns] = top
    return Heightmap(np.full((112, 112, 3), 120, np.uint8), height, np.ones((112, 112), np.bool_), grid)


def mask_of(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((112, 112), np.bool_)
    mask[rows, columns] = True
    return mask


BLOCK = (slice(48, 64), slice(44, 68))
"""32 x 48 mm in the middle of the crop."""


def lone_block() -> Situation:
    return situation_of(crop_with([(*BLOCK, 0.04)]), mask_of(*BLOCK), True, WORKSPACE, CONFIG)


def test_grasps_lie_on_the_target_and_open_wider_than_it() -> None:
    situation = lone_block()
    for rotation in range(16):
        option, view = situation.options[PrimitiveKind.GRASP][rotation], view_of(rotation)
        rows, columns = np.nonzero(option.feasible)
        assert len(rows) or rotation % 8 in (1, 7)
        for row, column in zip(rows[::37], columns[::37], strict=True):
            cell_row, cell_column = view.to_cell(float(row), float(column))
            assert 47 <= cell_row <= 64
            assert 43 <= cell_column <= 68
        assert (option.opening[option.feasible] <= GRIPPER_STROKE).all()
        assert (option.opening[option.feasible] > 0.032).all()


def test_a_free_block_is_grasped_deep_and_a_crowded_one_from_higher_up() -> None:
    free = lone_block().options[PrimitiveKind.GRASP][4]
    beside = [(slice(65, 80), slice(30, 80), 0.03), (slice(30, 47), slice(30, 80), 0.03)]
    crowded = situation_of(crop_with([(*BLOCK, 0.04), *beside]), mask_of(*BLOCK), True, WORKSPACE, CONFIG)
    option = crowded.options[PrimitiveKind.GRASP][4]
    assert free.feasible[79, 79]
    assert free.z[79, 79] < 0.015
    assert option.z[79, 79] > free.z[79, 79] + 0.005


def test_nothing_can_be_grasped_around_a_candidate() -> None:
    situation = situation_of(crop_with([(*BLOCK, 0.04)]), np.ones((112, 112), np.bool_), False, WORKSPACE, CONFIG)
    assert not situation.feasible[PrimitiveKind.GRASP].any()
    assert situation.feasible[PrimitiveKind.PUSH].any()


def test_an_empty_table_offers_nothing() -> None:
    situation = situation_of(crop_with([]), np.zeros((112, 112), np.bool_), True, WORKSPACE, CONFIG)
    assert not situation.feasible.any()


def test_grasps_are_symmetric_under_half_a_turn() -> None:
    situation = lone_block()
    for rotation in range(8):
        first, second = (situation.options[PrimitiveKind.GRASP][turn] for turn in (rotation, rotation + 8))
        np.testing.assert_array_equal(first.feasible, second.feasible[::-1, ::-1])
        row, column = np.argwhere(first.feasible)[0] if first.feasible.any() else (0, 0)
        one = situation.primitive(Action(PrimitiveKind.GRASP, rotation, int(row), int(column)))
        other = situation.primitive(Action(PrimitiveKind.GRASP, rotation + 8, 159 - int(row), 159 - int(column)))
        np.testing.assert_allclose(one.position, other.position, atol=1e-6)
        assert abs(abs(one.angle - other.angle) - math.pi) < 1e-9


@given(corner=st.tuples(st.integers(-40, 150), st.integers(-40, 150)), rotation=st.integers(0, 15))
def test_strokes_stay_on_the_workspace(corner: tuple[int, int], rotation: int) -> None:
    crop = crop_with([(*BLOCK, 0.04), (slice(10, 100), slice(80, 100), 0.03)], WORKSPACE.window(*corner, 112))
    situation = situation_of(crop, mask_of(*BLOCK), True, WORKSPACE, CONFIG)
    feasible = np.argwhere(situation.options[PrimitiveKind.PUSH][rotation].feasible)
    for row, column in feasible[:: max(1, len(feasible) // 10)]:
        push = situation.primitive(Action(PrimitiveKind.PUSH, rotation, int(row), int(column)))
        x, y, z = push.position
        end = x + PUSH_LENGTH * math.cos(push.angle), y + PUSH_LENGTH * math.sin(push.angle)
        assert WORKSPACE.contains(x, y)
        assert WORKSPACE.contains(*end)
        assert z >= CONFIG.push_height - 1e-6


def test_a_push_over_bare_table_that_meets_nothing_is_pointless() -> None:
    situation = lone_block()
    option, view = situation.options[PrimitiveKind.PUSH][0], view_of(0)
    for row, column in np.argwhere(option.feasible)[::53]:
        cell_row, _ = view.to_cell(float(row), float(column))
        assert 47 - 7 <= cell_row <= 64 + 7, "the corridor is as wide as the closed fingers"


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
