"""Rectangles from recorded grasps, and the views that a network is trained on."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_rectangles import LENGTH, SHIPPED, WIDTH, fast, held, middle_record, records
from drawn_transitions import WORKSPACE
from grippers import GRIPPER
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning.rectangle_records import (
    mirrored,
    read_records,
    record_of,
    seen_in,
    training_view,
)
from impurity_grasp_ros.learning.trainer import CHECKPOINT
from impurity_grasp_ros.learning.transition import Transition
from impurity_grasp_ros.policy.rectangles import Rectangle
from impurity_grasp_ros.policy.rotation import View


def test_a_grasp_that_held_gives_its_place_axis_and_size() -> None:
    record = record_of(held(), GRIPPER, SHIPPED.decoding)
    assert record is not None
    rectangle, cell = record.rectangle, WORKSPACE.resolution
    assert (rectangle.row, rectangle.column, rectangle.angle) == pytest.approx((55.5, 55.5, math.pi / 2))
    assert rectangle.opening == pytest.approx(WIDTH * cell + 2 * SHIPPED.decoding.finger_slack, abs=1.1 * cell)
    assert rectangle.height == pytest.approx(LENGTH * cell, abs=1.1 * cell)


@pytest.mark.parametrize("rotation", [3, 4, 5])
def test_opposite_rotations_teach_the_same(rotation: int) -> None:
    first, second = (record_of(held(rotation=turned), GRIPPER, SHIPPED.decoding) for turned in (rotation, rotation + 8))
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(first.rectangle.to_numbers()[:4], second.rectangle.to_numbers()[:4], atol=1e-5)
    assert first.rectangle.opening == pytest.approx(second.rectangle.opening, abs=0.0021)  # cells are rounded


@pytest.mark.parametrize(
    "transition",
    [held(reward=0.0), held(kind=PrimitiveKind.PUSH, reward=0.5), held(beside=20.0)],
    ids=["failed", "push", "took it from beside"],
)
def test_nothing_else_gives_a_record(transition: Transition) -> None:
    assert record_of(transition, GRIPPER, SHIPPED.decoding) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_training_view_shows_the_block_where_its_rectangle_says(seed: int) -> None:
    (record,) = records(1)
    image, rectangle = training_view(record, fast(), np.random.default_rng(seed))
    rows, columns = np.nonzero(image[7] > 0.0)
    assert (rectangle.row, rectangle.column) == pytest.approx((rows.mean(), columns.mean()), abs=0.6)
    _, axes = np.linalg.eigh(np.cov(columns, rows))
    closing = np.array([math.cos(rectangle.angle), math.sin(rectangle.angle)])
    assert abs(closing @ axes[:, 0]) > 0.995, "it closes along the shorter side"


def test_records_come_from_the_checkpoint_of_a_training(checkpoint: Path) -> None:
    assert len(read_records(checkpoint, GRIPPER, SHIPPED.decoding)) == 2


def test_missing_and_foreign_checkpoints_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=CHECKPOINT):
        read_records(tmp_path, GRIPPER, SHIPPED.decoding)
    (tmp_path / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="expected the checkpoint"):
        read_records(tmp_path, GRIPPER, SHIPPED.decoding)
    torch.save([1, 2], tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="list"):
        read_records(tmp_path, GRIPPER, SHIPPED.decoding)


def test_records_without_a_grasp_that_held_are_a_named_error(tmp_path: Path) -> None:
    torch.save({"replay": {"transitions": [held(reward=0.0)]}}, tmp_path / CHECKPOINT)
    with pytest.raises(ConfigError, match="none in 1"):
        read_records(tmp_path, GRIPPER, SHIPPED.decoding)


@given(
    place=st.tuples(*[st.floats(0.0, 111.0)] * 2),
    middle=st.tuples(*[st.floats(40.0, 70.0)] * 2),
    turn=st.floats(-math.pi, math.pi),
)
def test_a_rectangle_is_seen_at_the_pixel_that_shows_its_cell(
    place: tuple[float, float], middle: tuple[float, float], turn: float
) -> None:
    view, rectangle = View(*middle, turn, 112), Rectangle(*place, 0.3, 0.05, 0.04)
    seen = seen_in(view, rectangle)
    np.testing.assert_allclose(view.to_cell(seen.row, seen.column), place, atol=1e-9)
    assert (seen.opening, seen.height) == (0.05, 0.04)
    assert seen.angle == pytest.approx(0.3 - turn)


def test_a_rectangle_in_a_view_that_is_turned_by_a_quarter() -> None:
    seen = seen_in(View(50.5, 60.5, math.pi / 2, 112), Rectangle(53.5, 64.5, math.pi / 2, 0.05, 0.04))
    assert (seen.row, seen.column, seen.angle) == pytest.approx((51.5, 58.5, 0.0)), "3 rows on are 3 columns on"


def test_in_a_mirror_rows_run_backward_and_angles_the_other_way_round() -> None:
    rectangle = Rectangle(10.25, 70.5, 0.4, 0.05, 0.03)
    assert mirrored(rectangle) == Rectangle(100.75, 70.5, -0.4, 0.05, 0.03)
    assert mirrored(mirrored(rectangle)) == rectangle


def test_a_crop_is_moved_by_six_pixels_at_most_and_turned_by_any_angle() -> None:
    record, rng, config = middle_record(), np.random.default_rng(0), fast()
    seen = [training_view(record, config, rng)[1] for _ in range(150)]
    offsets = np.array([[rectangle.row - 55.5, rectangle.column - 55.5] for rectangle in seen])
    distance = np.hypot(*offsets.T)
    assert 6.5 < distance.max() < 6 * math.sqrt(2.0) + 1e-6, "6 to either side, along and across"
    assert (distance > 6.0).mean() < 0.35, "the corners of a square lie beyond its circle"
    assert distance.min() < 1.0
    angles = np.array([rectangle.angle for rectangle in seen])
    assert -math.pi <= angles.min() < -3.0
    assert 3.0 < angles.max() <= math.pi


def test_half_of_the_crops_are_mirrored_and_all_can_be_given_to_a_network() -> None:
    (record,), config = records(1), fast(shift_px=0)
    upright = 0
    for seed in range(40):
        image, rectangle = training_view(record, config, np.random.default_rng(seed))
        assert image.shape == (8, 112, 112)
        assert image.dtype == np.float32
        assert image.flags.c_contiguous
        turned = seen_in(View(55.5, 55.5, -rectangle.angle + record.rectangle.angle, 112), record.rectangle)
        upright += math.isclose(turned.row, rectangle.row, abs_tol=1e-6)
    assert 10 < upright < 30


def test_crops_are_recolored_and_get_noise_and_holes() -> None:
    (record,) = records(1)
    plain, _ = training_view(record, fast(), np.random.default_rng(0))
    block = plain[7] > 0.0
    assert len(np.unique(plain[7][block])) == 1
    waved, _ = training_view(record, fast(height_noise=0.01), np.random.default_rng(0))
    assert len(np.unique(waved[7][waved[7] > 0.0])) > 100
    holed, _ = training_view(record, fast(hole_share=0.5), np.random.default_rng(1))
    known, _ = training_view(record, fast(), np.random.default_rng(1))
    assert (holed[7] > 0.0).sum() < (known[7] > 0.0).sum() - 5
    mixed, _ = training_view(record, fast(color_mix=1.0), np.random.default_rng(0))
    assert np.abs(mixed[:3] - plain[:3]).max() > 0.1
    np.testing.assert_array_equal(mixed[7], plain[7])
