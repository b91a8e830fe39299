"""The bookkeeping of one ``pick_impurities`` goal: limits, counts, feedback and result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from rclpy.action.server import ServerGoalHandle

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import Attempt, Attention, Heightmap, JobState, Primitive
from impurity_grasp_ros.datatypes import OutcomeStatus, PrimitiveKind
from impurity_grasp_ros.errors import (
    ActionLimitError,
    CanceledError,
    ErrorCode,
    InvalidGoalError,
    StoppedError,
    TimeLimitError,
)
from impurity_grasp_ros.nodes.execution import Execution
from impurity_grasp_ros.nodes.stamps import to_seconds

FEEDBACK_PERIOD = 0.5
"""Seconds between feedback messages while nothing changes."""


class Step(NamedTuple):
    """An action under way whose outcome is settled, and what it was based on."""

    heightmap: Heightmap
    attention: Attention
    primitive: Primitive
    execution: Execution
    attempt: Attempt


class Job:
    """One goal: its limits and its progress.

    Args:
        handle: The goal.
        times_stopped: Returns how often the service ``stop`` has been called; a further call ends the job.
        check_active: Raises an error once this node or another one of the cell is no longer active; that ends the job.
        tell: Called with the state of the job whenever it changes.

    Attributes:
        result: What the goal has achieved so far.
        max_actions: Number of actions after which it ends.
        step: The action that the arm is about to end, while the job looks at its result; None if the arm is at rest.
    """

    def __init__(
        self,
        handle: ServerGoalHandle,
        times_stopped: Callable[[], int],
        check_active: Callable[[], None],
        tell: Callable[[JobState], None],
    ) -> None:
        self._handle = handle
        self._times_stopped = times_stopped
        self._check_active = check_active
        self._tell = tell
        self._stopped_before = times_stopped()
        self._goal: PickImpurities.Goal = handle.request
        self._start = self._batch_start = self._last_feedback = time.monotonic()
        self._feedback = PickImpurities.Feedback()
        self.result = PickImpurities.Result(batches=1)
        self.max_actions = self._goal.max_actions or PickImpurities.Goal.MAX_ACTIONS_DEFAULT
        self._time_limit = to_seconds(self._goal.time_limit)
        self._is_between = False  # whether it waits for the next batch
        self.step: Step | None = None

    def check_goal(self) -> None:
        """Check the goal's limits.

        Raises:
            InvalidGoalError: A limit is negative, or a dry run is to be continuous.
        """
        if self._goal.continuous and self._goal.dry_run:
            raise InvalidGoalError("continuous: expected false in a dry run, received true")
        for name, value in (
            ("max_targets", self._goal.max_targets),
            ("max_actions", self._goal.max_actions),
            ("time_limit", self._time_limit),
        ):
            if value < 0:
                raise InvalidGoalError(f"{name}: expected 0 (no limit) or more, received {value:g}")

    def enter(self, phase: int) -> None:
        """Begin a phase and report it in the feedback.

        Args:
            phase: A phase of ``PickImpurities.Feedback``.

        Raises:
            CanceledError: The client has canceled the goal.
            StoppedError: The service ``stop`` has been called.
            TimeLimitError: The goal's time limit has passed.
        """
        self._report(phase)
        self._check_time()

    def wait_for(self, what: str) -> None:
        """Report in the feedback that the job is waiting.

        Args:
            what: What it is waiting for.

        Raises:
            CanceledError: The client has canceled the goal.
            StoppedError: The service ``stop`` has been called.
            TimeLimitError: The goal's time limit has passed.
        """
        self._report(PickImpurities.Feedback.WAIT, what)
        self._check_time()

    def wait_for_batch(self) -> None:
        """As :meth:`wait_for`, for the next batch and without a time limit."""
        self._is_between = True
        self._report(PickImpurities.Feedback.WAIT, "the next batch")

    def _report(self, phase: int, waiting_for: str = "") -> None:
        self._feedback.phase, self._feedback.waiting_for = phase, waiting_for
        self._publish()
        self.watch()

    def _check_time(self) -> None:
        elapsed = time.monotonic() - self._batch_start
        if self._time_limit and elapsed > self._time_limit:
            raise TimeLimitError(f"expected to finish within {self._time_limit:g} s, unfinished after {elapsed:.1f} s")

    def watch(self) -> None:
        """Check whether the job has to end, and send feedback if it is due; called frequently.

        Raises:
            CanceledError: The client has canceled the goal.
            StoppedError: The service ``stop`` has been called.
            NotActiveError: This node has been deactivated.
            ReportedError: A fault has ended the action under way.
            PeerUnavailableError: Another node of the cell is gone, or no longer active.
        """
        if self._handle.is_cancel_requested:
            raise CanceledError("expected to continue, was asked to stop")
        if self._times_stopped() != self._stopped_before:
            raise StoppedError("expected to finish the job: service stop was called")
        self._check_active()
        if self.step is not None:
            self.step.execution.check()
        if time.monotonic() - self._last_feedback > FEEDBACK_PERIOD:
            self._publish()

    def decided(self, primitive: Primitive) -> None:
        """Accept the primitive that was chosen and show it in the feedback.

        Args:
            primitive: The primitive to execute next.

        Raises:
            ActionLimitError: The goal's number of actions is used up.
        """
        if not self._goal.dry_run and len(self.result.attempts) >= self.max_actions:
            raise ActionLimitError(f"expected to finish within {self.max_actions} actions, more are needed")
        self._feedback.primitive = [primitive]

    def record(self, attempt: Attempt) -> None:
        """Add an attempt to the result and update its counts."""
        self.result.attempts.append(attempt)
        kind = attempt.primitive.kind
        self.result.grasps += kind == Primitive.GRASP
        self.result.pushes += kind == Primitive.PUSH
        self.result.moves += kind == Primitive.MOVE
        self.result.picked += attempt.status == Attempt.HELD

    def history(self) -> list[Attempt]:
        """All attempts, oldest first, with the one under way."""
        return [*self.result.attempts, *([self.step.attempt] if self.step else [])]

    def done(self) -> bool:
        """Whether as many targets have been picked as the goal requested."""
        picked = sum(attempt.status == Attempt.HELD for attempt in self.history())
        return 0 < self._goal.max_targets <= picked

    def begin_batch(self) -> None:
        """Begin with the next batch: its limits, its attempts."""
        self._is_between = False
        self._batch_start = time.monotonic()
        self.result.batches += 1
        self.result.attempts, self.result.workspace_clear = [], False

    @property
    def name(self) -> str:
        """A name that no other job or batch has."""
        return f"{bytes(self._handle.goal_id.uuid).hex()}-{self.result.batches}"

    def state(self, *, active: bool) -> JobState:
        """The state for viewers and recorders."""
        result, feedback = self.result, self._feedback
        state = JobState(job=self.name, active=active, phase=feedback.phase, waiting_for=feedback.waiting_for)
        state.batches, state.picked, state.grasps = result.batches, result.picked, result.grasps
        state.pushes, state.moves = result.pushes, result.moves
        state.elapsed = time.monotonic() - self._start
        state.workspace_clear = result.workspace_clear
        state.error_code, state.error_msg = result.error_code, result.error_msg
        return state

    def summary(self) -> str:
        """The result in one line of text."""
        result = self.result
        batches = f"batches {result.batches}, " if result.batches > 1 else ""
        counts = f"picked {result.picked}, grasps {result.grasps}, pushes {result.pushes}, moves {result.moves}"
        clear = ", workspace clear" if result.workspace_clear else ""
        return f"{ErrorCode(result.error_code).name}, {batches}{counts}{clear}, {time.monotonic() - self._start:.1f} s"

    def _publish(self) -> None:
        self._last_feedback = time.monotonic()
        self._feedback.picked = self.result.picked
        self._feedback.grasps = self.result.grasps
        self._feedback.pushes = self.result.pushes
        self._feedback.moves = self.result.moves
        self._feedback.batches = self.result.batches
        self._feedback.elapsed = self._last_feedback - self._start
        self._handle.publish_feedback(self._feedback)
        self._tell(self.state(active=not self._is_between))


def describe(attempt: Attempt) -> str:
    """An attempt in one line of text."""
    primitive = attempt.primitive
    kind = PrimitiveKind(primitive.kind).name.lower()
    x, y, z = primitive.position.x, primitive.position.y, primitive.position.z
    status = OutcomeStatus(attempt.status).name
    return f"{kind} at ({x:.3f}, {y:.3f}, {z:.3f}) m: {status}, {attempt.duration:.1f} s {attempt.message}".rstrip()
