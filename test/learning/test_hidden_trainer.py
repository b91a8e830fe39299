"""The training of hidden objects learns what is hidden, can be resumed, and measures what it has not learned from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning import hidden_config, hidden_trainer
from impurity_grasp_ros.learning.attention_config import attention_training_names
from impurity_grasp_ros.learning.hidden_config import HiddenTrainingConfig, hidden_training_names, load_hidden_training
from impurity_grasp_ros.learning.hidden_trainer import HiddenReport, HiddenTrainer, Scenes
from impurity_grasp_ros.learning.hidden_views import HiddenView
from impurity_grasp_ros.learning.rectangle_config import rectangle_training_names
from impurity_grasp_ros.learning.trainer import WEIGHTS
from impurity_grasp_ros.learning.training_config import training_names
from impurity_grasp_ros.perception.hidden_network import HiddenNetworkConfig
from impurity_grasp_ros.perception.network_weights import read_network_weights

TINY = HiddenTrainingConfig(
    network=HiddenNetworkConfig(4, 6, 8),
    seed=5,
    rounds=3,
    scenes_per_round=5,
    views_per_scene=2,
    steps_per_round=4,
    remembered=24,
    batch=4,
    learning_rate=0.01,
    warm_up=0.2,
    weight_decay=0.0,
    height_noise=0.001,
    held_out=0.2,
)


def drawn_view(rng: np.random.Generator) -> HiddenView:
    """Low blocks, and high ones with an object below."""
    height, hidden = np.zeros((64, 64), np.float16), np.zeros((16, 16), np.uint8)
    for place in rng.permutation(9)[:4]:
        row, column = 4 + 20 * (place // 3), 4 + 20 * (place % 3)
        high = rng.random() < 0.5
        height[row : row + 12, column : column + 12] = 0.06 if high else 0.03
        hidden[row // 4 + 1, column // 4 + 1] = high
    return HiddenView(height, np.ones((64, 64), np.bool_), hidden)


@contextmanager
def drawn_scenes(
    _make: object, config: HiddenTrainingConfig, numbers: range, _workers: int, _address: str | None
) -> Iterator[Iterator[Scenes]]:
    """Stands in for :func:`.produced`: views without simulation, that depend on the same things."""

    def made_anew() -> Iterator[Scenes]:
        for number in numbers:
            rng = np.random.default_rng([config.seed, number])
            yield [[drawn_view(rng) for _ in range(config.views_per_scene)] for _ in range(config.scenes_per_round)]

    yield made_anew()


@pytest.fixture(autouse=True)
def without_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_trainer, "produced", drawn_scenes)


def trainer(folder: Path, **changes: object) -> HiddenTrainer:
    return HiddenTrainer(replace(TINY, **changes), folder, "tiny", "0123456789ab")  # type: ignore[arg-type]


def run(training: HiddenTrainer, rounds: int = 99) -> list[HiddenReport]:
    """Train for a number of rounds at most."""
    reports: list[HiddenReport] = []
    training.run(1, reports.append, lambda: len(reports) >= rounds)
    return reports


def test_a_stopped_and_resumed_training_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    assert [report.round for report in run(whole)] == [1, 2, 3]
    assert [report.round for report in run(trainer(tmp_path / "parts"), rounds=1)] == [1]
    second = trainer(tmp_path / "parts")
    second.resume()
    assert [report.round for report in run(second)] == [2, 3]
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], tensor, rtol=0, atol=0)
    assert second.reports == whole.reports


def test_it_learns_what_is_hidden(tmp_path: Path) -> None:
    training = trainer(tmp_path, rounds=8, steps_per_round=60, remembered=200)
    last = run(training)[-1]
    assert last.held_out_loss < 0.5 * training.reports[0].held_out_loss
    assert last.expected == pytest.approx(last.hidden, rel=0.2)
    view = drawn_view(np.random.default_rng(99))
    with torch.inference_mode():
        intensity, hidden = training._judged([view])
    expected = torch.nn.functional.max_pool2d(intensity.exp()[None], 3, 1, 1)[0]
    assert expected[hidden > 0].min() > 0.1
    nothing = torch.nn.functional.max_pool2d(hidden[None], 5, 1, 2)[0] == 0
    assert intensity.exp()[nothing].sum() < 0.3


def test_what_is_held_out_is_never_learned_from(tmp_path: Path) -> None:
    training = trainer(tmp_path, rounds=2)
    run(training)
    learned, held_out = ({view.height.tobytes() for view in views} for views in (training._learned, training._held_out))
    assert (len(learned), len(held_out)) == (16, 4)
    assert learned.isdisjoint(held_out)
    assert np.isnan(run(trainer(tmp_path, rounds=1, held_out=0.0))[0].held_out_loss)


def test_the_command_trains_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "presets.yaml"
    file.write_text(yaml.safe_dump({"tiny": asdict(replace(TINY, rounds=2))}))
    monkeypatch.setattr(hidden_config, "HIDDEN_FILE", str(file))
    folder = tmp_path / "run"
    train(preset="tiny", output=folder, workers=1, rounds=1)
    assert read_network_weights(folder / WEIGHTS).training.rounds == 1
    with pytest.raises(CheckpointError, match="expected config"):
        train(preset="tiny", resume=folder, workers=1)
    with pytest.raises(ConfigError, match="expected no --records"):
        train(preset="tiny", output=folder, records=folder)


def test_every_shipped_preset_is_valid_and_has_a_name_of_its_own() -> None:
    names = hidden_training_names()
    assert "hidden" in names
    assert not set(names) & {*training_names(), *rectangle_training_names(), *attention_training_names()}
    for name in names:
        assert load_hidden_training(name).rounds >= 1
    with pytest.raises(ConfigError, match=r"expected one of .*hidden.*received 'moon'"):
        load_hidden_training("moon")
