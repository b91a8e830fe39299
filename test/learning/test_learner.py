"""Q-learning: the gradient flows through the executed pixel alone, and what is learned can be saved and resumed."""

import copy

import drawn_deeds
import numpy as np
import pytest
import torch

from impurity_grasp_ros.learning.augmentation import AugmentationConfig
from impurity_grasp_ros.learning.learner import Learner, LearnerConfig
from impurity_grasp_ros.learning.replay import RankReplay, ReplayConfig
from impurity_grasp_ros.learning.reward import GRASP_REWARD
from impurity_grasp_ros.learning.transition import Transition
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network

CONFIG = LearnerConfig("adam", 0.003, 0.1, 0.9, 0.0, 8, 0.5, 1)
VIEWS = AugmentationConfig(64, 0, 0.0, 0.0, 0.0, 0.0)
DECODING = DecodingConfig(0.03, 0.01, 0.006, 0.002, 0.002, 0.01, 0.006, 0.02, 0.055, "target", 0.0, 0.0, 0.0)


def learner(seed: int = 0) -> Learner:
    torch.manual_seed(seed)
    network = make_network(NetworkConfig("compact", 8, 8, (1,)))
    return Learner(network, CONFIG, VIEWS, DECODING, drawn_deeds.WORKSPACE)


def memory(size: int = 12) -> RankReplay:
    rng = np.random.default_rng(1)
    replay = RankReplay(ReplayConfig(100, 0.7, 0.5))
    for _ in range(size):
        replay.add(drawn_deeds.transition(rng, float(rng.integers(2)), last=True))
    return replay


class PixelNetwork(torch.nn.Module):
    """A map of free parameters, so that the gradient shows which pixels were looked at."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.maps = torch.nn.Parameter(torch.zeros(2, size, size))

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        return self.maps.expand(len(views), -1, -1, -1)


def test_the_gradient_passes_through_the_executed_pixel_alone() -> None:
    network = PixelNetwork(64)
    replay = RankReplay(ReplayConfig(1, 0.0, 0.0))
    deed = drawn_deeds.transition(np.random.default_rng(0), 1.0, last=True)
    replay.add(deed)
    single = LearnerConfig("sgd", 0.1, 1.0, 0.0, 0.0, 1, 0.5, 0)
    Learner(network, single, VIEWS, DECODING, drawn_deeds.WORKSPACE).update(replay, 0.0, np.random.default_rng(3))
    changed = np.argwhere(network.maps.detach().numpy() != 0.0)
    assert len(changed) == 1
    assert changed[0][0] == deed.deed.kind
    assert changed[0][2] == 32


def test_repeated_updates_learn_what_was_rewarded() -> None:
    taught, replay, rng = learner(), memory(), np.random.default_rng(0)
    losses = [taught.update(replay, 0.0, rng) for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])


def test_a_next_value_is_discounted_and_bounded() -> None:
    deed = drawn_deeds.transition(np.random.default_rng(0), 0.5)
    assert Transition(deed.state, deed.deed, 0.5, deed.following, 0.6, 0).target(0.5) == pytest.approx(0.8)
    assert Transition(deed.state, deed.deed, 0.5, deed.following, 99.0, 0).target(0.5) == 0.5 + 0.5 * GRASP_REWARD / 0.5


def test_an_outdated_next_value_is_estimated_by_the_frozen_network() -> None:
    taught, rng = learner(), np.random.default_rng(0)
    replay = RankReplay(ReplayConfig(1, 0.0, 0.0))
    replay.add(drawn_deeds.transition(rng, 0.5))
    taught.freeze()
    taught.update(replay, 0.0, rng)
    (renewed,) = replay.get_state()["transitions"]
    assert renewed.version == taught.version
    assert renewed.next_value == pytest.approx(taught.value(renewed.following), abs=1e-5)


def test_a_resumed_learner_goes_on_exactly_as_it_would_have() -> None:
    taught, replay, rng = learner(), memory(), np.random.default_rng(0)
    for _ in range(3):
        taught.update(replay, 0.1, rng)
    taught.freeze()
    resumed, other_replay = learner(seed=9), RankReplay(ReplayConfig(100, 0.7, 0.5))
    resumed.set_state(copy.deepcopy(taught.get_state()))
    other_replay.set_state(replay.get_state())
    other_rng = copy.deepcopy(rng)
    for _ in range(3):
        assert taught.update(replay, 0.2, rng) == resumed.update(other_replay, 0.2, other_rng)
    for name, tensor in taught.network.state_dict().items():
        torch.testing.assert_close(tensor, resumed.network.state_dict()[name], rtol=0, atol=0)
