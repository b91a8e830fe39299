"""The shipped rectangle training."""

from pathlib import Path

import pytest
import yaml
from drawn_rectangles import SHIPPED

from impurity_grasp_ros.config import read_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.learning import rectangle_config
from impurity_grasp_ros.learning.rectangle_config import (
    load_rectangle_training,
    rectangle_training_names,
)


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
