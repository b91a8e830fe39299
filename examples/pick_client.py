"""A node that asks the robot to pick the odd objects, shows the progress, and stops the arm on Ctrl-C.

ros2 launch impurity_grasp sim.launch.py          # in one terminal; or real.launch.py
python examples/pick_client.py --max-actions 20   # in another one

The exit code is 0 if the job succeeded and 1 otherwise; the last line gives the error code and the reason.
"""

import argparse
import math
import signal
import sys
import threading
import time
from typing import Any

import rclpy
from rclpy.action import ActionClient
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rclpy.utilities import remove_ros_args

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.errors import ErrorCode

Feedback = PickImpurities.Feedback
PHASES = {
    Feedback.OBSERVE: "observing",
    Feedback.ATTEND: "attending",
    Feedback.DECIDE: "deciding",
    Feedback.EXECUTE: "executing",
    Feedback.WAIT: "waiting",
}
POLL_INTERVAL = 0.1
"""Seconds within which a Ctrl-C is noticed."""


class PickClient:
    """Sends one goal and waits for its result.

    It sends and receives on the same thread, so the ``ActionClient`` of rclpy is safe. With a multi-threaded executor
    it can lose the answer to a goal; ``impurity_grasp_ros/nodes/action_client.py`` has one that does not.
    """

    def __init__(self) -> None:
        self._node = rclpy.create_node("pick_client")
        self._client = ActionClient(self._node, PickImpurities, "pick_impurities")
        self._interrupted = threading.Event()
        self._shown = ""
        signal.signal(signal.SIGINT, self._on_interrupt)

    def pick(self, goal: PickImpurities.Goal, patience: float) -> PickImpurities.Result:
        """Run one job; Ctrl-C cancels it.

        Args:
            goal: Limits of the job.
            patience: Seconds to wait for the server, and for it to accept the goal.

        Returns:
            The result, also of a job that failed or was canceled.

        Raises:
            SystemExit: There is no result: no server, another job under way, or the server is gone.
        """
        self._await_server(patience)
        handle = self._answer(self._client.send_goal_async(goal, feedback_callback=self._show), patience)
        if not handle.accepted:
            raise SystemExit("expected the goal to be accepted, it was refused: another job is under way")
        result = handle.get_result_async()
        while not (result.done() or self._interrupted.is_set()):
            self._spin()
        if self._interrupted.is_set():
            print("canceling", flush=True)
            handle.cancel_goal_async()
        return self._answer(result, math.inf).result  # of a canceled job, too: the arm has stopped then

    def _on_interrupt(self, _number: int, _frame: object) -> None:
        self._interrupted.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends this program at once

    def _await_server(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not self._client.server_is_ready():
            if self._interrupted.is_set():
                raise SystemExit("interrupted before there was a job")
            if time.monotonic() > deadline:
                raise SystemExit(f"expected pick_impurities within {patience:g} s, found none: is the graph running?")
            time.sleep(POLL_INTERVAL)

    def _answer(self, future: Future, patience: float) -> Any:
        deadline = time.monotonic() + patience
        while not future.done():
            if time.monotonic() > deadline:
                raise SystemExit(f"expected pick_impurities to answer within {patience:g} s, it did not")
            self._spin()
        return future.result()

    def _spin(self) -> None:
        """Handle what arrives, for a short time only: no signal wakes rclpy without its own signal handler."""
        rclpy.spin_once(self._node, timeout_sec=POLL_INTERVAL)
        if not self._client.server_is_ready():
            raise SystemExit("expected pick_impurities to finish the job, its node has ended")

    def _show(self, message: Any) -> None:
        feedback = message.feedback
        phase = f"{PHASES[feedback.phase]} {feedback.waiting_for}".rstrip()
        line = f"{phase}: picked {feedback.picked}, grasps {feedback.grasps}, pushes {feedback.pushes}"
        if line != self._shown:  # feedback comes twice a second even if nothing changes
            print(f"{feedback.elapsed:6.1f} s  {line}", flush=True)
        self._shown = line


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Ask the robot to pick the odd objects.")
    parser.add_argument("--max-targets", type=int, default=0, help="stop after so many; 0: when the workspace is clear")
    parser.add_argument("--max-actions", type=int, default=0, help="grasps and pushes; 0: the action's default")
    parser.add_argument("--dry-run", action="store_true", help="decide once, move nothing")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for the graph")
    arguments = parser.parse_args(remove_ros_args(sys.argv)[1:])
    goal = PickImpurities.Goal(
        max_targets=arguments.max_targets, max_actions=arguments.max_actions, dry_run=arguments.dry_run
    )
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # rclpy's handler would end the connection at once
    try:
        result = PickClient().pick(goal, arguments.patience)
    finally:
        rclpy.try_shutdown()
    print(f"picked {result.picked}, grasps {result.grasps}, pushes {result.pushes}, clear: {result.workspace_clear}")
    print(f"{ErrorCode(result.error_code).name} {result.error_msg}".rstrip())
    return 0 if result.error_code == ErrorCode.NONE else 1


if __name__ == "__main__":
    sys.exit(main())
