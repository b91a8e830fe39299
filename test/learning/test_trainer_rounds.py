"""Rounds of a training on drawn experiences: tasks, updates, reports and files, without a simulator."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import drawn_transitions
import numpy as np
import pytest
import torch
from grippers import GRIPPER

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.learning.collection import CollectionTask
from impurity_grasp_ros.learning.play import PlayResult
from impurity_grasp_ros.learning.trainer import RoundReport, Trainer, config_hash, read_checkpoint
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.policy.checkpoint import load_agent
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.weights_file import read_weights
from impurity_grasp_ros.tensor_file import Training

SMOKE = load_training("smoke")
GRASP, PUSH = PrimitiveKind.GRASP, PrimitiveKind.PUSH
SOME = [drawn_transitions.transition(np.random.default_rng(seed), 0.5, last=True) for seed in range(3)]


def attempt(
    kind: PrimitiveKind = PUSH, success: bool = True, explored: bool = False, rewards: tuple[float, ...] = (0.5,)
) -> PlayResult:
    """One attempt that gave an experience for each of these rewards."""
    transitions = tuple(replace(SOME[place % 3], reward=reward) for place, reward in enumerate(rewards))
    return PlayResult(kind, success, explored, transitions)


class Drawn:
    """Carries out every task with the same attempts, and remembers the tasks."""

    def __init__(self, *results: PlayResult) -> None:
        self.given: list[list[CollectionTask]] = []
        self._results = list(results)

    def start(self, tasks: list[CollectionTask]) -> None:
        """Begin to work on tasks."""
        self.given.append(tasks)

    def gather(self) -> list[PlayResult]:
        """All attempts."""
        return self._results


def run(trainer: Trainer, collection: Drawn, rounds: int = 99) -> list[RoundReport]:
    """Train for a number of rounds at most."""
    reports: list[RoundReport] = []
    trainer.run(collection, reports.append, lambda: len(reports) >= rounds)
    return reports


def test_every_worker_gets_a_task_of_its_own_in_every_round(tmp_path: Path) -> None:
    collection = Drawn(attempt())
    run(Trainer(SMOKE, tmp_path, workers=2), collection)
    seeds = [[task.seed for task in tasks] for tasks in collection.given]
    assert seeds == [[(1, number, 0), (1, number, 1)] for number in range(3)], "seed, round, worker"
    assert [{task.version for task in tasks} for tasks in collection.given] == [{0}, {1}, {2}]
    assert {task.attempts for tasks in collection.given for task in tasks} == {3}


def test_play_is_random_at_first_and_by_the_schedule_of_attempts_afterward(tmp_path: Path) -> None:
    collection = Drawn(*[attempt()] * 200)
    reports = run(Trainer(replace(SMOKE, rounds=5, warm_up=2, updates_per_round=1), tmp_path, workers=1), collection)
    expected = [1.0, 1.0, 0.6 * 0.5 ** (400 / 600), 0.3, 0.6 * 0.5 ** (800 / 600)]
    assert [report.exploration for report in reports] == pytest.approx(expected)
    assert [tasks[0].exploration for tasks in collection.given] == pytest.approx(expected)


def test_tasks_carry_the_network_as_it_was_when_the_round_began(tmp_path: Path) -> None:
    collection, trainer = Drawn(attempt()), Trainer(SMOKE, tmp_path, workers=1)
    first = {name: tensor.clone() for name, tensor in trainer.learner.network.state_dict().items()}
    run(trainer, collection, rounds=2)
    for tasks in collection.given:  # warming up changes nothing, and what is learned in a round is played afterward
        assert tasks[0].weights.keys() == first.keys()
        assert all(torch.equal(tensor, first[name]) for name, tensor in first.items())
    assert not same(trainer.learner.network.state_dict(), first)
    assert same(trainer.learner.frozen.state_dict(), trainer.learner.network.state_dict())


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Whether two networks have equal weights."""
    assert first.keys() == second.keys()
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_a_round_learns_as_often_as_it_should_and_with_a_falling_step(tmp_path: Path) -> None:
    trainer = Trainer(SMOKE, tmp_path, workers=1)
    reports = run(trainer, Drawn(attempt()))
    optimizer = trainer.learner.get_state()["optimizer"]
    steps = {int(state["step"]) for state in optimizer["state"].values()}
    assert steps == {4}, "two in each of the two rounds after the warm-up"
    assert optimizer["param_groups"][0]["lr"] == pytest.approx(0.001 * (0.03 + 0.97 * 0.25)), (
        "after two rounds of three"
    )
    assert [math.isnan(report.loss) for report in reports] == [True, False, False]


