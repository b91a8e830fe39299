"""The network gives features of the promised sizes, and compares objects whatever their order."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from impurity_grasp_ros.perception.object_network import ObjectNetwork, ObjectNetworkConfig
from impurity_grasp_ros.perception.object_relations import ODD, ORDINARY, SEEN, relations

SIZES = ObjectNetworkConfig(fine=4, middle=6, coarse=8, aspects=3, aspect=4, compare=8)


@pytest.fixture(scope="module")
def network() -> ObjectNetwork:
    torch.manual_seed(0)
    return ObjectNetwork(SIZES).eval()


@torch.inference_mode()
def test_maps_have_the_sizes_that_they_promise(network: ObjectNetwork) -> None:
    maps = network(torch.rand(2, 3, 64, 48), torch.rand(2, 1, 32, 24), torch.ones(2, 1, 32, 24))
    assert [tuple(item.shape) for item in maps] == [
        (2, 12, 32, 24),
        (2, 4, 32, 24),
        (2, 4, 32, 24),
        (2, 6, 16, 12),
        (2, 2, 32, 24),
    ]


@torch.inference_mode()
def test_an_object_is_described_by_its_own_cells_alone(network: ObjectNetwork) -> None:
    maps = network(torch.rand(1, 3, 64, 64), torch.rand(1, 1, 32, 32) * 0.05, torch.ones(1, 1, 32, 32))
    labels = torch.full((32, 32), -1)
    labels[4:16, 4:16], labels[20:28, 20:28] = 0, 1
    numbers = torch.rand(2, 108)
    both = network.describe(network.pool(maps, 0, labels, numbers))
    assert both.shape == (2, 19)
    alone = network.describe(network.pool(maps, 0, torch.where(labels == 0, 0, -1), numbers[:1]))
    torch.testing.assert_close(both[:1], alone)
    assert not torch.allclose(both[0], network.describe(network.pool(maps, 0, labels, numbers + 1))[0])


@torch.inference_mode()
def test_the_order_of_objects_and_padding_change_nothing(network: ObjectNetwork) -> None:
    vectors, roles = torch.randn(1, 7, 19), torch.tensor([[SEEN, SEEN, SEEN, SEEN, ORDINARY, ORDINARY, ODD]])
    judged = network.judge(vectors, roles)
    order = torch.tensor([3, 6, 0, 5, 1, 4, 2])
    torch.testing.assert_close(network.judge(vectors[:, order], roles[:, order]), judged[:, order])
    padded = torch.cat([vectors, torch.randn(1, 3, 19)], 1)
    more = torch.cat([roles, torch.full((1, 3), ODD)], 1)
    padding = torch.arange(10)[None] >= 7
    torch.testing.assert_close(network.judge(padded, more, padding)[:, :7], judged)


@torch.inference_mode()
def test_what_is_known_changes_the_judgment(network: ObjectNetwork) -> None:
    vectors = torch.randn(1, 4, 19)
    as_ordinary = network.judge(vectors, torch.tensor([[SEEN, SEEN, ORDINARY, ORDINARY]]))
    as_odd = network.judge(vectors, torch.tensor([[SEEN, SEEN, ODD, ODD]]))
    assert not torch.allclose(as_ordinary[:, :2], as_odd[:, :2])


def test_relations_count_what_is_alike_in_each_role() -> None:
    """Three objects in view, two of them alike; one that is ordinary and one that is odd."""
    directions = np.deg2rad([0.0, 5.0, 90.0, 0.0, 180.0])
    vectors = torch.tensor(np.stack([3.0 * np.cos(directions), 3.0 * np.sin(directions)], 1)[None], dtype=torch.float32)
    found = relations(vectors, torch.tensor([[SEEN, SEEN, SEEN, ORDINARY, ODD]]), 1)[0]
    assert found.shape == (5, 3 * 15 + 6 + 3)
    close = math.cos(math.radians(5.0))
    like = 1 / (1 + math.exp(-(close - 0.95) / 0.05))
    assert found[0, 5] == pytest.approx(like / 2, abs=1e-3)  # one of two at 0.95
    assert found[0, 11] == pytest.approx(math.log1p(like) / 2, abs=1e-3)
    assert found[0, 12:15].tolist() == pytest.approx([close, 0.0, -1.0], abs=1e-5)  # most similar in view
    assert found[2, 12] == pytest.approx(math.cos(math.radians(85.0)), abs=1e-5)
    assert found[0, 27] == pytest.approx(1.0, abs=1e-5)  # the ordinary one
    assert found[0, 42] == pytest.approx(-1.0, abs=1e-5)  # the odd one
    assert found[0, 51:].tolist() == pytest.approx([math.log(3) / 2, math.log(2) / 2, math.log(2) / 2])
    assert found[3, 51:].tolist() == pytest.approx([math.log(4) / 2, 0.0, math.log(2) / 2])


def test_each_aspect_is_compared_by_itself() -> None:
    one, other = torch.randn(1, 6, 4), torch.randn(1, 6, 4)
    roles = torch.tensor([[SEEN, SEEN, SEEN, ORDINARY, ORDINARY, ODD]])
    both = relations(torch.cat([one, 100.0 * other], 2), roles, 2)[0]
    for aspect, part in enumerate((one, other)):
        alone = relations(part, roles, 1)[0]
        torch.testing.assert_close(both[:, 51 * aspect : 51 * (aspect + 1)], alone[:, :51])
        torch.testing.assert_close(both[:, 102:], alone[:, 51:])


def angles(*degrees: float) -> torch.Tensor:
    """Vectors of these directions."""
    directions = np.deg2rad(degrees)
    return torch.tensor(np.stack([np.cos(directions), np.sin(directions)], 1)[None], dtype=torch.float32)


@pytest.mark.parametrize("spread", [0.5, 4.0])
def test_isolation_is_relative_to_the_scene(spread: float) -> None:
    """Objects in a row, the last one four times as far from the others as they are from each other."""
    places = [0.0, 1.0, 2.0, 3.0, 7.0]
    found = relations(angles(*(spread * place for place in places)), torch.full((1, 5), SEEN), 1)[0, :, 45:51]
    distance = np.array([[1 - math.cos(math.radians(spread * (a - b))) for a in places] for b in places])
    nearest = np.log(np.sort(distance, axis=1)[:, 1:4] + 0.02)
    above = nearest - np.median(nearest, axis=0)
    wide = np.median(np.abs(above), axis=0) + 0.2
    np.testing.assert_allclose(found.numpy(), np.concatenate([above, above / wide / 3], axis=1), atol=1e-4)
    assert found[4, 0] == found[:, 0].max()


def test_odd_objects_that_are_known_make_nothing_less_isolated() -> None:
    roles = torch.tensor([[SEEN, SEEN, ORDINARY, SEEN, ODD]])
    with_odd = relations(angles(0.0, 5.0, 10.0, 80.0, 80.0), roles, 1)[0, :4, 45:51]
    without = relations(angles(0.0, 5.0, 10.0, 80.0), roles[:, :4], 1)[0, :, 45:51]
    torch.testing.assert_close(with_odd, without)


def test_an_object_alone_is_like_nothing() -> None:
    alone = relations(torch.randn(1, 1, 12), torch.tensor([[SEEN]]), 3)[0, 0]
    assert set(alone.tolist()) == {0.0, -1.0}
    assert (alone == -1.0).sum() == 3 * 3 * 3
