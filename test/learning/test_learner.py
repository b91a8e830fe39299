"""Q-learning: the gradient flows through the executed pixel alone, and what is learned can be saved and resumed."""

import copy
import math
from dataclasses import replace

import drawn_transitions
import numpy as np
import pytest
import torch
from drawn_cells import LevelNetwork
from grippers import GRIPPER

from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.augmentation import AugmentationConfig
from impurity_grasp_ros.learning.learner import Learner, LearnerConfig
from impurity_grasp_ros.learning.replay import RankReplay, ReplayConfig
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.learning.transition import Focus, Snapshot, Transition
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network

CONFIG = LearnerConfig("adam", 0.003, 0.1, 0.9, 0.0, 8, 0.5, 1)
VIEWS = AugmentationConfig(64, 0, 0.0, 0.0, 0.0, 0.0)
DECODING = DecodingConfig(0.03, 0.01, 0.006, 0.002, 0.002, 0.01, 0.006, 0.02, 0.055, "target")
NO_COSTS = CostConfig(0.0, 0.0, 0.0)


def learner(seed: int = 0) -> Learner:
    torch.manual_seed(seed)
    network = make_network(NetworkConfig("compact", 8, 8, (1,)))
    return Learner(network, CONFIG, VIEWS, DECODING, NO_COSTS, drawn_transitions.WORKSPACE, GRIPPER)


def memory(size: int = 12) -> RankReplay:
    rng = np.random.default_rng(1)
    replay = RankReplay(ReplayConfig(100, 0.7, 0.5))
    for _ in range(size):
        replay.add(drawn_transitions.transition(rng, float(rng.integers(2)), last=True))
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
    item = drawn_transitions.transition(np.random.default_rng(0), 1.0, last=True)
    replay.add(item)
    single = LearnerConfig("sgd", 0.1, 1.0, 0.0, 0.0, 1, 0.5, 0)
    Learner(network, single, VIEWS, DECODING, NO_COSTS, drawn_transitions.WORKSPACE, GRIPPER).update(
        replay, 0.0, np.random.default_rng(3)
    )
    changed = np.argwhere(network.maps.detach().numpy() != 0.0)
    assert len(changed) == 1
    assert changed[0][0] == item.action.kind
    assert changed[0][2] == 32


def test_repeated_updates_learn_what_was_rewarded() -> None:
    taught, replay, rng = learner(), memory(), np.random.default_rng(0)
    losses = [taught.update(replay, 0.0, rng) for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])


def test_a_next_value_is_discounted_and_bounded() -> None:
    item = drawn_transitions.transition(np.random.default_rng(0), 0.5)
    assert Transition(item.state, item.action, 0.5, item.following, 0.6, 0).target(0.5) == pytest.approx(0.8)
    assert Transition(item.state, item.action, 0.5, item.following, 99.0, 0).target(0.5) == 1.5


def test_an_outdated_next_value_is_estimated_by_the_frozen_network() -> None:
    taught, rng = learner(), np.random.default_rng(0)
    replay = RankReplay(ReplayConfig(1, 0.0, 0.0))
    replay.add(drawn_transitions.transition(rng, 0.5))
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


SINGLE = LearnerConfig("sgd", 0.1, 1.0, 0.0, 0.0, 1, 0.5, 0)
"""Plain gradient descent on one transition at a time."""


def flat(config: LearnerConfig = SINGLE) -> Learner:
    """A learner whose network gives 0 for everything and has a parameter for each pixel."""
    return Learner(PixelNetwork(64), config, VIEWS, DECODING, NO_COSTS, drawn_transitions.WORKSPACE, GRIPPER)


def remembered(*rewards: float, exponent: float = 0.0) -> RankReplay:
    """Terminal transitions with these rewards; the first has the greatest error, the last the smallest."""
    rng, replay = np.random.default_rng(2), RankReplay(ReplayConfig(20, exponent, 1.0))
    for reward in rewards:
        replay.add(drawn_transitions.transition(rng, reward, last=True))
    replay.update(np.arange(len(rewards)), np.arange(len(rewards), 0.0, -1.0))
    return replay


def learned(taught: Learner) -> np.ndarray:
    """The parameters that are not 0 any more."""
    maps = taught.network.maps.detach().numpy()
    return maps[maps != 0.0]


def test_the_loss_is_the_mean_of_huber_losses_weighted_against_the_sampling() -> None:
    replay = remembered(1.0, 0.5, 3.0, -2.0, exponent=1.0)
    drawn = replay.sample(40, np.random.default_rng(3)).indices
    assert set(drawn) == {0, 1, 2, 3}
    weight = (drawn + 1) / 4  # the probability falls as 1 / rank, and the weight makes up for it
    huber = np.array([0.5, 0.125, 2.5, 1.5])[drawn]
    loss = flat(replace(SINGLE, batch=40)).update(replay, 0.0, np.random.default_rng(3))
    assert loss == pytest.approx((weight * huber).mean(), rel=1e-5)


