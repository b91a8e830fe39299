"""An attention training of seconds can be stopped and resumed exactly; what it writes can be used."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from drawn_pairs import TINY, drawn_batches

from impurity_grasp_ros.cli.train import train
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning import attention_config, attention_trainer
from impurity_grasp_ros.learning.attention_loss import JobView, JudgeLosses, Losses, PooledPair
from impurity_grasp_ros.learning.attention_trainer import AttentionReport, AttentionTrainer
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.learning.trainer import CHECKPOINT, PROGRESS, WEIGHTS
from impurity_grasp_ros.perception.network_weights import load_object_network, read_network_weights
from impurity_grasp_ros.perception.object_network import ObjectNetwork
from impurity_grasp_ros.perception.objects_config import SegmentationConfig
from impurity_grasp_ros.tensor_file import Training


@pytest.fixture(autouse=True)
def without_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_trainer, "produced", drawn_batches)


def trainer(folder: Path, **changes: object) -> AttentionTrainer:
    return AttentionTrainer(replace(TINY, **changes), folder, "tiny", "0123456789ab")  # type: ignore[arg-type]


def run(training: AttentionTrainer, rounds: int = 99) -> list[AttentionReport]:
    """Train for a number of rounds at most."""
    reports: list[AttentionReport] = []
    training.run(1, reports.append, lambda: len(reports) >= rounds)
    return reports


def test_a_stopped_and_resumed_training_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    assert [report.round for report in run(whole)] == [1, 2, 3]
    assert [report.round for report in run(trainer(tmp_path / "parts"), rounds=2)] == [1, 2]
    second = trainer(tmp_path / "parts")
    second.resume()
    assert [report.round for report in run(second)] == [3]
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], tensor, rtol=0, atol=0)
    first_file, second_file = (tmp_path / folder / PROGRESS for folder in ("whole", "parts"))
    assert first_file.read_text() == second_file.read_text()
    assert [json.loads(line)["round"] for line in first_file.read_text().splitlines()] == [1, 2, 3]


def test_other_seeds_give_other_networks(tmp_path: Path) -> None:
    one, same, other = (trainer(tmp_path, seed=seed, rounds=1) for seed in (5, 5, 6))
    assert run(one) == run(same)
    assert one.reports != run(other)


def test_training_learns(tmp_path: Path) -> None:
    reports = run(trainer(tmp_path, rounds=12, learning_rate=0.01))
    assert reports[-1].loss < 0.7 * reports[0].loss
    assert reports[-1].loss == pytest.approx(
        reports[-1].outline + TINY.odd_weight * reports[-1].odd + TINY.kind_weight * reports[-1].kind, rel=1e-4
    )


def test_each_step_is_followed_by_steps_on_earlier_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    judge_losses = attention_trainer.judge_losses

    def recorded(network: ObjectNetwork, pairs: list[PooledPair], *others: Any) -> JudgeLosses:
        assert not any(view.statistics.requires_grad for pair in pairs for view in pair)
        sizes.append(len(pairs))
        return judge_losses(network, pairs, *others)

    monkeypatch.setattr(attention_trainer, "judge_losses", recorded)
    run(trainer(tmp_path, rounds=2, batches_per_round=3, replays=2, replay_pairs=3, replay_memory=4))
    assert sizes == [1, 1, 2, 2, *[3] * 8]


def test_objects_are_judged_as_a_job_finds_them_from_a_part_of_the_training_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[JobView | None] = []
    losses = attention_trainer.losses

    def recorded(
        network: ObjectNetwork, pairs: list[Pair], temperature: float, rng: Any, job: JobView | None
    ) -> Losses:
        jobs.append(job)
        return losses(network, pairs, temperature, rng, job)

    monkeypatch.setattr(attention_trainer, "losses", recorded)
    run(trainer(tmp_path, rounds=4, segmented_from=0.5))
    assert [job is not None for job in jobs] == [False] * 4 + [True] * 4
    assert jobs[-1] == JobView(SegmentationConfig(seed_level=0.4, min_seed=12, min_part=25, min_cells=80), 0.006)


def test_the_weights_of_every_round_can_be_used(tmp_path: Path) -> None:
    training = trainer(tmp_path)
    run(training, rounds=1)
    weights = read_network_weights(tmp_path / WEIGHTS)
    assert weights.training == Training("tiny", "0123456789ab", 5, 1)
    assert weights.config == TINY.network
    for name, tensor in training.network.state_dict().items():
        torch.testing.assert_close(weights.tensors[name], tensor.contiguous(), rtol=0, atol=0)
    loaded, view = load_object_network(tmp_path / WEIGHTS), (torch.rand(1, 3, 32, 32), torch.rand(1, 1, 16, 16) / 10)
    with torch.inference_mode():
        found, expected = (network.eval()(*view, torch.ones(1, 1, 16, 16)) for network in (loaded, training.network))
    for features, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(features, wanted, rtol=1e-3, atol=1e-4)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The checkpoint of a training of one round."""
    folder = tmp_path_factory.mktemp("finished")
    trainer(folder, rounds=3).save()
    return (folder / CHECKPOINT).read_bytes()


