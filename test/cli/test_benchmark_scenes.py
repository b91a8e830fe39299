"""Which scenes ``impurity-grasp benchmark`` runs, and what it says of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from impurity_grasp_ros.cli.benchmark import repeated, scenes_in
from impurity_grasp_ros.cli.main import app
from impurity_grasp_ros.errors import ConfigError

EXAMPLES = Path(__file__).resolve().parents[2] / "config/scenes/examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two presets, of which one has a noisy camera."""
    own = Path(shutil.copytree(EXAMPLES, tmp_path / "own"))
    content = yaml.safe_load((own / "tower.yaml").read_text())
    noise = yaml.safe_load((EXAMPLES.parent / "noisy.yaml").read_text())["camera"]
    (own / "noisy.yaml").write_text(yaml.safe_dump(content | {"camera": noise}))
    return own


def test_all_are_the_scenes_of_blocks() -> None:
    assert scenes_in("all") == [
        "border",
        "challenging",
        "few",
        "invisible",
        "large",
        "noisy",
        "novel",
        "random",
        "stacks",
    ]


def test_names_presets_and_folders_may_be_mixed(folder: Path) -> None:
    noisy, tower = str(folder / "noisy.yaml"), str(folder / "tower.yaml")
    assert scenes_in(f"random, {tower}") == ["random", tower]
    assert scenes_in(f"{tower},{folder},random") == [tower, noisy, "random"]


def test_a_folder_without_presets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected presets"):
        scenes_in(str(tmp_path))


def test_presets_that_are_the_same_with_every_seed_are_named(folder: Path) -> None:
    assert repeated(scenes_in(f"{folder},noisy,random")) == [str(folder / "tower.yaml")]


@pytest.mark.sim
def test_a_benchmark_of_a_preset_warns_that_its_episodes_are_the_same(tmp_path: Path) -> None:
    words = ["benchmark", "--scene", str(EXAMPLES / "tower.yaml"), "--episodes", "2", "--quick", "--workers", "1"]
    shown = CliRunner().invoke(app, [*words, "--output", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "its 2 episodes are the same" in " ".join(shown.output.split())
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == 2
