"""A job of ``pick_impurities`` as its client sees it."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from rclpy.task import Future

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.datatypes import Attempt, Primitive
from impurity_grasp_ros.errors import ErrorCode, PeerUnavailableError, ReportedError
from impurity_grasp_ros.nodes.conversions import from_attempt, from_primitive

SILENCE = 5.0
"""Seconds without feedback after which the job is lost; ``picker_node`` sends it twice a second."""

END_TIMEOUT = 15.0
"""Seconds within which a canceled job must end."""

UNREAD = 1000
"""Feedback that is kept for a slow reader; older one is dropped."""


class Phase(IntEnum):
    """What a job is doing; the numbers of ``PickImpurities.action``."""

    OBSERVE = 0
    ATTEND = 1
    DECIDE = 2
    EXECUTE = 3
    WAIT = 4


@dataclass(frozen=True)
class PickFeedback:
    """Where a job stands.

    Attributes:
        phase: What it is doing.
        picked: Grasps that ended HELD.
        grasps: Executed grasps.
        pushes: Executed pushes.
        moves: Executed moves, which put an object aside.
        batches: Batches that were begun; 1 unless the job is continuous.
        elapsed: Seconds since it began.
        waiting_for: What it waits for; empty except in phase WAIT.
        primitive: The current one; None before the first decision.
    """

    phase: Phase
    picked: int
    grasps: int
    pushes: int
    moves: int
    batches: int
    elapsed: float
    waiting_for: str
    primitive: Primitive | None


@dataclass(frozen=True)
class PickResult:
    """How a job has ended.

    Attributes:
        error: NONE if it succeeded.
        message: What was expected and received instead; empty if it succeeded.
        picked: Grasps that ended HELD.
        grasps: Executed grasps.
        pushes: Executed pushes.
        moves: Executed moves, which put an object aside.
        batches: Batches that were begun; 1 unless the job was continuous.
        workspace_clear: Whether the last view showed neither a target nor a cluster that could hide one.
        attempts: Everything that was executed in the last batch, in order.
    """

    error: ErrorCode
    message: str
    picked: int
    grasps: int
    pushes: int
    moves: int
    batches: int
    workspace_clear: bool
    attempts: tuple[Attempt, ...]

    def check(self) -> None:
        """Raise ReportedError unless the job succeeded."""
        if self.error is not ErrorCode.NONE:
            raise ReportedError(self.error, self.message)


class JobInbox:
    """What arrives from ``picker_node`` about one job, in other threads than the reader's."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.unread: deque[Any] = deque(maxlen=UNREAD)
        self.answer: Any = None
        self.heard = time.monotonic()

    def on_feedback(self, message: Any) -> None:
        """Receive feedback."""
        with self.changed:
            self.unread.append(message.feedback)
            self.heard = time.monotonic()
            self.changed.notify_all()

    def on_result(self, future: Future) -> None:
        """Receive the result."""
        with self.changed:
            self.answer = future.result()
            self.changed.notify_all()


class PickJob:
    """A job that was accepted. Readers may be in several threads; each feedback goes to one of them.

    In ``asyncio``, ``await job`` returns the result, and ``async for feedback in job`` follows it. Canceling such a
    task does not cancel the job.

    Args:
        handle: The accepted goal.
        inbox: Where its feedback arrives.
    """

    def __init__(self, handle: Any, inbox: JobInbox) -> None:
        self._handle = handle
        self._inbox = inbox
        inbox.heard = time.monotonic()
        handle.get_result_async().add_done_callback(inbox.on_result)

    @property
    def done(self) -> bool:
        """Whether the job has ended."""
        return self._inbox.answer is not None

    def cancel(self) -> None:
        """Ask the arm to stop where it is; the job has ended, and the arm is at rest, when :meth:`wait` returns."""
        self._handle.cancel_goal_async()

    def end(self) -> None:
        """Cancel the job unless it has ended, and wait until the arm is at rest.

        Raises:
            TimeoutError: The arm was not at rest in time.
            PeerUnavailableError: ``picker_node`` has fallen silent.
        """
        if not self.done:
            self.cancel()
            self.wait(END_TIMEOUT)

    def wait(self, timeout: float | None = None) -> PickResult:
        """Wait for the end of the job.

        Args:
            timeout: Seconds to wait; None for no limit.

        Returns:
            The result, also of a job that was canceled or failed.

        Raises:
            TimeoutError: The job is still going on after ``timeout``.
            PeerUnavailableError: ``picker_node`` has fallen silent.
        """
        if not self._await(lambda: self.done, math.inf if timeout is None else time.monotonic() + timeout):
            raise TimeoutError(f"expected the job to end within {timeout:g} s")
        return _result(self._inbox.answer.result)

    def feedback(self) -> Iterator[PickFeedback]:
        """Follow the job to its end.

        Yields:
            Each feedback, as soon as it arrives.

        Raises:
            PeerUnavailableError: ``picker_node`` has fallen silent.
        """
        inbox = self._inbox
        while self._await(lambda: inbox.unread or self.done):
            with inbox.changed:
                if not inbox.unread:
                    return
                message = inbox.unread.popleft()
            yield _feedback(message)

    async def __aiter__(self) -> AsyncIterator[PickFeedback]:
        messages = self.feedback()
        while (feedback := await asyncio.to_thread(next, messages, None)) is not None:
            yield feedback

    def __await__(self) -> Generator[Any, None, PickResult]:
        return asyncio.to_thread(self.wait).__await__()

    def _await(self, condition: Callable[[], Any], deadline: float = math.inf) -> bool:
        """Wait for a condition, at most until a time of ``time.monotonic``; return whether it is met."""
        inbox = self._inbox
        with inbox.changed:
            while not condition():
                now = time.monotonic()
                if now > deadline:
                    return False
                if now > inbox.heard + SILENCE:
                    raise PeerUnavailableError(f"expected picker_node to report on the job, silent for {SILENCE:g} s")
                inbox.changed.wait(min(deadline, inbox.heard + SILENCE) - now + 1e-3)
        return True


def _feedback(message: PickImpurities.Feedback) -> PickFeedback:
    return PickFeedback(
        Phase(message.phase),
        message.picked,
        message.grasps,
        message.pushes,
        message.moves,
        message.batches,
        message.elapsed,
        message.waiting_for,
        from_primitive(message.primitive[0]) if message.primitive else None,
    )


def _result(message: PickImpurities.Result) -> PickResult:
    return PickResult(
        ErrorCode(message.error_code),
        message.error_msg,
        message.picked,
        message.grasps,
        message.pushes,
        message.moves,
        message.batches,
        message.workspace_clear,
        tuple(from_attempt(attempt) for attempt in message.attempts),
    )
