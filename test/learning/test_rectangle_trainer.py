"""A rectangle training of seconds learns recorded grasps."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_rectangles import SHIPPED, fast, middle_record, records
from grippers import GRIPPER
from torch import Tensor, nn

from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.learning.rectangle_config import (
    RectangleTrainingConfig,
)
from impurity_grasp_ros.learning.rectangle_trainer import RectangleReport, RectangleTrainer
from impurity_grasp_ros.learning.trainer import PROGRESS, WEIGHTS
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.checkpoint import load_rectangle_agent
from impurity_grasp_ros.policy.rectangles import Rectangle
from impurity_grasp_ros.policy.weights_file import read_weights
from impurity_grasp_ros.tensor_file import Training


def trained(config: RectangleTrainingConfig, folder: Path, count: int) -> RectangleTrainer:
    trainer = RectangleTrainer(config, records(count), folder)
    trainer.run(lambda report: None, lambda: False)
    return trainer


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
