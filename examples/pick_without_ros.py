"""The whole loop in simulation, without ROS: observe, find a target, decide, act, until the workspace is clear.

python examples/pick_without_ros.py --scene challenging --seed 3 --actor analytic
"""

import argparse
import sys

from impurity_grasp_ros.datatypes import Attempt
from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.evaluation.policies import make_policy
from impurity_grasp_ros.policy.actors import ACTORS
from impurity_grasp_ros.simulation.environment import Environment


def pick(environment: Environment, actor: str, max_actions: int) -> bool:
    """Act on the scene in front of the robot; returns whether the robot sees a clear workspace in the end."""
    policy = make_policy(f"outlier/{actor}", environment)  # mode of attention / actor
    policy.new_job()
    history: list[Attempt] = []
    while primitive := (decision := policy.decide(environment.observe(), history)).primitive:
        if len(history) == max_actions:
            return False
        outcome = environment.step(primitive)
        history.append(Attempt(primitive, outcome))
        what = f"{decision.attention.state.name} -> {primitive.kind.name} at x {primitive.position[0]:.2f} m"
        print(f"{len(history)}. {what}, y {primitive.position[1]:.2f} m: {outcome.status.name}", flush=True)
    return True


def main() -> int:
    """Command line; returns the exit code: 0 if the workspace is clear and every target is in the bin."""
    parser = argparse.ArgumentParser(description="Pick the odd objects of a simulated scene, without ROS.")
    parser.add_argument("--scene", default="random", help="name of a shipped scene, or a path that ends in .yaml")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--actor", default="learned", choices=ACTORS.names())
    parser.add_argument("--max-actions", type=int, default=30)
    arguments = parser.parse_args()
    environment = Environment()
    try:
        environment.reset(arguments.seed, arguments.scene)
        clear = pick(environment, arguments.actor, arguments.max_actions)
    except ImpurityGraspError as error:
        raise SystemExit(f"{error.code.name}: {error}") from error
    tally = environment.tally()  # the simulator's own count
    print(
        f"clear: {clear}, in the bin: {tally.targets_in_bin} of {tally.targets} targets, {tally.others_in_bin} others"
    )
    return 0 if clear and tally.targets_in_bin == tally.targets else 1


if __name__ == "__main__":
    sys.exit(main())
