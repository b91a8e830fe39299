"""Both backbones map views to two maps of values; files of weights are checked before they are used."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.policy.checkpoint import AgentConfig, load_agent, save_agent
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network

COMPACT = NetworkConfig("compact", 8, 8, (1, 2))
DECODING = DecodingConfig(0.03, 0.01, 0.006, 0.002, 0.002, 0.01, 0.006, 0.02, 0.055, "target", 0.0, 0.0, 0.0)


@pytest.mark.parametrize("backbone", ["compact", "densenet121"])
@pytest.mark.parametrize("size", [64, 160])
def test_a_network_gives_a_value_for_every_pixel_and_primitive(backbone: str, size: int) -> None:
    network = make_network(NetworkConfig(backbone, 8, 8, (1,))).eval()
    with torch.inference_mode():
        values = network(torch.rand(1, 8, size, size))
    assert values.shape == (1, 2, size, size)
    assert torch.isfinite(values).all()


def test_the_densenet_towers_have_the_published_number_of_parameters() -> None:
    network = make_network(NetworkConfig("densenet121", 8, 8, (1,)))
    tower = network.primitives[0].scene
    published, one_more_channel = 6_953_856, 64 * 7 * 7  # features of DenseNet-121, which takes three channels
    assert sum(parameter.numel() for parameter in tower.parameters()) == published + one_more_channel


def test_a_saved_agent_comes_back_with_its_configuration(tmp_path: Path) -> None:
    network, path = make_network(COMPACT).eval(), tmp_path / "agent.safetensors"
    save_agent(path, network, AgentConfig(COMPACT, DECODING))
    agent = load_agent(path, torch.device("cpu"))
    views = torch.rand(2, 8, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(agent.network(views), network(views))
    assert agent.config == DECODING


def test_missing_foreign_and_damaged_files_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        load_agent(tmp_path / "nowhere.safetensors")
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="noise"):
        load_agent(noise)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match="configuration"):
        load_agent(foreign)


def test_weights_of_another_shape_are_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "agent.safetensors"
    save_agent(path, make_network(COMPACT), AgentConfig(NetworkConfig("compact", 8, 16, (1, 2)), DECODING))
    assert load_file(path)
    with pytest.raises(CheckpointError, match="fit"):
        load_agent(path)
