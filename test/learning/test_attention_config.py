"""Presets of attention trainings are checked when they are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from impurity_grasp_ros.config import read_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.learning import attention_config
from impurity_grasp_ros.learning.attention_config import (
    ATTENTION_FILE,
    attention_training_names,
    load_attention_training,
)
from impurity_grasp_ros.learning.rectangle_config import rectangle_training_names
from impurity_grasp_ros.learning.training_config import training_names


def test_every_shipped_preset_is_valid_and_has_a_name_of_its_own() -> None:
    names = attention_training_names()
    assert "attention" in names
    assert not set(names) & {*training_names(), *rectangle_training_names()}
    for name in names:
        config = load_attention_training(name)
        assert config.network.compare % 4 == 0, "heads of the transformer"
        assert config.rounds * config.batches_per_round >= 1


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"expected one of .*attention.*received 'moon'"):
        load_attention_training("moon")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("rounds", 0, r"own\.rounds: expected a value in \[1, 100000\], received 0"),
        ("learning_rate", "fast", r"own\.learning_rate: expected float, received 'fast'"),
        ("temperature", None, r"own\.temperature: missing"),
        ("more", 1, r"own\.more: unknown"),
        ("network", {"fine": 4, "middle": 6, "coarse": 8}, r"own\.network\.aspects: missing"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: Any, said: str
) -> None:
    values = {**read_yaml(ATTENTION_FILE)["attention"], key: value}
    if value is None:
        del values[key]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"own": values}))
    monkeypatch.setattr(attention_config, "ATTENTION_FILE", str(tmp_path / "own.yaml"))
    with pytest.raises(ConfigError, match=said):
        load_attention_training("own")
