"""The paper's backbone is DenseNet-121 as published, two towers of it for each primitive.

Most tests build networks on torch's meta device: sizes without numbers, which takes little time.
"""

from collections import Counter
from copy import deepcopy
from functools import cache

import torch
from torch import Tensor, nn

from impurity_grasp_ros.policy.densenet import DenseLayer, DenseNetQNetwork, DenseNetTower, PrimitiveNetwork


@cache
def sizes(build: type[nn.Module], *arguments: int) -> nn.Module:
    """A module without numbers, shared by the tests: they leave it as it is."""
    with torch.device("meta"):
        return build(*arguments)


def kernels(module: nn.Module) -> Counter[tuple[int, ...]]:
    """How many convolutions have which number of outputs and kernel size, stride and padding."""
    found = [item for item in module.modules() if isinstance(item, nn.Conv2d)]
    return Counter((item.out_channels, *item.kernel_size, *item.stride, *item.padding) for item in found)


def test_a_dense_layer_adds_32_maps_behind_those_it_gets() -> None:
    torch.manual_seed(0)
    layer = DenseLayer(5).eval()
    features = torch.randn(2, 5, 6, 7)
    with torch.inference_mode():
        grown = layer(features)
    assert grown.shape == (2, 37, 6, 7)
    assert torch.equal(grown[:, :5], features)
    assert grown[:, 5:].std() > 0.01


def test_a_dense_layer_is_normalized_activated_and_narrowed_to_128_maps_before_its_3_by_3_kernel() -> None:
    layers = list(sizes(DenseLayer, 64).layers)
    kinds = [nn.BatchNorm2d, nn.ReLU, nn.Conv2d] * 2
    assert [type(layer) for layer in layers] == kinds
    assert (layers[0].num_features, layers[3].num_features) == (64, 128)
    assert kernels(sizes(DenseLayer, 64)) == {(128, 1, 1, 1, 1, 0, 0): 1, (32, 3, 3, 1, 1, 1, 1): 1}
    assert layers[2].bias is None
    assert layers[5].bias is None


def test_a_dense_layer_sees_no_negative_feature() -> None:
    torch.manual_seed(1)
    layer = DenseLayer(4).eval()  # fresh statistics normalize nothing
    with torch.inference_mode():
        negative = layer(-torch.rand(1, 4, 5, 5))
        assert not negative[:, 4:].any()


def test_a_tower_has_the_published_layers() -> None:
    """Table 1 of Huang et al.: 6, 12, 24 and 16 dense layers, halved in number of maps and in size in between."""
    tower = sizes(DenseNetTower, 3)
    assert kernels(tower) == {
        (64, 7, 7, 2, 2, 3, 3): 1,
        (128, 1, 1, 1, 1, 0, 0): 58 + 1,
        (256, 1, 1, 1, 1, 0, 0): 1,
        (512, 1, 1, 1, 1, 0, 0): 1,
        (32, 3, 3, 1, 1, 1, 1): 58,
    }
    parts = list(tower)
    lengths = "".join({DenseLayer: "d", nn.AvgPool2d: "|"}.get(type(part), "") for part in parts).split("|")
    assert [len(block) for block in lengths] == [6, 12, 24, 16]
    assert [type(part) for part in parts[:5]] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, DenseLayer]
    assert [type(part) for part in parts[10:15]] == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d, nn.AvgPool2d, DenseLayer]
    pool, halving = parts[3], parts[13]
    assert (pool.kernel_size, pool.stride, pool.padding) == (3, 2, 1)
    assert (halving.kernel_size, halving.stride, halving.padding) == (2, 2, 0)
    assert isinstance(parts[-1], nn.BatchNorm2d)
    assert parts[-1].num_features == tower.channels == 1024


def test_a_tower_has_the_published_number_of_parameters() -> None:
    for channels in (3, 4):
        count = sum(parameter.numel() for parameter in sizes(DenseNetTower, channels).parameters())
        assert count == 6_953_856 + (channels - 3) * 64 * 7 * 7  # the features of DenseNet-121


def test_a_tower_gives_1024_maps_of_a_32nd_of_the_size_and_a_primitive_one_map() -> None:
    primitive = deepcopy(sizes(PrimitiveNetwork, 4)).to_empty(device="cpu").eval()
    with torch.inference_mode():
        for numbers in primitive.state_dict().values():
            numbers.zero_()
        assert primitive.scene(torch.zeros(1, 4, 160, 160)).shape == (1, 1024, 5, 5)
        assert primitive(torch.zeros(2, 4, 64, 64), torch.zeros(2, 4, 64, 64)).shape == (2, 1, 2, 2)


def test_the_head_is_two_convolutions_of_single_cells_on_both_towers() -> None:
    head = list(sizes(PrimitiveNetwork, 4).head)
    assert [type(part) for part in head] == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d] * 2
    first, last = head[2], head[5]
    assert (first.in_channels, first.out_channels, first.kernel_size, first.bias) == (2048, 64, (1, 1), None)
    assert (last.in_channels, last.out_channels, last.kernel_size) == (64, 1, (1, 1))
    assert last.bias is not None, "values are not around 0"


class Mean(nn.Module):
    """The mean of a block of 32 by 32 pixels in place of a tower's features, times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, views: Tensor) -> Tensor:
        return self.factor * nn.functional.avg_pool2d(views.mean(dim=1, keepdim=True), 32)


@cache
def simplified() -> DenseNetQNetwork:
    """A network whose towers and heads are replaced by sums that can be done by hand."""
    with torch.device("meta"):
        network = DenseNetQNetwork(4)
    for primitive, factors in zip(network.primitives, ((1.0, 10.0), (100.0, 1000.0)), strict=True):
        primitive.scene, primitive.target = (Mean(factor) for factor in factors)
        primitive.head = nn.Conv2d(2, 1, 1, bias=False)
        primitive.head.weight = nn.Parameter(torch.ones(1, 2, 1, 1))
    return network


def test_the_first_half_of_the_channels_is_the_scene_and_the_second_one_the_target() -> None:
    views = torch.zeros(3, 8, 32, 32)
    views[0, :4], views[1, 4:], views[2] = 1.0, 1.0, 1.0
    with torch.inference_mode():
        values = simplified()(views)
    assert values.shape == (3, 2, 32, 32)
    expected = torch.tensor([[1.0, 100.0], [10.0, 1000.0], [11.0, 1100.0]])
    torch.testing.assert_close(values, expected[..., None, None].expand(3, 2, 32, 32))


def test_the_values_are_resized_bilinearly_to_the_size_of_the_views() -> None:
    views = torch.zeros(1, 8, 64, 64)
    views[:, :4, :32, 32:] = 32.0
    with torch.inference_mode():
        grasps = simplified()(views)[0, 0]
    steps = torch.clamp((torch.arange(64) + 0.5) / 32 - 0.5, 0.0, 1.0)  # the cells' middles are at 15.5 and 47.5
    torch.testing.assert_close(grasps, 32.0 * (1 - steps)[:, None] * steps[None, :])


def test_one_network_has_towers_of_its_own_for_each_primitive() -> None:
    network = sizes(DenseNetQNetwork, 4)
    assert len(network.primitives) == 2
    towers = [tower for primitive in network.primitives for tower in (primitive.scene, primitive.target)]
    assert len({id(tower[0].weight) for tower in towers}) == 4
    assert len({id(primitive.head[2].weight) for primitive in network.primitives}) == 2
