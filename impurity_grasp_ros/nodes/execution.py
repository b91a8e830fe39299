"""A primitive that another node executes, as its sender sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Time
from rclpy.task import Future

from impurity_grasp.msg import Attempt
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ErrorCode, ImpurityGraspError, ReportedError
from impurity_grasp_ros.nodes.runtime import Pacer

KeepWaiting = Callable[[], None]
"""Called repeatedly while waiting; raises an exception to stop waiting."""

VIEW_CODES = frozenset(
    {
        ErrorCode.EMPTY_CLOUD,
        ErrorCode.VIEW_BLOCKED,
        ErrorCode.VIEW_INCOMPLETE,
        ErrorCode.TABLE_MOVED,
        ErrorCode.BAD_EXPOSURE,
        ErrorCode.CAMERA_MOVED,
    }
)
"""Faults of a view that may pass, for example when a hand is withdrawn."""

ENDED = (GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED)


@dataclass(frozen=True)
class PeersConfig:
    """How long the picker waits for the other nodes, in wall-clock time."""

    startup_timeout: float = parameter("s to wait for another node to appear", low=0.1, high=600.0)
    service_timeout: float = parameter("s to wait for the answer of a service", low=0.1, high=600.0)
    frame_timeout: float = parameter("s to wait for a frame of the camera", low=0.1, high=600.0)
    view_timeout: float = parameter("s that a job waits for a view that it can act on", low=0.0, high=86400.0)
    execute_timeout: float = parameter("s to wait for the end of a primitive", low=1.0, high=3600.0)
    stop_timeout: float = parameter("s to wait for the end of a canceled primitive", low=0.1, high=60.0)


class Progress:
    """What the feedback of a goal has told so far.

    Attributes:
        clear: Done once an attempt is settled and the arm out of the camera's view; its result is that feedback.
    """

    def __init__(self) -> None:
        self.clear = Future()

    def on_feedback(self, message: Any) -> None:
        """Receive feedback."""
        if message.feedback.attempt and not self.clear.done():
            self.clear.set_result(message.feedback)


class Execution:
    """A primitive under way.

    Each coroutine raises ReportedError if a fault ended the motion, PeerUnavailableError if the node that moves the arm
    is gone or does not answer in time, and whatever its argument ``watch`` raises, see :data:`KeepWaiting`. In the
    latter two cases the goal is canceled, and the exception is raised once the motion has ended.

    Args:
        handle: The accepted goal.
        progress: Its feedback.
        pacer: Lets coroutines wait.
        config: How long to wait.
        check_alive: Raises PeerUnavailableError if the node that moves the arm has fallen silent.
    """

    def __init__(
        self, handle: Any, progress: Progress, pacer: Pacer, config: PeersConfig, check_alive: Callable[[], None]
    ) -> None:
        self._handle = handle
        self._pacer = pacer
        self._config = config
        self._check_alive = check_alive
        self._clear = progress.clear
        self._outcome: Future = handle.get_result_async()
        self._outcome.add_done_callback(lambda _: self._clear.done() or self._clear.set_result(None))

    async def clear(self, watch: KeepWaiting) -> tuple[Attempt, Time]:
        """Wait until the outcome is settled and the arm is out of the camera's view; it may still move.

        Args:
            watch: See :data:`KeepWaiting`.

        Returns:
            The attempt, and the ROS time since which the camera can see its result.
        """
        feedback = await self._waited(self._clear, watch)
        if feedback is None:
            result = self._result()
            return result.attempt, result.completed
        return feedback.attempt[0], feedback.clear

    async def ended(self, watch: KeepWaiting) -> Attempt:
        """Wait until the arm is at rest and return the attempt."""
        await self._waited(self._outcome, watch)
        return self._result().attempt

    def check(self) -> None:
        """Raise what the coroutines raise if something has gone wrong so far."""
        self._check_alive()
        if self._outcome.done():
            self._result()

    def _result(self) -> Any:
        answer = self._outcome.result()
        _check_status(answer.status)
        check_answer(answer.result)
        return answer.result

    async def _waited(self, future: Future, watch: KeepWaiting) -> Any:
        def watch_all() -> None:
            watch()
            self._check_alive()

        try:
            return await self._pacer.wait_for(future, self._config.execute_timeout, "execute_primitive", watch_all)
        except ImpurityGraspError:
            await self.cancel()
            raise

    async def cancel(self) -> None:
        """Stop the arm and wait until it is at rest."""
        self._handle.cancel_goal_async()
        await self._pacer.wait_for(
            self._outcome, self._config.stop_timeout, "execute_primitive (canceled)", self._check_alive
        )


def _check_status(status: int) -> None:
    """Refuse a result that has expired on the server: its default values would look like success."""
    if status not in ENDED:
        raise ReportedError(ErrorCode.UNKNOWN, f"expected the result of a finished goal, its status is {status}")


def check_answer(answer: Any) -> None:
    """Raise ReportedError if an answer reports a fault."""
    if answer.error_code != ErrorCode.NONE:
        raise ReportedError(answer.error_code, answer.error_msg)
