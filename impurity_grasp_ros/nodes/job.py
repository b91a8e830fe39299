"""The book-keeping of one ``pick_impurities`` goal: limits, counts, feedback and result."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.action.server import ServerGoalHandle

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import Attempt, Primitive
from impurity_grasp_ros.datatypes import OutcomeStatus
from impurity_grasp_ros.errors import (
    ActionLimitError,
    CanceledError,
    ErrorCode,
    InvalidGoalError,
    StoppedError,
    TimeLimitError,
)
from impurity_grasp_ros.nodes.conversions import to_seconds

FEEDBACK_PERIOD = 0.5
"""Seconds between two feedback messages while nothing changes."""


class Job:
    """One goal: its limits and what has come of it so far.

    Args:
        handle: The goal.
        times_stopped: How often the service ``stop`` was called; a further call ends the job.
    """

    def __init__(self, handle: ServerGoalHandle, times_stopped: Callable[[], int]) -> None:
        self._handle = handle
        self._times_stopped = times_stopped
        self._stopped_before = times_stopped()
        self._goal: PickImpurities.Goal = handle.request
        self._start = self._last_feedback = time.monotonic()
        self._feedback = PickImpurities.Feedback()
        self.result = PickImpurities.Result()
        self.max_actions = self._goal.max_actions or PickImpurities.Goal.MAX_ACTIONS_DEFAULT
        self._time_limit = to_seconds(self._goal.time_limit)

    def check_goal(self) -> None:
        """Raise InvalidGoalError for limits below zero."""
        for name, value in (
            ("max_targets", self._goal.max_targets),
            ("max_actions", self._goal.max_actions),
            ("time_limit", self._time_limit),
        ):
            if value < 0:
                raise InvalidGoalError(f"{name}: expected 0 (no limit) or more, received {value:g}")

    def enter(self, phase: int) -> None:
        """Begin a phase and say so; raises as :meth:`watch`, and TimeLimitError before anything new is started."""
        self._say(phase, "")

    def wait_for(self, what: str) -> None:
        """Say that the job waits, and for what; raises as :meth:`enter` does."""
        self._say(PickImpurities.Feedback.WAIT, what)

    def _say(self, phase: int, waiting_for: str) -> None:
        self._feedback.phase, self._feedback.waiting_for = phase, waiting_for
        self._publish()
        self.watch()
        elapsed = time.monotonic() - self._start
        if self._time_limit and elapsed > self._time_limit:
            raise TimeLimitError(f"expected to be done within {self._time_limit:g} s, not so after {elapsed:.1f} s")

    def watch(self) -> None:
        """Raise CanceledError or StoppedError once somebody wants to stop; keep the feedback going meanwhile."""
        if self._handle.is_cancel_requested:
            raise CanceledError("expected to go on, was asked to stop")
        if self._times_stopped() != self._stopped_before:
            raise StoppedError("expected to finish the job: service stop was called")
        if time.monotonic() - self._last_feedback > FEEDBACK_PERIOD:
            self._publish()

    def decided(self, primitive: Primitive) -> None:
        """Take down the primitive under way; raises ActionLimitError when no action is left for it."""
        if not self._goal.dry_run and len(self.result.attempts) >= self.max_actions:
            raise ActionLimitError(f"expected to be done within {self.max_actions} actions, more is to be done")
        self._feedback.primitive = [primitive]

    def record(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self.result.attempts.append(attempt)
        if attempt.primitive.kind == Primitive.GRASP:
            self.result.grasps += 1
        else:
            self.result.pushes += 1
        self.result.picked += attempt.status == Attempt.HELD

    def done(self) -> bool:
        """Whether as many targets are picked as were asked for."""
        return 0 < self._goal.max_targets <= self.result.picked

    def summary(self) -> str:
        """The result in a line."""
        result = self.result
        counts = f"picked {result.picked}, grasps {result.grasps}, pushes {result.pushes}"
        clear = ", workspace clear" if result.workspace_clear else ""
        return f"{ErrorCode(result.error_code).name}, {counts}{clear}, {time.monotonic() - self._start:.1f} s"

    def _publish(self) -> None:
        self._last_feedback = time.monotonic()
        self._feedback.picked = self.result.picked
        self._feedback.grasps = self.result.grasps
        self._feedback.pushes = self.result.pushes
        self._feedback.elapsed = self._last_feedback - self._start
        self._handle.publish_feedback(self._feedback)


def describe(attempt: Attempt) -> str:
    """An attempt in a line."""
    primitive = attempt.primitive
    kind = "grasp" if primitive.kind == Primitive.GRASP else "push"
    x, y, z = primitive.position.x, primitive.position.y, primitive.position.z
    status = OutcomeStatus(attempt.status).name
    return f"{kind} at ({x:.3f}, {y:.3f}, {z:.3f}) m: {status}, {attempt.duration:.1f} s {attempt.message}".rstrip()
