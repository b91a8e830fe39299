"""Leads the nodes of a cell through their states, in order, and watches whether they are alive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from lifecycle_msgs.msg import State, Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from impurity_grasp.msg import CellState
from impurity_grasp.srv import Manage
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import InvalidGoalError, PeerUnavailableError
from impurity_grasp_ros.nodes.liveliness import Watch
from impurity_grasp_ros.nodes.managed import ALIVE_LEASE, alive_topic
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import LATCHED, Pacer, answer_error, log_error, steady_timer

TICK = 0.1
"""Seconds between checks whether a node has come, gone, or changed its state."""


@dataclass(frozen=True)
class ManagerNodeConfig:
    """Which nodes are managed, and what happens when one of them is gone."""

    nodes: tuple[str, ...] = parameter("names of the managed nodes, in the order in which they are started")
    startup: bool = parameter("configure and activate them as soon as they appear; if that fails, end with exit code 1")
    restart: bool = parameter("configure and activate a node again that was gone; the arm's motion is never resumed")
    transition_timeout: float = parameter("s that a node has for a transition", low=1.0, high=600.0)


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

GOALS = {
    Manage.Request.STARTUP: Level.ACTIVE,
    Manage.Request.PAUSE: Level.INACTIVE,
    Manage.Request.RESUME: Level.ACTIVE,
    Manage.Request.RESET: Level.UNCONFIGURED,
    Manage.Request.SHUTDOWN: Level.FINALIZED,
}


class ManagedPeer:
    """A managed node as its manager sees it.

    Args:
        node: The manager.
        name: Name of the managed node.

    Attributes:
        name: The name.
        level: Its state when it was last looked at.
    """

    def __init__(self, node: Node, name: str) -> None:
        group = ReentrantCallbackGroup()
        self.name = name
        self.level = Level.ABSENT
        self._told: Level | None = None  # by its last event
        self._pacer = Pacer(node)
        self._watch = Watch(node, alive_topic(name), ALIVE_LEASE)
        self._get = node.create_client(GetState, f"{name}/get_state", callback_group=group)
        self._change = node.create_client(ChangeState, f"{name}/change_state", callback_group=group)
        node.create_subscription(TransitionEvent, f"{name}/transition_event", self._on_event, 10, callback_group=group)

    def _on_event(self, event: TransitionEvent) -> None:
        if event.goal_state.id in iter(Level):
            self._told = Level(event.goal_state.id)

    async def update(self) -> None:
        """Look at the node."""
        if not self._watch.is_alive or not self._get.service_is_ready():
            self.level, self._told = Level.ABSENT, None
        elif self._told is not None:
            self.level, self._told = self._told, None
        elif self.level is Level.ABSENT:
            state = (await self._answer(self._get.call_async(GetState.Request()), 2.0)).current_state.id
            self.level = Level(state) if state in iter(Level) else Level.ABSENT  # in a transition: ask again

    async def change(self, transition: int, goal: Level, timeout: float) -> None:
        """Have the node make a transition.

        Args:
            transition: A transition of ``lifecycle_msgs/Transition``.
            goal: The state to which it leads.
            timeout: Seconds that it may take.

        Raises:
            PeerUnavailableError: It failed, or there was no answer in time.
        """
        request = ChangeState.Request(transition=Transition(id=transition))
        answer = await self._answer(self._change.call_async(request), timeout)
        if not answer.success:
            raise PeerUnavailableError(f"expected {self.name} to become {goal.name}, it could not: see its log")
        self.level = goal

    async def _answer(self, future: Future, timeout: float) -> Any:
        def watch() -> None:
            if not self._watch.is_alive:
                raise PeerUnavailableError(f"expected {self.name} to answer, it is gone")

        return await self._pacer.wait_for(future, timeout, self.name, watch)


class Step(NamedTuple):
    """A transition of one node: number of the node, the transition, and the state to which it leads."""

    node: int
    transition: int
    level: Level


def next_step(levels: Sequence[Level], goal: Level) -> Step | None:
    """Choose the next transition on the way of all nodes to a state.

    Nodes go up in order, and none is activated before all are configured. They go down in reverse order.

    Args:
        levels: States of the nodes, in the order in which they are started.
        goal: Where all of them are to be.

    Returns:
        The transition; None if there is nothing to do, or a node has to appear first.
    """
    for index, level in reversed(list(enumerate(levels))):
        if level is not Level.ABSENT and RANK.index(level) > RANK.index(goal):
            return Step(index, *STEPS_DOWN[level])
    for index, level in enumerate(levels):
        if level is Level.UNCONFIGURED and RANK.index(goal) > RANK.index(level):
            return Step(index, *STEPS_UP[level])
    if goal is Level.ACTIVE and Level.INACTIVE in levels and Level.ABSENT not in levels:
        index = levels.index(Level.INACTIVE)
        return Step(index, *STEPS_UP[Level.INACTIVE])
    return None


class ManagerNode(Node):
    """Offers the service ``manage`` and publishes the states of the nodes on the latched topic ``cell_state``.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("manager_node", **options)
        self._settings = NodeParameters(self, "manager_node", ManagerNodeConfig)
        config = self._settings.value
        self._peers = [ManagedPeer(self, name) for name in config.nodes]
        self._goal: Level | None = Level.ACTIVE if config.startup else None
        self._was_active = not config.startup
        self._on_end: Callable[[], None] = lambda: None
        self.failure = ""
        self._failure: Exception | None = None
        self._pacer = Pacer(self)
        self._states = self.create_publisher(CellState, "cell_state", LATCHED)
        self._publish()
        steady_timer(self, TICK, self._tick)
        self.create_service(Manage, "manage", self._on_manage, callback_group=MutuallyExclusiveCallbackGroup())

    def when_ended(self, action: Callable[[], None]) -> None:
        """Call a function if the cell cannot be started."""
        self._on_end = action

    @property
    def _levels(self) -> list[Level]:
        return [peer.level for peer in self._peers]

    async def _on_manage(self, request: Manage.Request, response: Manage.Response) -> Manage.Response:
        try:
            if request.command not in GOALS:
                raise InvalidGoalError(f"command: expected 0 to {max(GOALS)}, received {request.command}")
            self._failure, self._goal = None, GOALS[request.command]
            while self._goal is not None and any(level is not self._goal for level in self._levels):
                await self._pacer.tick()
            if self._failure is not None:
                raise self._failure
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        return response

    async def _tick(self) -> None:
        """Look at all nodes and do the next step toward the goal."""
        before = self._levels
        try:
            for peer in self._peers:
                await peer.update()
            self._check_lost(before)
            if self._goal is not None and (step := next_step(self._levels, self._goal)) is not None:
                peer = self._peers[step.node]
                await peer.change(step.transition, step.level, self._settings.value.transition_timeout)
        except Exception as error:  # the node keeps running, and does nothing until it is told to
            self._failure, self._goal = error, None
            log_error(error, self.get_logger())
            if not self._was_active:
                self.failure = f"expected all nodes to start: {error}"
                self._on_end()
        if self._levels != before:
            self._publish()

    def _check_lost(self, before: Sequence[Level]) -> None:
        """Raise PeerUnavailableError if a node is gone and is not to be started again."""
        pairs = zip(self._peers, before, strict=True)
        lost = [peer.name for peer, was in pairs if peer.level is Level.ABSENT and was is not Level.ABSENT]
        if not lost or self._goal is Level.FINALIZED:
            return
        error = PeerUnavailableError(f"expected {', '.join(lost)} to stay alive, nothing is heard any more")
        if not self._settings.value.restart:
            raise error
        log_error(error, self.get_logger())

    def _publish(self) -> None:
        levels = self._levels
        self._was_active |= bool(levels) and set(levels) == {Level.ACTIVE}
        self._states.publish(
            CellState(
                stamp=self.get_clock().now().to_msg(),
                active=all(level is Level.ACTIVE for level in levels),
                nodes=[peer.name for peer in self._peers],
                states=[int(level) for level in levels],
            )
        )
        told = ", ".join(f"{peer.name} {peer.level.name.lower()}" for peer in self._peers)
        self.get_logger().info(told)


def main() -> None:
    """Entry point of the console script."""
    run(ManagerNode)
