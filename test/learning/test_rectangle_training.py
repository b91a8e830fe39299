"""Rectangles out of recorded grasps, and a fit of seconds that learns them."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_deeds import WORKSPACE

from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning.rectangles import (
    Record,
    RectangleTrainer,
    RectangleTrainingConfig,
    load_rectangle_training,
    read_records,
    record_of,
    rectangle_training_names,
    training_view,
)
from impurity_grasp_ros.learning.trainer import CHECKPOINT, PROGRESS, WEIGHTS
from impurity_grasp_ros.learning.transition import Deed, Focus, Snapshot, Transition
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.checkpoint import load_rectangle_agent
from impurity_grasp_ros.policy.rectangles import RectangleNetworkConfig

SHIPPED = load_rectangle_training("s_rgm")
LENGTH, WIDTH = 30, 12
"""Columns and rows of the drawn block: 60 x 24 mm."""

QUARTER_TURN = 4
"""The rotation that closes across the block's length."""


def fast(**changes: object) -> RectangleTrainingConfig:
    """The shipped training with a tiny network and without noise."""
    network = RectangleNetworkConfig((8, 8, 16, 16), 64, 2)
    quiet = {"color_mix": 0.0, "height_noise": 0.0, "hole_share": 0.0, "learning_rate": 0.004, "batch": 10}
    return replace(SHIPPED, network=network, **{**quiet, **changes})


def long_block(row: int = 50, column: int = 41) -> Focus:
    """A crop with a block whose length runs along the columns, from a cell on."""
    mask = np.zeros((112, 112), np.bool_)
    mask[row : row + WIDTH, column : column + LENGTH] = True
    color = np.where(mask[..., None], np.array([200, 30, 60]), 230).astype(np.uint8)
    height = np.where(mask, np.float32(0.04), np.float32(0.0))
    crop = Heightmap(color, height, np.ones((112, 112), np.bool_), WORKSPACE.window(56, 56, 112))
    return Focus(crop, mask, True)


def held(
    focus: Focus | None = None,
    rotation: int = QUARTER_TURN,
    kind: PrimitiveKind = PrimitiveKind.GRASP,
    reward: float = 1.0,
    beside: float = 0.0,
) -> Transition:
    """A deed at the middle of the drawn block, or ``beside`` it by so many rows."""
    focus = focus or long_block()
    rows, columns = np.nonzero(focus.mask)
    deed = Deed(kind, rotation, float(rows.mean()) + beside, float(columns.mean()))
    return Transition(Snapshot.of(focus), deed, reward, None, 0.0, 0)


def records(count: int) -> list[Record]:
    """Grasps of blocks in random places."""
    rng = np.random.default_rng(3)
    found = [record_of(held(long_block(*rng.integers(30, 60, 2))), SHIPPED.decoding) for _ in range(count)]
    return [record for record in found if record is not None]


def trained(config: RectangleTrainingConfig, folder: Path, count: int) -> RectangleTrainer:
    trainer = RectangleTrainer(config, records(count), folder)
    trainer.run(lambda report: None, lambda: False)
    return trainer


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A training's folder with two grasps that held among other deeds."""
    transitions = [held(), held(reward=0.0), held(kind=PrimitiveKind.PUSH, reward=0.5), held()]
    torch.save({"replay": {"transitions": transitions}}, tmp_path / CHECKPOINT)
    return tmp_path


def test_a_grasp_that_held_gives_its_place_axis_and_size() -> None:
    record = record_of(held(), SHIPPED.decoding)
    assert record is not None
    rectangle, cell = record.rectangle, WORKSPACE.resolution
    assert (rectangle.row, rectangle.column, rectangle.angle) == pytest.approx((55.5, 55.5, math.pi / 2))
    assert rectangle.opening == pytest.approx(WIDTH * cell + 2 * SHIPPED.decoding.finger_slack, abs=1.1 * cell)
    assert rectangle.height == pytest.approx(LENGTH * cell, abs=1.1 * cell)


@pytest.mark.parametrize("rotation", [3, 4, 5])
def test_opposite_rotations_teach_the_same(rotation: int) -> None:
    first, second = (record_of(held(rotation=turned), SHIPPED.decoding) for turned in (rotation, rotation + 8))
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(first.rectangle.to_numbers()[:4], second.rectangle.to_numbers()[:4], atol=1e-5)
    assert first.rectangle.opening == pytest.approx(second.rectangle.opening, abs=0.0021)  # cells are rounded


