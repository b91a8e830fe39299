"""Rectangles out of recorded grasps, and a fit of seconds that learns them."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from drawn_transitions import WORKSPACE
from grippers import GRIPPER
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.config import packaged_parameters, read_yaml
from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning import rectangle_config
from impurity_grasp_ros.learning.rectangle_config import (
    RectangleTrainingConfig,
    load_rectangle_training,
    rectangle_training_names,
)
from impurity_grasp_ros.learning.rectangle_records import (
    Record,
    mirrored,
    read_records,
    record_of,
    seen_in,
    training_view,
)
from impurity_grasp_ros.learning.rectangles import RectangleReport, RectangleTrainer
from impurity_grasp_ros.learning.trainer import CHECKPOINT, PROGRESS, WEIGHTS
from impurity_grasp_ros.learning.transition import ExecutedAction, Focus, Snapshot, Transition
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.checkpoint import load_rectangle_agent
from impurity_grasp_ros.policy.rectangles import Rectangle, RectangleNetworkConfig
from impurity_grasp_ros.policy.rotation import View
from impurity_grasp_ros.policy.weights_file import Training, read_weights

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
    """An action at the middle of the drawn block, or ``beside`` it by so many rows."""
    focus = focus or long_block()
    rows, columns = np.nonzero(focus.mask)
    action = ExecutedAction(kind, rotation, float(rows.mean()) + beside, float(columns.mean()))
    return Transition(Snapshot.of(focus), action, reward, None, 0.0, 0)


def records(count: int) -> list[Record]:
    """Grasps of blocks in random places."""
    rng = np.random.default_rng(3)
    found = [record_of(held(long_block(*rng.integers(30, 60, 2))), GRIPPER, SHIPPED.decoding) for _ in range(count)]
    return [record for record in found if record is not None]


def trained(config: RectangleTrainingConfig, folder: Path, count: int) -> RectangleTrainer:
    trainer = RectangleTrainer(config, records(count), folder)
    trainer.run(lambda report: None, lambda: False)
    return trainer


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A training's folder with two grasps that held among other transitions."""
    transitions = [held(), held(reward=0.0), held(kind=PrimitiveKind.PUSH, reward=0.5), held()]
    torch.save({"replay": {"transitions": transitions}}, tmp_path / CHECKPOINT)
    return tmp_path


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
        tmp_path / WEIGHTS,
        GRIPPER,
        packaged_parameters("policy_node", AnalyticConfig, "analytic"),
        torch.device("cpu"),
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


def test_the_shipped_training_is_the_documented_one() -> None:
    assert rectangle_training_names() == ["s_rgm"]
    assert (SHIPPED.seed, SHIPPED.rounds, SHIPPED.batch, SHIPPED.held_out) == (1, 60, 32, 0.1)
    assert (SHIPPED.learning_rate, SHIPPED.final_rate, SHIPPED.weight_decay) == (0.001, 0.01, 0.0001)
    assert SHIPPED.network.proposals == 8
    with pytest.raises(ConfigError, match=r"^expected one of s_rgm, received 'moon'$"):
        load_rectangle_training("moon")


def test_a_wrong_value_is_named_with_its_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rectangles.yaml"
    path.write_text(yaml.safe_dump({"mine": {**read_yaml("config/rectangles.yaml")["s_rgm"], "batch": 1}}))
    monkeypatch.setattr(rectangle_config, "RECTANGLES_FILE", str(path))
    with pytest.raises(ConfigError, match=r"^mine\.batch: expected a value in \[2, 1024\], received 1$"):
        load_rectangle_training("mine")


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


def middle_record() -> Record:
    """A grasp in the very middle of the crop."""
    (record,) = records(1)
    return replace(record, rectangle=Rectangle(55.5, 55.5, 0.0, 0.05, 0.04))


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


class FixedProposals(nn.Module):
    """The same proposals for everything; remembers the number of states of each call, and whether it was taught."""

    def __init__(self, *proposals: tuple[Rectangle, float]) -> None:
        super().__init__()
        numbers = np.stack([[*rectangle.to_numbers(), score] for rectangle, score in proposals])
        self.proposals = nn.Parameter(torch.tensor(numbers, dtype=torch.float32))
        self.calls: list[tuple[int, bool]] = []

    def forward(self, states: Tensor) -> Tensor:
        self.calls.append((len(states), self.training))
        return self.proposals.expand(len(states), -1, -1)


