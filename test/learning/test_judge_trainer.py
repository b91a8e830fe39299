"""The training of the judge learns what came of trials, can be resumed, and measures what it has not learned from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from drawn_trials import drawn_scenes, drawn_state

from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning import judge_config, judge_trainer
from impurity_grasp_ros.learning.attention_config import attention_training_names
from impurity_grasp_ros.learning.hidden_config import hidden_training_names
from impurity_grasp_ros.learning.judge_config import (
    JudgeAugmentation,
    JudgeTrainingConfig,
    judge_training_names,
    load_judge_training,
)
from impurity_grasp_ros.learning.judge_trainer import Examples, JudgeReport, JudgeTrainer, inputs_of, proposer
from impurity_grasp_ros.learning.rectangle_config import rectangle_training_names
from impurity_grasp_ros.learning.trainer import WEIGHTS
from impurity_grasp_ros.learning.training_config import training_names
from impurity_grasp_ros.learning.transition import Snapshot
from impurity_grasp_ros.learning.trial_file import Scenes
from impurity_grasp_ros.policy.judge_network import JudgeNetworkConfig, judge
from impurity_grasp_ros.policy.observation import encode
from impurity_grasp_ros.policy.weights_file import JudgeAgentConfig, read_weights

TINY = JudgeTrainingConfig(
    network=JudgeNetworkConfig((4, 6, 8), 12, 0.1),
    trials=load_judge_training("judge").trials,
    augmentation=JudgeAugmentation(shift=0.002, angle=0.05, color_mix=0.5, height_noise=0.001, hole_share=0.02),
    seed=5,
    rounds=3,
    scenes_per_round=5,
    steps_per_round=4,
    batch=8,
    learning_rate=0.01,
    warm_up=0.2,
    weight_decay=0.0,
    company_weight=1.0,
    held_out=0.2,
)
made: list[int] = []
"""Numbers of the rounds whose scenes were tried."""


@contextmanager
def trials_without_simulation(
    _make: object, config: JudgeTrainingConfig, numbers: range, _workers: int, _address: str | None
) -> Iterator[Iterator[Scenes]]:
    """Stands in for :func:`.produced`: trials without simulation, that depend on the same things."""

    def made_anew() -> Iterator[Scenes]:
        for number in numbers:
            made.append(number)
            yield drawn_scenes(config.scenes_per_round, np.random.default_rng([config.seed, number]))

    yield made_anew()


@pytest.fixture(autouse=True)
def without_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_trainer, "produced", trials_without_simulation)
    made.clear()


def trainer(folder: Path, **changes: object) -> JudgeTrainer:
    return JudgeTrainer(replace(TINY, **changes), folder, "tiny", "0123456789ab")  # type: ignore[arg-type]


def run(training: JudgeTrainer, rounds: int = 99) -> list[JudgeReport]:
    """Train for a number of rounds at most."""
    reports: list[JudgeReport] = []
    training.run(1, reports.append, lambda: len(reports) >= rounds)
    return reports


def test_a_stopped_and_resumed_training_ends_like_an_uninterrupted_one_and_tries_nothing_twice(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    assert [report.round for report in run(whole)] == [1, 2, 3]
    made.clear()
    assert [report.round for report in run(trainer(tmp_path / "parts"), rounds=2)] == [1, 2]
    second = trainer(tmp_path / "parts")
    second.resume()
    assert [report.round for report in run(second)] == [3]
    assert made == [0, 1, 2]
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], tensor, rtol=0, atol=0)
    assert second.reports == whole.reports


def test_trials_of_another_configuration_are_refused(tmp_path: Path) -> None:
    run(trainer(tmp_path), rounds=1)
    with pytest.raises(CheckpointError, match="expected trials of configuration"):
        run(trainer(tmp_path, seed=6))


def test_it_learns_what_comes_of_actions(tmp_path: Path) -> None:
    network = JudgeNetworkConfig((8, 12, 16), 24, 0.0)
    training = trainer(tmp_path, network=network, rounds=6, steps_per_round=80, scenes_per_round=16)
    last = run(training)[-1]
    assert last.right > 0.9
    assert last.held_out_loss < 0.6 * training.reports[0].held_out_loss
    assert last.trials == sum(len(item.trials) for item in training._learned + training._held_out)
    state = drawn_state(np.random.default_rng(8))
    while not (state.focus.on_target and state.trials[0].company):
        state = drawn_state(np.random.default_rng(9 + len(made)))
        made.append(0)
    crop = state.focus.crop
    proposals = [trial.proposal for trial in state.trials]
    found = judge(training.network.eval(), encode(crop, state.focus.mask), crop.grid, proposals, on_target=True)
    assert [bool(value > 0.5) for value in found.success] == [trial.success for trial in state.trials]
    assert found.company[0] > 0.6
    assert found.company[-1] < 0.3


def test_scenes_that_are_held_out_are_never_learned_from(tmp_path: Path) -> None:
    training = trainer(tmp_path, rounds=2)
    run(training)
    learned, held_out = ({item.snapshot.data for item in memory} for memory in (training._learned, training._held_out))
    assert (len(learned), len(held_out)) == (24, 6)
    assert learned.isdisjoint(held_out)
    assert np.isnan(run(trainer(tmp_path / "other", rounds=1, held_out=0.0))[0].held_out_loss)


def test_an_example_is_mirrored_and_a_grasp_turned_but_neither_is_moved_far() -> None:
    state = drawn_state(np.random.default_rng(3))
    while not state.focus.on_target:
        state = drawn_state(np.random.default_rng(4))
    quiet = JudgeAugmentation(0.0, 0.0, 0.0, 0.0, 0.0)
    for trial, ways in ((state.trials[0], 4), (state.trials[-1], 2)):
        example = Examples(Snapshot.of(state.focus), (trial,))
        ((plain, numbers, role),) = inputs_of(example, quiet, None)
        flips = [plain, plain[:, ::-1], plain[:, ::-1, ::-1], plain[:, :, ::-1]]
        seen = set()
        for seed in range(24):
            ((drawn, drawn_numbers, drawn_role),) = inputs_of(example, quiet, np.random.default_rng(seed))
            seen.add(next(index for index, flip in enumerate(flips) if np.allclose(drawn, flip, atol=0.02)))
            np.testing.assert_array_equal(drawn_numbers, numbers)
            assert drawn_role == role
        assert len(seen) == ways


def test_the_command_trains_and_tells_the_geometry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "presets.yaml"
    file.write_text(yaml.safe_dump({"tiny": asdict(replace(TINY, rounds=2))}))
    monkeypatch.setattr(judge_config, "JUDGE_FILE", str(file))
    folder = tmp_path / "run"
    train(preset="tiny", output=folder, workers=1, rounds=1)
    weights = read_weights(folder / WEIGHTS, [JudgeAgentConfig])
    assert weights.training is not None
    assert weights.training.rounds == 1
    assert weights.config.decoding == proposer().config
    with pytest.raises(CheckpointError, match="expected config"):
        train(preset="tiny", resume=folder, workers=1)
    with pytest.raises(ConfigError, match="expected no --records"):
        train(preset="tiny", output=folder, records=folder)


def test_every_shipped_preset_is_valid_and_has_a_name_of_its_own() -> None:
    names = judge_training_names()
    assert "judge" in names
    others = {*training_names(), *rectangle_training_names(), *attention_training_names(), *hidden_training_names()}
    assert not set(names) & others
    for name in names:
        assert load_judge_training(name).rounds >= 1
    with pytest.raises(ConfigError, match=r"expected one of .*judge.*received 'moon'"):
        load_judge_training("moon")
