"""The environment keeps Gymnasium's rules, its masks tell the truth, and the same seed gives the same episode."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_stable_baselines

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import ConfigError, UnknownSceneError
from impurity_grasp_ros.gym.action_grid import COUNT, SHAPE, decode
from impurity_grasp_ros.gym.pick_env import PickEnv

pytestmark = pytest.mark.sim

SMALL = {"targets": 1, "blocks": 4}


@pytest.fixture
def env() -> Iterator[PickEnv]:
    environment = PickEnv(**SMALL)
    yield environment
    environment.close()


def kind_of(action: int) -> PrimitiveKind:
    return PrimitiveKind(int(np.unravel_index(action, SHAPE)[0]))


def first(mask: np.ndarray, kind: PrimitiveKind) -> int:
    """The first action of a kind that can be executed."""
    return next(int(action) for action in np.flatnonzero(mask) if kind_of(int(action)) is kind)


def test_the_checks_of_gymnasium_and_of_stable_baselines_pass() -> None:
    made = gymnasium.make("impurity_grasp_ros.gym:impurity_grasp/Pick-v0", **SMALL, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "It seems that your observation .* is an image", UserWarning)
        check_env(made.unwrapped, skip_render_check=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env_of_stable_baselines(made.unwrapped)
    made.close()


def test_the_same_seed_gives_the_same_episode_and_another_one_another() -> None:
    def episode(seed: int) -> list[Any]:
        env = PickEnv(**SMALL)
        observation, info = env.reset(seed=seed)
        seen = [observation]
        for _ in range(2):
            action = np.int64(np.flatnonzero(info["action_mask"])[7])
            observation, reward, *ended, info = env.step(action)
            seen += [observation, reward, *ended]
            if any(ended):
                break
        env.close()
        return seen

    one, same, other = episode(3), episode(3), episode(4)
    assert len(one) == len(same)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_episodes_without_a_seed_differ_and_repeat_with_the_first_seed(env: PickEnv) -> None:
    def scenes() -> list[np.ndarray]:
        return [env.reset(seed=5)[0], env.reset()[0], env.reset()[0]]

    before, again = scenes(), scenes()
    assert all(np.array_equal(a, b) for a, b in zip(before, again, strict=True))
    assert not np.array_equal(before[1], before[2])


def test_the_mask_tells_which_actions_can_be_executed(env: PickEnv) -> None:
    _, info = env.reset(seed=3)
    mask, situation = info["action_mask"], env._situation
    assert situation is not None
    assert mask.shape == (COUNT,) == (8192,)
    assert 0 < mask.sum() < COUNT
    for number in range(COUNT):
        action = decode(situation, number)
        assert (action is not None) == bool(mask[number])
        if action is not None:
            assert situation.options[action.kind][action.rotation].feasible[action.row, action.column]
            cell = (action.kind, action.rotation, action.row // 10, action.column // 10)
            assert int(np.ravel_multi_index(cell, SHAPE)) == number
    assert np.array_equal(env.action_masks(), mask)


def test_a_grasp_that_brings_the_target_ends_the_episode_with_its_reward(env: PickEnv) -> None:
    observation, info = env.reset(seed=3)
    assert info["state"] == "TARGET"
    assert env.observation_space.contains(observation)
    total, actions, terminated = 0.0, 0, False
    while not terminated:
        mask = info["action_mask"]
        grasps = mask.reshape(SHAPE)[PrimitiveKind.GRASP].any()
        action = first(mask, PrimitiveKind.GRASP if grasps else PrimitiveKind.PUSH)
        observation, reward, terminated, truncated, info = env.step(np.int64(action))
        assert not truncated, info
        total, actions = total + reward, actions + 1
    assert info["targets_in_bin"] == 1
    assert total == pytest.approx(1.0 - info["others_in_bin"] - 0.1 * actions)
    assert not observation.any()
    assert not info["action_mask"].any()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.int64(0))


def test_an_action_that_cannot_be_executed_does_nothing_and_counts() -> None:
    env = PickEnv(**SMALL, max_actions=2)
    before, info = env.reset(seed=3)
    impossible = np.int64(np.flatnonzero(info["action_mask"] == 0)[0])
    after, reward, terminated, truncated, _ = env.step(impossible)
    assert (reward, terminated, truncated) == (pytest.approx(-0.1), False, False)
    assert np.array_equal(before, after)
    *_, truncated, _ = env.step(impossible)
    assert truncated
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(impossible)
    env.close()


def test_wrong_arguments_are_named(env: PickEnv) -> None:
    with pytest.raises(ConfigError, match="max_actions: expected at least 1, received 0"):
        PickEnv(max_actions=0)
    with pytest.raises(ConfigError, match="render_mode: expected None or 'rgb_array', received 'human'"):
        PickEnv(render_mode="human")
    with pytest.raises(UnknownSceneError):
        env.reset(seed=0, options={"scene": "moon"})
    with pytest.raises(gymnasium.error.ResetNeeded):
        PickEnv().step(np.int64(0))


@pytest.mark.parametrize(("mode", "options"), [("sync", {}), ("async", {"context": "spawn"})])
def test_several_environments_run_side_by_side(mode: str, options: dict[str, Any]) -> None:
    vector = gymnasium.make_vec(
        "impurity_grasp/Pick-v0", num_envs=2, vectorization_mode=mode, vector_kwargs=options, **SMALL
    )
    observations, info = vector.reset(seed=[3, 4])
    assert observations.shape == (2, 8, 112, 112)
    actions = np.array([np.flatnonzero(mask)[0] for mask in info["action_mask"]])
    _, rewards, *_ = vector.step(actions)
    assert rewards.shape == (2,)
    assert (rewards < 1.0).all()
    vector.close()