RECORDED = Rectangle(55.5, 55.5, math.pi / 2, 0.034, 0.06)
GOOD = Rectangle(52.5, 59.5, math.pi / 2 + 0.1, 0.036, 0.06)
"""Off by 3 and 4 cells, 0.1 rad and 2 mm."""

BAD = Rectangle(20.5, 20.5, 0.0, 0.08, 0.01)


def measured(folder: Path, *proposals: tuple[Rectangle, float], recorded: Rectangle = RECORDED) -> RectangleReport:
    """What one round reports of proposals that cannot be taught, with ten records held out of twenty."""
    alike = [replace(record, rectangle=recorded) for record in records(1)] * 20
    trainer = RectangleTrainer(fast(rounds=1, held_out=0.5), alike, folder)
    trainer.network = FixedProposals(*proposals)  # type: ignore[assignment]
    trainer.run(lambda report: None, lambda: False)
    return trainer.reports[0]


def test_errors_are_those_of_the_proposal_with_the_highest_score(tmp_path: Path) -> None:
    report = measured(tmp_path, (BAD, -1.0), (GOOD, 1.0))
    assert report.center_mm == pytest.approx(10.0, rel=1e-4), "5 cells of 2 mm"
    assert report.angle_deg == pytest.approx(math.degrees(0.1), rel=1e-4)
    assert report.opening_mm == pytest.approx(2.0, rel=1e-4)
    assert measured(tmp_path, (BAD, 1.0), (GOOD, -1.0)).opening_mm == pytest.approx(46.0, rel=1e-4)


@pytest.mark.parametrize(
    ("recorded", "predicted", "degrees"),
    [(89.0, -89.0, 2.0), (-80.0, 80.0, 20.0), (10.0, 95.0, 85.0), (0.0, 90.0, 90.0)],
)
def test_an_axis_is_off_by_a_right_angle_at_most(
    tmp_path: Path, recorded: float, predicted: float, degrees: float
) -> None:
    first, second = (replace(RECORDED, angle=math.radians(angle)) for angle in (recorded, predicted))
    assert measured(tmp_path, (second, 0.0), recorded=first).angle_deg == pytest.approx(degrees, abs=1e-3)


def huber(first: Rectangle, second: Rectangle) -> float:
    """Mean loss of the numbers, quadratic below a tenth."""
    off = np.abs(first.to_numbers().astype(float) - second.to_numbers())
    return float(np.where(off < 0.1, off**2 / 0.2, off - 0.05).mean())


@pytest.mark.parametrize(("good", "bad"), [(0.0, 0.0), (2.0, -1.0), (-1.0, 1.5)])
def test_the_nearest_proposal_learns_most_whatever_its_score_and_scores_learn_which_it_was(
    tmp_path: Path, good: float, bad: float
) -> None:
    near, far = huber(GOOD, RECORDED), huber(BAD, RECORDED)
    assert near < far
    choice = math.log(math.exp(good) + math.exp(bad)) - good
    report = measured(tmp_path, (BAD, bad), (GOOD, good))
    expected = 0.95 * near + 0.05 * (near + far) / 2 + 0.1 * choice
    assert report.held_out_loss == pytest.approx(expected, rel=1e-4)


def test_a_round_sees_every_record_once_in_batches_of_equal_size_and_then_measures(tmp_path: Path) -> None:
    trainer = RectangleTrainer(fast(rounds=2, held_out=0.4), records(30), tmp_path)
    network = trainer.network = FixedProposals((GOOD, 0.0))  # type: ignore[assignment]
    trainer.run(lambda report: None, lambda: False)
    learned, measuring = [(10, True), (10, True)], [(1, False)] * 10
    assert network.calls == 2 * [*learned, *measuring], "one run of ten of the three is held out"


