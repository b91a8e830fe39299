"""The states of managed nodes, the way from one to another, and a node as its manager sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from impurity_grasp.msg import CellState
from impurity_grasp_ros.errors import PeerUnavailableError
from impurity_grasp_ros.nodes.liveliness import Watch
from impurity_grasp_ros.nodes.managed import ALIVE_LEASE, alive_topic
from impurity_grasp_ros.nodes.runtime import Pacer

ASK_TIMEOUT = 2.0
"""Seconds that a node has to tell its state before it is asked again."""

UNANSWERED = 3
"""Diagnostics of a node in state UNCONFIGURED after which a request must have been lost with the process before."""


class Level(IntEnum):
    """States of a managed node, in the order in which it passes through them."""

    ABSENT = CellState.ABSENT
    UNCONFIGURED = State.PRIMARY_STATE_UNCONFIGURED
    INACTIVE = State.PRIMARY_STATE_INACTIVE
    ACTIVE = State.PRIMARY_STATE_ACTIVE
    FINALIZED = State.PRIMARY_STATE_FINALIZED


STEPS_UP = {
    Level.UNCONFIGURED: (Transition.TRANSITION_CONFIGURE, Level.INACTIVE),
    Level.INACTIVE: (Transition.TRANSITION_ACTIVATE, Level.ACTIVE),
}
STEPS_DOWN = {
    Level.ACTIVE: (Transition.TRANSITION_DEACTIVATE, Level.INACTIVE),
    Level.INACTIVE: (Transition.TRANSITION_CLEANUP, Level.UNCONFIGURED),
    Level.UNCONFIGURED: (Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, Level.FINALIZED),
}
"""Transition, and the state to which it leads, by the state from which it starts."""

RANK = (Level.FINALIZED, Level.UNCONFIGURED, Level.INACTIVE, Level.ACTIVE)
"""The states from the lowest to the highest."""


class PeerGoneError(PeerUnavailableError):
    """A node has ended, or its process was replaced, before it answered."""


class ManagedPeer:
    """A managed node as its manager sees it.

    Args:
        node: The manager.
        name: Name of the managed node.

    Attributes:
        name: The name.
        level: Its state when it was last looked at.
        was_led: Whether somebody else has led it down since then.
    """

    def __init__(self, node: Node, name: str) -> None:
        group = ReentrantCallbackGroup()
        self.name = name
        self.level = Level.ABSENT
        self.was_led = False
        self._told: Level | None = None  # by its latest event
        self._reported: Level | None = None  # by its latest diagnostics
        self._unconfigured = 0  # diagnostics in a row that reported this state
        self._full_name = node.resolve_topic_name(name).lstrip("/")
        self._pacer = Pacer(node)
        self._watch = Watch(node, alive_topic(name), ALIVE_LEASE)
        self._get = node.create_client(GetState, f"{name}/get_state", callback_group=group)
        self._change = node.create_client(ChangeState, f"{name}/change_state", callback_group=group)
        node.create_subscription(TransitionEvent, f"{name}/transition_event", self._on_event, 10, callback_group=group)

    def _on_event(self, event: TransitionEvent) -> None:
        if event.goal_state.id in iter(Level):
            self._told = Level(event.goal_state.id)

    def on_diagnostics(self, message: DiagnosticArray) -> None:
        """Receive diagnostics; they also tell of a process that was replaced before its silence was noticed."""
        for status in message.status:
            if status.name == self._full_name:
                self._reported = Level.__members__.get(status.message.upper())
                self._unconfigured = self._unconfigured + 1 if self._reported is Level.UNCONFIGURED else 0

    async def update(self) -> None:
        """Look at the node."""
        told, reported, before = self._told, self._reported, self.level
        self._told = self._reported = None
        self.was_led = False
        if not self._watch.is_alive or not self._get.service_is_ready():
            self.level = Level.ABSENT
        elif told is not None:
            self.level = told
            self.was_led = before in RANK and RANK.index(told) < RANK.index(before)
        elif before is Level.ABSENT:
            self.level = await self._asked()
        elif reported is Level.UNCONFIGURED:  # without an event: it has just started
            self.level = reported

    async def _asked(self) -> Level:
        try:
            answer = await self._answer(self._get.call_async(GetState.Request()), ASK_TIMEOUT)
        except PeerUnavailableError:  # it is still starting, or ending: it is asked again
            return Level.ABSENT
        state = answer.current_state.id
        return Level(state) if state in iter(Level) else Level.ABSENT  # the same within a transition

    def begin_change(self, transition: int) -> Future:
        """Have the node begin a transition.

        Args:
            transition: A transition of ``lifecycle_msgs/Transition``.

        Returns:
            The future answer, for :meth:`end_change`.
        """
        self._unconfigured = 0
        return self._change.call_async(ChangeState.Request(transition=Transition(id=transition)))

    async def end_change(self, begun: Future, goal: Level, timeout: float) -> None:
        """Wait for the end of a transition.

        Args:
            begun: The future answer.
            goal: The state to which it leads.
            timeout: Seconds that it may take.

        Raises:
            PeerGoneError: The node is gone, or its process was replaced.
            PeerUnavailableError: It failed, or there was no answer in time.
        """
        start = self.level
        answer = await self._answer(begun, timeout, lambda: self._unconfigured >= UNANSWERED)
        if not answer.success and (state := await self._asked()) is not goal:  # else, an earlier request has done it
            if start is not Level.UNCONFIGURED and state is Level.UNCONFIGURED:
                raise self._gone()
            raise PeerUnavailableError(f"expected {self.name} to become {goal.name}, it could not: see its log")
        self.level, self._told, self._reported = goal, None, None

    async def _answer(self, future: Future, timeout: float, is_lost: Callable[[], bool] = lambda: False) -> Any:
        def watch() -> None:
            if not self._watch.is_alive or is_lost():
                raise self._gone()

        return await self._pacer.wait_for(future, timeout, self.name, watch)

    def _gone(self) -> PeerGoneError:
        self.level = Level.ABSENT
        return PeerGoneError(f"expected {self.name} to answer, it is gone")


class Step(NamedTuple):
    """A transition of one node: number of the node, the transition, and the state to which it leads."""

    node: int
    transition: int
    level: Level


def next_steps(levels: Sequence[Level], goal: Level) -> list[Step]:
    """Choose the next transitions on the way of all nodes to a state.

    Nodes are configured at the same time, and activated one after the other once all are configured. They go down one
    after the other, in reverse order.

    Args:
        levels: States of the nodes, in the order in which they are started.
        goal: Where all of them are to be.

    Returns:
        The transitions, which may overlap; none if there is nothing to do, or a node has to appear first.
    """
    for index, level in reversed(list(enumerate(levels))):
        if level is not Level.ABSENT and RANK.index(level) > RANK.index(goal):
            return [Step(index, *STEPS_DOWN[level])]
    low = [index for index, level in enumerate(levels) if level is Level.UNCONFIGURED]
    if low and RANK.index(goal) > RANK.index(Level.UNCONFIGURED):
        return [Step(index, *STEPS_UP[Level.UNCONFIGURED]) for index in low]
    if goal is Level.ACTIVE and Level.INACTIVE in levels and Level.ABSENT not in levels:
        return [Step(levels.index(Level.INACTIVE), *STEPS_UP[Level.INACTIVE])]
    return []