def test_the_loss_of_a_round_is_the_mean_of_its_updates(tmp_path: Path) -> None:
    by_hand = Trainer(SMOKE, tmp_path, workers=1)
    run(by_hand, Drawn(attempt()), rounds=1)
    losses = [by_hand.learner.update(by_hand.replay, 1 / 3, by_hand.rng) for _ in range(2)]
    assert losses[0] != losses[1]
    reports = run(Trainer(SMOKE, tmp_path, workers=1), Drawn(attempt()), rounds=2)
    assert reports[1].loss == pytest.approx(np.mean(losses))


def test_a_report_counts_attempts_and_experiences(tmp_path: Path) -> None:
    collection = Drawn(attempt(), attempt(rewards=(0.5, 0.0)), attempt(rewards=()))
    trainer = Trainer(SMOKE, tmp_path, workers=1)
    reports = run(trainer, collection)
    assert [report.round for report in reports] == [1, 2, 3]
    assert [report.attempts for report in reports] == [3, 6, 9]
    assert [report.transitions for report in reports] == [3, 6, 9]
    assert (trainer.round, trainer.attempts, trainer.reports) == (3, 9, reports)
    remembered = [item.reward for item in trainer.replay.get_state()["transitions"]]
    assert remembered == [0.5, 0.5, 0.0] * 3


def test_success_is_that_of_greedy_actions_of_each_primitive(tmp_path: Path) -> None:
    results = [
        *[attempt(GRASP, success) for success in (True, True, True, False)],
        *[attempt(PUSH, success) for success in (True, False)],
        *[attempt(kind, success, explored=True) for kind, success in ((GRASP, False), (PUSH, False), (PUSH, False))],
    ]
    (report,) = run(Trainer(SMOKE, tmp_path, workers=1), Drawn(*results), rounds=1)
    assert (report.grasp_success, report.push_success) == (0.75, 0.5)


def test_without_a_greedy_action_there_is_no_rate_of_success(tmp_path: Path) -> None:
    results = [attempt(GRASP, explored=True), attempt(PUSH, success=False)]
    (report,) = run(Trainer(SMOKE, tmp_path, workers=1), Drawn(*results), rounds=1)
    assert math.isnan(report.grasp_success)
    assert report.push_success == 0.0


def test_a_checkpoint_is_written_every_five_rounds_and_at_the_end(tmp_path: Path) -> None:
    trainer = Trainer(replace(SMOKE, rounds=7, warm_up=7), tmp_path, workers=1)
    written = []

    def on_round(report: RoundReport) -> None:
        path = tmp_path / "checkpoint.pt"
        written.append(read_checkpoint(path)["round"] if path.exists() else 0)

    trainer.run(Drawn(attempt()), on_round, lambda: False)
    assert written == [0, 0, 0, 0, 0, 5, 5]
    assert read_checkpoint(tmp_path / "checkpoint.pt")["round"] == 7


def test_a_training_that_is_asked_to_stop_at_once_leaves_its_files(tmp_path: Path) -> None:
    collection = Drawn(attempt())
    assert run(Trainer(SMOKE, tmp_path, workers=1), collection, rounds=0) == []
    assert collection.given == []
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt", "weights.safetensors", "progress.jsonl"}
    assert (tmp_path / "progress.jsonl").read_text() == ""


def test_weights_and_progress_are_those_of_the_last_round(tmp_path: Path) -> None:
    trainer = Trainer(SMOKE, tmp_path, workers=1)
    reports = run(trainer, Drawn(attempt(GRASP)))
    agent = load_agent(tmp_path / "weights.safetensors", GRIPPER, SMOKE.costs, torch.device("cpu"))
    assert agent.config == SMOKE.decoding
    assert same(dict(agent.network.state_dict()), dict(trainer.learner.frozen.state_dict()))
    lines = (tmp_path / "progress.jsonl").read_text().splitlines()
    assert len(lines) == 3
    for line, report in zip(lines, reports, strict=True):
        assert str(json.loads(line)) == str(asdict(report)), "NaN differs from itself, its text does not"


