"""Sends jobs to ``pick_impurities``; see :mod:`impurity_grasp_ros.client`."""

from __future__ import annotations

import threading
import time

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.task import Future

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.errors import ErrorCode, InvalidGoalError, PeerUnavailableError, ReportedError
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.pick_job import JobInbox, PickJob
from impurity_grasp_ros.nodes.runtime import SpinningThread
from impurity_grasp_ros.nodes.stamps import to_duration

LARGEST = 2**31 - 1
"""The largest number in the messages."""

RETRY = 0.1
"""Seconds between attempts to start a job."""

ANSWER_TIMEOUT, LATE = 10.0, 1.0
"""Seconds within which ``picker_node`` must accept or reject a goal; and more, before it is given up."""


class PickClient:
    """A context manager that sends jobs. A job that has not ended by the end of the context is canceled.

    Args:
        namespace: Namespace of the graph.
        node: A node that is spun in another thread; None for one of its own.
    """

    def __init__(self, namespace: str = "", node: Node | None = None) -> None:
        self._namespace = namespace
        self._given = node
        self._jobs: list[PickJob] = []

    def __enter__(self) -> PickClient:
        if self._given is None:
            self._context = Context()
            rclpy.init(args=[], context=self._context)
            self._node = Node("pick_client", namespace=self._namespace, context=self._context)
            self._spinning = SpinningThread([self._node], 2, self._context)
            self._spinning.start()
        else:
            self._node = self._given
        self._action = ActionClient(self._node, PickImpurities, "pick_impurities")
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            for job in self._jobs:
                job.end()
        finally:
            self._close()

    def _close(self) -> None:
        if self._given is None:
            self._spinning.end()
            self._action.destroy()
            self._node.destroy_node()
            self._context.try_shutdown()

    def start(
        self,
        *,
        max_targets: int = 0,
        max_actions: int = 0,
        time_limit: float = 0.0,
        dry_run: bool = False,
        continuous: bool = False,
        timeout: float = 15.0,
    ) -> PickJob:
        """Start a job.

        Args:
            max_targets: Stop after this many targets; 0: when the workspace is clear.
            max_actions: Limit on grasps, pushes and moves together; 0: the action's default.
            time_limit: Seconds; 0 for no limit.
            dry_run: Decide once and report the decision, but do not move.
            continuous: Go on with the next batch of goods when it has come, until canceled; the limits are those of one
                batch.
            timeout: Seconds to wait for the graph to start, or to end another job.

        Returns:
            The job.

        Raises:
            InvalidGoalError: A number is too large for the goal.
            ReportedError: The goal was rejected until the timeout: another job is in progress, or the node is inactive.
            PeerUnavailableError: ``picker_node`` did not appear or answer in time.
        """
        for name, value in (("max_targets", max_targets), ("max_actions", max_actions), ("time_limit", time_limit)):
            if abs(value) > LARGEST:
                raise InvalidGoalError(f"{name}: expected at most {LARGEST}, received {value}")
        goal = PickImpurities.Goal(max_targets=max_targets, max_actions=max_actions, time_limit=to_duration(time_limit))
        goal.dry_run, goal.continuous = dry_run, continuous
        deadline = time.monotonic() + timeout
        while (job := self._accepted(goal)) is None:
            if time.monotonic() > deadline:
                if not self._action.server_is_ready():
                    raise PeerUnavailableError(f"expected pick_impurities to appear within {timeout:g} s")
                raise ReportedError(
                    ErrorCode.BUSY,
                    f"expected pick_impurities to accept the goal within {timeout:g} s: another job is in progress, or "
                    "picker_node is not active",
                )
            time.sleep(RETRY)
        self._jobs = [*(job for job in self._jobs if not job.done), job]
        return job

    def _accepted(self, goal: PickImpurities.Goal) -> PickJob | None:
        """The job, if there is a server that accepts it now."""
        if not self._action.server_is_ready():
            return None
        inbox = JobInbox()
        sent = self._action.send_goal_async(goal, feedback_callback=inbox.on_feedback)
        try:
            return _job(sent, inbox, ANSWER_TIMEOUT)
        except BaseException:  # on Ctrl-C, too, no job may begin that nobody follows
            if (late := _job(sent, inbox, LATE)) is not None:
                late.end()
            raise


def _job(sent: Future, inbox: JobInbox, timeout: float) -> PickJob | None:
    """The job of a goal that was sent, None if it was rejected; waits some seconds for the answer."""
    done = threading.Event()
    sent.add_done_callback(lambda _future: done.set())
    if not done.wait(timeout):
        raise PeerUnavailableError(f"expected pick_impurities to answer within {timeout:g} s")
    handle = sent.result()
    return PickJob(handle, inbox) if handle.accepted else None
