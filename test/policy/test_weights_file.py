"""Files of weights: what the present format holds, and what becomes of files in the former one."""

import json
import shlex
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from grippers import GRIPPER
from old_weights import OLD, OLD_RECTANGLES, tensor_bytes
from shipped_policy import ANALYTIC, COSTS, DECODING, NO_COSTS
from typer.testing import CliRunner

from impurity_grasp_ros.cli.main import app
from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.policy.checkpoint import load_agent, load_rectangle_agent, save_agent
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import RectangleNetworkConfig
from impurity_grasp_ros.policy.weights_file import (
    FORMAT,
    AgentConfig,
    RectangleAgentConfig,
    Training,
    Weights,
    read_weights,
    write_weights,
)
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.tensor_file import read_tensors, to_bytes

CPU = torch.device("cpu")
NETWORK = NetworkConfig("compact", 4, 8, (1,))
TRAINING = Training("smoke", "0123456789ab", 7, 3)


def edited(folder: Path, source: Path, **metadata: str) -> Path:
    """A file with other texts in its metadata."""
    tensors, former = read_tensors(source)
    path = folder / "edited.safetensors"
    path.write_bytes(to_bytes(tensors, former | metadata))
    return path


def in_present_format(folder: Path) -> Path:
    path = folder / "present.safetensors"
    save_agent(path, make_network(NETWORK), AgentConfig(NETWORK, DECODING), TRAINING, COSTS)
    return path


def test_a_file_holds_tensors_configuration_origin_and_costs(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network, path = make_network(NETWORK), tmp_path / "agent.safetensors"
    save_agent(path, network, AgentConfig(NETWORK, DECODING), TRAINING, NO_COSTS)
    weights = read_weights(path)
    assert weights.format_version == FORMAT == 2
    assert weights.config == AgentConfig(NETWORK, DECODING)
    assert (weights.training, weights.costs) == (TRAINING, NO_COSTS)
    assert weights.tensors.keys() == network.state_dict().keys()
    assert all(torch.equal(weights.tensors[name], tensor) for name, tensor in network.state_dict().items())
    assert weights.parameter_count() == sum(parameter.numel() for parameter in network.parameters())


def test_origin_and_costs_may_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "agent.safetensors"
    save_agent(path, make_network(NETWORK), AgentConfig(NETWORK, DECODING))
    weights = read_weights(path)
    assert (weights.training, weights.costs) == (None, None)


def test_costs_in_a_file_are_not_those_of_its_actor(tmp_path: Path) -> None:
    own = CostConfig(1.0, 0.1, 0.01)
    assert load_agent(in_present_format(tmp_path), GRIPPER, own, CPU).costs == own


def test_the_former_format_had_costs_among_the_geometry() -> None:
    weights = read_weights(OLD)
    assert weights.format_version == 1
    assert weights.config == AgentConfig(NETWORK, replace(DECODING, grasp_depth=0.025))
    assert weights.costs == CostConfig(misfit_cost=300.0, push_cost=0.9, failure_cost=0.2)
    assert weights.training is None


def test_costs_of_rectangles_are_dropped_as_no_actor_has_ever_used_them() -> None:
    weights = read_weights(OLD_RECTANGLES)
    assert weights.format_version == 1
    assert weights.config == RectangleAgentConfig(RectangleNetworkConfig((4, 4), 8, 2), DECODING)
    assert weights.costs is None


@pytest.mark.parametrize("file", [OLD, OLD_RECTANGLES], ids=["agent", "rectangles"])
def test_an_actor_from_a_file_in_the_former_format_needs_the_command_that_it_names(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "my weights.safetensors"
    shutil.copy(file, path)
    with pytest.raises(CheckpointError, match=r"expected weights of format 2, received format 1; .* run: ") as raised:
        load_agent(path, GRIPPER, COSTS) if file is OLD else load_rectangle_agent(path, GRIPPER, ANALYTIC)
    program, *arguments = shlex.split(str(raised.value).partition("please run: ")[2])
    assert program == "impurity-grasp"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    converted = tmp_path / "my weights_converted.safetensors"
    assert arguments[-1] == str(converted)
    assert tensor_bytes(converted) == tensor_bytes(file)
    if file is OLD:
        agent = load_agent(converted, GRIPPER, COSTS, CPU)
        assert (agent.config.grasp_depth, agent.costs) == (0.025, COSTS)
    else:
        assert load_rectangle_agent(converted, GRIPPER, ANALYTIC, CPU).decoding == DECODING


@pytest.mark.parametrize("version", ["3", "0", "", "two"])
def test_an_unknown_format_is_refused(tmp_path: Path, version: str) -> None:
    path = edited(tmp_path, OLD, format_version=version)
    with pytest.raises(CheckpointError, match=rf"edited\.safetensors: expected format 1 or 2, received '{version}'$"):
        read_weights(path)


def test_a_file_in_the_former_format_has_all_its_costs_in_range(tmp_path: Path) -> None:
    agent = json.loads(read_tensors(OLD)[1]["agent"])
    costly = agent | {"decoding": agent["decoding"] | {"push_cost": 2.5}}
    with pytest.raises(CheckpointError, match=r"decoding\.push_cost: expected a value in \[0.0, 2.0\], received 2.5"):
        read_weights(edited(tmp_path, OLD, agent=json.dumps(costly)))
    del agent["decoding"]["failure_cost"]
    with pytest.raises(CheckpointError, match=r"decoding\.failure_cost: missing"):
        read_weights(edited(tmp_path, OLD, agent=json.dumps(agent)))


def test_a_file_in_the_present_format_has_no_costs_among_its_geometry(tmp_path: Path) -> None:
    agent = read_tensors(OLD)[1]["agent"]
    with pytest.raises(CheckpointError, match=r"decoding\.failure_cost: unknown key"):
        read_weights(edited(tmp_path, OLD, agent=agent, format_version="2"))


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("training", "{", "Expecting property name"),
        ("training", "[]", r"training\.: expected a mapping"),
        ("training", json.dumps(asdict(TRAINING) | {"seed": -1}), r"training\.seed: expected a value in"),
        ("costs", "{}", r"costs\.misfit_cost: missing"),
    ],
)
def test_a_wrong_record_is_refused_by_name(tmp_path: Path, key: str, text: str, said: str) -> None:
    path = edited(tmp_path, in_present_format(tmp_path), **{key: text})
    with pytest.raises(CheckpointError, match=rf"edited.*expected weights that fit their configuration: {said}"):
        read_weights(path)


def test_a_file_that_cannot_be_written_leaves_the_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = in_present_format(tmp_path)
    before, weights = path.read_bytes(), read_weights(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_weights(path, Weights(FORMAT, weights.config, weights.tensors))
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "preset", "rounds", "costs"),
    [
        ("default", "default", 300, COSTS),
        ("paper", "paper", 300, COSTS),
        ("no_t", "no_t", 300, COSTS),
        ("vpg", "vpg", 150, NO_COSTS),
        ("s_rgm", "s_rgm", 60, None),
    ],
)
def test_the_shipped_files_are_in_the_present_format_and_say_where_they_come_from(
    name: str, preset: str, rounds: int, costs: CostConfig | None
) -> None:
    weights = read_weights(resource(f"models/{name}.safetensors"))
    assert weights.format_version == FORMAT
    assert weights.training is not None
    assert (weights.training.preset, weights.training.seed, weights.training.rounds) == (preset, 1, rounds)
    assert weights.costs == costs
