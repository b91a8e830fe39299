"""Leads the nodes of a cell through their states, in order, and watches whether they are alive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from impurity_grasp.msg import CellState
from impurity_grasp.srv import Manage
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import InvalidGoalError, PeerUnavailableError
from impurity_grasp_ros.nodes.diagnostics import DIAGNOSTICS
from impurity_grasp_ros.nodes.managed_peer import Level, ManagedPeer, PeerGoneError, Step, next_steps
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import LATCHED, Pacer, answer_error, log_error, pace, steady_timer

TICK, RESTING_TICK = 0.05, 0.5
"""Seconds between checks whether a node has come, gone, or changed its state: while there is work to do, and else."""

GOALS = {
    Manage.Request.STARTUP: Level.ACTIVE,
    Manage.Request.PAUSE: Level.INACTIVE,
    Manage.Request.RESUME: Level.ACTIVE,
    Manage.Request.RESET: Level.UNCONFIGURED,
    Manage.Request.SHUTDOWN: Level.FINALIZED,
}


@dataclass(frozen=True)
class ManagerNodeConfig:
    """Which nodes are managed, and what happens when one of them is gone."""

    mover: str = parameter("name of the node that moves the arm, which is started first; empty for none")
    nodes: tuple[str, ...] = parameter("names of the other managed nodes, in the order in which they are started")
    startup: bool = parameter("configure and activate them as soon as they appear; if that fails, end with exit code 1")
    restart: bool = parameter("configure and activate a node again that was gone; the arm's motion is never resumed")
    transition_timeout: float = parameter("s that a node has for a transition", low=1.0, high=600.0)


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
        names = (config.mover, *config.nodes) if config.mover else config.nodes
        self._peers = [ManagedPeer(self, name) for name in names]
        self._goal: Level | None = Level.ACTIVE if config.startup else None
        self._was_active = not config.startup
        self._on_end: Callable[[], None] = lambda: None
        self.failure = ""
        self._failure: Exception | None = None
        self._pacer = Pacer(self)
        self._states = self.create_publisher(CellState, "cell_state", LATCHED)
        self._publish()
        self.create_subscription(DiagnosticArray, DIAGNOSTICS, self._on_diagnostics, 50)
        self._timer = steady_timer(self, TICK, self._tick)
        self.create_service(Manage, "manage", self._on_manage, callback_group=MutuallyExclusiveCallbackGroup())

    def when_ended(self, action: Callable[[], None]) -> None:
        """Call a function if the cell cannot be started."""
        self._on_end = action

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for peer in self._peers:
            peer.on_diagnostics(message)

    @property
    def _levels(self) -> list[Level]:
        return [peer.level for peer in self._peers]

    async def _on_manage(self, request: Manage.Request, response: Manage.Response) -> Manage.Response:
        try:
            if request.command not in GOALS:
                raise InvalidGoalError(f"command: expected 0 to {max(GOALS)}, received {request.command}")
            self._failure, self._goal = None, GOALS[request.command]
            pace(self._timer, TICK)
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
            self._check_led()
            if self._goal is not None:
                await self._make(next_steps(self._levels, self._goal))
        except Exception as error:  # the node keeps running, and does nothing until it is told to
            self._failure, self._goal = error, None
            log_error(error, self.get_logger())
            if not self._was_active:
                self.failure = f"expected all nodes to start: {error}"
                self._on_end()
        if self._levels != before:
            self._publish()
        busy = self._goal is not None and any(level is not self._goal for level in self._levels)
        pace(self._timer, TICK if busy else RESTING_TICK)

    async def _make(self, steps: Sequence[Step]) -> None:
        """Make transitions at the same time."""
        begun = [self._peers[step.node].begin_change(step.transition) for step in steps]
        config = self._settings.value
        for step, answer in zip(steps, begun, strict=True):
            try:
                await self._peers[step.node].end_change(answer, step.level, config.transition_timeout)
            except PeerGoneError as error:
                if not config.restart:
                    raise
                log_error(error, self.get_logger())

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

    def _check_led(self) -> None:
        """Lead no node up that a person has led down by other means."""
        led = [f"{peer.name} to {peer.level.name.lower()}" for peer in self._peers if peer.was_led]
        if led and self._goal is not None:
            self._goal = None
            self.get_logger().warning(f"somebody has led {', '.join(led)}: nothing is started until manage is called")

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