@pytest.mark.parametrize(("reward", "slope"), [(0.5, 0.5), (-0.25, -0.25), (3.0, 1.0), (-7.0, -1.0)])
def test_a_step_goes_toward_the_target_and_no_error_pulls_harder_than_one_of_one(reward: float, slope: float) -> None:
    taught = flat()
    taught.update(remembered(reward), 0.0, np.random.default_rng(0))
    assert learned(taught) == pytest.approx([0.1 * slope])


@pytest.mark.parametrize(
    ("progress", "part"),
    [(-1.0, 1.0), (0.0, 1.0), (1 / 3, 0.7575), (0.5, 0.515), (2 / 3, 0.2725), (1.0, 0.03), (7.0, 0.03)],
)
def test_the_step_falls_as_a_cosine_to_three_hundredths(progress: float, part: float) -> None:
    final_rate = load_training("default").learner.final_rate
    taught = flat(replace(SINGLE, final_rate=final_rate))
    taught.update(remembered(0.5), progress, np.random.default_rng(0))
    assert learned(taught) == pytest.approx([0.1 * 0.5 * part], rel=1e-5)


def test_momentum_and_decay_are_those_of_the_paper() -> None:
    config = replace(load_training("paper_sgd").learner, batch=1, refresh=0)
    network = LevelNetwork(0.0, 0.0)
    taught, replay = (
        Learner(network, config, VIEWS, DECODING, NO_COSTS, drawn_transitions.WORKSPACE, GRIPPER),
        remembered(0.5),
    )
    (group,) = taught.get_state()["optimizer"]["param_groups"]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (1e-5, 0.9, 2e-5)
    first = 1e-5 * 0.5
    taught.update(replay, 0.0, np.random.default_rng(0))
    assert network.levels.sum().item() == pytest.approx(first, rel=1e-4)
    taught.update(replay, 0.9, np.random.default_rng(0))
    assert network.levels.sum().item() == pytest.approx(first + first + 0.9 * first, rel=1e-4)


def test_the_shipped_optimizer_is_adam_with_its_decay_apart_from_the_gradient() -> None:
    network = LevelNetwork(2.0, 2.0)
    config = load_training("default").learner
    taught = Learner(network, config, VIEWS, DECODING, NO_COSTS, drawn_transitions.WORKSPACE, GRIPPER)
    (group,) = taught.get_state()["optimizer"]["param_groups"]
    assert (group["lr"], group["weight_decay"]) == (0.001, 0.0001)
    assert "betas" in group
    taught.update(remembered(1.99), 0.0, np.random.default_rng(0))
    executed, other = sorted(network.levels.tolist())
    assert executed == pytest.approx(2.0 - 0.001, abs=1e-6), "a whole step, however small the error"
    assert other == pytest.approx(2.0 * (1.0 - 0.001 * 0.0001), abs=2e-7)


def test_every_sampled_transition_gets_its_error_as_priority_and_no_other_does() -> None:
    rewards = np.array([0.5, -2.0, 1.0, 4.0, 0.25, 3.0])
    replay = remembered(*rewards)
    replay.update(np.arange(6), np.full(6, np.inf))
    drawn = set(replay.sample(3, np.random.default_rng(4)).indices.tolist())
    assert 1 < len(drawn) < 6
    flat(replace(SINGLE, batch=3)).update(replay, 0.0, np.random.default_rng(4))
    errors = replay.get_state()["errors"]
    for place, reward in enumerate(rewards):
        assert errors[place] == (pytest.approx(abs(reward)) if place in drawn else np.inf)


def test_the_highest_error_is_drawn_most_often_after_an_update() -> None:
    replay = remembered(0.1, 0.2, 4.0, 0.3, exponent=0.7)
    flat(replace(SINGLE, batch=64)).update(replay, 0.0, np.random.default_rng(0))
    assert replay.probabilities().argsort()[::-1].tolist() == [2, 3, 1, 0]


def level(refresh: int, batch: int = 1, frozen: int = 3) -> Learner:
    """A learner that values every grasp at 1, whose target network was updated so many times."""
    config = replace(SINGLE, refresh=refresh, batch=batch)
    shipped = load_training("default")
    taught = Learner(
        LevelNetwork(1.0, 0.25), config, VIEWS, shipped.decoding, shipped.costs, drawn_transitions.WORKSPACE, GRIPPER
    )
    for _ in range(frozen):
        taught.freeze()
    return taught


