"""``impurity-grasp weights`` shows what files of weights hold, and converts those of the former format."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from old_weights import OLD, OLD_RECTANGLES, tensor_bytes
from safetensors.torch import save_file
from typer.testing import CliRunner

from impurity_grasp_ros.cli import main as main_module
from impurity_grasp_ros.cli.main import app, main
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.weights_file import read_weights
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.tensor_file import Training

SHIPPED = resource("models/default.safetensors")
ATTENTION = resource("models/attention.safetensors")
ORIGIN = ("--preset", "smoke", "--commit", "0123456789ab", "--seed", "7", "--rounds", "3")


def run(*arguments: object) -> str:
    """What a call prints; raises what it raises."""
    done = CliRunner().invoke(app, ["weights", *map(str, arguments)], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.output


def test_show_prints_everything_as_json() -> None:
    shown = json.loads(run("show", SHIPPED, "--json"))
    assert shown == {
        "file": str(SHIPPED),
        "format_version": 2,
        "kind": "agent",
        "bytes": SHIPPED.stat().st_size,
        "parameters": 112210,
        "training": {"preset": "default", "commit": "33fa2cb79c92", "seed": 1, "rounds": 300},
        "costs": {"misfit_cost": 250.0, "push_cost": 1.3, "failure_cost": 0.3},
        "network": {"backbone": "compact", "stem_channels": 16, "body_channels": 40, "dilations": [1, 2, 4]},
        "decoding": {
            "grasp_depth": 0.03,
            "min_engagement": 0.01,
            "finger_slack": 0.004,
            "clearance": 0.002,
            "floor": 0.002,
            "push_height": 0.01,
            "surface_clearance": 0.006,
            "start_border": 0.02,
            "end_border": 0.055,
            "graspable": "target",
        },
    }


def test_show_prints_a_table_with_the_meaning_of_each_value() -> None:
    rows = {}
    for line in run("show", SHIPPED).splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        rows[cells[0]] = cells[1:]
    assert rows["format"][0] == "2"
    assert rows["size"][0] == f"{SHIPPED.stat().st_size} bytes"
    assert rows["training"][0] == "preset default, commit 33fa2cb79c92, seed 1, rounds 300"
    assert rows["costs"][0] == "misfit_cost 250.0, push_cost 1.3, failure_cost 0.3"
    assert rows["dilations"][0] == "1 2 4"
    assert rows["floor"] == ["0.002", "m above the table, lowest tool height"]


def test_show_tells_what_the_weights_of_the_attention_are() -> None:
    shown = json.loads(run("show", ATTENTION, "--json"))
    assert (shown["kind"], shown["bytes"]) == ("attention", ATTENTION.stat().st_size)
    assert shown["parameters"] > 0
    assert shown["training"]["preset"] == "attention"
    assert set(shown["network"]) == {"fine", "middle", "coarse", "aspects", "aspect", "compare"}
    assert "channels at one pixel per cell" in run("show", ATTENTION)


def test_show_reads_the_former_format_and_both_kinds_of_networks() -> None:
    shown = json.loads(run("show", OLD_RECTANGLES, "--json"))
    assert (shown["format_version"], shown["kind"], shown["training"], shown["costs"]) == (
        1,
        "rectangle_agent",
        None,
        None,
    )
    assert shown["network"] == {"channels": [4, 4], "hidden": 8, "proposals": 2}
    table = run("show", OLD)
    assert "not recorded" in table
    assert "misfit_cost 300.0, push_cost 0.9, failure_cost 0.2" in table


@pytest.mark.parametrize("source", [OLD, OLD_RECTANGLES], ids=["agent", "rectangles"])
def test_a_file_is_converted_bit_for_bit(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "new" / "weights.safetensors"
    said = run("convert", source, target)
    assert "from format 1 to format 2" in said
    before, after = read_weights(source), read_weights(target)
    assert after.format_version == 2
    assert (after.config, after.costs, after.training) == (before.config, before.costs, None)
    assert tensor_bytes(target) == tensor_bytes(source)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_conversion_says_which_costs_are_no_longer_used(tmp_path: Path) -> None:
    said = " ".join(run("convert", OLD, tmp_path / "new.safetensors").split())
    assert "misfit_cost 300.0, push_cost 0.9, failure_cost 0.2" in said
    assert read_weights(tmp_path / "new.safetensors").costs == CostConfig(300.0, 0.9, 0.2)
    assert "costs" not in run("convert", OLD_RECTANGLES, tmp_path / "rectangles.safetensors")


def test_conversion_records_where_the_weights_come_from(tmp_path: Path) -> None:
    run("convert", OLD, tmp_path / "new.safetensors", *ORIGIN)
    assert read_weights(tmp_path / "new.safetensors").training == Training("smoke", "0123456789ab", 7, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ORIGIN[2:], r"^--preset: missing$"),
        (ORIGIN[:-2], r"^--rounds: missing$"),
        ((*ORIGIN[:-1], -1), r"^--rounds: expected a value in \[0, 1000000\], received -1$"),
    ],
)
def test_an_incomplete_or_wrong_origin_is_refused_and_nothing_is_written(
    tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        run("convert", OLD, tmp_path / "new.safetensors", *options)
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_only_with_force_and_may_be_the_source(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    shutil.copy(OLD, path)
    with pytest.raises(ConfigError, match=r"weights\.safetensors: expected the name of a new file, .*--force"):
        run("convert", path, path)
    assert path.read_bytes() == OLD.read_bytes()
    run("convert", path, path, "--force")
    assert read_weights(path).format_version == 2
    assert tensor_bytes(path) == tensor_bytes(OLD)


def test_a_link_that_leads_nowhere_counts_as_an_existing_file(tmp_path: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="received an existing one"):
        run("convert", OLD, link)


def test_a_conversion_that_fails_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    shutil.copy(OLD, path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ConfigError, match=r"expected a file that can be written: .*No space left on device"):
        run("convert", path, path, "--force")
    assert path.read_bytes() == OLD.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_cannot_be_replaced(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a file that can be written"):
        run("convert", OLD, tmp_path, "--force")


def test_the_present_format_is_not_converted_again(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"expected a format older than 2, received format 2$"):
        run("convert", SHIPPED, tmp_path / "new.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["show", "convert"])
def test_what_is_not_a_file_of_weights_is_refused(tmp_path: Path, verb: str) -> None:
    foreign, noise, damaged = (tmp_path / f"{name}.safetensors" for name in ("foreign", "noise", "damaged"))
    save_file({"a": torch.zeros(1)}, foreign, {"format": "pt"})
    noise.write_bytes(b"not weights")
    damaged.write_bytes(OLD.read_bytes()[:-4])
    more = [tmp_path / "out"] if verb == "convert" else []
    for path, said in (
        (
            foreign,
            r"configuration of agent or rectangle_agent or judge_agent in the metadata, found \['format'",
        ),
        (noise, "expected a safetensors file of a network"),
        (damaged, "expected a safetensors file of a network"),
        (tmp_path / "nowhere", "expected a safetensors file of a network: .*No such file"),
    ):
        with pytest.raises(CheckpointError, match=said):
            run(verb, path, *more)
    assert not (tmp_path / "out").exists()


def test_a_fault_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["impurity-grasp", "weights", "show", "/nowhere"])
    monkeypatch.setattr(main_module.app, "pretty_exceptions_enable", False)
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("INVALID_WEIGHTS: /nowhere: expected a safetensors file of a network: ")
