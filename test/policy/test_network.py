"""Both backbones map views to two maps of values; files of weights are checked before they are used."""

from pathlib import Path

import pytest
import torch
from grippers import GRIPPER
from safetensors.torch import load_file, save_file
from shipped_policy import COSTS, DECODING, ranges
from torch import nn

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.policy.checkpoint import load_agent, save_agent
from impurity_grasp_ros.policy.densenet import DenseNetQNetwork
from impurity_grasp_ros.policy.network import CompactQNetwork, NetworkConfig, ResidualBlock, make_network
from impurity_grasp_ros.policy.weights_file import AgentConfig

COMPACT = NetworkConfig("compact", 8, 8, (1, 2))


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
    agent = load_agent(path, GRIPPER, COSTS, torch.device("cpu"))
    views = torch.rand(2, 8, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(agent.network(views), network(views))
    assert agent.config == DECODING


def test_missing_foreign_and_damaged_files_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        load_agent(tmp_path / "nowhere.safetensors", GRIPPER, COSTS)
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="noise"):
        load_agent(noise, GRIPPER, COSTS)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match="configuration"):
        load_agent(foreign, GRIPPER, COSTS)


def test_weights_of_another_shape_are_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "agent.safetensors"
    save_agent(path, make_network(COMPACT), AgentConfig(NetworkConfig("compact", 8, 16, (1, 2)), DECODING))
    assert load_file(path)
    with pytest.raises(CheckpointError, match="fit"):
        load_agent(path, GRIPPER, COSTS)


SHIPPED = NetworkConfig("compact", 16, 40, (1, 2, 4))


def layers_of(module: nn.Module) -> list[tuple[object, ...]]:
    """The layers of a module; convolutions with channels, kernel, stride, padding, dilation and bias."""
    found: list[tuple[object, ...]] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            sizes = (layer.kernel_size[0], layer.stride[0], layer.padding[0], layer.dilation[0])
            found.append((layer.in_channels, layer.out_channels, *sizes, layer.bias is not None))
        elif isinstance(layer, nn.BatchNorm2d):
            found.append((layer.num_features,))
        elif isinstance(layer, nn.ReLU):
            found.append(())
    return found


def test_the_size_of_a_network_has_its_range() -> None:
    assert ranges(NetworkConfig) == {
        "backbone": ("compact", "densenet121"),
        "stem_channels": (4, 256),
        "body_channels": (8, 512),
        "dilations": (1, 16),
    }


def test_the_shipped_network_has_a_stem_a_dilated_body_and_one_head() -> None:
    network = make_network(SHIPPED)
    assert isinstance(network, CompactQNetwork)
    assert layers_of(network.stem) == [(8, 16, 5, 2, 2, 1, False), (16,), ()]
    assert layers_of(network.down) == [(16, 40, 3, 2, 1, 1, False), (40,), ()]
    blocks = [[(40, 40, 3, 1, d, d, False), (40,), (), (40, 40, 3, 1, 1, 1, False), (40,)] for d in (1, 2, 4)]
    assert [layers_of(block) for block in network.body] == blocks
    assert layers_of(network.head) == [(56, 32, 3, 1, 1, 1, False), (32,), (), (32, 2, 1, 1, 0, 1, True)]


def test_the_head_gets_the_stem_and_then_the_body_resized_to_the_stem() -> None:
    torch.manual_seed(0)
    network = make_network(COMPACT).eval()
    network.head = nn.Sequential()
    views = torch.rand(1, 8, 64, 64)
    with torch.inference_mode():
        fine = network.stem(views)
        coarse = network.body(network.down(fine))
        seen = network(views)
    assert fine.shape == (1, 8, 32, 32)
    assert coarse.shape == (1, 8, 16, 16)
    assert seen.shape == (1, 16, 64, 64)
    torch.testing.assert_close(seen[:, :8, 0, 0], fine[:, :, 0, 0])
    torch.testing.assert_close(seen[:, 8:, -1, -1], coarse[:, :, -1, -1])
    between = 0.75 * fine[:, :, 0, 0] + 0.25 * fine[:, :, 0, 1]  # pixel 1 lies a quarter of the way
    torch.testing.assert_close(seen[:, :8, 0, 1], between)


def test_a_residual_block_adds_to_what_it_gets() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(4, 2).eval()
    features = torch.randn(2, 4, 9, 9)
    with torch.inference_mode():
        changed = block(features)
        torch.testing.assert_close(changed, torch.clamp(features + block.layers(features), min=0.0))
        nn.init.zeros_(block.layers[-1].weight)
        torch.testing.assert_close(block(features), torch.clamp(features, min=0.0))
    assert not torch.equal(changed, block(features))


def test_the_papers_backbone_gets_four_channels_of_each_heightmap() -> None:
    with torch.device("meta"):
        network = make_network(NetworkConfig("densenet121", 8, 8, (1,)))
    assert isinstance(network, DenseNetQNetwork)
    assert network.primitives[0].scene[0].in_channels == network.primitives[1].target[0].in_channels == 4


def test_weights_are_in_channels_last_order_and_determined_by_the_seed() -> None:
    networks = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        networks.append(make_network(COMPACT))
    weights = [network.stem[0].weight for network in networks]
    assert weights[0].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
