"""A program that asks the robot to pick the odd objects, shows the progress, and stops the arm on Ctrl-C.

ros2 launch impurity_grasp sim.launch.py          # in one terminal; or real.launch.py
python examples/pick_client.py --max-actions 20   # in another one

The exit code is 0 if the job succeeded and 1 otherwise; the last line gives the error code and the reason.
"""

import argparse
import sys

from impurity_grasp_ros.client import PickClient, PickFeedback
from impurity_grasp_ros.errors import ErrorCode, ImpurityGraspError


def line(feedback: PickFeedback) -> str:
    """What a job is doing, and what it has done."""
    phase = f"{feedback.phase.name.lower()} {feedback.waiting_for}".rstrip()
    return f"{phase}: picked {feedback.picked}, grasps {feedback.grasps}, pushes {feedback.pushes}"


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Ask the robot to pick the odd objects.")
    parser.add_argument("--max-targets", type=int, default=0, help="stop after so many; 0: when the workspace is clear")
    parser.add_argument("--max-actions", type=int, default=0, help="grasps and pushes; 0: the action's default")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait for the graph")
    limits = parser.parse_args()
    with PickClient() as client:  # a job that has not ended when this block is left is canceled
        job = client.start(**vars(limits))
        shown = ""
        try:
            for feedback in job.feedback():
                if (now := line(feedback)) != shown:  # feedback comes twice a second even if nothing changes
                    print(f"{feedback.elapsed:6.1f} s  {now}", flush=True)
                shown = now
        except KeyboardInterrupt:
            print("canceling", flush=True)
            job.cancel()
        result = job.wait()  # of a canceled job, too: the arm has stopped then
    print(f"picked {result.picked}, grasps {result.grasps}, pushes {result.pushes}, clear: {result.workspace_clear}")
    print(f"{result.error.name} {result.message}".rstrip())
    return 0 if result.error is ErrorCode.NONE else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImpurityGraspError as error:
        sys.exit(f"{error.code.name}: {error}")
