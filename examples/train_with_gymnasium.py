"""Train a policy from scratch in the simulated cell, with a library that knows nothing of robots.

python -m pip install sb3-contrib
python examples/train_with_gymnasium.py --steps 20000 --output my_policy.zip

It is a starting point, not a good policy: the value maps of this package learn from every pixel of a view, which a
plain network does not (docs/training.md).
"""

import argparse

import gymnasium
from sb3_contrib import MaskablePPO
from stable_baselines3.common.monitor import Monitor

import impurity_grasp_ros.gym

gymnasium.register_envs(impurity_grasp_ros.gym)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train a policy with MaskablePPO.")
    parser.add_argument("--scene", default="random", help="name of a shipped scene, or a path that ends in .yaml")
    parser.add_argument("--steps", type=int, default=20_000, help="actions to learn from")
    parser.add_argument("--rollout", type=int, default=256, help="actions between two updates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="policy.zip")
    arguments = parser.parse_args()
    env = Monitor(gymnasium.make("impurity_grasp/Pick-v0", scene=arguments.scene))
    model = MaskablePPO(
        "CnnPolicy",
        env,
        n_steps=arguments.rollout,
        batch_size=min(64, arguments.rollout),
        seed=arguments.seed,
        policy_kwargs={"normalize_images": False},  # they are not 0 to 255
        verbose=1,
    )
    model.learn(arguments.steps)
    model.save(arguments.output)
    returns = env.get_episode_rewards()
    print(f"{len(returns)} episodes, return of the last ten: {sum(returns[-10:]) / max(1, len(returns[-10:])):.2f}")
    env.close()


if __name__ == "__main__":
    main()
