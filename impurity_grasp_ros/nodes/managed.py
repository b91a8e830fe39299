"""Managed nodes: unconfigured, inactive, active, and what happens in between.

Configuring loads files and opens devices, activating begins to serve, deactivating stops what moves, cleaning up lets
go of everything. ``manager_node`` leads the nodes of a cell through these states in order. A node that is started by
itself does so on its own (parameter ``autostart``).
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from std_msgs.msg import Header

from impurity_grasp_ros.errors import NotActiveError
from impurity_grasp_ros.nodes.diagnostics import DIAGNOSTICS, Timing, status_of
from impurity_grasp_ros.nodes.liveliness import Announcement
from impurity_grasp_ros.nodes.memory import release_unused_memory
from impurity_grasp_ros.nodes.owning import OwningNode
from impurity_grasp_ros.nodes.runtime import answer_error, log_error, steady_timer
from impurity_grasp_ros.nodes.stamps import BASE_FRAME, to_header

AUTOSTART = "autostart"
"""Parameter: whether a node configures and activates itself."""

FRAME_PREFIX = "frame_prefix"
"""Parameter: what the names of the cell's frames begin with, such as ``left_``; empty for a single cell."""

DIAGNOSTICS_PERIOD = 1.0
"""Seconds between diagnostics."""

REST = 3
"""After how many periods without a request, again and again, a node gives unused memory back to the system."""

ALIVE_LEASE = 2.0
"""Seconds of silence after which a managed node is considered gone."""


def alive_topic(name: str) -> str:
    """The topic on which the managed node of a name announces itself."""
    return f"{name}/alive"


