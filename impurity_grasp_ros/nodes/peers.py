"""The other nodes as the picker uses them: one coroutine for each request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Time
from lifecycle_msgs.msg import State
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt, Attention, CellState, Heightmap, Primitive
from impurity_grasp.srv import Attend, CaptureHeightmap, SelectPrimitive
from impurity_grasp_ros.errors import (
    AmbiguousPeerError,
    ErrorCode,
    ImpurityGraspError,
    PeerUnavailableError,
    ReportedError,
)
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.execution import Execution, KeepWaiting, PeersConfig, Progress, check_answer
from impurity_grasp_ros.nodes.liveliness import Announcement, sender_topic, watch_servers
from impurity_grasp_ros.nodes.runtime import LATCHED, Pacer
from impurity_grasp_ros.nodes.stamps import to_duration
from impurity_grasp_ros.nodes.stops import StopListener

FORGOTTEN = 25.0
"""Seconds after which discovery has dropped a node that crashed (the middleware's lease is 20 s)."""


LEVELS = {
    CellState.ABSENT: "not running",
    State.PRIMARY_STATE_UNCONFIGURED: "not configured",
    State.PRIMARY_STATE_INACTIVE: "inactive",
    State.PRIMARY_STATE_FINALIZED: "shut down",
}
"""States of nodes, in words."""


class Peers:
    """Clients of ``capture_heightmap``, ``attend``, ``select_primitive`` and ``execute_primitive``.

    Each coroutine raises ReportedError if the other node reports a fault, PeerUnavailableError if it does not appear
    or answer in time, and whatever its argument ``watch`` raises; that is called repeatedly while waiting.

    Args:
        node: The node that asks.
        config: Returns the current settings.
    """

    def __init__(self, node: Node, config: Callable[[], PeersConfig]) -> None:
        self._config = config
        self._pacer = Pacer(node)
        group = ReentrantCallbackGroup()
        self._capture = node.create_client(CaptureHeightmap, "capture_heightmap", callback_group=group)
        self._attend = node.create_client(Attend, "attend", callback_group=group)
        self._select = node.create_client(SelectPrimitive, "select_primitive", callback_group=group)
        self._execute = ActionClient(node, ExecutePrimitive, "execute_primitive", callback_group=group)
        self._node = node
        self._status_topic = node.resolve_topic_name("execute_primitive/_action/status")
        self._servers = watch_servers(node)
        self._announcement = Announcement(node, sender_topic(node))
        self._stops = StopListener(node)
        self._cell: CellState | None = None
        node.create_subscription(CellState, "cell_state", self._on_cell, LATCHED, callback_group=group)

    def _on_cell(self, state: CellState) -> None:
        self._cell = state

    def check_active(self) -> None:
        """Check that all nodes of the cell are active, if it has a manager.

        Raises:
            PeerUnavailableError: Some are not; with their names and states.
        """
        cell = self._cell
        if cell is not None and not cell.active:
            pairs = zip(cell.nodes, cell.states, strict=True)
            others = [f"{name} is {LEVELS[state]}" for name, state in pairs if state != State.PRIMARY_STATE_ACTIVE]
            raise PeerUnavailableError(f"expected all nodes of the cell to be active: {', '.join(others)}")

    @property
    def times_stopped(self) -> int:
        """How often the service ``stop`` has been called since this node started."""
        return self._stops.calls

    def close(self) -> None:
        """End the announcement, and all that was created to ask."""
        self._execute.destroy()
        self._announcement.close()
        self._servers.close()

    async def observe(self, not_before: Time, new_job: bool, watch: KeepWaiting) -> Heightmap:
        """Get a heightmap of the first frame taken at ``not_before`` or later.

        Args:
            not_before: Earliest stamp of the frame.
            new_job: Whether this is the job's first view; otherwise it is compared with the job's previous views.
            watch: See :data:`KeepWaiting`.

        Returns:
            The heightmap.

        Raises:
            ReportedError: There was no frame in time, or the view cannot be acted on.
            PeerUnavailableError: The service did not appear or answer in time.
        """
        timeout = self._config().frame_timeout
        request = CaptureHeightmap.Request(not_before=not_before, new_job=new_job, timeout=to_duration(timeout))
        return (await self._call(self._capture, request, watch, extra=timeout)).heightmap

    async def attend(self, heightmap: Heightmap, history: list[Attempt], watch: KeepWaiting) -> Attention:
        """Find out where to act next.

        Args:
            heightmap: The current view.
            history: The job's attempts, oldest first.
            watch: See :data:`KeepWaiting`.

        Returns:
            The attention.

        Raises:
            ReportedError: The heightmap is invalid, or the node was restarted during the job.
            PeerUnavailableError: The service did not appear or answer in time.
        """
        request = Attend.Request(heightmap=heightmap, new_job=not history, last=history[-1:])
        return (await self._call(self._attend, request, watch)).attention

    async def decide(
        self, heightmap: Heightmap, attention: Attention, history: list[Attempt], watch: KeepWaiting
    ) -> Primitive:
        """Choose what to do about an attention.

        Args:
            heightmap: The current view.
            attention: Its attention.
            history: The job's attempts, oldest first.
            watch: See :data:`KeepWaiting`.

        Returns:
            The primitive to execute.

        Raises:
            ReportedError: The policy has found no primitive.
            PeerUnavailableError: The service did not appear or answer in time.
        """
        request = SelectPrimitive.Request(heightmap=heightmap, attention=attention, history=history)
        return (await self._call(self._select, request, watch)).primitive

    async def execute(self, primitive: Primitive, watch: KeepWaiting) -> Execution:
        """Have a primitive executed.

        If ``watch`` raises before the goal is accepted, the goal is canceled.

        Args:
            primitive: The primitive.
            watch: See :data:`KeepWaiting`.

        Returns:
            The primitive under way.

        Raises:
            AmbiguousPeerError: More than one node would execute the goal.
            ReportedError: The goal was rejected.
            PeerUnavailableError: The action server did not appear or answer in time, or it is gone.
        """
        await self._await_peer(
            lambda: self._execute.server_is_ready() and self._servers.is_alive, "execute_primitive", watch
        )
        await self._await_unique(watch)

        def watch_all() -> None:
            watch()
            self._check_alive()

        progress = Progress()
        goal = ExecutePrimitive.Goal(primitive=primitive, sender=self._announcement.topic)
        handle = await self._accepted(goal, progress, watch_all)
        return Execution(handle, progress, self._pacer, self._config(), self._check_alive)

    async def _accepted(self, goal: ExecutePrimitive.Goal, progress: Progress, watch: KeepWaiting) -> Any:
        """Send a goal and return its handle; for the exceptions see :meth:`execute`."""
        sent = self._execute.send_goal_async(goal, feedback_callback=progress.on_feedback)
        try:
            handle = await self._pacer.wait_for(sent, self._config().service_timeout, "execute_primitive", watch)
        except ImpurityGraspError:
            sent.add_done_callback(_cancel_late)
            raise
        if not handle.accepted:
            await self._await_unique(watch)  # the server may have discovered another one before this node did
            raise ReportedError(ErrorCode.BUSY, "expected execute_primitive to accept the goal, it is busy")
        return handle

    async def _await_unique(self, watch: KeepWaiting) -> None:
        """Raise AmbiguousPeerError if more than one node would execute a goal.

        A server that crashed remains known to discovery for some time after its announcement has ended.
        """
        deadline = time.monotonic() + FORGOTTEN
        while (known := self._node.count_publishers(self._status_topic)) > 1:
            if self._servers.count > 1 or time.monotonic() > deadline:
                found = max(known, self._servers.count)
                raise AmbiguousPeerError(f"expected one node that offers execute_primitive, found {found}")
            watch()
            await self._pacer.tick()

    def _check_alive(self) -> None:
        """Raise PeerUnavailableError if the node that moves the arm has fallen silent."""
        if not self._servers.is_alive:
            raise PeerUnavailableError("expected the node that offers execute_primitive to stay alive, it fell silent")

    async def _call(self, client: Any, request: Any, watch: KeepWaiting, extra: float = 0.0) -> Any:
        """Call a service and return its answer; it has ``extra`` seconds more than usual."""
        await self._await_peer(client.service_is_ready, client.srv_name, watch)
        future = client.call_async(request)
        response = await self._pacer.wait_for(future, self._config().service_timeout + extra, client.srv_name, watch)
        check_answer(response)
        return response

    async def _await_peer(self, ready: Callable[[], bool], name: str, watch: KeepWaiting) -> None:
        """Wait until ``ready`` returns true."""
        timeout = self._config().startup_timeout
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline:
                raise PeerUnavailableError(f"expected {name} to appear within {timeout:g} s")
            watch()
            await self._pacer.tick()


def _cancel_late(sent: Future) -> None:
    """Cancel a goal that was accepted after the picker stopped waiting for it."""
    handle = sent.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()