@pytest.mark.parametrize(("count", "sizes"), [(3, [3]), (19, [19]), (25, [13, 12])])
def test_no_batch_is_smaller_than_it_should_be(tmp_path: Path, count: int, sizes: list[int]) -> None:
    trainer = RectangleTrainer(fast(rounds=1, held_out=0.0), records(1) * count, tmp_path)
    network = trainer.network = FixedProposals((GOOD, 0.0))  # type: ignore[assignment]
    trainer.run(lambda report: None, lambda: False)
    assert network.calls == [(size, True) for size in sizes]


def test_neighbors_are_held_out_together_and_nothing_is_lost(tmp_path: Path) -> None:
    some = [replace(record) for record in records(1) * 95]
    trainer = RectangleTrainer(fast(held_out=0.21), some, tmp_path)
    places = {id(record): place for place, record in enumerate(some)}
    learned, apart = ([places[id(record)] for record in part] for part in (trainer._learned, trainer._held_out))
    assert sorted(learned + apart) == list(range(95))
    assert learned == sorted(learned)
    assert apart == sorted(apart)
    runs = {place // 10 for place in apart}
    assert len(runs) == 2, "a fifth of ten runs"
    assert apart == [place for place in range(95) if place // 10 in runs]


def test_with_nothing_held_out_nothing_is_measured(tmp_path: Path) -> None:
    trainer = RectangleTrainer(fast(rounds=1, held_out=0.1), records(4), tmp_path)
    trainer.run(lambda report: None, lambda: False)
    (report,) = trainer.reports
    assert math.isfinite(report.loss)
    measured_numbers = (report.held_out_loss, report.center_mm, report.angle_deg, report.opening_mm)
    assert all(math.isnan(number) for number in measured_numbers)


def test_the_step_falls_as_a_cosine_over_all_rounds(tmp_path: Path) -> None:
    config = fast(rounds=2, held_out=0.0, learning_rate=SHIPPED.learning_rate)
    trainer = RectangleTrainer(config, records(1) * 40, tmp_path)
    (group,) = trainer._optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.001, 0.0001)
    rates: list[float] = []
    trainer.run(lambda report: rates.append(group["lr"]), lambda: False)
    expected = [0.001 * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress))) for progress in (3 / 8, 7 / 8)]
    assert rates == pytest.approx(expected)


def test_every_round_is_reported_and_the_weights_carry_the_decoding(tmp_path: Path) -> None:
    trainer, told = RectangleTrainer(fast(rounds=3, held_out=0.0), records(4), tmp_path, "s_rgm", "0123456789ab"), []
    before = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    trainer.run(told.append, lambda: False)
    assert told == trainer.reports
    assert [report.round for report in told] == [1, 2, 3]
    analytic = packaged_parameters("policy_node", AnalyticConfig, "analytic")
    agent = load_rectangle_agent(tmp_path / "weights.safetensors", GRIPPER, analytic, torch.device("cpu"))
    assert agent.decoding == SHIPPED.decoding
    weights = read_weights(tmp_path / "weights.safetensors")
    assert weights.training == Training("s_rgm", "0123456789ab", SHIPPED.seed, 3)
    assert weights.costs is None
    moved = [name for name, tensor in agent.network.state_dict().items() if not torch.equal(tensor, before[name])]
    assert len(moved) == len(before), "everything has learned"
    assert len((tmp_path / "progress.jsonl").read_text().splitlines()) == 3


def test_a_view_is_handed_over_with_the_numbers_of_its_own_rectangle(tmp_path: Path) -> None:
    """One proposal that may be taught settles where the only record is, however it is turned and moved."""
    trainer = RectangleTrainer(fast(rounds=1, held_out=0.5, shift_px=0), [middle_record()] * 20, tmp_path)
    trainer.network = FixedProposals((Rectangle(55.5, 55.5, 0.0, 0.05, 0.04), 0.0))  # type: ignore[assignment]
    trainer.run(lambda report: None, lambda: False)
    (report,) = trainer.reports
    assert (report.center_mm, report.angle_deg, report.opening_mm) == pytest.approx((0.0, 0.0, 0.0), abs=1e-4)
    assert report.held_out_loss == pytest.approx(0.0, abs=1e-6)
    assert report.loss > 0.1, "it is turned in the views that it learns from"