class ManagedNode(OwningNode):
    """A node of this package with the states of ROS 2 managed nodes.

    Subclasses declare parameters in their constructor, override the hooks, and call :meth:`start` last. What the
    methods ``create_...``, :meth:`serve` and :meth:`own` add in :meth:`configure` is destroyed when the node is cleaned
    up. If a hook raises an exception, the transition fails.

    Args:
        name: Name of the node.
        options: Keyword arguments of :class:`rclpy.node.Node`.
    """

    failure = ""
    """See :class:`.EndingNode`."""

    def __init__(self, name: str, **options: Any) -> None:
        self._configured = self._starting = False
        self._halted = False
        self._rested = 0
        self._on_end: Callable[[], None] = lambda: None
        self._error: Exception | None = None
        super().__init__(name, **options)
        self.declare_parameter(AUTOSTART, True)
        self.declare_parameter(FRAME_PREFIX, "")
        self._announcement = Announcement(self, alive_topic(name), ALIVE_LEASE)
        self._timings: dict[str, Timing] = {}
        self._diagnostics = self.create_publisher(DiagnosticArray, DIAGNOSTICS, 10)
        steady_timer(self, DIAGNOSTICS_PERIOD, self._publish_diagnostics)

    # --- hooks of subclasses -----------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Load files, open devices, and create what serves."""

    def activate(self) -> None:
        """Begin to serve."""

    def health(self) -> Mapping[str, str]:
        """What diagnostics say about the node besides its state and the times of its services, by name."""
        return {}

    def device_statuses(self) -> Sequence[DiagnosticStatus]:
        """What diagnostics say about devices."""
        return ()

    def deactivate(self, reason: str) -> None:
        """Stop at once what moves, for a reason; may be called from any thread and more than once."""

    # --- for subclasses ----------------------------------------------------------------------------------------------

    def serve(self, kind: Any, name: str, callback: Callable[[Any, Any], Any], **options: Any) -> None:
        """Create a service that answers with NOT_ACTIVE while the node is not active.

        Args:
            kind: Type of the service, whose response has ``error_code`` and ``error_msg``.
            name: Name of the service.
            callback: Answers requests; may be a coroutine function.
            options: Keyword arguments of :meth:`rclpy.node.Node.create_service`.
        """

        async def guarded(request: Any, response: Any) -> Any:
            try:
                self.check_active()
            except NotActiveError as error:
                return answer_error(response, error, self.get_logger())
            start, self._rested = time.monotonic(), 0
            answer = callback(request, response)
            answer = await answer if inspect.isawaitable(answer) else answer
            timing.add(start)
            return answer

        timing = self._timings[name] = Timing()
        self.create_service(kind, name, guarded, **options)

    def check_active(self) -> None:
        """Raise NotActiveError if the node is not active."""
        if not self.is_active:
            state = "shutting down" if self._halted else self._state_machine.current_state[1]
            raise NotActiveError(f"expected {self.get_name()} to be active, it is {state}")

    @property
    def frame_prefix(self) -> str:
        """What the names of the cell's frames begin with."""
        return str(self.get_parameter(FRAME_PREFIX).value)

    def header(self, stamp: float) -> Header:
        """Return the header of a message in the frame ``base_link`` of the cell, for a stamp in seconds."""
        return to_header(stamp, self.frame_prefix + BASE_FRAME)

    def start(self) -> None:
        """Configure and activate the node if parameter ``autostart`` says so.

        Raises:
            ImpurityGraspError: It cannot be configured or activated.
        """
        if self.get_parameter(AUTOSTART).value:
            self._starting = True
            for transition in (self.trigger_configure, self.trigger_activate):
                transition()
                if self._error is not None:
                    raise self._error
            self._starting = False

    # --- for those who run nodes -------------------------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        """Whether the node serves."""
        return not self._halted and self._state_machine.current_state[0] == State.PRIMARY_STATE_ACTIVE

    def halt(self) -> None:
        """Stop at once what moves and serve no more; from any thread. Callbacks still run."""
        self._halted = True
        if self._configured:
            self.deactivate("the node was told to shut down")

    def close(self) -> None:
        """Stop what moves and let go of everything, after the last callback."""
        self.halt()
        self._release()
        self._announcement.close()

    def when_ended(self, action: Callable[[], None]) -> None:
        """Call a function once the node has been shut down by its manager."""
        self._on_end = action

    def _release(self) -> None:
        self._configured = False
        self.release()

    def _publish_diagnostics(self) -> None:
        self._rested += 1
        if self._rested % REST == 0:  # what a node only listens to uses memory, too
            release_unused_memory()
        name, active = self.get_fully_qualified_name().lstrip("/"), self.is_active
        values = {name: str(timing) for name, timing in self._timings.items() if timing.count}
        status = status_of(
            name,
            DiagnosticStatus.OK if active else DiagnosticStatus.WARN,
            str(self._state_machine.current_state[1]),
            {**values, **(self.health() if active else {})},
        )
        devices = self.device_statuses() if self._configured else ()
        message = DiagnosticArray(status=[status, *devices])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    # --- transitions -------------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :class:`rclpy.lifecycle.LifecycleNode`."""
        with self.owning():
            done = self._tried(self.configure)
        self._configured = done == TransitionCallbackReturn.SUCCESS
        if not self._configured:
            self.release()
        return done

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :class:`rclpy.lifecycle.LifecycleNode`."""
        return self._tried(self.activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :class:`rclpy.lifecycle.LifecycleNode`."""
        return self._tried(lambda: self.deactivate("the node was deactivated"))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :class:`rclpy.lifecycle.LifecycleNode`."""
        return self._tried(self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :class:`rclpy.lifecycle.LifecycleNode`; whoever runs the node then ends its process."""
        self.halt()
        self._on_end()
        return TransitionCallbackReturn.SUCCESS

    def _LifecycleNodeMixin__change_state(self, transition: int) -> TransitionCallbackReturn:
        """Refuse a transition that the state does not have; rclpy would end the node."""
        if transition not in {number for number, *_ in self._state_machine.available_transitions}:
            self.get_logger().error(
                f"expected a transition of state {self._state_machine.current_state[1]}, received {transition}"
            )
            return TransitionCallbackReturn.FAILURE
        changed: TransitionCallbackReturn = super()._LifecycleNodeMixin__change_state(transition)
        return changed

    def _tried(self, hook: Callable[[], Any]) -> TransitionCallbackReturn:
        self._error = None
        try:
            hook()
        except Exception as error:  # rclpy would hide it
            self._error = error
            if not self._starting:  # then it is raised
                log_error(error, self.get_logger())
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS
