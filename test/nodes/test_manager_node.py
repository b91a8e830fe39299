"""The manager leads nodes through their states, in order, and notices when one of them is gone."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import rclpy
from dds import unused_domain
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from graph import until
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Empty

from impurity_grasp.msg import CellState
from impurity_grasp.srv import CaptureHeightmap, Manage
from impurity_grasp_ros.errors import ConfigError, ErrorCode
from impurity_grasp_ros.nodes.managed import AUTOSTART, ManagedNode
from impurity_grasp_ros.nodes.managed_peer import Level, next_steps
from impurity_grasp_ros.nodes.manager_node import ManagerNode
from impurity_grasp_ros.nodes.running import end
from impurity_grasp_ros.nodes.runtime import LATCHED, spin

pytestmark = pytest.mark.ros

ABSENT, UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED = (
    Level.ABSENT,
    Level.UNCONFIGURED,
    Level.INACTIVE,
    Level.ACTIVE,
    Level.FINALIZED,
)
NAMES = {1: "configure", 2: "cleanup", 3: "activate", 4: "deactivate", 5: "shutdown"}


def way(levels: list[Level], goal: Level) -> list[str]:
    """All transitions to a goal, as text."""
    found = []
    while steps := next_steps(levels, goal):
        for step in steps:
            found.append(f"{NAMES[step.transition]} {step.node}")
            levels[step.node] = step.level
        assert len(found) < 20
    return found


def test_the_transitions_are_those_of_ros() -> None:
    assert NAMES[Transition.TRANSITION_CONFIGURE] == "configure"
    assert NAMES[Transition.TRANSITION_CLEANUP] == "cleanup"
    assert NAMES[Transition.TRANSITION_ACTIVATE] == "activate"
    assert NAMES[Transition.TRANSITION_DEACTIVATE] == "deactivate"
    assert NAMES[Transition.TRANSITION_UNCONFIGURED_SHUTDOWN] == "shutdown"


def test_nodes_are_configured_then_activated_in_order() -> None:
    assert way([UNCONFIGURED] * 3, ACTIVE) == [
        *("configure 0", "configure 1", "configure 2"),
        *("activate 0", "activate 1", "activate 2"),
    ]


def test_only_configuring_overlaps() -> None:
    assert len(next_steps([UNCONFIGURED, INACTIVE, UNCONFIGURED], ACTIVE)) == 2
    assert len(next_steps([INACTIVE] * 3, ACTIVE)) == 1
    for goal in (INACTIVE, UNCONFIGURED, FINALIZED):
        assert len(next_steps([ACTIVE] * 3, goal)) == 1
    assert len(next_steps([UNCONFIGURED] * 3, FINALIZED)) == 1


def test_nodes_go_down_in_reverse_order() -> None:
    assert way([ACTIVE] * 2, INACTIVE) == ["deactivate 1", "deactivate 0"]
    assert way([ACTIVE] * 2, UNCONFIGURED) == ["deactivate 1", "cleanup 1", "deactivate 0", "cleanup 0"]
    assert way([ACTIVE, INACTIVE], FINALIZED) == [
        *("cleanup 1", "shutdown 1"),
        *("deactivate 0", "cleanup 0", "shutdown 0"),
    ]


def test_nothing_is_activated_before_every_node_is_there() -> None:
    assert way([UNCONFIGURED, ABSENT, UNCONFIGURED], ACTIVE) == ["configure 0", "configure 2"]


def test_a_node_that_comes_back_is_led_to_where_the_others_are() -> None:
    assert way([ACTIVE, UNCONFIGURED, ACTIVE], ACTIVE) == ["configure 1", "activate 1"]


def test_every_mixture_of_states_reaches_every_goal_that_it_can_reach() -> None:
    for levels in itertools.product((UNCONFIGURED, INACTIVE, ACTIVE), repeat=3):
        for goal in (UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED):
            states = list(levels)
            way(states, goal)
            assert states == [goal] * 3


class Worker(ManagedNode):
    """A managed node with one service; ``fault`` makes its configuration fail."""

    def __init__(self, name: str, context: Context, autostart: bool = False, **options: Any) -> None:
        overrides = [Parameter(AUTOSTART, value=autostart)]
        super().__init__(name, context=context, parameter_overrides=overrides, **options)
        self.fault = False
        self.hooks: list[str] = []
        self.start()

    def configure(self) -> None:
        self.hooks.append("configure")
        self.create_publisher(Empty, f"{self.get_name()}/something", 1)
        self.serve(CaptureHeightmap, f"{self.get_name()}/work", lambda _request, response: response)
        if self.fault:
            raise ConfigError("expected a file, found none")

    def activate(self) -> None:
        self.hooks.append("activate")

    def deactivate(self, reason: str) -> None:
        self.hooks.append("deactivate")


@dataclass
class Cell:
    """Some workers, perhaps a manager, and a client, in one executor."""

    context: Context
    executor: MultiThreadedExecutor
    client: Node
    nodes: dict[str, Node] = field(default_factory=dict)
    states: list[CellState] = field(default_factory=list)

    def add(self, node: Node) -> Node:
        self.nodes[node.get_name()] = node
        self.executor.add_node(node)
        return node

    def worker(self, name: str) -> Worker:
        node = self.add(Worker(name, self.context))
        assert isinstance(node, Worker)
        return node

    def manager(self, *names: str, **values: Any) -> None:
        given = {"mover": "", "nodes": list(names), "transition_timeout": 10.0, **values}
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        self.add(ManagerNode(context=self.context, parameter_overrides=overrides))

    def remove(self, name: str) -> None:
        node = self.nodes.pop(name)
        self.executor.remove_node(node)
        end(node)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.client.create_client(kind, name)
        until(client.service_is_ready, name)
        future = client.call_async(request)
        until(future.done, f"an answer of {name}")
        return future.result()

    def manage(self, command: int) -> Manage.Response:
        return self.call(Manage, "manage", Manage.Request(command=command))

    def work(self, name: str) -> int:
        """The error code of a worker's answer."""
        return int(self.call(CaptureHeightmap, f"{name}/work", CaptureHeightmap.Request()).error_code)

    def await_diagnostics(self, name: str, message: str, count: int) -> None:
        """Wait until diagnostics have said the same of a node some times."""
        found: list[DiagnosticStatus] = []

        def on_message(array: DiagnosticArray) -> None:
            found.extend(status for status in array.status if (status.name, status.message) == (name, message))

        self.client.create_subscription(DiagnosticArray, "/diagnostics", on_message, 10)
        until(lambda: len(found) >= count, f"diagnostics of {name}: {message}")

    def await_levels(self, *levels: Level) -> None:
        until(lambda: self.states and tuple(self.states[-1].states) == levels, f"{levels}", 30.0)


@pytest.fixture
def cell() -> Iterator[Cell]:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    executor = MultiThreadedExecutor(6, context=context)
    client, stop = Node("client", context=context), threading.Event()
    found = Cell(context, executor, client)
    client.create_subscription(CellState, "cell_state", found.states.append, LATCHED)
    executor.add_node(client)
    thread = threading.Thread(target=spin, args=(executor, stop))
    thread.start()
    yield found
    stop.set()
    thread.join()
    for node in (*found.nodes.values(), client):
        end(node)
    context.try_shutdown()


def test_a_node_that_starts_by_itself_serves_at_once(cell: Cell) -> None:
    cell.add(Worker("alone", cell.context, autostart=True))
    assert cell.work("alone") == ErrorCode.NONE


def test_a_transition_that_the_state_does_not_have_is_refused_and_the_node_keeps_serving(cell: Cell) -> None:
    cell.add(Worker("one", cell.context, autostart=True))
    for transition in (Transition(id=Transition.TRANSITION_ACTIVATE), Transition(label="configure"), Transition(id=99)):
        assert not cell.call(ChangeState, "one/change_state", ChangeState.Request(transition=transition)).success
    assert cell.work("one") == ErrorCode.NONE


def test_a_node_that_cannot_be_configured_says_why_when_it_starts_by_itself() -> None:
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    try:
        with pytest.raises(ConfigError, match="expected a file"):
            Broken("broken", context, autostart=True)
    finally:
        context.try_shutdown()


class Broken(Worker):
    def configure(self) -> None:
        raise ConfigError("expected a file, found none")


def test_the_manager_starts_all_nodes_and_says_so(cell: Cell) -> None:
    workers = [cell.worker(name) for name in ("one", "two")]
    cell.manager("one", "two")
    cell.await_levels(ACTIVE, ACTIVE)
    assert cell.states[-1].active
    assert list(cell.states[-1].nodes) == ["one", "two"]
    assert [worker.hooks for worker in workers] == [["configure", "activate"]] * 2
    assert [cell.work("one"), cell.work("two")] == [ErrorCode.NONE] * 2


def test_paused_nodes_do_not_serve_and_a_reset_lets_go_of_everything(cell: Cell) -> None:
    worker = cell.worker("one")
    before = (len(list(worker.services)), len(list(worker.publishers)))
    cell.manager("one")
    cell.await_levels(ACTIVE)
    assert cell.manage(Manage.Request.PAUSE).error_code == ErrorCode.NONE
    assert worker.hooks[-1] == "deactivate"
    assert cell.work("one") == ErrorCode.NOT_ACTIVE
    assert cell.manage(Manage.Request.RESUME).error_code == ErrorCode.NONE
    assert cell.work("one") == ErrorCode.NONE
    assert cell.manage(Manage.Request.RESET).error_code == ErrorCode.NONE
    assert (len(list(worker.services)), len(list(worker.publishers))) == before
    assert cell.manage(Manage.Request.STARTUP).error_code == ErrorCode.NONE
    assert cell.work("one") == ErrorCode.NONE


def test_a_node_that_cannot_be_configured_is_named_and_can_be_tried_again(cell: Cell) -> None:
    worker = cell.worker("one")
    worker.fault, before = True, len(list(worker.services))
    cell.manager("one", startup=False)
    answer = cell.manage(Manage.Request.STARTUP)
    assert answer.error_code == ErrorCode.PEER_UNAVAILABLE
    assert "expected one to become INACTIVE" in answer.error_msg
    assert len(list(worker.services)) == before, "what it had created is destroyed"
    worker.fault = False
    assert cell.manage(Manage.Request.STARTUP).error_code == ErrorCode.NONE
    assert cell.work("one") == ErrorCode.NONE


@pytest.mark.parametrize("restart", [True, False])
def test_a_node_that_is_gone_is_noticed_and_started_again_if_that_is_wanted(cell: Cell, restart: bool) -> None:
    cell.worker("one")
    cell.worker("two")
    cell.manager("one", "two", restart=restart)
    cell.await_levels(ACTIVE, ACTIVE)
    cell.remove("two")
    cell.await_levels(ACTIVE, ABSENT)
    assert not cell.states[-1].active
    cell.worker("two")
    cell.await_levels(ACTIVE, ACTIVE if restart else UNCONFIGURED)


def test_a_node_that_a_person_has_paused_stays_paused_until_the_manager_is_told_to_go_on(cell: Cell) -> None:
    worker = cell.worker("one")
    cell.manager("one")
    cell.await_levels(ACTIVE)
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    assert cell.call(ChangeState, "one/change_state", request).success
    cell.await_levels(INACTIVE)
    cell.await_diagnostics("one", "inactive", 2)  # the manager looks many times in between
    assert worker.hooks.count("activate") == 1
    assert cell.manage(Manage.Request.RESUME).error_code == ErrorCode.NONE
    assert cell.work("one") == ErrorCode.NONE


