"""``impurity-grasp teach --scene``: a model from the ordinary objects of simulated scenes, without ROS."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_objects import write_tiny
from typer.testing import CliRunner

from impurity_grasp_ros.cli.main import app
from impurity_grasp_ros.cli.sim import _taught
from impurity_grasp_ros.errors import ConfigError, ImpurityGraspError, UnknownSceneError
from impurity_grasp_ros.perception.network_weights import identity, load_object_network
from impurity_grasp_ros.perception.ordinary_model import load_model
from impurity_grasp_ros.simulation.environment import Environment

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def run(*words: object) -> str:
    """What a call prints; raises what it raises."""
    done = CliRunner().invoke(app, ["teach", *map(str, words)], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    assert done.exit_code == 0
    return done.output


def test_scenes_without_impurities_are_shown_and_seeds_count_up(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, path = [], tmp_path / "goods.json"
    reset = Environment.reset

    def followed(environment: Environment, seed: int, scene: str, targets: int | None = None) -> object:
        made = reset(environment, seed, scene, targets=targets, blocks=4)
        shown.append((seed, scene, sum(block.target for block in made.blocks.values())))
        return made

    monkeypatch.setattr(Environment, "reset", followed)
    said = run(path, "--scene", "random", "--seed", 7, "--frames", 2, "--weights", weights)
    assert shown == [(7, "random", 0), (8, "random", 0)]
    assert "view 2 of 2, seed 8" in said
    network = load_object_network(weights)
    model = load_model(path, identity(network), network.vector)
    assert 4 <= len(model.first) <= 8, "blocks that touch may be taken for one"
    assert f"{len(model.first)} ordinary and 0 odd objects: {path}" in said
    assert not model.first_odd.any()
    before = len(model.first)
    run(path, "--scene", "random", "--seed", 9, "--add", "--weights", weights)
    assert before + 2 <= len(load_model(path, identity(network), network.vector).first) <= before + 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scene", "random", "--odd", "0.5,0.0"), "expected none with --scene"),
        (("--scene", "random", "--only-odd"), "expected none with --scene"),
        (("--frames", 2, "--odd", "0.5,0.0"), "--odd: expected one view"),
        (("--only-odd", "--odd", "0.5,0.0"), "--odd: expected one view"),
        (("--odd", "0.5"), "expected X,Y in meters, such as .* received '0.5'"),
        (("--odd", "a,b"), "expected X,Y in meters"),
        (("--scene", "random", "--weights", "/nowhere"), "nowhere"),
    ],
)
def test_words_that_do_not_fit_are_refused_and_nothing_is_written(
    tmp_path: Path, words: tuple[object, ...], said: str
) -> None:
    with pytest.raises(ImpurityGraspError, match=said):
        run(tmp_path / "goods.json", *words)
    assert not list(tmp_path.iterdir())


def test_an_unknown_scene_is_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownSceneError, match="moon"):
        run(tmp_path / "goods.json", "--scene", "moon", "--weights", weights)


def test_a_simulated_job_with_a_model_that_cannot_be_used_does_not_start(tmp_path: Path) -> None:
    assert _taught(None) == {}
    with pytest.raises(ConfigError, match=r"nowhere\.json|attention\.safetensors"):
        _taught(tmp_path / "nowhere.json")