def experienced(*versions: int, last: tuple[int, ...] = ()) -> RankReplay:
    """Grasps with a next value of 0.3 that networks of these versions estimated; those of ``last`` have no next one."""
    rng, replay = np.random.default_rng(5), RankReplay(ReplayConfig(20, 0.0, 0.0))
    for place, version in enumerate(versions):
        item = drawn_transitions.transition(rng, 0.5, last=place in last)
        grasp = replace(item.action, kind=PrimitiveKind.GRASP)
        replay.add(replace(item, action=grasp, next_value=0.3, version=version))
    return replay


def estimates(replay: RankReplay) -> list[tuple[int, float]]:
    """Version and next value of all that is remembered."""
    return [(item.version, round(item.next_value, 5)) for item in replay.get_state()["transitions"]]


def test_the_most_outdated_next_value_of_a_sample_is_estimated_anew() -> None:
    replay = experienced(2, 0, 1, 2)
    assert set(replay.sample(24, np.random.default_rng(0)).indices) == {0, 1, 2, 3}
    level(1, batch=24).update(replay, 0.0, np.random.default_rng(0))
    assert estimates(replay) == [(2, 0.3), (3, 1.0), (1, 0.3), (2, 0.3)]


def test_nothing_is_estimated_anew_without_a_budget_or_by_the_same_network() -> None:
    for refresh, version in ((0, 0), (1, 3)):
        replay = experienced(version)
        level(refresh).update(replay, 0.0, np.random.default_rng(0))
        assert estimates(replay) == [(version, 0.3)]


def test_a_transition_without_a_next_state_does_not_keep_others_from_their_estimates() -> None:
    replay = experienced(0, 1, last=(0,))
    seed = next(seed for seed in range(9) if set(replay.sample(2, np.random.default_rng(seed)).indices) == {0, 1})
    level(2, batch=2).update(replay, 0.0, np.random.default_rng(seed))
    assert estimates(replay) == [(0, 0.3), (3, 1.0)]


def test_a_new_estimate_counts_in_the_very_update_that_made_it() -> None:
    replay = experienced(0)
    assert level(1).update(replay, 0.0, np.random.default_rng(0)) == pytest.approx(0.0, abs=1e-9), "0.5 + 0.5 * 1 = 1"
    assert replay.get_state()["errors"][0] == pytest.approx(0.0, abs=1e-6)
    stale = level(0).update(experienced(0), 0.0, np.random.default_rng(0))
    assert stale == pytest.approx(0.5 * (1.0 - 0.65) ** 2), "0.5 + 0.5 * 0.3 = 0.65"


def seen(*, blocks: bool, on_target: bool) -> Snapshot:
    """A block on the table, or the bare table."""
    focus = drawn_transitions.focus(np.random.default_rng(0), on_target=on_target)
    if not blocks:
        crop = replace(focus.crop, height=np.zeros_like(focus.crop.height))
        focus = Focus(crop, focus.mask, on_target)
    return Snapshot.of(focus)


def test_a_view_is_worth_its_best_action_and_nothing_where_there_is_none() -> None:
    taught = level(0)
    assert taught.value(seen(blocks=True, on_target=True)) == pytest.approx(1.0)
    assert taught.value(seen(blocks=True, on_target=False)) == pytest.approx(0.25), "a candidate is only pushed"
    assert taught.value(seen(blocks=False, on_target=True)) == 0.0


def test_strokes_off_the_workspace_are_worth_nothing() -> None:
    focus = drawn_transitions.focus(np.random.default_rng(0), on_target=False)
    outside = drawn_transitions.WORKSPACE.window(300, 300, 112)
    crop = Heightmap(focus.crop.color, focus.crop.height, focus.crop.valid, outside)
    assert level(0).value(Snapshot.of(Focus(crop, focus.mask, False))) == 0.0


def test_the_target_network_stays_as_it_is_until_it_is_updated() -> None:
    taught, replay = learner(), memory()
    assert taught.version == 0
    before = copy.deepcopy(taught.frozen.state_dict())
    taught.network.eval()
    taught.update(replay, 0.0, np.random.default_rng(0))
    assert taught.network.training, "statistics of batches are learned, too"
    assert not taught.frozen.training
    after = taught.frozen.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    online = taught.network.state_dict()
    assert not all(torch.equal(online[name], after[name]) for name in online)
    taught.freeze()
    assert taught.version == 1
    assert all(torch.equal(online[name], tensor) for name, tensor in taught.frozen.state_dict().items())
    assert math.isfinite(taught.update(replay, 1.0, np.random.default_rng(1)))


def test_a_restored_learner_has_version_and_both_networks() -> None:
    taught = learner()
    taught.freeze()
    taught.update(memory(), 0.0, np.random.default_rng(0))
    restored = learner(seed=9)
    restored.set_state(copy.deepcopy(taught.get_state()))
    assert restored.version == 1
    for mine, other in ((restored.network, taught.network), (restored.frozen, taught.frozen)):
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in mine.state_dict().items())