@pytest.mark.parametrize(
    "deed",
    [held(reward=0.0), held(kind=PrimitiveKind.PUSH, reward=0.5), held(beside=20.0)],
    ids=["failed", "push", "took it from beside"],
)
def test_nothing_else_gives_a_record(deed: Transition) -> None:
    assert record_of(deed, SHIPPED.decoding) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_training_view_shows_the_block_where_its_rectangle_says(seed: int) -> None:
    (record,) = records(1)
    image, rectangle = training_view(record, fast(), np.random.default_rng(seed))
    rows, columns = np.nonzero(image[7] > 0.0)
    assert (rectangle.row, rectangle.column) == pytest.approx((rows.mean(), columns.mean()), abs=0.6)
    _, axes = np.linalg.eigh(np.cov(columns, rows))
    closing = np.array([math.cos(rectangle.angle), math.sin(rectangle.angle)])
    assert abs(closing @ axes[:, 0]) > 0.995, "it closes along the shorter side"


def test_a_fit_learns_where_and_how_a_block_is_grasped(tmp_path: Path) -> None:
    trainer = trained(fast(rounds=24, shift_px=10, held_out=0.2), tmp_path, 60)
    first, last = trainer.reports[0], trainer.reports[-1]
    assert last.loss < 0.5 * first.loss
    assert last.held_out_loss < 0.5 * first.held_out_loss
    assert last.center_mm < 0.4 * first.center_mm
    assert last.angle_deg < 30.0
    lines = [json.loads(line) for line in (tmp_path / PROGRESS).read_text().splitlines()]
    assert [line["round"] for line in lines] == list(range(1, 25))
    loaded = load_rectangle_agent(
        tmp_path / WEIGHTS, packaged_parameters("policy_node", AnalyticConfig, "analytic"), torch.device("cpu")
    )
    for name, tensor in trainer.network.state_dict().items():
        torch.testing.assert_close(loaded.network.state_dict()[name], tensor.cpu(), rtol=0, atol=0)


def test_equal_seeds_give_equal_networks_and_others_do_not(tmp_path: Path) -> None:
    first, second, other = (trained(fast(rounds=1, seed=seed), tmp_path, 12) for seed in (5, 5, 6))
    assert first.reports == second.reports
    assert first.reports != other.reports


def test_a_training_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    trainer = RectangleTrainer(fast(rounds=9, held_out=0.0), records(4), tmp_path)
    trainer.run(lambda report: None, lambda: len(trainer.reports) == 1)
    assert len(trainer.reports) == 1
    assert (tmp_path / WEIGHTS).exists()


def test_records_come_from_the_checkpoint_of_a_training(checkpoint: Path) -> None:
    assert len(read_records(checkpoint, SHIPPED.decoding)) == 2


def test_missing_and_foreign_checkpoints_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=CHECKPOINT):
        read_records(tmp_path, SHIPPED.decoding)
    (tmp_path / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="expected the checkpoint"):
        read_records(tmp_path, SHIPPED.decoding)
    torch.save([1, 2], tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="list"):
        read_records(tmp_path, SHIPPED.decoding)


def test_records_without_a_grasp_that_held_are_a_named_error(tmp_path: Path) -> None:
    torch.save({"replay": {"transitions": [held(reward=0.0)]}}, tmp_path / CHECKPOINT)
    with pytest.raises(ConfigError, match="none in 1"):
        read_records(tmp_path, SHIPPED.decoding)


def test_the_command_learns_from_records_and_asks_for_them(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--records"):
        train(preset="s_rgm")
    with pytest.raises(ConfigError, match="--records"):
        train(preset="smoke", records=checkpoint)
    with pytest.raises(ConfigError, match="--resume"):
        train(preset="s_rgm", records=checkpoint, resume=tmp_path)
    train(preset="s_rgm", records=checkpoint, output=tmp_path / "learned", rounds=1)
    assert (tmp_path / "learned" / WEIGHTS).exists()
    assert list((tmp_path / "learned" / "tensorboard").iterdir())


def test_every_shipped_training_is_valid_and_an_unknown_one_is_named() -> None:
    for name in rectangle_training_names():
        load_rectangle_training(name)
    with pytest.raises(ConfigError, match="moon"):
        load_rectangle_training("moon")