def test_the_weights_say_which_training_they_come_from_and_with_which_costs(tmp_path: Path) -> None:
    config = replace(SMOKE, seed=5, costs=CostConfig(100.0, 0.5, 0.25))
    run(Trainer(config, tmp_path, 1, "smoke", "0123456789ab"), Drawn(attempt(GRASP)), rounds=2)
    weights = read_weights(tmp_path / "weights.safetensors")
    assert weights.training == Training(preset="smoke", commit="0123456789ab", seed=5, rounds=2)
    assert weights.costs == config.costs


def test_a_training_that_goes_on_ends_like_one_that_was_not_interrupted(tmp_path: Path) -> None:
    collection = Drawn(attempt(), attempt(rewards=(1.0, 0.0)), attempt(GRASP, rewards=(0.25,)))
    whole = Trainer(SMOKE, tmp_path / "whole", workers=1)
    run(whole, collection)
    run(Trainer(SMOKE, tmp_path / "parts", workers=1), collection, rounds=2)
    second = Trainer(SMOKE, tmp_path / "parts", workers=1)
    second.resume()
    assert (second.round, second.attempts, len(second.reports), len(second.replay)) == (2, 6, 2, 8)
    assert [report.round for report in run(second, collection)] == [3]
    assert same(whole.learner.network.state_dict(), second.learner.network.state_dict())
    assert same(whole.learner.frozen.state_dict(), second.learner.frozen.state_dict())
    np.testing.assert_array_equal(whole.replay.get_state()["errors"], second.replay.get_state()["errors"])
    assert whole.rng.bit_generator.state == second.rng.bit_generator.state
    files = [(tmp_path / name / "progress.jsonl").read_text() for name in ("whole", "parts")]
    assert files[0] == files[1]


def test_the_seed_settles_the_first_network_and_what_is_drawn(tmp_path: Path) -> None:
    first, second, other = (Trainer(replace(SMOKE, seed=seed), tmp_path, workers=1) for seed in (3, 3, 4))
    assert same(first.learner.network.state_dict(), second.learner.network.state_dict())
    assert not same(first.learner.network.state_dict(), other.learner.network.state_dict())
    draws = [trainer.rng.random() for trainer in (first, second, other)]
    assert draws[0] == draws[1] != draws[2]


def test_a_checkpoint_of_other_settings_is_refused_with_both_of_them(tmp_path: Path) -> None:
    Trainer(SMOKE, tmp_path, workers=1).save()
    changed = replace(SMOKE, seed=2)
    said = rf"expected config {config_hash(changed)}, received {config_hash(SMOKE)}$"
    with pytest.raises(CheckpointError, match=said):
        Trainer(changed, tmp_path, workers=1).resume()
    with pytest.raises(CheckpointError, match=r"expected workers 2, received 1$"):
        Trainer(SMOKE, tmp_path, workers=2).resume()


def test_all_that_a_checkpoint_lacks_is_named(tmp_path: Path) -> None:
    torch.save({"replay": {}, "rng": {}, "config": "", "workers": 1}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=r"it lacks attempts, learner, reports, round$"):
        Trainer(SMOKE, tmp_path, workers=1).resume()


@pytest.mark.parametrize(("content", "kind"), [([1], "list"), ({"config": 1}, "dict")])
def test_what_is_no_state_of_a_training_is_refused(tmp_path: Path, content: object, kind: str) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match=f"expected the checkpoint of a training, found a {kind}$"):
        read_checkpoint(tmp_path / "checkpoint.pt")


@dataclass(frozen=True)
class OneWay:
    """Two settings."""

    a: int
    b: str


@dataclass(frozen=True)
class OtherWay:
    """The same two in another order."""

    b: str
    a: int


def test_a_configuration_is_known_by_twelve_digits_whatever_the_order_of_its_settings() -> None:
    digits = config_hash(OneWay(1, "x"))
    assert digits == config_hash(OtherWay("x", 1))
    assert len(digits) == 12
    assert set(digits) <= set("0123456789abcdef")
    assert len({digits, config_hash(OneWay(2, "x")), config_hash(OneWay(1, "y"))}) == 3
