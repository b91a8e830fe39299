"""The picker's view of whoever moves the arm: late, expired, gone, or not the only one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from dds import unused_domain
from graph import until
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Primitive
from impurity_grasp_ros.errors import AmbiguousPeerError, ImpurityGraspError, PeerUnavailableError, ReportedError
from impurity_grasp_ros.nodes import peers
from impurity_grasp_ros.nodes.liveliness import announce_server
from impurity_grasp_ros.nodes.peers import Peers, PeersConfig
from impurity_grasp_ros.nodes.runtime import spin

pytestmark = [pytest.mark.ros]

SECONDS = {"startup_timeout": 20.0, "service_timeout": 1.0, "frame_timeout": 5.0, "execute_timeout": 60.0}
PATIENCE = PeersConfig(**SECONDS, stop_timeout=5.0, view_timeout=5.0)


@dataclass
class Arm:
    """A node that offers ``execute_primitive`` and does what a test wants; ``may_accept`` lets goals through."""

    node: Node
    asked: threading.Event = field(default_factory=threading.Event)
    may_accept: threading.Event = field(default_factory=threading.Event)
    canceled: threading.Event = field(default_factory=threading.Event)
    goals: int = 0

    def __post_init__(self) -> None:
        self.may_accept.set()
        self.announcement = announce_server(self.node)
        self.server = ActionServer(
            self.node,
            ExecutePrimitive,
            "execute_primitive",
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _on_goal(self, _goal: ExecutePrimitive.Goal) -> GoalResponse:
        self.asked.set()
        assert self.may_accept.wait(30.0)
        return GoalResponse.ACCEPT

    def _execute(self, handle: Any) -> ExecutePrimitive.Result:
        self.goals += 1
        until(lambda: handle.is_cancel_requested, "a cancel", 30.0)
        self.canceled.set()
        handle.canceled()
        return ExecutePrimitive.Result()


@pytest.fixture
def bench() -> Iterator[tuple[Callable[[], Arm], Callable[[], Any]]]:
    """Makes arms, and executes a primitive with the picker's own peers."""
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    executor = MultiThreadedExecutor(8, context=context)
    nodes: list[Node] = []

    def new_node(name: str) -> Node:
        nodes.append(Node(name, context=context))
        executor.add_node(nodes[-1])
        return nodes[-1]

    asked = Peers(new_node("picker"), lambda: PATIENCE)
    stop = threading.Event()
    thread = threading.Thread(target=spin, args=(executor, stop))
    thread.start()

    async def attempt() -> Any:
        try:
            return await asked.execute(Primitive(), lambda: None)
        except ImpurityGraspError as error:
            return error

    def execute() -> Any:
        return executor.create_task(attempt)

    yield lambda: Arm(new_node(f"arm_{len(nodes)}")), execute
    stop.set()
    thread.join()
    for node in nodes:
        node.destroy_node()
    context.try_shutdown()


def test_a_goal_that_is_accepted_too_late_is_canceled(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()
    arm.may_accept.clear()
    task = execute()
    until(task.done, "the job to give up")
    assert isinstance(task.result(), PeerUnavailableError)
    assert not arm.canceled.is_set()
    arm.may_accept.set()
    assert arm.canceled.wait(10.0)


def test_a_goal_that_two_arms_would_execute_is_given_to_none(bench: Any) -> None:
    new_arm, execute = bench
    arms = [new_arm(), new_arm()]
    task = execute()
    until(task.done, "an answer")
    assert isinstance(task.result(), AmbiguousPeerError), task.result()
    assert [arm.goals for arm in arms] == [0, 0]


def test_an_arm_that_falls_silent_in_mid_motion_ends_the_job(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()
    task = execute()
    until(lambda: arm.goals == 1, "the goal")
    arm.announcement.close()
    until(task.done, "the end of the job", 5.0)
    assert isinstance(task.result(), PeerUnavailableError)
    assert arm.canceled.wait(10.0)


def test_an_arm_that_falls_silent_before_it_accepts_ends_the_job_at_once(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()
    arm.may_accept.clear()
    task = execute()
    assert arm.asked.wait(20.0)
    arm.announcement.close()
    until(task.done, "the end of the job", 20.0)
    assert isinstance(task.result(), PeerUnavailableError)
    assert "fell silent" in str(task.result())
    arm.may_accept.set()
    assert arm.canceled.wait(10.0)


@pytest.mark.parametrize("status", [GoalStatus.STATUS_UNKNOWN, GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING])
def test_a_result_that_has_expired_is_no_success(status: int) -> None:
    with pytest.raises(ReportedError, match="status is"):
        peers._check_status(status)


def test_results_of_goals_that_have_ended_are_taken() -> None:
    for status in (4, 5, 6):  # succeeded, canceled, aborted
        peers._check_status(status)
