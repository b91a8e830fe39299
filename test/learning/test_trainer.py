"""A whole training of seconds: it can be stopped and resumed exactly, and survives the death of a worker."""

import json
import os
import signal
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from grippers import GRIPPER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.learning.collection import CollectionTask, Collector, LocalCollection, RayCollection
from impurity_grasp_ros.learning.trainer import CHECKPOINT, PROGRESS, WEIGHTS, RoundReport, Trainer, read_checkpoint
from impurity_grasp_ros.learning.training_config import TrainingConfig, load_training, training_names
from impurity_grasp_ros.policy.checkpoint import load_agent
from impurity_grasp_ros.policy.network import make_network

pytestmark = pytest.mark.sim
SMOKE = load_training("smoke")


def run(trainer: Trainer, rounds: int = 99) -> list[RoundReport]:
    """Train for a number of rounds at most."""
    reports: list[RoundReport] = []
    trainer.run(LocalCollection(SMOKE), reports.append, lambda: len(reports) >= rounds)
    return reports


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return trainer.learner.network.state_dict()


def test_a_stopped_and_resumed_training_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = Trainer(SMOKE, tmp_path / "whole", workers=1)
    reports = run(whole)
    assert [report.round for report in reports] == [1, 2, 3]

    run(Trainer(SMOKE, tmp_path / "parts", workers=1), rounds=2)
    second = Trainer(SMOKE, tmp_path / "parts", workers=1)
    second.resume()
    run(second)

    for name, tensor in weights(whole).items():
        torch.testing.assert_close(tensor, weights(second)[name], rtol=0, atol=0)
    assert whole.replay.get_state()["transitions"] == second.replay.get_state()["transitions"]
    first_file, second_file = (tmp_path / folder / PROGRESS for folder in ("whole", "parts"))
    assert first_file.read_text() == second_file.read_text()
    assert json.loads(first_file.read_text().splitlines()[-1])["attempts"] == 3 * SMOKE.attempts_per_round
    assert load_agent(tmp_path / "parts" / WEIGHTS, GRIPPER, SMOKE.costs).config == SMOKE.decoding


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected the checkpoint"):
        Trainer(SMOKE, tmp_path, workers=1).resume()
    trainer = Trainer(SMOKE, tmp_path, workers=1)
    trainer.save()
    with pytest.raises(CheckpointError, match="config"):
        Trainer(replace(SMOKE, seed=2), tmp_path, workers=1).resume()
    with pytest.raises(CheckpointError, match="workers"):
        Trainer(SMOKE, tmp_path, workers=2).resume()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a training that has not begun."""
    folder = tmp_path_factory.mktemp("saved")
    Trainer(SMOKE, folder, workers=1).save()
    return folder


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_checkpoint_is_a_named_error(saved: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray((saved / CHECKPOINT).read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        with zipfile.ZipFile(saved / CHECKPOINT) as archive:  # a flipped bit where values are, not between them
            part = data.draw(st.sampled_from([item for item in archive.infolist() if item.file_size > 1000]))
        start = part.header_offset + 200
        content[data.draw(st.integers(start, start + 500))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / CHECKPOINT).write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="expected the checkpoint"):
        read_checkpoint(tmp_path / CHECKPOINT)


@pytest.mark.parametrize(
    ("key", "value"),
    [("learner", None), ("replay", {"transitions": 3}), ("rng", "dice"), ("round", "third"), ("reports", 7)],
)
def test_a_checkpoint_with_a_value_of_the_wrong_kind_is_a_named_error(
    saved: Path, tmp_path: Path, key: str, value: object
) -> None:
    torch.save(read_checkpoint(saved / CHECKPOINT) | {key: value}, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="expected the state of a training"):
        Trainer(SMOKE, tmp_path, workers=1).resume()


def test_a_checkpoint_that_lacks_something_and_a_pipe_are_named_errors(saved: Path, tmp_path: Path) -> None:
    state = read_checkpoint(saved / CHECKPOINT)
    del state["rng"]
    torch.save(state, tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="it lacks rng"):
        Trainer(SMOKE, tmp_path, workers=1).resume()
    (tmp_path / CHECKPOINT).unlink()
    os.mkfifo(tmp_path / CHECKPOINT)
    with pytest.raises(CheckpointError, match="expected a regular file, received a named pipe"):
        Trainer(SMOKE, tmp_path, workers=1).resume()


def test_a_killed_worker_is_replaced_and_its_task_is_carried_out_again(tmp_path: Path) -> None:
    trainer = Trainer(SMOKE, tmp_path, workers=1)
    task = trainer._task(0, 1.0)
    local = LocalCollection(SMOKE)
    local.start([task])
    expected = local.gather()
    collection = RayCollection(SMOKE, workers=1)
    try:
        (worker,) = collection.process_ids()
        collection.start([task])
        os.kill(worker, signal.SIGKILL)
        results = collection.gather()
    finally:
        collection.close()
    assert [asdict(item) for item in results] == [asdict(item) for item in expected]


def test_a_worker_that_dies_during_its_start_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    died = tmp_path / "died"

    class DiesOnce(Collector):
        def __init__(self, config: TrainingConfig) -> None:
            if not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            super().__init__(config)

    monkeypatch.setattr("impurity_grasp_ros.learning.collection.Collector", DiesOnce)
    collection = RayCollection(SMOKE, workers=1)
    try:
        assert len(collection.process_ids()) == 1
        assert died.exists()
    finally:
        collection.close()


def test_every_shipped_training_is_valid_and_an_unknown_one_is_named() -> None:
    for name in training_names():
        config = load_training(name)
        assert len(config.play.scenes) == len(config.play.shares)
        assert np.isclose(config.learner.discount, 0.5), "gamma of the paper, section 3"
    with pytest.raises(ConfigError, match="moon"):
        load_training("moon")


def test_a_training_without_targets_counts_whatever_was_held_or_moved(tmp_path: Path) -> None:
    config = replace(
        SMOKE,
        play=replace(SMOKE.play, aim="anything", push_reward="change"),
        decoding=replace(SMOKE.decoding, graspable="anything"),
    )
    collection = LocalCollection(config)
    collection.start([CollectionTask((1,), make_network(config.network).state_dict(), 0, 12, 1.0)])
    results = collection.gather()
    assert len(results) == 12
    for item in results:
        (transition,) = item.transitions
        assert item.success == (transition.reward > 0.0)
        assert transition.reward in ((0.0, 1.0) if item.kind is PrimitiveKind.GRASP else (0.0, 0.5))
        assert transition.state.unpack().mask.all()
    assert any(item.success for item in results)
    assert not all(item.success for item in results)