def test_a_node_that_is_replaced_before_its_silence_is_noticed_is_started_again(cell: Cell) -> None:
    """Two processes of one name follow each other so fast that there is always one that announces itself."""
    cell.worker("one")
    cell.manager("one")
    cell.await_levels(ACTIVE)
    old = cell.nodes.pop("one")
    new = cell.worker("one")
    cell.executor.remove_node(old)
    end(old)
    until(lambda: new.hooks == ["configure", "activate"], "the new one to be started")
    cell.await_levels(ACTIVE)


class Held(Worker):
    """A worker that begins to configure itself, and does not end before it is let go."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        super().__init__(*arguments, **options)

    def configure(self) -> None:
        self.begun.set()
        self.let_go.wait()


def test_a_node_that_is_replaced_while_it_is_configured_is_configured_again(cell: Cell) -> None:
    held = cell.add(Held("one", cell.context))
    cell.manager("one")
    assert held.begun.wait(30.0)
    new = cell.worker("one")
    cell.nodes["held"] = held
    try:
        cell.executor.remove_node(held)
        until(lambda: new.hooks == ["configure", "activate"], "the new one to be started")
        cell.await_levels(ACTIVE)
    finally:
        held.let_go.set()


class Refusing(Worker):
    """A worker that refuses to be configured because it is: an earlier request, whose answer was lost, has done it."""

    def _LifecycleNodeMixin__change_state(self, transition: int) -> TransitionCallbackReturn:
        answer = super()._LifecycleNodeMixin__change_state(transition)
        return TransitionCallbackReturn.FAILURE if transition == Transition.TRANSITION_CONFIGURE else answer


def test_a_node_that_is_already_where_it_was_led_is_led_on(cell: Cell) -> None:
    node = cell.add(Refusing("one", cell.context))
    cell.manager("one")
    cell.await_levels(ACTIVE)
    assert node.hooks == ["configure", "activate"]


def test_a_node_that_is_replaced_before_it_is_led_down_is_down(cell: Cell) -> None:
    cell.worker("one")
    cell.manager("one")
    cell.await_levels(ACTIVE)
    old = cell.nodes.pop("one")
    cell.worker("one")
    cell.executor.remove_node(old)
    end(old)
    answer = cell.manage(Manage.Request.RESET)
    assert answer.error_code == ErrorCode.NONE, answer.error_msg
    cell.await_levels(UNCONFIGURED)


def test_a_shut_down_stops_what_moves_and_ends_the_process(cell: Cell) -> None:
    worker, ended = cell.worker("one"), threading.Event()
    worker.when_ended(ended.set)
    cell.manager("one")
    cell.await_levels(ACTIVE)
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN))
    assert cell.call(ChangeState, "one/change_state", request).success
    assert ended.is_set()
    assert worker.hooks[-1] == "deactivate"


def test_diagnostics_name_each_node_with_its_namespace_its_state_and_the_times_of_its_services(cell: Cell) -> None:
    statuses: dict[str, DiagnosticStatus] = {}

    def on_message(message: DiagnosticArray) -> None:
        statuses.update({status.name: status for status in message.status})

    cell.client.create_subscription(DiagnosticArray, "/diagnostics", on_message, 10)
    cell.add(Worker("idle", cell.context, namespace="line1"))
    cell.add(Worker("busy", cell.context, autostart=True))
    cell.work("busy")
    until(lambda: "busy/work" in {item.key for item in statuses.get("busy", DiagnosticStatus()).values}, "its time")
    assert (statuses["busy"].level, statuses["busy"].message) == (DiagnosticStatus.OK, "active")
    assert re.fullmatch(r"\d+ ms, at most \d+ ms of 1", statuses["busy"].values[0].value)
    until(lambda: "line1/idle" in statuses, "diagnostics of the other node")
    assert (statuses["line1/idle"].level, statuses["line1/idle"].message) == (DiagnosticStatus.WARN, "unconfigured")


def test_an_unknown_command_is_refused_by_name(cell: Cell) -> None:
    cell.manager("one", startup=False)
    answer = cell.manage(9)
    assert answer.error_code == ErrorCode.INVALID_GOAL
    assert "received 9" in answer.error_msg