@pytest.mark.parametrize("damage", ["missing", "empty", "short", "flipped", "noise", "list", "other dictionary"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, finished: bytes, damage: str) -> None:
    path = tmp_path / CHECKPOINT
    middle = len(finished) // 2
    contents = {
        "empty": b"",
        "short": finished[:-100],
        "flipped": finished[:middle]
        + bytes(255 - byte for byte in finished[middle : middle + 300])
        + finished[middle + 300 :],
        "noise": b"not a checkpoint",
    }
    if damage in contents:
        path.write_bytes(contents[damage])
    elif damage != "missing":
        torch.save([1] if damage == "list" else {"config": "x"}, path)
    with pytest.raises(CheckpointError, match=rf"{CHECKPOINT}: expected the checkpoint of a training"):
        trainer(tmp_path).resume()


@pytest.mark.parametrize(
    ("key", "value"), [("network", {}), ("optimizer", 3), ("schedule", 3), ("rng", {"a": 1}), ("objects", 3)]
)
def test_a_checkpoint_with_a_part_of_another_kind_is_refused(
    tmp_path: Path, finished: bytes, key: str, value: object
) -> None:
    (tmp_path / CHECKPOINT).write_bytes(finished)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=False)
    torch.save({**state, key: value}, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match=rf"{CHECKPOINT}: expected the state of a training"):
        trainer(tmp_path).resume()


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path, finished: bytes) -> None:
    (tmp_path / CHECKPOINT).write_bytes(finished)
    trainer(tmp_path).resume()
    with pytest.raises(CheckpointError, match="expected config"):
        trainer(tmp_path, temperature=0.2).resume()


@pytest.fixture
def preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A preset of one round, in a file that takes the place of the shipped one."""
    file = tmp_path / "presets.yaml"
    file.write_text(yaml.safe_dump({"tiny": asdict(replace(TINY, rounds=2))}))
    monkeypatch.setattr(attention_config, "ATTENTION_FILE", str(file))
    return "tiny"


def test_the_command_trains_and_resumes(preset: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(preset=preset, output=folder, workers=1, rounds=1)
    assert read_network_weights(folder / WEIGHTS).training.rounds == 1
    assert list((folder / "tensorboard").iterdir())
    assert "1 workers" in (folder / "duration.txt").read_text()
    with pytest.raises(CheckpointError, match="expected config"):
        train(preset=preset, resume=folder, workers=1)
    train(preset=preset, resume=folder, workers=1, rounds=1)
    assert len((folder / PROGRESS).read_text().splitlines()) == 1


def test_the_command_refuses_options_of_other_trainings(preset: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tiny: expected no --records"):
        train(preset=preset, output=tmp_path / "run", records=tmp_path)
    assert not (tmp_path / "run").exists()
