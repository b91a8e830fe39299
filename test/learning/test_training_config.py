"""The shipped trainings say what the documentation and the paper say, and a wrong one is named."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from impurity_grasp_ros.config import packaged_parameters, read_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.learning import training_config
from impurity_grasp_ros.learning.training_config import TRAINING_FILE, TrainingConfig, load_training, training_names
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig


def differences(name: str) -> dict[str, Any]:
    """What a training has otherwise than the default one, by dotted names."""

    def leaves(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found = {}
        for key, value in values.items():
            found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        return found

    default, other = (leaves(asdict(load_training(which))) for which in ("default", name))
    assert default.keys() == other.keys()
    return {key: value for key, value in other.items() if value != default[key]}


def test_the_names_are_those_of_the_documentation() -> None:
    assert training_names() == ["default", "no_t", "paper", "paper_sgd", "smoke", "vpg"]


def test_the_default_training_is_the_documented_one() -> None:
    config = load_training("default")
    assert isinstance(config, TrainingConfig)
    assert (config.seed, config.rounds, config.attempts_per_round) == (1, 300, 20)
    assert (config.warm_up, config.updates_per_round) == (6, 24)
    assert (config.learner.discount, config.learner.batch, config.learner.refresh) == (0.5, 32, 1)
    assert (config.learner.optimizer, config.learner.learning_rate, config.learner.final_rate) == ("adam", 0.001, 0.03)
    assert (config.augmentation.patch_px, config.augmentation.shift_px) == (96, 4)
    assert config.play.scenes[:3] == ("random", "challenging", "invisible")
    assert (config.play.aim, config.play.push_reward, config.play.search_reward) == ("target", "dispersion", "reveal")
    assert (config.play.failures_per_scene, config.play.attempts_per_scene) == (3, 12)
    assert (config.play.search_share, config.play.relabel_share) == (0.6, 0.5)
    assert config.decoding == DecodingConfig(0.03, 0.01, 0.004, 0.002, 0.002, 0.01, 0.006, 0.02, 0.055, "target")
    assert config.costs == CostConfig(250.0, 1.3, 0.3)


@pytest.mark.parametrize("name", ["default", "no_t", "paper", "paper_sgd", "smoke", "vpg"])
def test_every_shipped_training_discounts_as_the_paper_does_and_has_a_share_for_each_scene(name: str) -> None:
    config = load_training(name)
    assert config.learner.discount == 0.5, "section 3"
    assert config.play.failures_per_scene == 3, "section 6.3"
    assert len(config.play.scenes) == len(config.play.shares) > 0


def test_the_paper_trains_in_random_scenes_alone() -> None:
    assert differences("paper") == {
        "play.scenes": ("random",),
        "play.shares": (1.0,),
        "play.search_reward": "dispersion",
    }


def test_the_training_of_the_paper_has_its_backbone_and_optimizer() -> None:
    assert differences("paper_sgd") == differences("paper") | {
        "network.backbone": "densenet121",
        "learner.optimizer": "sgd",
        "learner.learning_rate": 1e-5,
        "learner.final_rate": 1.0,
        "learner.weight_decay": 2e-5,
    }
    assert load_training("paper_sgd").learner.momentum == 0.9


def test_the_ablation_without_the_dispersion_degree_rewards_any_change() -> None:
    assert differences("no_t") == {"play.push_reward": "change"}


def test_the_training_without_targets_differs_in_aim_rewards_and_costs() -> None:
    assert differences("vpg") == {
        "rounds": 150,
        "play.aim": "anything",
        "play.push_reward": "change",
        "decoding.graspable": "anything",
        "costs.misfit_cost": 0.0,
        "costs.push_cost": 0.0,
        "costs.failure_cost": 0.0,
    }


def test_policies_run_with_the_costs_of_their_trainings_by_default() -> None:
    policy = packaged_parameters("policy_node", PolicyNodeConfig)
    assert (
        policy.learned == load_training("default").costs == load_training("paper").costs == load_training("no_t").costs
    )
    assert policy.vpg == load_training("vpg").costs


def test_an_unknown_training_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"^expected a training out of default, no_t, .*, vpg, received 'moon'$"):
        load_training("moon")


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of trainings that is read instead of the shipped one."""
    path = tmp_path / "training.yaml"
    monkeypatch.setattr(training_config, "TRAINING_FILE", str(path))
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rounds": 0}, r"^mine\.rounds: expected a value in \[1, 1000000\], received 0$"),
        ({"warm_up": 0}, r"^mine\.warm_up: expected a value in \[1, 1000000\], received 0$"),
        ({"seed": -1}, r"^mine\.seed: expected a value in \[0, 2147483648\], received -1$"),
        ({"learner": {}}, r"^mine\.learner\.optimizer: missing$"),
        ({"epochs": 3}, r"^mine\.epochs: unknown key"),
    ],
)
def test_a_wrong_value_is_named_with_its_training(edited: Path, changes: dict[str, Any], said: str) -> None:
    edited.write_text(yaml.safe_dump({"mine": {**read_yaml(TRAINING_FILE)["smoke"], **changes}}))
    assert training_names() == ["mine"]
    with pytest.raises(ConfigError, match=said):
        load_training("mine")
